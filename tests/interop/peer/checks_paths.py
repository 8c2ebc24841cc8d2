# SPDX-License-Identifier: GPL-2.0-or-later
"""Which of a daemon's paths ours forwards over, and with which weights."""
import wire
from bench import same, standard
from checks_decision import FAR, NEAR, med
from ours import host4, until

SOURCES = {"as_": NEAR}, {"as_": FAR}
INSIDE = {"internal": True, "add_path": True}  # it gets both paths, and with the next hops that they came with


def both_paths(b, router, prefix):
    def look():
        return [r for r in b.control.tell("in", router.host, 0) if r["prefix"] == prefix]
    until(lambda: len(look()) == 2, lambda: f"both paths of {prefix} at our router: {look()}")


def settled(b, source, routers, prefix):
    """What came before this prefix has been decided on."""
    source.raw(wire.update([prefix], source.address, wire.path(source.number)))
    for router in routers:
        until(lambda r=router: r.hops(prefix) == {source.address: 1}, lambda r=router: f"{prefix} in use: {r.hops(prefix)}")


@standard("4271 multipath, MED", *SOURCES, INSIDE, INSIDE, INSIDE)
def multipath(b):
    """Paths of two ASes are equally good; they share where they may (multipath-relax), unless their MEDs are compared."""
    near, far = b.up(0), b.up(1)
    strict, relaxed, comparing = (
        b.up(which, {"max_paths": 8, "multipath_relax": relax, "always_compare_med": compare}, add_path_v4=3)
        for which, relax, compare in ((2, 0, 0), (3, 1, 0), (4, 1, 1)))
    plain, with_med = b.prefix(0, 0), b.prefix(0, 1)
    for source, value in ((near, 20), (far, 10)):
        source.raw(wire.update([plain], source.address, wire.path(source.number)))
        source.raw(wire.update([with_med], source.address, wire.path(source.number), med(value)))
    for router in (strict, relaxed, comparing):
        for prefix in (plain, with_med):
            both_paths(b, router, prefix)
    settled(b, near, (strict, relaxed, comparing), b.prefix(0, 2))
    share = {near.address: 1, far.address: 1}
    same([len(strict.hops(p)) for p in (plain, with_med)], [1, 1], "next hops without multipath-relax")
    same([relaxed.hops(p) for p in (plain, with_med)], [share, share], "next hops with multipath-relax")
    same([comparing.hops(p) for p in (plain, with_med)], [share, {far.address: 1}], "next hops with always-compare-med")


@standard("link bandwidth, theirs", {"bandwidth": 1000}, {"bandwidth": 3000}, INSIDE)
def weights(b):
    """The daemon says of each source how fast its link is, in Mbit/s; ours weighs the next hops so."""
    sources = [b.up(which) for which in (0, 1)]
    router = b.up(2, {"max_paths": 8, "multipath_relax": 1}, add_path_v4=3)
    for source in sources:
        source.announce(b.prefix())
    wanted = {host4(source.host): weight for source, weight in zip(sources, (1, 3))}
    until(lambda: router.hops(b.prefix()) == wanted, lambda: f"weights {wanted}: {router.hops(b.prefix())}")
