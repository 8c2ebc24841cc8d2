#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every kind of speaker against every kind of router that is installed here, judged by tshark on the wire and by each
router's own tools; printed as one table. Labs run side by side, for most of their time goes into waiting for timers."""
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
CHECKS = ["session", "announce", "attributes", "withdraw", "4-byte AS", "silent peer", "silent router", "AS refused",
          "AS doubted", "MD5", "wrong MD5"]
LEGEND = """\
session        OPEN and KEEPALIVE in both directions
announce       UPDATE on the wire, and the router's own table has it
attributes     a community added to the same prefix, on the wire and in the router's table
withdraw       withdrawn on the wire and gone from the router's table
4-byte AS      session and AS path with numbers of four octets
silent peer    the router ends the session of a speaker that stopped with NOTIFICATION 4/0; fin: without one, for a
               graceful restart (a built-in speaker has no process to stop)
silent router  the speaker does, when the router stops (MetalLB's native speaker does not care)
AS refused     the router answers an AS that it does not expect with NOTIFICATION 2/2
AS doubted     the speaker does, of the router's AS
MD5            session with a password at both ends, every segment signed
wrong MD5      silence where the passwords differ: no session, and not one BGP message arrives"""


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


def hop(worker):
    return f"10.0.0.{50 + worker}"


def life_cells(one, worker, kind):
    wire = one.wire(worker)
    announced, coloured, withdrawn = one.answer("announced"), one.answer("coloured"), one.answer("withdrawn")
    # The built-in router has no tool that shows attributes: its row of the table stands for the wire alone.
    colours = coloured.get(hop(worker), ("", []))[1] if coloured is not None else []
    return {
        "session": established(wire),
        "announce": any(m["announced"] and not m["router"] for m in wire) and hop(worker) in (announced or {}),
        "attributes": any(m["communities"] == views.COMMUNITY_VALUE and not m["router"] for m in wire) and
                      (colours is None or views.COMMUNITY in colours),
        "withdraw": any(m["withdrawn"] and not m["router"] for m in wire) and withdrawn == {},
        "silent peer": None if kind == "builtin" else gave_up(wire, True, {one.router.kind, kind}),
    }


def wide_cells(one, worker, kind):
    wire, table = one.wire(worker), one.answer("announced") or {}
    path = table.get(hop(worker), ("absent", None))[0]
    return {"4-byte AS": established(wire) and path in (None, str(labs.WIDE[1])),
            "silent router": None if "builtin" in (kind, one.router.kind) else gave_up(wire, False, {one.router.kind, kind})}


def wrong_cells(one, kind, speakers):
    others = [k for k in speakers if k != "builtin"]
    if kind not in others:
        return {"AS refused": None, "AS doubted": None}
    worker = others.index(kind) + 1
    return {"AS refused": said(one.wire(worker), True, "2/2"), "AS doubted": said(one.wire(worker + one.count), False, "2/2")}


def signed_cells(one, worker):
    wire, guess = one.wire(worker), one.wire(worker + one.count)
    return {"MD5": established(wire) and one.signed(worker),
            "wrong MD5": one.signed(worker + one.count) and not any(m["types"] != [""] for m in guess)}


def missing():
    """The kinds that this machine lacks, as the program says."""
    text = subprocess.run([str(lab.PROGRAM), "doctor"], capture_output=True, text=True, check=False).stdout
    return {kind for kind, name in NAMES.items() if name and not re.search(rf"^yes +{re.escape(name)} ", text, re.M)}


def row_print(router, speaker, cells):
    marks = {True: "yes", False: "NO", None: "-", "fin": "fin"}
    print(f"{router:9} {speaker:8} " + " ".join(f"{marks[cells[c]]:^{len(c)}}" for c in CHECKS), flush=True)


def table_print(ran, speakers):
    """Prints the table; returns the cells that are not as they should be."""
    wrong = []
    print(f"{'router':9} {'speaker':8} " + " ".join(CHECKS))
    for kind in dict.fromkeys(router for router, _ in ran):
        for n, speaker in enumerate(speakers, 1):
            cells = {**life_cells(ran[kind, "life"], n, speaker), **wide_cells(ran[kind, "wide"], n, speaker),
                     **wrong_cells(ran[kind, "wrong"], speaker, speakers), **signed_cells(ran[kind, "signed"], n)}
            row_print(kind, speaker, cells)
            wrong += [f"{kind} x {speaker}: {check}" for check in CHECKS if cells[check] is False]
    return wrong


def matrix(base):
    lacking = missing()
    for kind in sorted(lacking):
        print(f"skipped: {NAMES[kind]} is not installed")
    speakers = [s for s in SPEAKERS if s not in lacking]
    routers = [r for r in views.routers(lab.bird(1)) if r.kind not in lacking]
    todo = [make(base, router, speakers) for router in routers for make in (labs.life, labs.wide, labs.wrong, labs.signed)]
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
