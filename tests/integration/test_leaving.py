# SPDX-License-Identifier: GPL-2.0-or-later
"""How flows leave a worker. Every figure of the judge's is counted again from the captures by these few lines of Python."""
import csv
import json
import struct
import unittest

import lab

FLOWS = "  - flows: {service: nginx, count: 120, rate: 2400, background: true}\n"
LAB = """
lab:
  router: {as: 11000, multipath_hash: l4%s}
  workers: {count: 3, metallb: frr}
  manifests: [metallb.yaml]
steps:
  - apply: nginx.yaml
  - expect: {service: nginx, next_hops: all, within: 5s}
""" + FLOWS


def frames(path):
    """(time in nanoseconds, frame) of a pcap."""
    raw, at = path.read_bytes(), 24
    scale = 1 if struct.unpack_from("<I", raw)[0] == 0xA1B23C4D else 1000
    while at + 16 <= len(raw):
        seconds, part, length, _ = struct.unpack_from("<IIII", raw, at)
        yield seconds * 10**9 + part * scale, raw[at + 16:at + 16 + length]
        at += 16 + length


def packets(path, own=None):
    """(flow, packet) -> (seen, sent), in nanoseconds, of what comes to the address of the service; and, for a node of that address,
    only what comes to its own Ethernet address, since a switch floods what it does not know."""
    mac = next(frame[6:12] for _, frame in frames(path) if frame[12:14] == b"\x08\x00" and frame[26:30] == own) if own else None
    found = {}
    for seen, frame in frames(path):
        if frame[12:14] != b"\x08\x00" or frame[23] != 17 or frame[30:34] != bytes([172, 16, 254, 1]):
            continue
        if mac is None or frame[0:6] == mac:
            flow, number, sent = struct.unpack_from(">IIQ", frame, 42 + 12)
            found.setdefault((flow, number), (seen, sent))
    return found


class Leaving(lab.LabTest):
    def counted(self, out):
        """What the captures say: packets sent, those that came nowhere, and where each came to."""
        folder = self.base / out
        gate = packets(folder / "router-clients.pcap")
        workers = {f"worker{n}": packets(folder / f"worker{n}.pcap", bytes([10, 0, 0, 50 + n])) for n in (1, 2, 3)}
        lost = {key: sent for key, (_, sent) in gate.items() if not any(key in seen for seen in workers.values())}
        return gate, workers, lost

    def leaving(self, number=-1):
        return self.verdict("out")["expectations"][number]["leaving"]

    def assert_counted(self, found):
        gate, workers, lost = self.counted("out")
        self.assertEqual(found["sent"], len(gate))
        self.assertEqual(found["lost"], len(lost))
        self.assertEqual(found["lost_flows"], len({flow for flow, _ in lost}))
        self.assertEqual(found["flows"], len({flow for flow, _ in gate}))
        if lost:
            self.assertEqual(found["loss_span_ns"], max(lost.values()) - min(lost.values()))
            self.assertEqual(found["black_hole_longest_ns"], max(self.holes(gate, lost).values()))
        with (self.base / "out/leaving-1.tsv").open() as rows:
            rows = {int(row["flow"]): row for row in csv.DictReader(rows, delimiter="\t")}
        for flow in {flow for flow, _ in lost}:
            self.assertEqual(int(rows[flow]["lost"]), sum(key[0] == flow for key in lost))
        left = {flow for flow, _ in workers["worker2"]}
        self.assertEqual({flow for flow, row in rows.items() if row["before"] == "worker2"}, left)
        self.assertEqual(found["affected"], len(left))
        return workers, lost

    @staticmethod
    def holes(gate, lost):
        """The time each flow was without, from the stamps of its packets; flows that came back only."""
        holes = {}
        for flow in {flow for flow, _ in lost}:
            since = None
            for key in sorted(key for key in gate if key[0] == flow):
                if key in lost:
                    since = lost[key] if since is None else since
                elif since is not None:
                    holes[flow] = holes.get(flow, 0) + gate[key][1] - since
                    since = None
        return holes

    def test_the_set_side_by_side(self):
        """BFD, graceful shutdown and drain; the hold timer, which takes its three seconds, as well."""
        self.lab("test", "scenarios/leaving", "--out", "out", expect=0)
        told = {name: self.verdict(f"out/leaving-{name}")["expectations"]
                for name in ("power-loss", "bfd", "graceful-shutdown", "drain")}
        told = {name: next(e["leaving"] for e in all if "leaving" in e) for name, all in told.items()}
        self.assertEqual(told["graceful-shutdown"]["lost"], 0)
        self.assertEqual((told["graceful-shutdown"]["word"], told["drain"]["word"]), ("changed", "withdrawn"))
        self.assertLess(told["drain"]["black_hole_longest_ns"], told["bfd"]["black_hole_longest_ns"])
        self.assertLess(10**8, told["bfd"]["black_hole_longest_ns"])
        self.assertLess(2 * 10**9, told["power-loss"]["black_hole_longest_ns"] - told["bfd"]["black_hole_longest_ns"])
        self.assertLess(5 * told["bfd"]["lost"], told["power-loss"]["lost"])

    def test_a_withdrawal_is_timed(self):
        self.scenario("leaving1", LAB % "" + """
  - fail: {worker: worker2, how: withdraw}
  - expect: {no_packet_on: worker2, since: withdraw, within: 500ms, lost: 3}
""", like="leaving/drain")
        self.lab("run", "scenarios/leaving1", "--out", "out", expect=0)
        found = self.leaving()
        self.assert_counted(found)
        self.assertEqual(found["word"], "withdrawn")
        self.assertTrue(0 < found["word_ns"] < found["fib_ns"] <= found["new_path_ns"], found)

    def test_a_worker_that_joins_is_timed(self):
        self.scenario("joining1", LAB.replace(FLOWS, "") % "" + """
  - fail: {worker: worker2, how: withdraw}
  - expect: {service: nginx, next_hops: [worker1, worker3], within: 2s}
""" + FLOWS + """
  - recover: worker2
  - expect: {first_packet_on: worker2, since: announce, within: 1s, lost: 3}
""", like="leaving/drain")
        self.lab("run", "scenarios/joining1", "--out", "out", expect=0)
        finding = self.verdict("out")["expectations"][-1]
        found = finding["joining"]
        gate, workers, lost = self.counted("out")
        self.assertEqual((found["sent"], found["lost"]), (len(gate), len(lost)))
        self.assertEqual(found["affected"], len({flow for flow, _ in workers["worker2"]}))
        self.assertEqual(found["word"], "announced")
        self.assertTrue(0 < found["word_ns"] < found["fib_ns"] <= found["new_path_ns"], found)
        # Both are frames of worker2's: an UPDATE (RFC 4271 section 4.1, type 2), and the first packet that came.
        every = list(frames(self.base / "out/worker2.pcap"))
        update, packet = (every[at["frame"] - 1] for at in finding["frames"][:2])
        self.assertIn(b"\xff" * 16, update[1])
        self.assertEqual(update[1][update[1].index(b"\xff" * 16) + 18], 2)
        self.assertEqual(packet[0], min(seen for seen, _ in workers["worker2"].values()))
        self.assertEqual(found["new_path_ns"] - found["word_ns"], packet[0] - update[0])

    def test_who_never_gets_a_packet_has_not_joined(self):
        """A rule of the router's sends what is for the service past its FIB."""
        self.scenario("joining2", LAB.replace(FLOWS, "") % "" + """
  - fail: {worker: worker2, how: withdraw}
  - exec: {on: router, run: "ip route add 172.16.254.1 via 10.0.0.51 table 9; ip rule add to 172.16.254.1 lookup 9"}
""" + FLOWS + """
  - recover: worker2
  - expect: {first_packet_on: worker2, since: fib, within: 200ms}
""", like="leaving/drain")
        self.lab("run", "scenarios/joining2", "--out", "out", expect=1)
        self.assertRegex(self.verdict("out")["expectations"][-1]["seen"],
                         r"announced after [^,]*, in the FIB after [^,]*, no packet there \(0 of 120 flows\).*"
                         "the first may take 200 ms after the FIB")

    def test_a_black_hole_is_measured(self):
        """Nobody hears that the link is down: the packets of worker2's flows come nowhere to the end, and that is told."""
        self.scenario("leaving2", LAB % "" + """
  - fail: {worker: worker2, how: link_down}
  - expect: {no_packet_on: worker2, within: 300ms, lost: 3, black_hole: 100ms}
""", like="leaving/drain")
        self.lab("run", "scenarios/leaving2", "--out", "out", expect=1)
        seen = self.verdict("out")["expectations"][-1]["seen"]
        found = self.leaving()
        _, lost = self.assert_lost_to_the_end(found)
        self.assertIn("no word of it on the wire, still in the FIB, no packet on a new path", seen)
        self.assertIn("; 3 may be lost", seen)
        self.assertIn("packets may go there for 300 ms", seen)
        self.assertGreater(len(lost), 50)

    def assert_lost_to_the_end(self, found):
        gate, workers, lost = self.counted("out")
        self.assertEqual((found["sent"], found["lost"]), (len(gate), len(lost)))
        self.assertIsNone(found["fib_ns"])
        self.assertIsNone(found["new_path_ns"])
        self.assertEqual(found["unmoved"], found["affected"])
        return workers, lost

    def test_packets_that_go_on_break_the_budget(self):
        """The FIB has no worker2 any more, but packets go there: a rule sends them past it."""
        self.scenario("leaving3", LAB % "" + """
  - exec: {on: router, run: "ip route add 172.16.254.1 via 10.0.0.52 table 9; ip rule add to 172.16.254.1 lookup 9"}
  - fail: {worker: worker2, how: withdraw}
  - expect: {no_packet_on: worker2, since: withdraw, within: 300ms}
""", like="leaving/drain")
        self.lab("run", "scenarios/leaving3", "--out", "out", expect=1)
        self.assertIn("last on the old one after", self.verdict("out")["expectations"][-1]["seen"])

    def impact(self, *more, expect=0):
        done = self.lab("impact", "scenarios/article-l4", "--json", "--out", "out", *more, expect=expect)
        return {(way["way"], way["group"]): way for way in json.loads(done.stdout)["ways"]}

    def fates(self, way, group):
        """From the run's own files: each connection's fate, and who reset it."""
        folder = next((self.base / "out").glob(f"*-{way}-{group}"))
        with (folder / "connections-1.tsv").open() as rows:
            return [(row["fate"], row["by"]) for row in csv.DictReader(rows, delimiter="\t")]

    def test_impact_of_the_first_of_three(self):
        """ECMP.md 5.5: a plain group moves a half, a quarter of the survivors without need; a resilient one only what it must."""
        ways = self.impact("-r", "worker1", "--flows", "4000", "-c", "150", "--ways", "withdraw,crash", "--seed", "5")
        self.assertEqual(len(ways), 4)
        for (way, group), found in ways.items():
            with self.subTest(way=way, group=group):
                moves, connections = found["moves"], found["connections"]
                plain = group == "hash_threshold"
                self.assertEqual(found["verdict"], "pass")
                self.assertEqual(moves["flows"], 4000)
                self.assertEqual(moves["moved"], moves["forced"] + moves["innocent"])
                # five deviations of a share of 4000, or of the survivors
                self.assertAlmostEqual(moves["forced"] / 4000, 1 / 3, delta=0.04)
                self.assertAlmostEqual(moves["innocent"] / moves["survivors"], 0.25 if plain else 0, delta=0.045 if plain else 0)
                self.assertEqual(found["leaving"]["word"], "withdrawn" if way == "withdraw" else "session ended")
                # a connection is reset by the worker to which it was moved: the hash of its packets, as with flows
                fates = self.fates(way, group)
                self.assertEqual(len(fates), connections["count"])
                self.assertEqual(sum(fate == "answered" for fate, _ in fates), connections["answered"])
                self.assertEqual(connections["reset_by"], {by: sum(f == ("reset", by) for f in fates)
                                                           for by in {by for fate, by in fates if fate == "reset"}})
                self.assertEqual(connections["answered"] + connections["reset"], 150)
                self.assertAlmostEqual(connections["reset"] / 150, 0.5 if plain else 1 / 3, delta=0.21)
                self.assertNotIn("worker1", connections["reset_by"])

    def test_impact_of_a_black_hole(self):
        """The hold time of 90 s is not waited for: a third of the packets is lost, and what was there hangs."""
        ways = self.impact("-r", "2", "--flows", "600", "-c", "60", "--ways", "link_down", "--groups", "hash_threshold",
                           "--patience", "1")
        found = ways["link_down", "hash_threshold"]
        self.assertIsNone(found["leaving"]["fib_ns"])
        self.assertAlmostEqual(found["leaving"]["lost"] / found["leaving"]["sent"], 1 / 3, delta=0.12)
        self.assertGreater(found["leaving"]["black_hole_longest_ns"], 10**9)
        self.assertGreater(found["connections"]["timed_out"], 5)
        self.assertEqual(found["connections"]["answered"] + found["connections"]["timed_out"], 60)


if __name__ == "__main__":
    unittest.main()
