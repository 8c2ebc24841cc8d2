#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every kind of speaker, our own in each of its profiles, against every kind of router that is installed here, judged by
tshark on the wire and by each router's own tools; printed as one table. Labs run side by side, for most of their time goes
into waiting for timers."""
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
# pylint: disable=wrong-import-position
import lab  # noqa: E402
import labs  # noqa: E402
import views  # noqa: E402

SIDE_BY_SIDE = 8
NAMES = {"builtin": None, "bird1": "BIRD 1.6", "bird2": "BIRD 2", "frr": "FRR", "gobgp": "GoBGP", "openbgpd": "OpenBGPD",
         "exabgp": "ExaBGP"}
SPEAKERS = ["builtin", "bird1", "bird2", "frr", "gobgp", "exabgp"]
GRACEFUL = {"bird1", "bird2", "frr"}  # ask for graceful restart, or help with it, unless told not to
CHECKS = ["session", "announce", "attributes", "refresh", "withdraw", "4-byte AS", "restart", "silent peer", "silent router",
          "AS refused", "AS doubted", "MD5", "wrong MD5", "IPv6"]
IPV6 = ["frr", "standard"]  # our profiles that speak it, as MetalLB does in its FRR mode alone
PROFILES = ["legacy", "native", "frr", "standard"]  # of the built-in speaker
ROUTE_REFRESH, GRACEFUL_RESTART = "2", "64"  # capabilities
LEGEND = """\
session        OPEN and KEEPALIVE in both directions
announce       UPDATE on the wire, and the router's own table has it
attributes     a community added to the same prefix, on the wire and in the router's table (the built-in one's shows none)
refresh        the router asks again (RFC 2918), and gets the route again; -: the speaker does not offer it (MetalLB's native
               one, ExaBGP), or the router has no command for it (GoBGP)
withdraw       withdrawn on the wire and gone from the router's table
4-byte AS      session and AS path with numbers of four octets
restart        the router keeps the routes of a speaker that was killed, and has them when it is back (RFC 4724);
               -: the two did not agree on it. With connectTime: 2s, for GoBGP refuses connections for 5 s after it lost
               a peer, and MetalLB's FRR, which knocks after 4 s and cannot be called, would knock again after 120 s
silent peer    the router ends the session of a speaker that stopped with NOTIFICATION 4/0; fin: without one, for a
               graceful restart; -: the router's doing alone, so that of ours the native one stands for all
silent router  the speaker does, when the router stops; stays: it does not care, as MetalLB's native speaker
AS refused     the router answers an AS that it does not expect with NOTIFICATION 2/2
AS doubted     the speaker does, of the router's AS; fin: it hangs up without a word, as MetalLB's native speaker
MD5            session with a password at both ends, every segment signed
wrong MD5      silence where the passwords differ: no session, and not one BGP message arrives
IPv6           session, announcement and withdrawal over IPv6, on the wire, in the router's table and, where it installs routes,
               in the kernel; -: MetalLB announces IPv6 in its FRR mode alone"""


def said(messages, router, code):
    return any(m["notification"] == code and m["router"] == router for m in messages)


def established(messages):
    """Both ends took the other's OPEN: that is what a KEEPALIVE says."""
    return all(any("4" in m["types"] and m["router"] == side for m in messages) for side in (True, False))


def gave_up(messages, router, kinds):
    """How this side ended the session with the silent one. Two that agreed on graceful restart take silence for a restart, of
    which a NOTIFICATION would be the opposite (RFC 4724 section 4.2): "fin" is right there."""
    last = max((n for n, m in enumerate(messages) if m["router"] != router and m["types"] != [""]), default=-1)
    if said(messages, router, "4/0"):
        return True
    ended = any(m["ends"] and m["router"] == router for m in messages[last + 1:])
    return "fin" if ended and kinds <= GRACEFUL else False


def offers(messages, router, capability):
    return any("1" in m["types"] and m["router"] == router and capability in m["capabilities"] for m in messages)


def refreshed(messages, router):
    """Asked for its routes, the speaker tells them once more."""
    asked = next((n for n, m in enumerate(messages) if m["router"] and "5" in m["types"]), None)
    if not offers(messages, False, ROUTE_REFRESH) or (router.kind != "builtin" and router.refresh is None):
        return None
    return asked is not None and any(m["announced"] and not m["router"] for m in messages[asked + 1:])


def life_cells(one, worker, kind):
    wire = one.wire(worker)
    announced, coloured, withdrawn = one.answer("announced"), one.answer("coloured"), one.answer("withdrawn")
    # The built-in router has no tool that shows attributes: its row of the table stands for the wire alone.
    colours = coloured.get(one.hop(worker), ("", []))[1] if coloured is not None else []
    return {
        "session": established(wire),
        "announce": any(m["announced"] and not m["router"] for m in wire) and one.hop(worker) in (announced or {}),
        "attributes": any(m["communities"] == views.COMMUNITY_VALUE and not m["router"] for m in wire) and
                      (colours is None or views.COMMUNITY in colours),
        "refresh": refreshed(wire, one.router),
        "withdraw": any(m["withdrawn"] and not m["router"] for m in wire) and withdrawn == {},
        "silent peer": gave_up(wire, True, {one.router.kind, kind}) if one.name == "life" else None,
    }


def stayed(messages):
    """After it withdrew its route, never a word of its own accord, and not the end of the connection."""
    last = max((n for n, m in enumerate(messages) if m["withdrawn"]), default=0)
    messages = messages[last + 1:]
    return not any(not m["router"] and (m["ends"] or m["notification"]) for m in messages)


def wide_cells(one, worker, kind):
    wire, table = one.wire(worker), one.answer("announced") or {}
    path = table.get(one.hop(worker), ("absent", None))[0]
    mute = kind == "builtin" and one.name not in ("frr", "standard")
    return {"4-byte AS": established(wire) and path in (None, str(labs.WIDE[1])),
            "silent router": "stays" if mute and stayed(wire) else not mute and gave_up(wire, False, {one.router.kind, kind})}


def ipv6_cells(one, worker):
    wire, announced, withdrawn = one.wire(worker), one.answer("announced"), one.answer("withdrawn")
    return {"IPv6": one.status == 0 and established(wire) and withdrawn == {} and one.hop(worker) in (announced or {}) and
                    any(m["announced"] and not m["router"] for m in wire) and
                    any(m["withdrawn"] and not m["router"] for m in wire)}


def came_back(messages):
    """What was said after the announcing speaker's connection had ended: a session again, and the route."""
    told = next((n for n, m in enumerate(messages) if m["announced"] and not m["router"]), len(messages))
    ended = next((n for n, m in enumerate(messages) if n > told and m["ends"] and not m["router"]), len(messages))
    after = messages[ended + 1:]
    return established(after) and any(m["announced"] and not m["router"] for m in after)


def graceful_cells(one, worker):
    wire, kept, back = one.wire(worker), one.answer("kept"), one.answer("back")
    if not (offers(wire, False, GRACEFUL_RESTART) and offers(wire, True, GRACEFUL_RESTART)):
        return {"restart": None}
    return {"restart": one.hop(worker) in (kept or {}) and came_back(wire) and one.hop(worker) in (back or {})}


def wrong_cells(one, kind, speakers):
    others = [k for k in speakers if k != "builtin"]
    worker = others.index(kind) + 1
    return {"AS refused": said(one.wire(worker), True, "2/2"), "AS doubted": said(one.wire(worker + one.count), False, "2/2")}


def signed_cells(one, worker, wrong):
    wire, guess = one.wire(worker), one.wire(wrong)
    return {"MD5": established(wire) and one.signed(worker),
            "wrong MD5": one.signed(wrong) and not any(m["types"] != [""] for m in guess)}


def hung_up(messages):
    return "fin" if any(m["ends"] and not m["router"] for m in messages) and not any(
        "4" in m["types"] and not m["router"] for m in messages) else False


def profile_cells(one):
    """Of the lab of one profile, which has everything in it."""
    doubter = one.wire(3)
    return {**life_cells(one, 1, "builtin"), **wide_cells(one, 1, "builtin"), "restart": None,
            "AS refused": said(one.wire(2), True, "2/2"),
            "AS doubted": hung_up(doubter) if one.name in labs.MUTE_PROFILES else said(doubter, False, "2/2"),
            **(signed_cells(one, 1, 4) if one.router.kind != "builtin" else {})}


def missing():
    """The kinds that this machine lacks, as the program says."""
    text = subprocess.run([str(lab.PROGRAM), "doctor"], capture_output=True, text=True, check=False).stdout
    return {kind for kind, name in NAMES.items() if name and not re.search(rf"^yes +{re.escape(name)} ", text, re.M)}


def row_print(router, speaker, cells):
    marks = {True: "yes", False: "NO", None: "-", "fin": "fin", "stays": "stays"}
    print(f"{router:9} {speaker:12} " + " ".join(f"{marks[cells[c]]:^{len(c)}}" for c in CHECKS), flush=True)


def our_row(ran, kind, profile):
    """A profile of ours has a lab to itself; what is asked of the router alone was asked beside the native one."""
    cells = profile_cells(ran[kind, profile])
    if kind == "builtin":
        cells.update(signed_cells(ran[kind, f"signed-{profile}"], 1, 2))
    if profile == "frr":  # the mode in which a BGPPeer can have graceful restart
        cells.update(graceful_cells(ran[kind, "graceful"], 1))
    cells.update(ipv6_cells(ran[kind, f"ipv6-{profile}"], 1) if profile in IPV6 else {"IPv6": None})
    if profile == "native":
        cells["silent peer"] = life_cells(ran[kind, "life"], 1, "builtin")["silent peer"]
    return cells


def row(ran, kind, speakers, speaker):
    n = speakers.index(speaker) + 1
    signed = ran[kind, "signed"]
    return {**life_cells(ran[kind, "life"], n, speaker), **wide_cells(ran[kind, "wide"], n, speaker),
            **graceful_cells(ran[kind, "graceful"], n), **wrong_cells(ran[kind, "wrong"], speaker, speakers),
            **signed_cells(signed, n, n + signed.count), **ipv6_cells(ran[kind, "ipv6-frr"], n)}


def table_print(ran, speakers):
    """Prints the table; returns the cells that are not as they should be."""
    wrong = []
    print(f"{'router':9} {'speaker':12} " + " ".join(CHECKS))
    for kind in dict.fromkeys(router for router, _ in ran):
        rows = [(f"our {profile}", our_row(ran, kind, profile)) for profile in PROFILES]
        rows += [(speaker, row(ran, kind, speakers, speaker)) for speaker in speakers if speaker != "builtin"]
        for name, cells in rows:
            row_print(kind, name, cells)
            wrong += [f"{kind} x {name}: {check}" for check in CHECKS if cells[check] is False]
    return wrong


def able(base):
    """The status to end with where the labs can't run; 0: they can."""
    status, words, egress = labs.egress_missing(base)
    if egress is not None:
        print("skipped: nftables have no egress hook here, by which nodes fall silent (Linux 5.16, nftables 1.0.1):\n" + egress)
        return 77
    if status != 0:
        print(words)
    return 77 if status == 4 else 1 if status else 0


def matrix(base):
    status = able(base)
    if status != 0:
        return status
    lacking = missing()
    for kind in sorted(lacking):
        print(f"skipped: {NAMES[kind]} is not installed")
    speakers = [s for s in SPEAKERS if s not in lacking]
    routers = [r for r in views.routers(lab.bird(1)) if r.kind not in lacking]
    todo = [make(base, router, speakers) for router in routers
            for make in (labs.life, labs.wide, labs.wrong, labs.signed, labs.graceful)]
    todo += [labs.profile(base, router, metallb) for router in routers for metallb in PROFILES]
    todo += [labs.ipv6(base, router, "frr", speakers) for router in views.routers6(lab.bird(1)) if router.kind not in lacking]
    todo += [labs.ipv6(base, router, "standard", ["builtin"]) for router in views.routers6(lab.bird(1))
             if router.kind not in lacking]
    todo += [labs.signed(base, router, ["builtin"], f"signed-{metallb}", metallb) for router in routers
             for metallb in PROFILES if router.kind == "builtin"]
    with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        ran = {(one.router.kind, one.name): one for one in pool.map(labs.Lab.run, todo)}
    if any(one.status == 4 for one in ran.values()):
        print(next(one.words for one in ran.values() if one.status == 4))
        return 77
    wrong = table_print(ran, speakers)
    print(LEGEND)
    odd = [one for one in ran.values() if one.status != 0]
    for one in odd:
        print(f"{one.router.kind} {one.name} ended with {one.status}:\n{one.words[-2000:]}")
    for cell in wrong:
        print(f"wrong: {cell}")
    return 1 if wrong or odd else 0


def main():
    for tool in ("tshark", "nft"):
        if not lab.have(tool):
            print(f"skipped: {tool} is not installed")
            return 77
    with tempfile.TemporaryDirectory(prefix="interop-") as base:
        return matrix(pathlib.Path(base))


if __name__ == "__main__":
    sys.exit(main())
