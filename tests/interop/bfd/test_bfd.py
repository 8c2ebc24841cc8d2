#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Our BFD speaker against BIRD 2 and FRR's bfdd. What is true is what the daemon's own command line says, and how
tshark reads what went over the link. Run plainly it starts bfd_peer, which runs it again in the sandbox, beside the
daemon."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

CONTROL = "/run/bfd_peer"
SBIN = "/usr/sbin:/usr/bin:/sbin:/bin"
FRR = pathlib.Path("/usr/lib/frr")
DEADLINE_S = 15
SLACK_S = 1.5  # that a busy machine may be late
SKIP = 77

# Ours and theirs, in milliseconds. All differ, so that none is taken for another.
OURS = {"tx": 100, "rx": 150, "mult": 5}
THEIRS = {"tx": 120, "rx": 200, "mult": 6}
OUR_INTERVAL = max(OURS["tx"], THEIRS["rx"])
OUR_DETECTION = THEIRS["mult"] * max(OURS["rx"], THEIRS["tx"])
THEIR_INTERVAL = max(THEIRS["tx"], OURS["rx"])
THEIR_DETECTION = OURS["mult"] * max(THEIRS["rx"], OURS["tx"])
NEIGHBOR_DOWN, EXPIRED, ECHO_PORT = 3, 1, 3785


def until(condition, what, deadline_s=DEADLINE_S):
    """The condition's first true value, looked for until the deadline."""
    end, pause = time.monotonic() + deadline_s, threading.Event()
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline_s} s: {what}")
        pause.wait(0.05)


class Peer:
    """Our side, commanded over its socket."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(CONTROL)
        self.lines = self.socket.makefile("rw")

    def tell(self, *words):
        self.lines.write(" ".join(str(w) for w in words) + "\n")
        self.lines.flush()
        line = self.lines.readline().strip()
        if line.startswith("error") or not line:
            raise AssertionError(f"{words}: {line}")
        return dict(pair.split("=") for pair in line.split() if "=" in pair)

    def add(self, family=4, role="active", auth=()):
        ends = ("10.0.0.2", "10.0.0.1") if family == 4 else ("fd00::2", "fd00::1")
        return self.tell("add", *ends, OURS["tx"] * 1000, OURS["rx"] * 1000, OURS["mult"], role, *auth)

    def reach(self, state, seconds=DEADLINE_S):
        info = self.tell("await", state, int(seconds * 1000))
        if info["state"] != state:
            raise AssertionError(f"not {state} within {seconds} s: {info}")
        return info

    def settle(self):
        """Up, and agreed."""
        self.reach("Up")
        return until(lambda: (info := self.tell("info"))["polling"] == "0" and info["state"] == "Up" and info,
                     "agreement")


class Recorder(threading.Thread):
    """Writes what passes the link into a capture file."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.ended = path, threading.Event()
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind(("link", 3))
        self.socket.settimeout(0.1)
        self.start()

    def run(self):
        with open(self.path, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
            while not self.ended.is_set():
                try:
                    frame = self.socket.recv(65535)
                except TimeoutError:
                    continue
                now = time.time_ns() // 1000
                file.write(struct.pack("<IIII", now // 1000000, now % 1000000, len(frame), len(frame)) + frame)

    def packets(self, *fields, query="bfd"):
        """Those of BFD, as tshark reads them."""
        self.ended.set()
        self.join()
        self.socket.close()
        words = [shutil.which("tshark", path=SBIN), "-r", str(self.path), "-Y", query, "-T", "fields"]
        words += ["-E", "separator=|"]
        for field in fields:
            words += ["-e", field]
        home = {**os.environ, "HOME": str(self.path.parent)}  # the user's may be out of reach, which tshark does not survive
        text = subprocess.run(words, capture_output=True, text=True, check=True, env=home).stdout
        return [dict(zip(fields, line.split("|"))) for line in text.splitlines()]


class Bird:
    """BIRD 2; how it shows a session: address, interface, state, since, interval, timeout (seconds)."""

    name = "BIRD 2"
    AUTH = {1: "simple", 2: "keyed md5", 3: "meticulous keyed md5", 4: "keyed sha1", 5: "meticulous keyed sha1"}

    def __init__(self, folder):
        self.folder, self.process = folder, None

    @staticmethod
    def missing():
        path = shutil.which("bird", path=SBIN)
        if path is None:
            return "bird is not installed"
        words = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
        return None if "version 2" in words.stderr + words.stdout else "bird is not BIRD 2"

    def start(self, family=4, passive=False, auth=()):
        config = self.folder / "bird.conf"
        lines = [f"min rx interval {THEIRS['rx']} ms;", f"min tx interval {THEIRS['tx']} ms;",
                 f"multiplier {THEIRS['mult']};", f"passive {'on' if passive else 'off'};"]
        if auth:
            lines += [f"authentication {self.AUTH[auth[0]]};", f'password "{auth[2]}" {{ id {auth[1]}; }};']
        neighbor = "10.0.0.2" if family == 4 else "fd00::2"
        config.write_text("router id 10.0.0.1;\nprotocol device { }\nprotocol bfd bfd1 {\n"
                          f"  interface \"link\" {{ {' '.join(lines)} }};\n  neighbor {neighbor} dev \"link\";\n}}\n")
        words = [shutil.which("bird", path=SBIN), "-f", "-c", str(config), "-s", "/run/bird.ctl"]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: "BIRD" in self.ask("show status"), "BIRD answers")

    def ask(self, words):
        return subprocess.run([shutil.which("birdc", path=SBIN), "-s", "/run/bird.ctl", *words.split()],
                              capture_output=True, text=True, check=False).stdout

    def session(self):
        row = r"^(10\.0\.0\.2|fd00::2)\s+link\s+(\w+)\s+\S+\s+([\d.]+)\s+([\d.]+)"
        found = re.search(row, self.ask("show bfd sessions"), re.M)
        if found is None:
            return None
        interval, detection = (round(float(seconds) * 1000) for seconds in found.group(3, 4))
        return {"state": found[2], "interval": interval, "detection": detection}

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process is not None:
            self.kill()
            self.process = None


class Frr:
    """FRR's bfdd, with the zebra it asks for interfaces."""

    name = "FRR"

    def __init__(self, folder):
        self.folder, self.processes = folder, {}

    @staticmethod
    def missing():
        return None if (FRR / "bfdd").exists() and shutil.which("vtysh", path=SBIN) else "frr is not installed"

    def start(self, family=4, passive=False, auth=()):
        if auth:
            raise unittest.SkipTest("bfdd has no authentication")
        for path in ("/run/frr", "/var/tmp/frr", "/var/lib/frr", "/var/log/frr", "/run/etc-frr"):
            pathlib.Path(path).mkdir(parents=True, exist_ok=True)
        if not os.path.ismount("/etc/frr"):
            # The package's folder belongs to a user that the sandbox lacks.
            pathlib.Path("/etc/frr").mkdir(exist_ok=True)
            subprocess.run([shutil.which("mount", path=SBIN), "--bind", "/run/etc-frr", "/etc/frr"], check=True)
        pathlib.Path("/etc/frr/vtysh.conf").touch()
        ends = ("10.0.0.2", "10.0.0.1") if family == 4 else ("fd00::2", "fd00::1")
        # bfdd asks for the interface where it is to check the TTL of a neighbour.
        self.peer = f"peer {ends[0]} local-address {ends[1]} interface link"
        lines = [f"receive-interval {THEIRS['rx']}", f"transmit-interval {THEIRS['tx']}",
                 f"detect-multiplier {THEIRS['mult']}"]
        lines += ["passive-mode"] if passive else []
        self.run("zebra", "zserv.api")
        self.run("bfdd", "bfdd.vty")
        self.ask("configure terminal", "bfd", self.peer, *lines, "end")

    def run(self, program, shows):
        pathlib.Path("/run/frr", shows).unlink(missing_ok=True)
        self.processes[program] = subprocess.Popen([str(FRR / program), "--log", "stdout"], stdout=subprocess.DEVNULL,
                                                   stderr=subprocess.DEVNULL)
        until(lambda: pathlib.Path("/run/frr", shows).exists(), f"{program} listens")

    def ask(self, *lines):
        words = [shutil.which("vtysh", path=SBIN)]
        for line in lines:
            words += ["-c", line]
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout

    def details(self):
        text = self.ask("show bfd peers json")
        found = json.loads(text[text.index("["):]) if "[" in text else []
        return found[0] if found else None

    def session(self):
        """What it says about the session; its own intervals and ours are shown, not what was agreed on."""
        d = self.details()
        if d is None:
            return None
        interval = max(d["transmit-interval"], d["remote-receive-interval"])
        detection = d["remote-detect-multiplier"] * max(d["receive-interval"], d["remote-transmit-interval"])
        return {"state": d["status"].capitalize(), "interval": interval, "detection": detection}

    def kill(self):
        self.processes["bfdd"].kill()
        self.processes["bfdd"].wait()

    def stop(self):
        for process in self.processes.values():
            process.kill()
            process.wait()
        self.processes = {}


class Shared:
    """What both daemons are put through."""

    daemon_class = None
    peer = None

    def setUp(self):
        if self.daemon_class.missing():
            self.skipTest(self.daemon_class.missing())
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.folder = pathlib.Path(folder)
        self.daemon = self.daemon_class(self.folder)
        self.addCleanup(self.daemon.stop)
        self.addCleanup(self.forget)

    def forget(self):
        try:
            self.peer.tell("die")
        except AssertionError:
            pass  # there was no session any more

    def begin(self, **how):
        """Both sides up and agreed."""
        role = how.pop("role", "active")
        self.daemon.start(**how)
        self.peer.add(how.get("family", 4), role, how.get("auth", ()))
        info = self.peer.settle()
        self.daemon_shows("Up")
        return info

    def daemon_shows(self, state, deadline_s=DEADLINE_S):
        return until(lambda: (s := self.daemon.session()) and s["state"] == state and s,
                     f"{self.daemon.name} shows {state}", deadline_s)

    def agreed(self, detection=THEIR_DETECTION):
        return until(lambda: (s := self.daemon.session()) and
                     s == {"state": "Up", "interval": THEIR_INTERVAL, "detection": detection} and s,
                     f"interval {THEIR_INTERVAL}, detection {detection}; last {self.daemon.session()}")

    def test_intervals_are_agreed_on(self):
        info = self.begin()
        self.assertEqual((int(info["tx_us"]), int(info["detect_us"])), (OUR_INTERVAL * 1000, OUR_DETECTION * 1000))
        self.agreed()
        # Slower, then faster than before: neither makes anybody fall (RFC 5880 section 6.8.3).
        for tx, detection in ((700, 3500), (50, 1000), (400, 2000)):
            self.peer.tell("set", tx * 1000, OURS["rx"] * 1000, OURS["mult"])
            self.agreed(detection)
        info = self.peer.settle()
        self.assertEqual((info["falls"], int(info["tx_us"])), ("0", 400000))

    def test_ipv6(self):
        self.begin(family=6)
        self.agreed()

    def test_we_are_passive(self):
        self.begin(role="passive")

    def test_they_are_passive(self):
        self.begin(passive=True)

    def test_a_killed_daemon_is_noticed(self):
        self.begin()
        killed = time.monotonic()
        self.daemon.kill()
        info = self.peer.reach("Down", OUR_DETECTION / 1000 + SLACK_S)
        took = (time.monotonic() - killed) * 1000
        self.assertEqual((int(info["diag"]), info["failures"]), (EXPIRED, "1"))
        self.assertGreater(took, OUR_DETECTION - THEIR_INTERVAL - 20)

    def test_our_death_is_noticed_and_our_return(self):
        self.begin()
        self.peer.tell("die")
        self.daemon_shows("Down", THEIR_DETECTION / 1000 + SLACK_S)
        self.peer.add()
        self.peer.settle()
        self.daemon_shows("Up")

    def test_a_stopped_daemon_comes_back(self):
        self.begin()
        process = getattr(self.daemon, "process", None) or self.daemon.processes["bfdd"]
        process.send_signal(signal.SIGSTOP)
        self.peer.reach("Down", OUR_DETECTION / 1000 + SLACK_S)
        process.send_signal(signal.SIGCONT)
        self.peer.settle()
        self.daemon_shows("Up")

    def test_our_admin_down_is_seen(self):
        self.begin()
        self.peer.tell("down")
        self.daemon_shows("Down")
        self.peer.tell("up")
        self.peer.settle()
        self.daemon_shows("Up")

    def test_tshark_finds_nothing_wrong(self):
        if shutil.which("tshark", path=SBIN) is None:
            self.skipTest("tshark is not installed")
        recorder = Recorder(self.folder / "link.pcap")
        self.begin()
        self.peer.tell("set", 400000, OURS["rx"] * 1000, OURS["mult"])
        self.agreed(2000)
        self.peer.settle()
        rows = recorder.packets("frame.time_epoch", "ip.src", "ip.ttl", "udp.srcport", "udp.dstport", "bfd.version",
                                "bfd.sta", "bfd.flags.p", "bfd.flags.f", "bfd.desired_min_tx_interval",
                                "bfd.required_min_echo_interval", "_ws.malformed")
        mine = [r for r in rows if r["ip.src"] == "10.0.0.2" and r["udp.dstport"] == "3784"]
        self.assertGreater(len(mine), 3)
        self.assertEqual({r["ip.ttl"] for r in mine}, {"255"})
        self.assertEqual({r["bfd.version"] for r in mine}, {"1"})
        self.assertEqual({r["_ws.malformed"] for r in mine}, {""})
        self.assertEqual({r["bfd.required_min_echo_interval"] for r in mine}, {"0"})
        ports = {r["udp.srcport"] for r in mine}
        self.assertEqual(len(ports), 1)
        self.assertGreaterEqual(int(ports.pop()), 49152)
        for r in mine:
            self.assertFalse(r["bfd.flags.p"] == r["bfd.flags.f"] == "1", "P and F together")
            if int(r["bfd.sta"], 16) != 3:
                self.assertGreaterEqual(int(r["bfd.desired_min_tx_interval"]), 1000000)
        self.polls_are_answered([r for r in rows if r["udp.dstport"] == "3784"])
        self.assertIn("400000", {r["bfd.desired_min_tx_interval"] for r in mine if r["bfd.flags.p"] == "1"})

    def polls_are_answered(self, rows):
        polls = 0
        for i, row in enumerate(rows):
            if row["ip.src"] != "10.0.0.1" or row["bfd.flags.p"] != "1":
                continue
            polls += 1
            finals = [r for r in rows[i:] if r["ip.src"] == "10.0.0.2" and r["bfd.flags.f"] == "1"]
            self.assertTrue(finals, "a poll is not answered")
            self.assertLess(float(finals[0]["frame.time_epoch"]) - float(row["frame.time_epoch"]), SLACK_S)
        return polls


class BirdTest(Shared, unittest.TestCase):
    daemon_class = Bird

    def test_authentication(self):
        for kind in sorted(Bird.AUTH):
            with self.subTest(Bird.AUTH[kind]):
                self.begin(auth=(kind, 7, "secret"))
                self.daemon.stop()
                self.peer.tell("die")

    def test_another_key_keeps_the_session_down(self):
        self.daemon.start(auth=(4, 7, "secret"))
        self.peer.add(auth=(4, 7, "sEcret"))
        info = self.peer.tell("await", "Up", 3000)
        self.assertEqual(info["state"], "Down")
        self.assertNotEqual(self.daemon.session()["state"], "Up")


class FrrTest(Shared, unittest.TestCase):
    daemon_class = Frr

    def test_their_admin_down_is_no_failure(self):
        self.begin()
        self.daemon.ask("configure terminal", "bfd", self.daemon.peer, "shutdown", "end")
        info = self.peer.reach("Down")
        # Its diagnostic of that is "none" in FRR 8.4, so it is not looked at.
        self.assertEqual((info["remote"], int(info["diag"]), info["failures"]), ("AdminDown", NEIGHBOR_DOWN, "0"))
        self.daemon.ask("configure terminal", "bfd", self.daemon.peer, "no shutdown", "end")
        self.peer.settle()

    def test_it_is_told_why(self):
        self.begin()
        self.peer.tell("down")
        self.daemon_shows("Down")
        details = until(lambda: (d := self.daemon.details()) and d["remote-diagnostic"] != "ok" and d, "a diagnostic")
        self.assertEqual(details["diagnostic"], "neighbor signaled session down")
        self.assertEqual(details["remote-diagnostic"], "administratively down")

    def test_it_sends_no_echo_as_we_want_none(self):
        """RFC 5880 section 6.8.9: our Required Min Echo RX Interval is 0. It would send twenty a second."""
        if shutil.which("tshark", path=SBIN) is None:
            self.skipTest("tshark is not installed")
        recorder = Recorder(self.folder / "link.pcap")
        self.begin()
        self.daemon.ask("configure terminal", "bfd", self.daemon.peer, "echo transmit-interval 50", "echo receive-interval 50",
                        "echo-mode", "end")
        until(lambda: (d := self.daemon.details()) and d["echo-receive-interval"] == 50 and d["echo-transmit-interval"] == 50,
              "echo mode")
        # One that comes all the same is nobody's here: ICMP says so. Where a node forwards, it is for the kernel to send it back.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as echo:
            echo.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 255)
            echo.connect(("10.0.0.2", ECHO_PORT))
            echo.settimeout(DEADLINE_S)
            echo.send(bytes(16))
            with self.assertRaises(ConnectionRefusedError):
                echo.recv(1)
            own = echo.getsockname()[1]
        self.peer.tell("set", 400000, OURS["rx"] * 1000, OURS["mult"])
        self.agreed(2000)
        info = self.peer.settle()
        self.assertEqual(info["falls"], "0")
        rows = recorder.packets("ip.src", "udp.srcport", "udp.dstport", "bfd.sta", "bfd.required_min_echo_interval",
                                query="udp && !icmp")
        self.assertEqual([r["udp.srcport"] for r in rows if r["udp.dstport"] == str(ECHO_PORT)], [str(own)])
        wanted = {r["ip.src"]: r["bfd.required_min_echo_interval"] for r in rows if r["udp.dstport"] == "3784"}
        self.assertEqual(wanted, {"10.0.0.1": "50000", "10.0.0.2": "0"})


def outside():
    python = shutil.which("python3", path=SBIN) or sys.executable  # one that any user may run
    words = [os.environ["BFD_PEER"], python, os.path.abspath(__file__), "--inside", *sys.argv[1:]]
    if os.environ.get("ECMPLAB_TEST_USER") == "nobody":
        if os.geteuid() != 0 or shutil.which("setpriv", path=SBIN) is None:
            print("skipped: already an ordinary user, or no setpriv to become one")
            return SKIP
        words = [shutil.which("setpriv", path=SBIN), "--reuid=65534", "--regid=65534", "--clear-groups", *words]
    if Bird.missing() and Frr.missing():
        print(f"skipped: {Bird.missing()}, {Frr.missing()}")
        return SKIP
    return subprocess.run(words, check=False).returncode


def main():
    if "--inside" not in sys.argv:
        return outside()
    sys.argv.remove("--inside")
    Shared.peer = Peer()
    return 0 if unittest.main(exit=False).result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
