#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One scenario over all routers with a FIB: BIRD 1.6's way of changing a group is told from the others', the limits are seen."""
import json
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
# pylint: disable=wrong-import-position
import lab  # noqa: E402


class Compare(lab.LabTest):
    def compared(self, *argv):
        done = self.lab("compare", *argv, "--json", "--out", "out")
        self.assertIn(done.returncode, (0, 4), done.stdout + done.stderr)
        return {r["router"].split(".")[0]: r for r in json.loads(done.stdout)["routers"] if r["verdict"] != "skip"}

    def test_ways_of_changing_a_group(self):
        routers = self.compared("scenarios/router-changes")
        ways = {"builtin": "replace", "BIRD 1": "delete + add", "BIRD 2": "replace", "FRR 8": "replace"}
        for name, way in ways.items():
            if name not in routers:
                continue
            with self.subTest(name):
                self.assertEqual(routers[name]["verdict"], "pass")
                self.assertEqual(routers[name]["group_change"], way)
                fib = routers[name]["fib"]
                self.assertEqual((fib["installed_most"], fib["announced_most"]), (16, 20))
                self.assertEqual(fib["holes"] > 0, way != "replace")
                self.assertEqual(fib["removed"] > 0, way != "replace")
                self.assertEqual(fib["lost"], 0)
                self.assertGreater(fib["delay_median_ns"], 0)
                self.assertEqual(routers[name]["held_back_by"], "limit")
                # a hundred changes under traffic: only a route that is gone loses any of it
                left = routers[name]["leaving"]
                self.assertEqual(left["word"], "withdrawn")
                self.assertTrue(left["word_ns"] < left["fib_ns"], left)
                self.assertGreater(left["sent"], 500)
                if way == "replace":
                    self.assertEqual((left["lost"], left["no_route"]), (0, 0))
                    continue
                self.assertGreater(left["no_route"], 80)
                self.assertLessEqual(left["no_route"], fib["holes"])
        self.assertIn("builtin", routers)
        if "BIRD 1" in routers:
            self.assert_holes_measured(routers["BIRD 1"])

    def assert_holes_measured(self, router):
        """By the packets a hole takes some microseconds; the kernel's messages, which were read late, say no less. Where BIRD
        and the flows had to share a processor, no packet may have met a hole: they meet again."""
        for _ in range(6):
            if router["leaving"]["lost"] > 0:
                break
            router = self.compared("scenarios/router-changes", "--routers", "bird1")["BIRD 1"]
        left, fib = router["leaving"], router["fib"]
        self.assertGreater(left["lost"], 0)
        each, read = left["no_route_ns"] / left["no_route"], fib["hole_ns"] / fib["holes"]
        self.assertTrue(0 < each < 10 * read, (each, read))

    def test_frr_changes_a_group_over_ipv6(self):
        """zebra without --v6-rr-semantics takes an IPv6 route away before it adds the changed one."""
        folder = self.base / "scenarios/router-changes"
        values = (folder / "metallb.yaml").read_text()
        (folder / "metallb.yaml").write_text(values.replace("172.16.254.0/24", '"fd00:254::/112"')
                                             .replace("10.0.0.1", '"fd00:10::1"'))
        text = (folder / "scenario.yaml").read_text()
        text = re.sub(r"(?m)^  networks: .*$", "  networks: {family: ipv6}", text)
        text = re.sub(r"(?m)^  clients: .*\n", "", text.replace("metallb: native", "metallb: frr").replace(" first: 10.0.0.51,", ""))
        flows_end = text.index("\n", text.index("background: true")) + 1
        (folder / "scenario.yaml").write_text(text[:flows_end] + text[text.rindex("  - never"):])  # one change will do
        found = self.compared("scenarios/router-changes", "--routers", "frr")
        if "FRR 8" not in found:
            self.skipTest("no FRR 8")
        self.assertEqual(found["FRR 8"]["verdict"], "pass")
        self.assertEqual(found["FRR 8"]["group_change"], "delete + add")
        self.assertGreater(found["FRR 8"]["fib"]["holes"], 0)

    def test_what_a_router_does_when_nobody_told_it(self):
        """Twenty ASes: without multipath-relax FRR and the built-in router install one path; BIRD's merge paths ends at 16."""
        routers = self.compared("scenarios/router-defaults")
        for name, (installed, why) in {"builtin": (1, "AS paths"), "BIRD 1": (16, "limit"), "BIRD 2": (16, "limit"),
                                       "FRR 8": (1, "AS paths")}.items():
            if name not in routers:
                continue
            with self.subTest(name):
                fib = routers[name]["fib"]
                self.assertEqual((fib["installed_most"], fib["announced_most"], fib["alike_most"]), (installed, 20, 1))
                self.assertEqual(routers[name]["held_back_by"], why)
        self.assertIn("builtin", routers)

    def tiers(self, name, daemon, change=lambda text: text):
        """Real routers below a built-in upstream."""
        folder = self.base / "scenarios" / name
        text = (folder / "scenario.yaml").read_text()
        (folder / "scenario.yaml").write_text(change(text.replace("router: {", f"router: {{daemon: {daemon}, ", 1)))
        done = self.lab("run", f"scenarios/{name}", "--out", "out")
        self.assertIn(done.returncode, (0, 4), done.stdout + done.stderr)
        if done.returncode == 4:
            self.assertIn("is not installed", done.stdout)

    def test_two_tiers_of_bird(self):
        self.tiers("two-tiers", "bird1")

    def test_two_tiers_of_bird_over_ipv6(self):
        self.tiers("two-tiers-ipv6", "bird2")

    def test_two_tiers_of_frr(self):
        """Where two FRRs listed their next hops in different orders, so that the first totals say nothing."""
        def independent(text):
            begin, end = text.index("  # The same hash with"), text.index("  # A seed of its own")
            return (text[:begin] + text[end:]).replace("again: true", "service: nginx, count: auto, vary: [src_port]")
        self.tiers("two-tiers", "frr", independent)

    def test_words_and_mistakes(self):
        done = self.lab("compare", "scenarios/article", "--routers", "bird3", expect=2)
        self.assertIn("bird3", done.stderr)
        done = self.lab("compare", "scenarios/two-tiers", "--routers", "gobgp", "--out", "out", expect=4)
        self.assertRegex(done.stdout, r"GoBGP\n +GoBGP [\d.]+ installs no routes|is not installed")
        done = self.lab("compare", "scenarios/nowhere", expect=2)
        self.assertIn("nowhere", done.stderr)


if __name__ == "__main__":
    unittest.main()
