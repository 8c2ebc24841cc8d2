# SPDX-License-Identifier: GPL-2.0-or-later
"""The decision process (RFC 4271 section 9.1.2.2): of the same routes a daemon and a router of ours are to choose alike."""
import wire
from bench import same, standard
from daemon import AS
from ours import Speaker, host4, until

NEAR, FAR = 64496, 64497  # neighbouring ASes: of the first two speakers, and of the third
IGP, EGP, INCOMPLETE = 0, 1, 2


def sequence(*numbers):
    return wire.path(*numbers)


def med(value):
    return wire.attribute(wire.MED, value.to_bytes(4, "big"))


# What decides, who is to win, and of each speaker: ORIGIN, path behind its own AS, further attributes.
SAME = (IGP, sequence(1), b"")
CASES = [
    ("shorter path", 1, (IGP, sequence(1, 2), b""), SAME, (IGP, sequence(1, 2), b"")),
    ("lower ORIGIN", 1, (INCOMPLETE, sequence(1), b""), SAME, (EGP, sequence(1), b"")),
    ("lower MED of one neighbouring AS", 1, (IGP, sequence(1), med(20)), (IGP, sequence(1), med(10)), (IGP, sequence(1), med(0))),
    ("MED of two is not compared", 0, (IGP, sequence(1), med(20)), (IGP, sequence(1), med(30)), (IGP, sequence(1), med(10))),
    ("no MED is the lowest", 1, (IGP, sequence(1), med(5)), SAME, (IGP, sequence(1, 2), b"")),
    ("lower identifier", 0, SAME, SAME, SAME),
]


def message(prefix, speaker, tag, case):
    origin, behind, more = case
    path = wire.path(speaker.number) + behind
    if behind[:1] == b"\x02":  # one segment of both
        path = bytes([2, behind[1] + 1]) + speaker.number.to_bytes(4, "big") + behind[2:]
    mark = wire.attribute(wire.COMMUNITIES, (64500 << 16 | tag).to_bytes(4, "big"))
    return wire.update([prefix], speaker.address, path, more, mark, origin=origin)


@standard("8326 graceful shutdown, ours", {"as_": NEAR}, {"as_": FAR}, {}, {})
def heeded(b):
    """What the daemon passes on with the community is our last choice, however short its path. It gets nothing of us: it
    would heed it, too, and have nothing to pass on."""
    _, router, reader, rival = (s.host for s in b.sessions)
    source = b.up(0)
    others = [(host4(host), {"remote_as": as_}) for host, as_ in ((reader, 64498), (rival, 64499))]
    ours = b.up(1, {"readvertise": 1}, others=others, requires_policy=1, import_policy=1)
    address = host4(router)
    told = Speaker(b.control, reader, address, 4, {"as": 64498}, remote_as=FAR)
    other = Speaker(b.control, rival, address, 4, {"as": 64499}, remote_as=FAR)
    b.speakers += [told, other]
    for one in (told, other):
        one.up()
    plain, leaving = b.prefix(0, 0), b.prefix(0, 1)
    community = wire.attribute(wire.COMMUNITIES, (0xffff0000).to_bytes(4, "big"))
    for prefix, more in ((plain, b""), (leaving, community)):
        other.raw(wire.update([prefix], other.address, sequence(64499, 1, 2, 3)))
        source.raw(wire.update([prefix], source.address, sequence(NEAR), more))
        ours.has(prefix)
    told.has(plain, lambda r: r["path"] == sequence(FAR, AS, NEAR).hex())
    told.has(leaving, lambda r: r["path"] == sequence(FAR, 64499, 1, 2, 3).hex())
    same(told.routes()[leaving]["path"], sequence(FAR, 64499, 1, 2, 3).hex(), "our choice")


@standard("4271 decision", {"as_": NEAR}, {"as_": NEAR}, {"as_": FAR}, {}, {})
def decision(b):
    """The last two sessions stay unused: their addresses are those of our router, and of who is told its choice."""
    hosts = [s.host for s in b.sessions]
    router, reader = (host4(host) for host in hosts[3:])
    speakers = []
    for which in range(3):
        speakers.append(b.speaker(which, others=[(router, {"remote_as": AS})]))
    told = Speaker(b.control, hosts[4], router, 4, {"as": 64498}, remote_as=AS)
    ours = Speaker(b.control, hosts[3], reader, 4, {"as": AS, "readvertise": 1}, remote_as=64498,
                   others=[(s.address, {"remote_as": s.number, "passive": 1}) for s in speakers])
    b.speakers += [told, ours]
    told.up()
    for which, speaker in enumerate(speakers):
        speaker.up()
        b.shown(which)
        until(lambda s=speaker: s.info(1)["state"] == "Established", "a session with our router")
    for n, (_, _, *cases) in enumerate(CASES):
        for tag, (speaker, case) in enumerate(zip(speakers, cases)):
            for peer in (0, 1):
                speaker.raw(message(b.prefix(0, n), speaker, tag, case), peer)
    for n, (what, winner, *_) in enumerate(CASES):
        prefix = b.prefix(0, n)
        until(lambda p=prefix: len(b.daemon.routes(p)) == 3, lambda p=prefix: f"three at the daemon: {b.daemon.routes(p)}")
        b.route(prefix, lambda r, w=winner: r["best"] and f"64500:{w}" in r["communities"], f"{what}: speaker {winner}")
        until(lambda p=prefix: len(ours.chosen_from(p)) == 3, "three routes at our router")
        told.has(prefix, lambda r, w=winner: r["communities"] == [64500 << 16 | w])
        same(told.routes()[prefix]["communities"], [64500 << 16 | winner], f"our choice: {what}")
