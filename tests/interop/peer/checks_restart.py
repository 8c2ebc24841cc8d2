# SPDX-License-Identifier: GPL-2.0-or-later
"""Restarts that traffic outlives."""
import wire
from bench import same, standard
from daemon import OWN4, OWN6
from ours import Speaker, until

CEASE, SHUTDOWN, RESET, HARD_RESET = 6, 2, 4, 9
LLGR_STALE = 0xffff0006
ON = {"restart__on": 1, "restart__forwarding": 1, "restart__time_s": 60}


def known(b, which=0, **more):
    """Ours, established, and the daemon has its route."""
    one = b.up(which, **{**ON, **more})
    one.announce(b.prefix(which))
    b.route(b.prefix(which))
    return one


@standard("4724 End-of-RIB", {"restart": 30})
def end_of_rib(b):
    one = b.up(**ON)
    for afi, own in ((1, OWN4), (2, OWN6)):
        one.heard("UPDATE", lambda m, afi=afi: m.end_of_rib == afi, f"End-of-RIB of AFI {afi}")
        one.has(own)


@standard("4724 they help", {"restart": 30}, waits=True)
def they_help(b):
    """Killed, ours has its route kept; what it does not tell again goes with its End-of-RIB."""
    one = known(b)
    b.recognised(0, 64)
    one.kill()
    b.route(b.prefix(), lambda r: b.daemon.keeps(b.sessions[0], r), "kept")
    again = b.up(0, {"restarting": 1, "deferral_s": 1}, **ON)
    again.announce(b.prefix(0, 1))
    b.route(b.prefix(0, 1))
    b.gone(b.prefix())


@standard("8538 N bit", {"restart": 30}, {"restart": 30}, waits=True)
def notification(b):
    """A NOTIFICATION leaves the routes where they are; a Hard Reset does not."""
    one = known(b, 0, restart__notification=1, idle_hold_s=60)
    same(one.info()["notification_restart"], 1, "the daemon's N bit")
    one.tell("reset", RESET)
    b.route(b.prefix(), lambda r: b.daemon.keeps(b.sessions[0], r), "kept")
    one.tell("start")
    one.up()
    b.route(b.prefix(), lambda r: not b.daemon.keeps(b.sessions[0], r), "told again")
    two = known(b, 1, restart__notification=1)
    two.tell("stop", "for_good")
    b.gone(b.prefix(1))


@standard("9494 long-lived", {"restart": 30, "long_lived": 60}, waits=True)
def long_lived(b):
    """When the restart takes too long, the route stays for those who may use it yet, marked so."""
    one = known(b, 0, restart__time_s=1, restart__long_lived_s=60)
    b.recognised(0, 71)
    one.kill()
    b.route(b.prefix(), lambda r: {"65535:6", "llgr-stale"} & set(r["communities"]), "with LLGR_STALE")


@standard("4724 we help", {"restart": 30})
def we_help(b):
    """The daemon is killed: ours keeps its routes until it is back and has told all."""
    one = b.up(**ON)
    one.has(OWN4, lambda r: not r["stale"])
    one.heard("UPDATE", lambda m: m.end_of_rib == 1, "End-of-RIB")
    b.daemon.stop()
    until(lambda: one.info()["state"] != "Established", "the end noticed")
    same(one.routes()[OWN4]["stale"], 1, "what it told is kept")
    b.daemon.restart()
    one.up(20)
    one.has(OWN4, lambda r: not r["stale"])
    one.heard("UPDATE", lambda m: m.end_of_rib == 1, "End-of-RIB", count=2)


@standard("8538 N bit, theirs", {"restart": 30})
def their_notification(b):
    """The daemon resets the session: what it told stays, stale."""
    one = b.up(**ON, restart__notification=1, idle_hold_s=60)
    same(one.info()["notification_restart"], 1, "the daemon's N bit")
    one.has(OWN4, lambda r: not r["stale"])
    b.daemon.clear(b.sessions[0])
    same(one.heard("NOTIFICATION").error, (CEASE, RESET), "NOTIFICATION")
    until(lambda: one.info()["state"] != "Established", "the end noticed")
    same(one.routes()[OWN4]["stale"], 1, "what it told is kept")


@standard("8538 Hard Reset, theirs", {"restart": 30})
def their_hard_reset(b):
    """The daemon shuts the session down: nothing stays."""
    one = b.up(**ON, restart__notification=1, idle_hold_s=60)
    one.has(OWN4)
    b.daemon.shut(b.sessions[0], "for good")
    told = one.heard("NOTIFICATION")
    same((told.error, told.data), ((CEASE, HARD_RESET), bytes([CEASE, SHUTDOWN]) + b"\x08for good"), "NOTIFICATION")
    one.lacks(OWN4)


@standard("9494 long-lived, ours", {"restart": 1, "long_lived": 60}, {})
def we_help_long(b):
    """The daemon is killed, and does not come back in time: ours keeps what it told for longer, marked and as the last choice, after
    the longer path of another."""
    b.daemon.hurry()
    rival = b.sessions[1]
    one = b.up(0, others=[(rival.address, {"remote_as": rival.as_})], **ON, restart__long_lived_s=60)
    one.has(OWN4, lambda r: LLGR_STALE not in r["communities"])
    other = Speaker(b.control, rival.host, one.address, 4, {"as": rival.as_}, remote_as=one.number)
    b.speakers.append(other)
    other.up()
    other.raw(wire.update([OWN4, b.prefix(1)], other.address, wire.path(other.number, 1, 2, 3)))
    until(lambda: one.hops(b.prefix(1)), "the other's routes are in use")
    same(one.hops(OWN4), {b.daemon.address4: 1}, "the choice while the daemon lives")
    b.daemon.stop()
    until(lambda: one.info()["state"] != "Established", "the end noticed")
    same(one.routes()[OWN4]["stale"], 1, "what it told is kept")
    one.has(OWN4, lambda r: r["stale"] and LLGR_STALE in r["communities"])
    until(lambda: one.hops(OWN4) == {other.address: 1}, lambda: f"the other's path is in use: {one.hops(OWN4)}")
    b.daemon.restart()
    one.up(20)
    one.has(OWN4, lambda r: not r["stale"] and LLGR_STALE not in r["communities"])
    until(lambda: one.hops(OWN4) == {b.daemon.address4: 1}, lambda: f"the daemon's path is in use: {one.hops(OWN4)}")
