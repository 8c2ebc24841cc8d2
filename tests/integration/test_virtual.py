#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The virtual driver: the same scenario says the same there and in a real lab, tshark finds nothing wrong with what it writes down,
and the same seed gives the same bytes."""
import hashlib
import subprocess
import unittest

import lab

NO_KERNEL = ("next_hops", "http", "spread", "flows")
DAY_NS = 24 * 3600 * 10**9


class Virtual(lab.LabTest):
    def expectations(self, out):
        """What the control plane is asked, and what became of it."""
        return [(e["text"], e["verdict"]) for e in self.verdict(out)["expectations"]
                if not any(word in e["text"].split() for word in NO_KERNEL)]

    def routes(self, out):
        """What each worker said of which prefix, in its order."""
        told = {}
        for event in self.timeline(out, "route"):
            told.setdefault(event["node"], []).append(event["text"])
        return told

    def digests(self, out):
        return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted((self.base / out).glob("*.pcapng"))}

    def test_the_control_plane_does_as_in_a_real_lab(self):
        for scenario in ("article", "article-l4", "service-removed", "local-policy"):
            with self.subTest(scenario):
                self.lab("run", f"scenarios/{scenario}", "--seed", 3, "--out", f"real-{scenario}", expect=0)
                self.lab("run", "--virtual", f"scenarios/{scenario}", "--seed", 3, "--out", f"virtual-{scenario}", expect=4)
                real, virtual = (self.expectations(f"{kind}-{scenario}") for kind in ("real", "virtual"))
                self.assertEqual(real, virtual)
                self.assertGreaterEqual(len(real), 2)
                self.assertEqual(self.routes(f"real-{scenario}"), self.routes(f"virtual-{scenario}"))

    def test_a_lie_is_found_there_too(self):
        text = (lab.ROOT / "scenarios/article/scenario.yaml").read_text()
        for fault in ("silent", "wrong_prefix"):
            with self.subTest(fault):
                folder = self.scenario(fault, text.replace("steps:", f"  faults: [{{worker: worker2, how: {fault}}}]\n\nsteps:"))
                self.lab("run", "--virtual", folder, "--out", f"out-{fault}", expect=1)
                failed = [e for e in self.verdict(f"out-{fault}")["expectations"] if e["verdict"] == "fail"]
                self.assertIn("announced_by", failed[0]["text"])
                self.assertIn("worker2", failed[0]["seen"])

    def test_what_needs_the_kernel_is_refused_where_it_stands(self):
        text = (lab.ROOT / "scenarios/article/scenario.yaml").read_text()
        lines = text.splitlines()
        done = self.lab("check", self.scenario("mixed", "virtual: true\n" + text), expect=2)
        for key in ("next_hops", "http", "spread"):
            line = 2 + next(i for i, l in enumerate(lines) if l.lstrip().startswith("-") and key in l)
            self.assertRegex(done.stderr, rf"scenario\.yaml:{line}:\d+: error: {key}: .*kernel")
        for number, (change, key) in enumerate([(("{as: 11000}", "{as: 11000, daemon: bird2}"), "router.daemon"),
                                                (("{as: 11000}", "{as: 11000, password: secret}"), "router.password"),
                                                (("metallb: legacy", "metallb: legacy, speaker: gobgp"), "workers.speaker")]):
            folder = self.scenario(f"daemon{number}", text.replace(*change))
            line = 1 + next(i for i, l in enumerate(lines) if change[0] in l)
            done = self.lab("run", "--virtual", folder, "--out", f"out-daemon{number}", expect=2)
            self.assertRegex(done.stderr, rf"scenario\.yaml:{line}:\d+: error: {key}: .*kernel")
            self.assertFalse((self.base / f"out-daemon{number}").exists())

    def test_a_day_is_a_moment(self):
        done = self.lab("run", "scenarios/virtual-day", "--seed", 5, "--out", "a", expect=0)
        self.assertIn("43200 s", done.stdout)
        times = [e["t_ns"] for e in self.timeline("a", "step")]
        self.assertGreaterEqual(max(times) - min(times), DAY_NS)

    def test_hold_timers_run_out_when_they_should(self):
        """METALLB: 90 s unless a peer says otherwise; the last message came up to a third of that before the power went."""
        self.lab("run", "scenarios/virtual-day", "--seed", 6, "--out", "out", expect=0)
        events = self.timeline("out")
        failed = next(e["t_ns"] for e in events if e["text"].startswith("fail "))
        heard = next(e["t_ns"] for e in events if e["kind"] == "session" and e["node"] == "router" and e["t_ns"] > failed
                     and "Established -> Idle" in e["text"])
        self.assertGreaterEqual(heard - failed, 60 * 10**9)
        self.assertLessEqual(heard - failed, 90 * 10**9 + 10**9)

    def test_ends_and_returns(self):
        text = (lab.ROOT / "scenarios/virtual-day/scenario.yaml").read_text()
        steps = """steps:
  - expect: {sessions: established, within: 5s}
  - apply: nginx.yaml
  - expect: {service: nginx, announced_by: all, within: 1s}
  - fail: {worker: worker1, how: crash}
  - expect: {service: nginx, announced_by: [worker2, worker3], within: 1s}
  - recover: worker1
  - expect: {sessions: established, within: 5m}
  - restart: {node: router, down: 10s}
  - expect: {sessions: established, within: 5m}
  - restart: {node: worker3, down: 10s}
  - expect: {service: nginx, announced_by: all, within: 5m}
"""
        self.lab("run", self.scenario("returns", text.split("steps:")[0] + steps), "--out", "out", expect=0)

    def test_the_same_seed_gives_the_same_bytes(self):
        for out, seed in (("a", 7), ("b", 7), ("c", 8)):
            self.lab("run", "scenarios/virtual-day", "--seed", seed, "--out", out, expect=0)
        self.assertEqual(sorted(self.digests("a")), ["router-cluster.pcapng", "worker1.pcapng", "worker2.pcapng", "worker3.pcapng"])
        self.assertEqual(self.digests("a"), self.digests("b"))
        self.assertEqual((self.base / "a/timeline.jsonl").read_text(), (self.base / "b/timeline.jsonl").read_text())
        self.assertNotEqual(self.digests("a"), self.digests("c"))

    def test_tshark_finds_nothing_wrong(self):
        if not lab.have("tshark"):
            self.skipTest("tshark is not installed")
        rough = (lab.ROOT / "scenarios/virtual-day/scenario.yaml").read_text().replace("late: 10%", "late: 10%, refuse: 10%, breaks: 20m")
        rough = rough.replace("within: 1s", "within: 20m")
        self.lab("run", self.scenario("rough", rough), "--seed", 9, "--out", "out")
        for capture in sorted((self.base / "out").glob("*.pcapng")):
            common = ["tshark", "-r", str(capture), "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]
            odd = "tcp.analysis.flags || _ws.malformed || tcp.checksum.status == 0 || ip.checksum.status == 0 || _ws.expert.severity == error"
            with self.subTest(capture.name):
                self.assertEqual(subprocess.run([*common, "-Y", odd], capture_output=True, text=True, check=True).stdout, "")
                opens = subprocess.run([*common, "-Y", "bgp.type == 1", "-T", "fields", "-e", "bgp.open.myas"],
                                       capture_output=True, text=True, check=True).stdout.split()
                self.assertGreater(len(opens), 10) # connections broke, and came back

    def test_nothing_is_left_behind(self):
        before = lab.traces(self.base)
        self.lab("run", "--virtual", "scenarios/article", "--out", "out", expect=4)
        self.assert_nothing_left(before)


if __name__ == "__main__":
    unittest.main()
