# SPDX-License-Identifier: GPL-2.0-or-later
"""What the daemons have in common: how each is configured and started, and what each says of a session, in words they share.

A session's options: family, as_ (of ours; absent: one of its own), internal, password, gtsm, role, strict, add_path, restart,
long_lived, extended_next_hop, extended_message, reflect, no_policy, max_prefixes, hold, dials, bfd, bandwidth (of the link to ours,
Mbit/s), vpn (VPN-IPv4, and EVPN where the daemon has it)."""
import os
import pathlib
import shutil
import signal
import struct
import subprocess

from ours import host4, until

SBIN = "/usr/sbin:/usr/bin:/sbin:/bin"
AS = 4200000001
OWN4, OWN6 = "198.51.100.0/24", "2001:db8:100::/48"
VPN, EVPN = (1, 128), (25, 70)  # AFI and SAFI
RD, LABEL = (64500, 1), 100  # of what daemons announce to a VPN
OWN_VPN = "203.0.113.0/24"
OWN_MAC = "02:00:00:00:00:07"


class Session:
    """What one of our speakers has with a daemon, as the daemon is to be told."""

    def __init__(self, host, **options):
        self.host, self.options = host, options
        self.family = options.get("family", 4)
        self.address = host4(host) if self.family == 4 else f"fd00::{host:x}"
        self.as_ = AS if options.get("internal") else options.get("as_", 64500 + host)

    def __getattr__(self, name):
        return self.options.get(name)


class Daemon:
    """What all have in common."""

    name, program = "", ""
    lacks = {}
    heeds_shutdown = True  # RFC 8326, by itself or as configured here
    refuses_without_policy = False  # RFC 8212: does not start then
    origin = (VPN,)  # families beyond unicast of which it announces a route
    vpn_words = ("{path}", "{label}")  # what it says of such a route
    vpn_label = LABEL
    vpn_gone = True  # it takes such a route back
    names_protocols = False  # and not neighbors, in its tables

    def __init__(self, number, folder):
        self.address4, self.address6 = f"10.0.0.{number}", f"fd00::{number:x}"
        self.number, self.folder, self.processes = number, folder, []
        folder.mkdir()

    def address(self, session):
        return self.address4 if session.family == 4 else self.address6

    @classmethod
    def missing(cls):
        return None if shutil.which(cls.program, path=SBIN) else f"{cls.name} is not installed"

    def ready(self, s):  # pylint: disable=unused-argument
        """It takes a connection for the session."""
        return True

    def keeps(self, s, route):  # pylint: disable=unused-argument
        """The route outlives the session."""
        return route["stale"]

    def hurry(self):
        """From now on it asks for as little time as it can for its restarts, where that is no matter of each session."""

    def restart(self):
        self.start(self.started)

    def spawn(self, *words):
        with open(self.folder / "log", "ab") as log:
            self.processes.append(subprocess.Popen([str(w) for w in words], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                                   start_new_session=True))
        return self.processes[-1]

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    @staticmethod
    def run(*words):
        return subprocess.run([str(w) for w in words], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL).stdout

    def descendants(self):
        """Ids of its processes and theirs."""
        found = [process.pid for process in self.processes]
        for pid in found:  # which grows
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text(encoding="ascii").split()]
        return found

    def freeze(self, frozen):
        """Once this is back, all its threads stand."""
        for process in self.processes:
            os.killpg(process.pid, signal.SIGSTOP if frozen else signal.SIGCONT)
        if frozen:
            until(lambda: all(stands(pid) for pid in self.descendants()), f"{self.name} stands still")

    def stop(self):
        for process in self.processes:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.processes = []


def bandwidth(megabits, asn=64500):
    """The extended community of draft-ietf-idr-link-bandwidth: octets a second, as a float."""
    return bytes.fromhex("4004") + struct.pack(">Hf", asn, megabits * 125e3)


def stands(pid):
    """All threads of the process do."""
    return all((task / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0] == "T"
               for task in pathlib.Path(f"/proc/{pid}/task").iterdir())


def tool(name):
    return shutil.which(name, path=SBIN) or name


def text_of(value):
    return None if value is None else str(value)
