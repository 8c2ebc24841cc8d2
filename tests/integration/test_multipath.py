# SPDX-License-Identifier: GPL-2.0-or-later
"""The router's kernel as oracle: what it predicts, what packets do, and what is said where the two differ."""
import csv
import re
import subprocess
import unittest

import lab

LAB = """
lab:
  router: {%s}
  workers: {metallb: legacy}
  manifests: [metallb-values.yaml]
steps:
  - apply: nginx.yaml
  - expect: {service: nginx, next_hops: all, within: 5s}
"""
# What goes to worker2 from these ports goes to worker3: a port of the switch that learnt the wrong address.
MISLED = (r"mac() { ip neigh show 10.0.0.$1 | sed 's/.*lladdr \\([0-9a-f:]*\\).*/\\1/'; }; "
          r"nft \"add table netdev t; add chain netdev t c { type filter hook egress device eth0 priority 0; }; "
          r"add rule netdev t c ether daddr $(mac 52) udp sport 1024-20000 ether daddr set $(mac 53)\"")
# The same of an IPv6 lab.
LAB6 = """
lab:
  networks: {family: ipv6}
  router: {as: 11000, hash: l4}
  workers: {count: 3, as: 22000, metallb: frr}
  manifests: [metallb.yaml]
steps:
  - apply: nginx.yaml
  - expect: {service: nginx, next_hops: all, within: 5s}
  - flows: {service: nginx, count: 600, vary: [src_port]}
"""
MISLED6 = MISLED.replace("10.0.0.$1", "fd00:10::$1").replace("mac 52", "mac 34").replace("mac 53", "mac 35")
# A next hop that drops a part of what is for it.
DROPPING = ("nft 'add table netdev t; add chain netdev t c { type filter hook egress device eth0 priority 0; }; "
            "add rule netdev t c udp sport 1024-3000 drop'")


class Oracle(lab.LabTest):
    def play(self, router, steps, expect):
        self.played = getattr(self, "played", 0) + 1
        folder = self.scenario(f"oracle{self.played}", LAB % router + steps)
        return self.lab("run", folder, "--out", "out", expect=expect)

    def seen(self, number):
        return self.verdict("out")["expectations"][number]["seen"]

    def predicted(self, number):
        with (self.base / "out" / f"oracle-{number}.tsv").open() as rows:
            return list(csv.DictReader(rows, delimiter="\t"))

    def test_flows_that_go_elsewhere_are_named(self):
        self.play("multipath_hash: l4", f"""
  - exec: {{on: router, run: "{MISLED}"}}
  - flows: {{service: nginx, count: 600}}
  - expect: {{paths: predicted, of: flows}}
""", expect=1)
        text = self.seen(1)
        self.assertRegex(text, r"^\d+ of 600 flows went where the router's kernel said; "
                               r"flow \d+: the kernel says worker2, the packets went to worker3")
        rows = self.predicted(1)
        misled = [row for row in rows if row["predicted"] == "worker2" and int(row["source_port"]) <= 20000]
        self.assertEqual(len(rows), 600)
        self.assertTrue(text.startswith(f"{600 - len(misled)} of 600"), text)
        self.assertIn(re.search(r"flow (\d+)", text).group(1), [row["flow"] for row in misled])

    def test_flows_that_come_nowhere_are_named(self):
        self.play("multipath_hash: l4", f"""
  - exec: {{on: router, run: "{DROPPING}"}}
  - flows: {{service: nginx, count: 600}}
  - expect: {{paths: predicted, of: flows, within: 200ms}}
""", expect=1)
        self.assertRegex(self.seen(1), r"the kernel says worker\d, the packets went to no worker")

    def test_a_spread_that_holds_says_where_the_kernel_differs(self):
        done = self.play("multipath_hash: l4", f"""
  - exec: {{on: router, run: "{MISLED.replace('1024-20000', '1024-6000')}"}}
  - flows: {{service: nginx, count: 600}}
  - expect: {{spread: equal, of: flows, detect: 60%}}
""", expect=0)
        self.assertRegex(" ".join(done.stdout.split()), r"the kernel says worker2, the packets went to worker3")

    def test_every_policy_is_predicted_or_doubted_in_words(self):
        """Policies 0 to 3, crafted flows and real connections."""
        for policy, connections in (("l3", 0), ("l4", 0), ("inner_l3", 0), ("socket", 3),
                                    ("{fields: [src, src_port]}", 0)):
            with self.subTest(policy=policy):
                self.play(f"hash: {policy}", """
  - flows: {service: nginx, count: 500, vary: [src_port, src_addr]}
  - expect: {paths: predicted, of: flows}
  - http: {service: nginx, requests: 60}
  - expect: {paths: predicted, of: connections}
""", expect=connections)
                self.assertEqual(self.seen(1), "500 of 500 flows went where the router's kernel said")
                self.assertRegex(self.seen(2), "the sending socket drew" if connections else "^60 of 60 connections")

    def test_what_carries_no_ports_is_predicted_too(self):
        """The kernel's dissector stops at a fragment, and an echo has no ports: addresses and protocol decide."""
        for words in ("protocol: icmp, vary: [src_addr, src_port]", "fragments: true, vary: [src_addr, src_port]",
                      "protocol: tcp, vary: [src_addr]", "vary: [src_port, protocol]"):
            with self.subTest(flows=words):
                self.play("hash: l4", f"""
  - flows: {{service: nginx, count: 240, {words}}}
  - expect: {{paths: predicted, of: flows}}
""", expect=0)
                self.assertEqual(self.seen(1), "240 of 240 flows went where the router's kernel said")

    def test_seeds_are_swept(self):
        """Each seed is a hash of its own, and the kernel's word holds under each."""
        steps = "".join(f"""
  - hash: {{seed: {seed}}}
  - flows: {{{"service: nginx, count: 900" if seed == 1 else "again: true"}}}
  - expect: {{paths: predicted, of: flows}}
  - expect: {{spread: equal, of: flows, detect: 50%}}
""" for seed in (1, 2, 3, 1))
        self.play("hash: l4", steps.replace("{service: nginx, count: 900}", "{again: true}")
                  .replace("{again: true}", "{service: nginx, count: 900}", 1), expect=0)
        paths = [[row["predicted"] for row in self.predicted(number)] for number in (1, 2, 3, 4)]
        self.assertEqual(paths[0], paths[3])
        for i, one in enumerate(paths[:3]):
            for other in paths[:i]:
                same = sum(a == b for a, b in zip(one, other))
                self.assertTrue(200 < same < 400, same)  # a third, with a deviation of 14

    def test_a_sweep_is_a_step(self):
        self.play("hash: l4", """
  - flows: {service: nginx, count: 900}
  - sweep: {seeds: [5, 6, 7], detect: 50%}
""", expect=0)
        expectations = self.verdict("out")["expectations"][1:]
        self.assertEqual([e["text"] for e in expectations],
                         [f"{what} under seed {seed}" for seed in (5, 6, 7) for what in ("spread weighted", "paths predicted")])
        paths = [[row["predicted"] for row in self.predicted(number)] for number in (2, 3, 4)]
        self.assertFalse(paths[0] == paths[1] or paths[1] == paths[2])

    def test_what_the_hash_cannot_tell_apart_is_refused(self):
        """Flows of 245 addresses are no more than 245 draws of a hash of addresses, however many they are."""
        done = self.play("hash: l3", """
  - flows: {service: nginx, count: auto, vary: [src_port, src_addr]}
  - expect: {spread: equal, of: flows}
""", expect=1)
        self.assertRegex(" ".join(done.stdout.split()),
                         r"of these (\d+) flows the router's hash \(.*policy=0\) can tell 24[0-5] apart, and .* needs \1")
        self.play("hash: {fields: [src, dst, src_port]}", """
  - flows: {service: nginx, count: auto, vary: [src_port, src_addr, protocol]}
  - expect: {spread: equal, of: flows}
seed: 170330
""", expect=0)
        # Two of the 1528 that it takes differ in their protocol alone, at which this hash does not look.
        self.assertRegex(self.seen(1), r"^1529 flows: .*; judged by their 1528 distinct keys of the router's hash, which alone")
        self.assertEqual(sum(s["count"] for s in self.verdict("out")["expectations"][-1]["shares"]), 1528)
        self.play("hash: l3", """
  - flows: {service: nginx, count: 4000, vary: [src_port, src_addr]}
  - expect: {spread: equal, of: flows}
""", expect=3)
        self.assertRegex(self.seen(1), "judged by their 24[0-5] addresses, which alone decide")
        # The same with fields of one's own, of which only the addresses vary.
        self.play("hash: {fields: [src, dst, dst_port]}", """
  - flows: {service: nginx, count: 4000, vary: [src_port, src_addr]}
  - expect: {spread: equal, of: flows}
""", expect=3)
        keys = {row["source"] for row in self.predicted(1)}
        self.assertRegex(self.seen(1), rf"^4000 flows: .*; judged by their {len(keys)} distinct keys of the router's hash, "
                                       r"which alone decide; to show .* keys are needed$")

    def test_destinations_are_those_of_the_announced_prefix(self):
        folder = self.scenario("destinations", LAB % "hash: l4" + """
  - flows: {service: nginx, count: 200, vary: [dst_addr]}
  - expect: {packets: {lost: 0}}
  - expect: {spread: equal, of: flows, detect: 90%}
  - expect: {paths: predicted, of: flows}
""")
        values = folder / "metallb-values.yaml"
        values.write_text(values.read_text() + "    bgp-advertisements:\n    - aggregation-length: 24\n")
        self.lab("run", folder, "--out", "out", expect=0)
        with (self.base / "out/oracle-1.tsv").open() as rows:
            self.assertEqual(len({row["destination"] for row in csv.DictReader(rows, delimiter="\t")}), 200)

    def test_shares_are_those_of_the_buckets(self):
        """Eight buckets over three workers are 3, 2 and 3: an equal spread would be a false promise."""
        self.play("hash: {policy: l4, seed: 5}, nexthop_groups: {type: resilient, buckets: 8}", """
  - flows: {service: nginx, count: 4000, vary: [src_port]}
  - expect: {spread: weighted, of: flows, detect: 25%}
  - expect: {paths: predicted, of: flows}
""", expect=0)
        self.assertEqual(sorted(worker["expected"] for worker in self.verdict("out")["expectations"][1]["shares"]),
                         [1000, 1500, 1500])

    def test_a_group_that_is_deleted_and_added_has_other_buckets(self):
        self.play("hash: l4, nexthop_groups: {type: resilient, buckets: 128, idle_timer: 0s}, group_update: delete_add", """
  - flows: {service: nginx, count: 2000}
  - fail: {worker: worker1, how: crash}
  - expect: {service: nginx, next_hops: [worker2, worker3], within: 5s}
  - flows: {again: true}
  - expect: {moved_flows: {at_most: minimal}, detect: 5%}
""", expect=1)
        self.assertRegex(self.seen(-1), r"^2000 flows: .* and [1-9]\d* had not")

    def test_buckets_wait_for_their_timer(self):
        """A worker that comes back gets idle buckets alone: none while all are busy, all of its part once they have been idle."""
        for timer, pause, moved in (("60s", "0", False), ("200ms", "0.6", True)):
            with self.subTest(idle_timer=timer):
                self.play(f"hash: l4, nexthop_groups: {{type: resilient, buckets: 32, idle_timer: {timer}}}", f"""
  - flows: {{service: nginx, count: 2000}}
  - fail: {{worker: worker1, how: crash}}
  - expect: {{service: nginx, next_hops: [worker2, worker3], within: 5s}}
  - flows: {{again: true}}
  - expect: {{moved_flows: {{at_most: minimal}}, detect: 5%}}
  - recover: worker1
  - expect: {{service: nginx, announced_by: all, within: 10s}}
  - flows: {{again: true}}
  - exec: {{on: router, run: [sleep, '{pause}']}}
  - flows: {{again: true}}
  - expect: {{paths: predicted, of: flows}}
""", expect=0)
                rows = self.predicted(4)
                here = sum(row["predicted"] == "worker1" for row in rows) / len(rows)
                self.assertTrue((0.2 < here < 0.45) if moved else here == 0, here)

    def test_ipv6_nodes_have_the_identifier_of_their_name(self):
        """METALLB section 10: without an IPv4 address the CRC-32 of the node's name, worker1's being 124.93.255.32."""
        self.lab("run", "scenarios/ipv6", "--out", "out", expect=0)
        opens = [m.group(1) for m in re.finditer(rb"\xff{16}..\x01\x04..\x00\xb4(.{4})",
                                                 (self.base / "out/worker1.pcap").read_bytes(), re.DOTALL)]
        self.assertIn(bytes([124, 93, 255, 32]), opens)


class Learned(lab.LabTest):
    """Where no lookup tells an IPv6 flow's path, its first packets do."""

    def play6(self, steps, expect):
        return self.lab("run", self.scenario("learned", LAB6 + steps, like="ipv6"), "--out", "out", expect=expect)

    def seen(self, number):
        return self.verdict("out")["expectations"][number]["seen"]

    def learned(self, number):
        lines = (self.base / "out" / f"oracle-{number}.tsv").read_text().splitlines()
        self.assertEqual(lines[0], "# learned from the packets of the same flows, sent before, not looked up")
        return list(csv.DictReader(lines[1:], delimiter="\t"))

    def test_the_first_sending_teaches_and_the_next_follow(self):
        self.play6("""
  - expect: {paths: predicted, of: flows}
  - flows: {again: true}
  - expect: {paths: predicted, of: flows}
  - flows: {again: true}
  - expect: {paths: predicted, of: flows}
""", expect=3)
        self.assertRegex(self.seen(1), "an IPv6 packet in another way than a lookup's tuple; these packets teach their paths, "
                                       "which the same flows, sent again, are to follow$")
        for number in (2, 3):
            self.assertEqual(self.seen(number), "600 of 600 flows went where their packets had gone before (learned from "
                                                "these, not looked up)")
        self.assertEqual([e["verdict"] for e in self.verdict("out")["expectations"]],
                         ["pass", "inconclusive", "pass", "pass"])
        if lab.have("tshark"):
            self.tshark_agrees(self.learned(2))

    def tshark_agrees(self, rows):
        seen = {}
        for worker in ("worker1", "worker2", "worker3"):
            done = subprocess.run(["tshark", "-r", self.base / f"out/{worker}.pcap", "-Y", "udp.dstport == 80", "-T", "fields",
                                   "-e", "udp.srcport"], capture_output=True, text=True, check=True)
            for port in done.stdout.split():
                seen.setdefault(port, set()).add(worker)
        self.assertEqual(len({row["source_port"] for row in rows}), 600)
        self.assertEqual({row["source_port"]: {row["predicted"]} for row in rows}, seen)

    def test_a_flow_that_leaves_its_path_is_named(self):
        done = self.play6(f"""
  - exec: {{on: router, run: "{MISLED6.replace("1024-20000", "1024-6000")}"}}
  - flows: {{again: true}}
  - expect: {{spread: weighted, of: flows, detect: 95%}}
  - expect: {{paths: predicted, of: flows}}
""", expect=1)
        misled = [row for row in self.learned(2) if row["predicted"] == "worker2" and int(row["source_port"]) <= 6000]
        self.assertTrue(misled)
        self.assertRegex(self.seen(2), rf"^{600 - len(misled)} of 600 flows went where their packets had gone before .*"
                                       r"flow \d+: it went to worker2 before, its packets now to worker3")
        self.assertIn(re.search(r"flow (\d+)", self.seen(2)).group(1), [row["flow"] for row in misled])
        told = " ".join(done.stdout.split()).split("paths predicted", maxsplit=1)[0]
        self.assertIn("it went to worker2 before, its packets now to worker3", told)  # beside the spread that holds

    def test_a_hash_that_changes_has_the_paths_taught_anew(self):
        self.play6("""
  - hash: {seed: 99}
  - flows: {again: true}
  - expect: {paths: predicted, of: flows}
  - flows: {again: true}
  - expect: {paths: predicted, of: flows}
""", expect=3)
        self.assertRegex(self.seen(1), "a route or the hash changed since they were sent before, so these packets teach")
        self.assertRegex(self.seen(2), "^600 of 600 flows went where their packets had gone before")

    def test_a_sweep_learns_under_each_seed(self):
        self.play6("""
  - sweep: {seeds: [5, 6], detect: 60%}
""", expect=0)
        expectations = self.verdict("out")["expectations"][1:]
        self.assertEqual([e["text"] for e in expectations],
                         [f"{what} under seed {seed}" for seed in (5, 6) for what in ("spread weighted", "paths predicted")])
        for number in (2, 4):
            self.assertRegex(self.seen(number), "^600 of 600 flows went where their packets had gone before")
        paths = [[row["predicted"] for row in self.learned(number)] for number in (3, 5)]
        self.assertNotEqual(paths[0], paths[1])


if __name__ == "__main__":
    unittest.main()
