# SPDX-License-Identifier: GPL-2.0-or-later
"""What a check works with. A check has a row of the table, raises AssertionError where it fails, and judges by what the daemon
itself says and by the octets on the wire."""
from daemon import AS
from ours import Speaker, until


class Standard:
    """A row: the sessions that its check needs, with the daemon's options for each, and the check. One that waits most of the time
    runs beside the others that do, at the first one's turn."""

    def __init__(self, name, sessions, check, waits):
        self.name, self.sessions, self.check, self.waits = name, sessions, check, waits


ROWS = []


def standard(name, *sessions, waits=False):
    """Makes the function a row; without a word it needs one session, with nothing special."""
    def add(check):
        ROWS.append(Standard(name, sessions or ({},), check, waits))
        return check
    return add


class Bench:
    """One daemon, and one check's sessions there."""

    def __init__(self, control, daemon, sessions):
        self.control, self.daemon, self.sessions, self.speakers = control, daemon, sessions, []

    def speaker(self, which=0, conf=None, **peer):
        """Ours for this session; conf: of the speaker, peer: of its session."""
        s = self.sessions[which]
        number = peer.pop("as_", s.as_)
        one = Speaker(self.control, s.host, self.daemon.address(s), s.family, {"as": number, **(conf or {})},
                      **{"remote_as": AS, **peer})
        self.speakers.append(one)
        return one

    def up(self, which=0, conf=None, **peer):
        """The same, established, as both ends say."""
        if "idle_hold_s" in peer:  # else one refusal is too many
            until(lambda: self.daemon.ready(self.sessions[which]), f"{self.daemon.name} is ready for the session")
        one = self.speaker(which, conf, **peer)
        one.up()
        self.shown(which)
        return one

    def shown(self, which=0):
        until(lambda: self.daemon.established(self.sessions[which]), f"{self.daemon.name} shows the session as established")

    def recognised(self, which, *codes):
        """The daemon says that we offered these capabilities."""
        seen = self.daemon.capabilities(self.sessions[which])
        if not set(codes) <= seen:
            raise AssertionError(f"{self.daemon.name} knows of our capabilities {sorted(seen)}, not of all of {codes}")

    def route(self, prefix, wanted=lambda r: True, what=""):
        """The daemon's route, as its own tool shows it, when there is one as wanted."""
        def look():
            return next((r for r in self.daemon.routes(prefix) if wanted(r)), None)
        return until(look, lambda: f"{prefix} {what} at {self.daemon.name}: {self.daemon.routes(prefix)}")

    def gone(self, prefix):
        until(lambda: not self.daemon.routes(prefix), lambda: f"{prefix} gone from {self.daemon.name}: {self.daemon.routes(prefix)}")

    def says(self, which, pattern, what):
        """The daemon's tool, or its log where the tool is silent, says so of the session."""
        s = self.sessions[which]
        until(lambda: pattern.search(self.daemon.said(s)), lambda: f"{self.daemon.name} says {what}: {self.daemon.said(s)}")

    def prefix(self, which=0, part=0):
        """One that no other check has."""
        host = self.sessions[which].host
        return f"100.{64 + (host >> 8)}.{host & 255}.{part * 16}/28"

    def end(self):
        for one in self.speakers:
            one.kill()


def same(seen, wanted, what):
    if seen != wanted:
        raise AssertionError(f"{what}: {seen} instead of {wanted}")


def never_told(one, what="NOTIFICATIONs"):
    same([m.error for m in one.messages("received", "NOTIFICATION")], [], what)
