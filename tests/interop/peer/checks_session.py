# SPDX-License-Identifier: GPL-2.0-or-later
"""What is agreed on in OPEN, how a session is guarded, and how it ends."""
import contextlib
import re
import threading

import wire
from bench import never_told, same, standard
from daemon import OWN4, OWN6
from ours import host4, until
from tcp import SYN_SENT, connections, dropped_for_ttl, tcp_states
from wire import summary
from witness import Witness

CEASE = 6
MAX_PREFIXES, SHUTDOWN, RESET, COLLISION, BFD_DOWN = 1, 2, 4, 7, 10


@standard("4271 hold and keepalive time", {"hold": 30})
def times(b):
    """Each end proposes; the smaller hold time is agreed on, a third of it is the interval (section 4.2)."""
    one = b.up(hold_s=9)
    same((one.info()["hold"], b.daemon.hold(b.sessions[0])), (9, (9, 3)), "hold and keepalive time")


@standard("4271 no hold time")
def no_times(b):
    one = b.up(hold_s=0)
    same((one.info()["hold"], b.daemon.hold(b.sessions[0])), (0, (0, 0)), "hold and keepalive time")


@standard("4271 collision", {"dials": True})
def collision(b):
    """Both have dialled before either has said a word: the daemon stands still meanwhile, and what refused its first tries was
    not let through. The connection that the higher identifier opened stays (section 6.8); that is ours."""
    host = b.sessions[0].address
    until(lambda: freeze_dialling(b.daemon, host), "the daemon dials")
    try:
        one = b.speaker()
        until(lambda: connections(host) == ["ours", "theirs"], lambda: f"both connections: {connections(host)}")
    finally:
        b.daemon.freeze(False)
    one.up()
    b.shown()
    until(lambda: len(connections(host)) == 1, lambda: f"one connection alone: {connections(host)}; {summary(one.messages())}")
    heard = [m.kind for m in one.messages("received")]
    if len(heard[:heard.index("KEEPALIVE")]) > 1:  # others give up one before they have said a word
        same(connections(host), ["ours"], f"whose connection stays; {summary(one.messages())}")
    same((one.info()["state"], b.daemon.established(b.sessions[0])), ("Established", True), "states")
    for way, fine in (("sent", {(CEASE, COLLISION)}), ("received", {(CEASE, COLLISION), (CEASE, 0)})):
        notified = {m.error for m in one.messages(way, "NOTIFICATION")}
        same(notified <= fine, True, f"no other NOTIFICATION {way}: {notified}")


def freeze_dialling(daemon, host):
    """Its kernel goes on trying for it."""
    daemon.freeze(True)
    if SYN_SENT in tcp_states(host):
        return True
    daemon.freeze(False)
    return False


@standard("5492 unknown capability")
def unknown_capability(b):
    one = b.up(extra="f10401020304" + "f200")
    sent = one.messages("sent", "OPEN")[0]
    same((sent.capability(0xf1), sent.capability(0xf2)), ([bytes([1, 2, 3, 4])], [b""]), "what we offered")
    never_told(one)


@standard("9072 extended parameters")
def extended_parameters(b):
    """An OPEN whose parameters have more than 255 octets, of which the last capability is understood."""
    one = b.up(extra="f1c8" + "00" * 200 + "f264" + "00" * 100)
    same(one.messages("sent", "OPEN")[0].extended_parameters, True, "the long form")
    b.recognised(0, 1, 2, 65)
    never_told(one)


@standard("4760 IPv4 and IPv6", {"family": 6})
def both_families(b):
    one = b.up()
    one.announce(b.prefix(), hop=host4(one.host))
    b.route(b.prefix(), lambda r: r["hop"] == host4(one.host))
    one.announce(f"2001:db8:{one.host:x}::/48")
    b.route(f"2001:db8:{one.host:x}::/48", lambda r: r["hop"] == one.address)
    b.gone(b.prefix())
    one.has(OWN6)


@standard("4760 unknown AFI/SAFI")
def unknown_family(b):
    """BGP-LS, and IPv4 flow specification; the session carries what both know."""
    one = b.up(extra="010440040047" + "010400010085")
    never_told(one)
    one.announce(b.prefix())
    b.route(b.prefix())


@standard("6793 four octets", {"as_": 4200000777})
def wide_as(b):
    one = b.up()
    b.recognised(0, 65)
    one.announce(b.prefix())
    b.route(b.prefix(), lambda r: r["path"] == "4200000777")


@standard("2385 MD5", {"password": "secret"})
def signed(b):
    b.up(password="secret")


@standard("5082 GTSM", {"gtsm": True})
def gtsm(b):
    b.up(gtsm=1)


@standard("5082 GTSM refuses", {"gtsm": True})
def gtsm_refuses(b):
    """What has come over a hop more is not listened to."""
    before = dropped_for_ttl()
    b.speaker(ttl=254)
    until(lambda: dropped_for_ttl() > before + 1, "segments dropped for their TTL")
    same(b.daemon.established(b.sessions[0]), False, "a session at the daemon's end")


@standard("9234 roles", {"role": "provider"}, {"role": "provider"}, {"role": "customer", "strict": True})
def roles(b):
    """What fits is agreed on; what does not is refused with 2/11, and so is silence where the daemon is strict."""
    customer, provider = 4, 1
    b.up(0, role=customer, role_strict=1)
    b.recognised(0, 9)
    for which, role in ((1, provider), (2, 0)):
        refused = b.speaker(which, role=role)
        said = until(lambda: [m for m in refused.messages() if m.kind == "NOTIFICATION"], "a NOTIFICATION")[0]
        same(said.error, (2, 11), f"error of {said.way} NOTIFICATION, role {role}")


@standard("9003 shutdown, ours")
def our_shutdown(b):
    one = b.up()
    one.tell("stop", "moving_to_room_27")
    b.says(0, b.daemon.CEASE[SHUTDOWN], "that we shut down")
    b.says(0, re.compile("moving to room 27"), "why we shut down")


@standard("9003 shutdown, theirs")
def their_shutdown(b):
    one = b.up()
    b.daemon.shut(b.sessions[0], "closed for winter")
    told = one.heard("NOTIFICATION")
    same((told.error, told.data), ((CEASE, SHUTDOWN), b"\x11closed for winter"), "NOTIFICATION")


@standard("4486 reset, ours", waits=True)
def our_reset(b):
    one = b.up(idle_hold_s=60)  # FRR forgets it at the next session
    one.tell("reset", RESET)
    b.says(0, b.daemon.CEASE[RESET], "that we reset")
    one.tell("start")
    one.up()
    same(len(one.messages("sent", "OPEN")) > 1, True, "another session")


@standard("4486 reset, theirs")
def their_reset(b):
    one = b.up()
    b.daemon.clear(b.sessions[0])
    same(one.heard("NOTIFICATION").error, (CEASE, RESET), "NOTIFICATION")


@standard("4486 too many prefixes", {"max_prefixes": 2})
def too_many(b):
    one = b.up()
    one.announce(*(b.prefix(part=n) for n in range(4)))
    same(one.heard("NOTIFICATION").error, (CEASE, MAX_PREFIXES), "NOTIFICATION")


@standard("4486 too many, at ours", {}, {})
def too_many_of_theirs(b):
    """The daemon says what we told it."""
    b.up(1).announce(b.prefix(1))
    b.route(b.prefix(1))
    b.speaker(max_prefixes=1, idle_hold_s=60)
    b.says(0, b.daemon.CEASE[MAX_PREFIXES], "that it told too many")


@standard("9384 BFD down")
def bfd_down(b):
    one = b.up(idle_hold_s=60)
    one.tell("reset", BFD_DOWN)
    b.says(0, b.daemon.CEASE[BFD_DOWN], "that BFD went down")


BFD_PORT = threading.Lock()  # which one of ours has at a time


@contextlib.contextmanager
def guarded(b):
    """Ours, up, and its BFD with the daemon too."""
    with BFD_PORT:
        one = b.up(idle_hold_s=60)
        one.tell("bfd")
        until(lambda: b.daemon.sees(b.sessions[0]) and one.info()["bfd"], "BFD is up at both ends")
        try:
            yield one
        finally:
            one.kill()


@standard("9384 BFD itself", {"bfd": True})
def bfd_fails(b):
    """The daemon stands: its BFD says nothing more, and ours does not wait for the hold time."""
    with guarded(b) as one:
        with Witness(one.address) as link:
            b.daemon.freeze(True)
            try:
                told = until(lambda: link.messages("NOTIFICATION"), "a NOTIFICATION")
            finally:
                b.daemon.freeze(False)
        same([(m.way, m.error) for _, m in told], [("sent", (CEASE, BFD_DOWN))], "NOTIFICATIONs on the link")
        until(lambda: b.daemon.sees(b.sessions[0]), f"BFD is up again at {b.daemon.name}")
        one.tell("start")
        one.up()
        b.shown()


@standard("9384 BFD down, theirs", {"bfd": True})
def their_bfd_fails(b):
    """Our BFD says nothing more, and our BGP lives on: the daemon ends the session."""
    with guarded(b) as one:
        one.tell("hush")
        same(one.heard("NOTIFICATION").error, b.daemon.BFD_DOWN, "NOTIFICATION")


@standard("2918 route refresh")
def refresh(b):
    one = b.up()
    b.recognised(0, 2)
    one.has(OWN4)
    before = len([m for m in one.messages("received", "UPDATE") if m.announces(OWN4)])
    one.tell("refresh", 4)
    one.heard("UPDATE", lambda m: m.announces(OWN4), "once more", count=before + 1)


@standard("2918 their request")
def their_request(b):
    one = b.up()
    one.announce(b.prefix())
    b.route(b.prefix())
    before = len(one.messages("sent", "UPDATE"))
    b.daemon.refresh(b.sessions[0])
    same(one.heard("REFRESH").body, bytes([0, 1, 0, 1]), "their request")
    until(lambda: len([m for m in one.messages("sent", "UPDATE")[before:] if m.announces(b.prefix())]) > 0, "our answer")
    b.route(b.prefix())


@standard("7313 enhanced refresh")
def enhanced(b):
    """The daemon marks where its answer begins and ends."""
    one = b.up()
    b.recognised(0, 70)
    one.has(OWN4)
    one.tell("refresh", 4)
    one.heard("REFRESH", lambda m: m.body == bytes([0, 1, 2, 1]), "end")
    marks = [(m.body[2] if m.kind == "REFRESH" else "route") for m in one.messages("received")
             if m.kind == "REFRESH" or m.announces(OWN4)]
    same(marks[-3:], [1, "route", 2], "order of marks and routes")


@standard("7313 enhanced, ours")
def our_marks(b):
    """We mark where our answer begins and ends; what is not in it is gone from the daemon's table then (section 4)."""
    one = b.up()
    lost, kept = b.prefix(part=0), b.prefix(part=1)
    one.announce(kept)
    one.raw(wire.update([lost], one.address, wire.path(one.number)))  # our speaker itself knows nothing of it
    b.route(kept)
    b.route(lost)
    b.daemon.refresh(b.sessions[0])
    b.gone(lost)
    b.route(kept)
    marks = [m.body for m in one.messages("sent", "REFRESH") if m.body[1] == 1]
    same(marks[-2:], [bytes([0, 1, 1, 1]), bytes([0, 1, 2, 1])], "our marks")
