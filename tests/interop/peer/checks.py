# SPDX-License-Identifier: GPL-2.0-or-later
"""One check a standard: what our speakers and a daemon do together, judged by what the daemon itself says and by the octets on
the wire. A check raises AssertionError where it fails."""
import daemons
import ours
import wire
from daemons import AS, OWN4, OWN6
from ours import until


class Standard:
    """A row of the table: the sessions that its check needs, with the daemon's options for each, and the check."""

    def __init__(self, name, sessions, check):
        self.name, self.sessions, self.check = name, sessions, check


ROWS = []


def standard(name, *sessions):
    def add(check):
        ROWS.append(Standard(name, sessions or ({},), check))
        return check
    return add


class Bench:
    """What one check works with: a daemon, and its sessions there."""

    def __init__(self, control, daemon, sessions):
        self.control, self.daemon, self.sessions, self.speakers = control, daemon, sessions, []

    def speaker(self, which=0, conf=None, **peer):
        s = self.sessions[which]
        number = peer.pop("as_", s.as_)
        one = ours.Speaker(self.control, s.host, self.daemon.address(s), s.family, {"as": number, **(conf or {})},
                           **{"remote_as": AS, **peer})
        self.speakers.append(one)
        return one

    def both_up(self, which=0, conf=None, **peer):
        """Established, as both ends say."""
        one = self.speaker(which, conf, **peer)
        one.up()
        self.shown(which)
        return one

    def shown(self, which=0):
        until(lambda: self.daemon.established(self.sessions[which]), f"{self.daemon.name} shows the session as established")

    def route(self, prefix, wanted=lambda r: True, what=""):
        """The daemon's route, as its own tool shows it, when it is as wanted."""
        def look():
            return next((r for r in self.daemon.routes(prefix) if wanted(r)), None)
        return until(look, lambda: f"{prefix} {what} at {self.daemon.name}: {self.daemon.routes(prefix)}")

    def gone(self, prefix):
        until(lambda: not self.daemon.routes(prefix), f"{prefix} gone from {self.daemon.name}")

    def prefix(self, which=0, part=0):
        """A prefix that no other check has."""
        return f"100.64.{self.sessions[which].host}.{part * 16}/28"

    def end(self):
        for one in self.speakers:
            one.kill()


def same(seen, wanted, what=""):
    if seen != wanted:
        raise AssertionError(f"{what}: {seen} instead of {wanted}")


@standard("4271 times", {"hold": 30})
def times(b):
    """Each end proposes; the smaller hold time is agreed on, a third of it is the interval (section 4.2)."""
    one = b.both_up(hold_s=9)
    same((one.info()["hold"], b.daemon.hold(b.sessions[0])), (9, (9, 3)), "hold and keepalive time")


@standard("5492 unknown capability")
def unknown_capability(b):
    one = b.both_up(extra="f10401020304" + "f200")
    sent = next(m for m in one.messages("sent", "OPEN"))
    same((sent.capability(0xf1), sent.capability(0xf2)), ([bytes([1, 2, 3, 4])], [b""]), "what we offered")
    same([m.error for m in one.messages("received", "NOTIFICATION")], [], "NOTIFICATIONs")


@standard("4760 IPv4 and IPv6", {"family": 6})
def both_families(b):
    one = b.both_up()
    one.announce("100.64.%d.0/28" % one.host, hop=f"10.0.0.{one.host}")
    b.route(b.prefix())
    one.announce(f"2001:db8:{one.host:x}::/48")
    b.route(f"2001:db8:{one.host:x}::/48", lambda r: r["hop"] == one.address)
    b.gone(b.prefix())
    one.has(OWN6)


@standard("4760 unknown AFI/SAFI")
def unknown_family(b):
    one = b.both_up(extra="010440040001" + "010400010085")
    same([m.error for m in one.messages("received", "NOTIFICATION")], [], "NOTIFICATIONs")
    one.announce(b.prefix())
    b.route(b.prefix())


@standard("6793 four octets", {"as_": 4200000777})
def wide_as(b):
    one = b.both_up()
    one.announce(b.prefix())
    b.route(b.prefix(), lambda r: r["path"] == "4200000777")
    same(one.has(OWN4)["path"], "0201" + AS.to_bytes(4, "big").hex(), "the daemon's path")


@standard("2918 route refresh")
def refresh(b):
    one = b.both_up()
    one.has(OWN4)
    before = len([m for m in one.messages("received", "UPDATE") if m.announces(OWN4)])
    one.tell("refresh", 4)
    one.heard("UPDATE", lambda m: m.announces(OWN4), "once more", count=before + 1)
