# SPDX-License-Identifier: GPL-2.0-or-later
"""Timers of RFC 4271 section 10 and RFC 9687, by the kernel's time of what is on the link. Lower bounds alone are exact there: a
busy machine is late, never early."""
import subprocess
import time

from bench import same, standard
from daemon import tool
from ours import until
from tcp import connection_of
from wire import message, summary
from witness import Witness

JITTER = 0.75  # the shortest that a timer may become, section 10
BAD_PEER_AS, SEND_HOLD = (2, 2), (8, 0)
TABLE = 15000
KEEPALIVE = message(4)


def at_least(seen, wanted, what):
    same(seen >= wanted, True, f"{what}: {seen:.3f} s, at least {wanted} s")


@standard("4271 DelayOpen", {}, {})
def delay_open(b):
    """Its kernel takes the connection while the daemon says nothing: our OPEN has to wait. Where the daemon's comes first, ours is
    the answer to it."""
    with Witness(b.sessions[0].address) as link:
        b.daemon.freeze(True)
        try:
            one = b.speaker(0, delay_open_s=2)
            sent = until(lambda: [s for s in link.seen() if s.sent and s.data], "our OPEN")[0]
        finally:
            b.daemon.freeze(False)
        at_least(sent.time - [s for s in link.seen() if s.dials][-1].time, 2, "between our SYN and our OPEN")
        same(sent.messages()[0].kind, "OPEN", "what we said first")
        one.up()
        b.shown()
    with Witness(b.sessions[1].address) as link:
        b.up(1, delay_open_s=600)
        same([m.way for _, m in link.messages("OPEN")], ["received", "sent"], "whose OPEN came first")


def spaced(b, seconds, conf=None, **peer):
    """What changes within the time waits, and its outcome alone is told."""
    one = b.up(0, conf, **peer)
    first, second = b.prefix(0, 0), b.prefix(0, 1)
    with Witness(one.address) as link:
        started = time.monotonic()
        one.announce(first)
        for community in (64500 << 16 | n for n in (1, 2, 3)):
            one.announce(first, second, community=community)
        late = time.monotonic() - started >= seconds * JITTER  # one of them may have been told by now
        b.route(second, lambda r: r["communities"] == ["64500:3"])
        b.route(first, lambda r: r["communities"] == ["64500:3"])
        one.announce(first)
        b.gone(second)
        told = [(t, m) for t, m in link.messages("UPDATE") if m.way == "sent"]
    times = sorted({t for t, _ in told})
    if not late:
        same(len([m for _, m in told if m.announces(second)]), 1, "UPDATEs of what changed thrice")
    same(len(times) >= 3, True, f"three times at which we told something: {times}")
    for before, after in zip(times, times[1:]):
        at_least(after - before, seconds * JITTER, "between two of our UPDATEs")


@standard("4271 MRAI", waits=True)
def mrai(b):
    """Section 9.2.1.1."""
    spaced(b, 2, session__mrai_s=2)


@standard("4271 MinASOrigination", waits=True)
def origination(b):
    """Section 9.2.1.2, of what is our own."""
    spaced(b, 2, {"min_origination_s": 2})


@standard("4271 ConnectRetry", waits=True)
def connect_retry(b):
    """Nobody answers: each time it expires ours dials anew, from another port."""
    rules = "; ".join([f"add table ip mute{b.sessions[0].host}",
                       f"add chain ip mute{b.sessions[0].host} in {{ type filter hook input priority 0; }}",
                       f"add rule ip mute{b.sessions[0].host} in ip saddr {b.sessions[0].address} drop"])
    subprocess.run([tool("nft"), rules], check=True)
    with Witness(b.sessions[0].address) as link:
        one = b.speaker(connect_retry_s=1)
        until(lambda: len(dials(link)) >= 3, lambda: f"three dials: {dials(link)}")
        times = dials(link)
    for before, after in zip(times, times[1:]):
        at_least(after - before, JITTER, "between two dials")
    subprocess.run([tool("nft"), f"delete table ip mute{b.sessions[0].host}"], check=True)
    one.up()


def dials(link):
    """When ours dialled; what TCP says again is none."""
    first = {}
    for s in link.seen():
        if s.dials:
            first.setdefault(s.port, s.time)
    return sorted(first.values())


@standard("4271 IdleHold, damped", waits=True)
def idle_hold(b):
    """The daemon refuses our AS, again and again: each time we wait twice as long as before."""
    with Witness(b.sessions[0].address) as link:
        b.speaker(as_=64999, idle_hold_s=1)

        def look():
            refused = [t for t, m in link.messages("NOTIFICATION") if m.way == "received" and m.error == BAD_PEER_AS]
            dialled = [s.time for s in link.segments if s.dials]
            waits = [next((d - r for d in dialled if d > r), None) for r in refused]
            return waits[:2] if len(waits) > 1 and waits[1] is not None else None
        waits = until(look, lambda: f"two refusals, and our next SYN: {[m.error for _, m in link.messages('NOTIFICATION')]}")
    for n, wait in enumerate(waits):
        at_least(wait, 2 ** n * JITTER, f"before dial {n + 2}")


@standard("9687 send hold timer")
def send_hold(b):
    """The daemon stands, and so reads nothing; KEEPALIVEs go on coming over its connection, as from a daemon that says them beside
    its other work. Ours resets the connection, whose window is shut, and comes back."""
    one = b.up(hold_s=3, session__send_hold_s=4, idle_hold_s=1)
    b.daemon.freeze(True)
    try:
        with connection_of(b.daemon.descendants(), one.address) as theirs:
            started = time.monotonic()
            one.tell_all("table", TABLE)
            until(lambda: reset(theirs), lambda: f"a reset; {summary(one.messages())}")
            at_least(time.monotonic() - started, 4, "until the reset")
    finally:
        b.daemon.freeze(False)
    same([m.error for m in one.messages("sent", "NOTIFICATION")], [SEND_HOLD], "our NOTIFICATION")
    one.up()
    b.shown()
    b.route("101.0.0.0/32", lambda r: r["path"] == str(one.number))


def reset(connection):
    """Says a KEEPALIVE, unless the other end has reset the connection."""
    try:
        connection.send(KEEPALIVE)
    except ConnectionResetError:
        return True
    return False
