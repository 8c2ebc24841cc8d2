# SPDX-License-Identifier: GPL-2.0-or-later
"""Our side: bgp_peer's speakers, commanded over its socket, and what they saw on the wire."""
import json
import socket
import threading
import time

import wire

CONTROL = "/run/bgp_peer"
DEADLINE_S = 20


def until(condition, what, deadline_s=DEADLINE_S):
    """The condition's first true value, looked for until the deadline."""
    end, pause = time.monotonic() + deadline_s, threading.Event()
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline_s} s: {what() if callable(what) else what}")
        pause.wait(0.05)


def host4(host):
    """The IPv4 address of ours with this number."""
    return f"10.0.{host >> 8}.{host & 255}"


class Control:
    """The one connection to bgp_peer; commands of several threads take turns."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(CONTROL)
        self.lines = self.socket.makefile("rw")
        self.lock = threading.Lock()

    def tell(self, *words):
        line = " ".join(str(w) for w in words)
        with self.lock:
            self.lines.write(line + "\n")
            self.lines.flush()
            answer = json.loads(self.lines.readline())
        if answer is None:
            raise AssertionError(f"bgp_peer could not: {line[:200]}")
        return answer


class Speaker:
    """One of ours with its peer, the daemon; others: addresses of further ones, with their options."""

    def __init__(self, control, host, remote, family=4, speaker=None, others=(), **peer):
        self.control, self.host, self.seen, self.family = control, host, [], family
        self.killed, self.used = False, {}
        self.number = (speaker or {}).get("as")
        self.address = host4(host) if family == 4 else f"fd00::{host:x}"
        control.tell("new", host, family, *(f"{k}={v}" for k, v in (speaker or {}).items()))
        control.tell("peer", host, remote, *(f"{k.replace('__', '.')}={v}" for k, v in peer.items()))
        for address, options in others:
            control.tell("peer", host, address, *(f"{k}={v}" for k, v in options.items()))
        control.tell("go", host)

    def identity(self, daemon):
        """How the daemon's table names the neighbor."""
        return f"h{self.host}" if daemon.names_protocols else self.address

    def info(self, peer=0):
        return self.control.tell("info", self.host, peer)

    def up(self, deadline_s=DEADLINE_S):
        return until(lambda: (i := self.info())["state"] == "Established" and i,
                     lambda: f"{self.address} established, is {self.info()['state']}; {wire.summary(self.messages())}",
                     deadline_s)

    def messages(self, way=None, kind=None):
        """All so far, oldest first, decoded; way: "sent" or "received"."""
        self.seen += [wire.Message(way_, bytes.fromhex(text)) for _, way_, text in self.control.tell("log", self.host)]
        return [m for m in self.seen if way in (None, m.way) and kind in (None, m.kind)]

    def heard(self, kind, wanted=lambda m: True, what="", deadline_s=DEADLINE_S, count=1):
        """The daemon's first message (or first few) of this kind that is as wanted."""
        def look():
            found = [m for m in self.messages("received", kind) if wanted(m)]
            return found if len(found) >= count else None
        found = until(look, lambda: f"{kind} {what} from the daemon; {wire.summary(self.messages())}", deadline_s)
        return found[0] if count == 1 else found

    def routes(self):
        return {r["prefix"]: r for r in self.control.tell("in", self.host, 0)}

    def chosen_from(self, prefix):
        """The routes that its further peers told it."""
        found = []
        for peer in range(1, 4):
            found += [r for r in self.control.tell("in", self.host, peer) if r["prefix"] == prefix]
        return found

    def has(self, prefix, wanted=lambda r: True, deadline_s=DEADLINE_S):
        """The daemon's route as our adj-rib-in has it."""
        return until(lambda: (r := self.routes().get(prefix)) and wanted(r) and r,
                     lambda: f"{prefix} in our adj-rib-in: {self.routes().get(prefix)}", deadline_s)

    def lacks(self, prefix, deadline_s=DEADLINE_S):
        until(lambda: prefix not in self.routes(), lambda: f"{prefix} gone from our adj-rib-in", deadline_s)

    def announce(self, *prefixes, hop="-", community=0):
        self.control.tell("announce", self.host, hop, community, *prefixes)

    def raw(self, message, peer=0):
        self.control.tell("raw", self.host, peer, message.hex())

    def tell(self, word, *words):
        self.control.tell(word, self.host, 0, *words)

    def tell_all(self, word, *words):
        """What is no matter of one peer."""
        self.control.tell(word, self.host, *words)

    def hops(self, prefix):
        """What our loc-rib uses for it: next hop -> weight."""
        self.used.update((p, hops) for p, hops in self.control.tell("routes", self.host))
        return self.used.get(prefix, {})

    def kill(self):
        if not self.killed:
            self.control.tell("kill", self.host)
        self.killed = True
