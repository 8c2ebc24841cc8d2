#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Real daemons in labs: the article on each of them, what they refuse, what they can't do, and that nothing of them stays."""
import pathlib
import re
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
# pylint: disable=wrong-import-position
import lab  # noqa: E402

SPEAKERS = """
lab:
  router: {daemon: %s, as: 11000}
  workers: {count: 4, as: 22000, metallb: native, speaker: [frr, gobgp, bird, exabgp]}
  manifests: [metallb.yaml]
steps:
  - expect: {sessions: established, within: 25s}
  - apply: nginx.yaml
  - expect: {service: nginx, announced_by: all, within: 10s}
  - expect: {service: nginx, next_hops: all, within: 5s}
  - delete: service/nginx
  - expect: {service: nginx, withdrawn_by: all, within: 10s}
  - expect: {service: nginx, next_hops: none, within: 5s}
"""
FIB = """
lab: {router: {daemon: %s}, workers: {metallb: legacy}, manifests: [metallb-values.yaml], faults: [%s]}
steps:
  - apply: nginx.yaml
  - expect: {service: nginx, announced_by: all, within: 3s}
  - expect: {service: nginx, next_hops: all, within: 5s}
  - http: {service: nginx, requests: 3}
  - expect: {http: {answered: all, status: 200}}
"""
HELD = """
lab: {router: {daemon: %s}, workers: {metallb: legacy, speaker: %s}, manifests: [metallb-values.yaml]}
steps:
  - expect: {sessions: established, within: 25s}
"""


class Articles(lab.LabTest):
    def article(self, kind):
        before = lab.traces(self.base)
        self.lab("run", f"scenarios/article-{kind}", "--out", "out", expect=0)
        self.assert_nothing_left(before)

    def test_frr(self):
        self.article("frr")

    def test_gobgp(self):
        self.article("gobgp")

    def test_openbgpd(self):
        self.article("openbgpd")

    def test_speakers_of_all_kinds(self):
        before = lab.traces(self.base)
        folder = self.scenario("speakers", SPEAKERS % "builtin", like="local-policy")
        (folder / "nginx.yaml").write_text((self.base / "scenarios/article/nginx.yaml").read_text())
        self.lab("run", folder, "--out", "out", expect=0)
        for log in ("worker1-frr", "worker2-gobgpd", "worker3-bird2", "worker4-exabgp"):
            self.assertTrue((self.base / f"out/{log}.log").exists(), log)
        self.assert_nothing_left(before)


class Refusals(lab.LabTest):
    def refused(self, kind, name, find, put, words):
        folder = self.base / f"scenarios/article-{kind}"
        config = (folder / name).read_text()
        self.assertIn(find, config)
        (folder / name).write_text(config.replace(find, put))
        done = self.lab("run", folder, "--out", "out", expect=1)
        self.assertIn(words, re.sub(r"\s+", " ", done.stdout))

    def test_frr_names_the_line(self):
        self.refused("frr", "frr.conf", "workers remote-as", "workers remote-ass", "line 11: % Unknown command")

    def test_gobgp_names_the_key(self):
        self.refused("gobgp", "gobgpd.toml", "router-id", "routerid", "invalid keys: routerid")

    def test_openbgpd_names_the_line(self):
        self.refused("openbgpd", "bgpd.conf", "router-id", "routerid", "bgpd.conf:2: syntax error")

    def test_frr_without_bgp_is_told_so(self):
        folder = self.base / "scenarios/article-frr"
        (folder / "frr.conf").write_text("frr version 8.4\nhostname router\n")
        done = self.lab("run", folder, "--out", "out", expect=5)
        self.assertIn("does not listen on port 179", re.sub(r"\s+", " ", done.stdout))


class WithoutRoutes(lab.LabTest):
    """A router that installs no routes: what asks for them is skipped, all else is judged."""

    def test_what_asks_for_the_kernels_routes_is_skipped(self):
        for kind, name in (("gobgp", "GoBGP"), ("openbgpd", "OpenBGPD")):
            folder = self.scenario(f"fib-{kind}", FIB % (kind, ""))
            done = self.lab("run", folder, "--out", f"out-{kind}", expect=4)
            self.assertIn(f"{name} installs no routes in the kernel on Linux", re.sub(r"\s+", " ", done.stdout))
            verdicts = [e["verdict"] for e in self.verdict(f"out-{kind}")["expectations"]]
            self.assertEqual(verdicts, ["pass", "skip", "skip"])

    def test_a_failure_still_fails(self):
        folder = self.scenario("fib-fails", FIB % ("gobgp", "{worker: 2, how: silent}"))
        self.lab("run", folder, "--out", "out", expect=1)


class Weighted(lab.LabTest):
    def test_frr_weighs_by_the_bandwidth_that_it_is_told(self):
        """FRR 8 takes the octets a second into 32 bits, and its weights are rounded percentages."""
        folder = self.base / "scenarios/weighted"
        text = (folder / "scenario.yaml").read_text().replace("{as: 11000", "{daemon: frr, as: 11000")
        for find, put in (("[10G, 10G, 40G]", "[1G, 1G, 4G]"), ("within: 5s", "within: 15s"),
                          ("{worker1: 1, worker2: 1, worker3: 4}", "{worker1: 16, worker2: 16, worker3: 66}")):
            self.assertIn(find, text)
            text = text.replace(find, put)
        (folder / "scenario.yaml").write_text(text)
        self.lab("run", folder, "--out", "out", expect=0)


class OverIPv6(lab.LabTest):
    """The generated configurations of the daemons that have one for IPv6, up to packets, and their order when a worker goes."""

    def test_routers(self):
        text = (self.base / "scenarios/ipv6/scenario.yaml").read_text()
        head, steps = text[:text.index("steps:")], text[text.index("steps:"):]
        steps = steps[:steps.index("  - fail:")].replace("within: 5s", "within: 15s")
        for kind in ("bird2", "frr"):
            folder = self.scenario(f"ipv6-{kind}", head.replace("{as: 11000", f"{{daemon: {kind}, as: 11000") + steps,
                                   like="ipv6")
            self.lab("run", folder, "--out", f"out-{kind}", expect=0)
            self.assertEqual(self.verdict(f"out-{kind}")["router"]["daemon"], kind)


class Killed(lab.LabTest):
    def test_kill_leaves_none_of_the_daemons(self):
        for router, speaker in (("frr", "frr"), ("openbgpd", "exabgp"), ("gobgp", "bird")):
            before = lab.traces(self.base)
            process = self.start("run", self.scenario(f"held-{router}", HELD % (router, speaker)), "--keep", "--out",
                                 f"out-{router}")
            self.addCleanup(process.stdout.close)
            if not any("stays up" in line for line in process.stdout):
                process.wait()
                self.assertEqual(process.returncode, 4, "the lab never stood")
                self.skipTest("this machine lacks something")
            process.send_signal(signal.SIGKILL)
            process.wait()
            self.assert_nothing_left(before)


if __name__ == "__main__":
    unittest.main()
