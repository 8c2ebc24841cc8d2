#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Resilient groups that follow what real daemons write: a worker that goes takes its own flows along and no others, where the
daemon's own routes would move a quarter of the others."""
import csv
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
# pylint: disable=wrong-import-position
import lab  # noqa: E402

LAB = """
lab:
  %(networks)srouter: {daemon: %(daemon)s, as: 11000, hash: {policy: l4, seed: 7}%(router)s}
  workers: {count: 3, as: 22000, metallb: %(metallb)s}
  manifests: [%(manifest)s]
steps:
  - apply: nginx.yaml
  - expect: {service: nginx, next_hops: all, within: 25s}
  - flows: {service: nginx, count: 2000, vary: [src_port]}
"""
LEAVES = """
  - fail: {worker: worker1, how: withdraw}
  - expect: {service: nginx, next_hops: [worker2, worker3], within: 25s}
  - flows: {again: true}
"""
MOVED = "  - expect: {moved_flows: {at_most: minimal}, detect: 5%}\n"
PREDICTED = "  - expect: {paths: predicted, of: flows}\n"
COMES_BACK = """
  - recover: worker1
  - expect: {service: nginx, next_hops: all, within: 25s}
  - flows: {again: true}
  - exec: {on: router, run: [sleep, '%s']}
  - flows: {again: true}
"""
RESILIENT = ", nexthop_groups: {type: resilient, buckets: %d, idle_timer: %s}"


class Resilient(lab.LabTest):
    def play(self, daemon, steps, groups=RESILIENT % (128, "0s"), ipv6=False, expect=0):
        v4 = {"networks": "", "metallb": "legacy", "manifest": "metallb-values.yaml"}
        v6 = {"networks": "networks: {family: ipv6}\n  ", "metallb": "frr", "manifest": "metallb.yaml"}
        text = LAB % {"daemon": daemon, "router": groups, **(v6 if ipv6 else v4)}
        folder = self.base / "scenarios" / ("ipv6" if ipv6 else "resilient")
        (folder / "scenario.yaml").write_text(text + steps)
        self.lab("run", folder, "--out", "out", expect=expect)

    def moves(self):
        return self.verdict("out")["expectations"][-1]["moves"]

    def paths(self, number):
        """Where each flow went, by the files of moves: the worker before and after."""
        with (self.base / f"out/moves-{number}.tsv").open() as rows:
            return [(row["before"], row["after"]) for row in csv.DictReader(rows, delimiter="\t")]

    def minimal(self, daemon, ipv6=False):
        self.play(daemon, LEAVES + MOVED, ipv6=ipv6)
        moved = [(was, now) for was, now in self.paths(1) if was != now]
        self.assertTrue(moved and all(was == "worker1" for was, _ in moved), moved[:5])

    def test_frr(self):
        self.minimal("frr")

    def test_frr_over_ipv6(self):
        """Where FRR 8.4 deletes the route and adds it again."""
        self.minimal("frr", ipv6=True)

    def bird(self, major, ipv6=False):
        if lab.bird(major) is None:
            self.skipTest(f"no BIRD {major}")
        self.minimal(f"bird{major}", ipv6)

    def test_bird1(self):
        self.bird(1)

    def test_bird2(self):
        self.bird(2)

    def test_bird2_over_ipv6(self):
        self.bird(2, ipv6=True)

    def test_frr_that_restarts(self):
        """Its routes go and come back, and find their buckets as they were."""
        self.play("frr", """
  - restart: router
  - expect: {service: nginx, next_hops: all, within: 25s}
  - flows: {again: true}
""" + MOVED)
        self.assertFalse([(was, now) for was, now in self.paths(1) if was != now])

    def test_what_frr_writes_is_not_resilient(self):
        """The contrast that makes the tests above worth something."""
        self.play("frr", LEAVES + MOVED, groups="", expect=1)
        self.assertGreater(sum(was not in (now, "worker1") for was, now in self.paths(1)), 200)

    def test_buckets_wait_for_their_timer(self):
        """A worker that comes back gets idle buckets alone: none while all are busy, all of its part once they have been idle."""
        for timer, pause, moved in (("60s", "0", False), ("200ms", "1.5", True)):
            with self.subTest(idle_timer=timer):
                self.play("frr", LEAVES + MOVED + COMES_BACK % pause + PREDICTED, RESILIENT % (32, timer))
                with (self.base / "out/oracle-4.tsv").open() as rows:
                    here = [row["predicted"] == "worker1" for row in csv.DictReader(rows, delimiter="\t")]
                share = sum(here) / len(here)
                self.assertTrue((0.2 < share < 0.45) if moved else share == 0, share)


if __name__ == "__main__":
    unittest.main(verbosity=2)
