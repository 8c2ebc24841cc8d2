#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every kind of traffic through a lab: each packet accounted for, and the fate of each connection that was held."""
import collections
import csv
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
LAB = """name: traffic
about: every kind of traffic
lab:
  router: {as: 11000, multipath_hash: l4}
  workers: {count: 3, as: 22000, first: 10.0.0.51, metallb: legacy}
  clients: {count: 2, first: 172.16.0.10}
  manifests: [metallb-values.yaml]
steps:
  - apply: nginx.yaml
  - expect: {service: nginx, next_hops: all, within: 5s}
"""
ALL_ARRIVE = "  - expect: {packets: {lost: 0, late: 0, twice: 0}}\n"
CONNECTIONS = 1200


class Traffic(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="traffic-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for name in ("nginx.yaml", "metallb-values.yaml"):
            shutil.copy(ROOT / "scenarios/article-l4" / name, self.folder)

    def play(self, steps, status=0, lab=LAB):
        (self.folder / "scenario.yaml").write_text(lab + steps)
        done = subprocess.run([os.environ["ECMPLAB"], "run", str(self.folder), "--out", str(self.folder / "out")],
                              capture_output=True, text=True, timeout=120, check=False)
        if done.returncode == 4:
            self.skipTest(done.stderr)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)

    def test_flows_of_every_kind(self):
        kinds = ["vary: [src_port, protocol]", "protocol: icmp", "fragments: true", "protocol: tcp, fragments: true",
                 "packets: 3, sizes: {zipf: 1.1}", "packets: 6, sizes: {elephants: 10%, share: 80%}",
                 "rate: 20000, burst: 50"]
        self.play("".join("  - flows: {count: 500, %s}\n%s" % (kind, ALL_ARRIVE) for kind in kinds))

    def test_fields_one_at_a_time(self):
        self.play("  - matrix: {equal: [src_port, dst_port], protocol: tcp}\n")
        self.play("  - matrix: {pinned: [src_port, dst_port, protocol], count: 500}\n", lab=LAB.replace(": l4", ": l3"))

    def test_fragments_go_by_addresses(self):
        self.play("  - flows: {count: 500, fragments: true}\n  - expect: {spread: pinned, of: flows}\n")

    def test_flows_of_a_capture(self):
        with open(self.folder / "flows.pcap", "wb") as file:
            subprocess.run([os.environ["WRITE_FRAMES"]], stdout=file, timeout=60, check=True)
        # In it 32 sources are no hosts but belong to the lab itself; those of the fragments are not heard back from.
        self.play("  - flows: {tuples: flows.pcap}\n" + ALL_ARRIVE)

    def fates(self, number):
        with open(self.folder / f"out/connections-{number}.tsv", newline="", encoding="ascii") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        self.assertEqual(len({(r["client"], r["port"]) for r in rows}), CONNECTIONS)
        return collections.Counter(r["fate"] for r in rows), collections.Counter(r["by"] for r in rows)

    def test_connections_are_held(self):
        self.play(f"  - http: {{requests: {CONNECTIONS}, hold: true}}\n"
                  "  - http: {release: true}\n"
                  "  - expect: {http: {answered: all}}\n")
        self.assertEqual(self.fates(1), ({"answered": CONNECTIONS}, {"-": CONNECTIONS}))

    def test_connections_are_reset_by_who_never_had_them(self):
        """The first of three leaves: hash-threshold moves half of them (ECMP theory), and whoever gets one resets it."""
        self.play(f"  - http: {{requests: {CONNECTIONS}, hold: true}}\n"
                  "  - fail: {worker: worker1, how: crash}\n"
                  "  - expect: {service: nginx, next_hops: [worker2, worker3], within: 5s}\n"
                  "  - http: {release: true}\n"
                  "  - expect: {http: {answered: all}}\n", status=1)
        fate, by = self.fates(1)
        self.assertEqual(fate["answered"] + fate["reset"], CONNECTIONS)
        self.assertAlmostEqual(fate["reset"] / CONNECTIONS, 0.5, delta=0.08)  # 5.5 standard deviations
        self.assertEqual(by["worker2"] + by["worker3"], fate["reset"])


if __name__ == "__main__":
    sys.exit(unittest.main())
