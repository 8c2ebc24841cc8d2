#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a new user meets: every scenario of ours, typos, missing daemons, a full disk, output for machines."""
import json
import os
import re
import subprocess
import unittest
import xml.etree.ElementTree

import lab


class Use(lab.LabTest):
    def test_our_scenarios_hold(self):
        for folder in sorted(p.parent for p in (self.base / "scenarios").rglob("scenario.yaml")):
            scenario = folder.relative_to(self.base / "scenarios")
            out = "out-" + str(scenario).replace("/", "-")
            with self.subTest(str(scenario)):
                done = subprocess.run(self.command("run", f"scenarios/{scenario}", "--out", out),
                                      cwd=self.base, env=self.environment(), capture_output=True, text=True,
                                      timeout=lab.DEADLINE_S, stdin=subprocess.DEVNULL, check=False)
                if done.returncode == 4:
                    self.skipTest(f"{scenario}: {done.stdout[-200:]}")
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                verdict = self.verdict(out)
                self.assertEqual(verdict["verdict"], "pass")
                if "asan" not in str(lab.PROGRAM): # which is too slow to promise it
                    self.assertTrue(all(c["dropped"] == 0 for c in verdict["captures"]))
                for key in ("scenario", "expectations", "seed", "kernel", "router"):
                    self.assertIn(key, verdict)

    def test_a_pinned_client_is_explained(self):
        done = self.lab("run", "scenarios/article", "--out", "out", expect=0)
        self.assertIn("fib_multipath_hash_policy", done.stdout)
        pinned = [e for e in self.verdict("out")["expectations"] if "pinned" in e["text"]][0]
        self.assertEqual(sorted(s["count"] for s in pinned["shares"]), [0, 0, 30])

    def test_the_same_seed_repeats_the_shares(self):
        shares = []
        for out in ("a", "b"):
            self.lab("run", "scenarios/article-l4", "--seed", "7", "--out", out, expect=0)
            flows = [e for e in self.verdict(out)["expectations"] if "flows" in e["text"] and "spread" in e["text"]][0]
            shares.append([(s["worker"], s["count"]) for s in flows["shares"]])
        self.assertEqual(shares[0], shares[1])

    def test_typos_are_pointed_at_and_start_nothing(self):
        rows = [
            ("lab: {wrokers: {count: 3}}\n", 1, 7, "workers"),
            ("lab:\n  workers: {count: three}\n", 2, 20, None),
            ("lab:\n  networks: {cluster: 10.0.0.0/33}\n", 2, 23, None),
            ("lab:\n  manifests: [metallb-vlaues.yaml]\n", 2, 15, None),
            ("lab:\n\tworkers: {count: 3}\n", 2, 1, None),
            ("lab:\n  workers: {count: 3}\n  workers: {count: 2}\n", 3, 3, None),
        ]
        for number, (text, line, column, word) in enumerate(rows):
            with self.subTest(text):
                folder = self.scenario(f"typo{number}", text)
                done = self.lab("run", folder, "--out", f"out{number}", expect=2)
                self.assertRegex(done.stderr, rf"scenario\.yaml:{line}:{column}: ")
                if word:
                    self.assertIn(word, done.stderr)
                self.assertFalse((self.base / f"out{number}").exists())

    def test_the_printed_values_are_refused_with_the_words_that_help(self):
        folder = self.scenario("printed", "lab: {manifests: [values.yaml], workers: {metallb: legacy}}\n")
        (folder / "values.yaml").write_text("configInline:\n    peers:\n    - my-asn: 22000\n    peer-asn: 11000\n"
                                            "    peer-address: 10.0.0.1\n")
        done = self.lab("run", folder, "--out", "out", expect=2)
        self.assertRegex(done.stderr, r"values\.yaml:4:5: ")
        self.assertIn("indent", done.stderr)

    def test_a_missing_daemon_is_exit_4_and_names_its_package(self):
        os.unlink(self.base / "build/daemons") if (self.base / "build/daemons").is_symlink() else None
        done = self.lab("run", "scenarios/article-bird", "--out", "out", expect=4, PATH="/nonexistent") \
            if self.user != "nobody" else None
        if done is None:
            self.skipTest("covered as root")
        if lab.bird(1) and "daemons" not in lab.bird(1):
            self.skipTest("BIRD 1.6 is installed for all here")
        self.assertIn('package "bird"', done.stdout)

    def test_a_refused_configuration_fails_in_the_daemons_words(self):
        if lab.bird(2) is None:
            self.skipTest("bird2 is not installed")
        folder = self.scenario("refused", """
lab: {router: {daemon: bird2, config: bird.conf}, workers: {metallb: legacy}, manifests: [metallb-values.yaml]}
steps: [{expect: {sessions: established, within: 5s}}]
""", like="article-bird2")
        (folder / "bird.conf").write_text("protocol bgp x { ipv4 { import all; }; nonsense; }\n")
        done = self.lab("run", folder, "--out", "out", expect=1)
        self.assertIn("syntax error", done.stdout)

    def test_a_daemon_that_dies_fails_the_run(self):
        if lab.bird(2) is None:
            self.skipTest("bird2 is not installed")
        folder = self.scenario("dies", """
lab: {router: {daemon: bird2}, workers: {metallb: legacy}, manifests: [metallb-values.yaml]}
steps:
  - apply: nginx.yaml
  - expect: {service: nginx, announced_by: all, within: 10s}
  - exec: {on: router, run: [birdc, down]}
  # A session's end is no withdrawal: this waits until the daemon's death ends the run.
  - expect: {service: nginx, withdrawn_by: all, within: 20s}
""")
        done = self.lab("run", folder, "--out", "out", expect=1)
        self.assertIn("BIRD 2.", done.stdout)
        self.assertIn("last words", done.stdout)

    def test_a_full_disk_is_said(self):
        if self.user == "nobody" or os.geteuid() != 0:
            self.skipTest("mounting a small disk takes root")
        full = self.base / "full"
        full.mkdir()
        script = (f"mount -t tmpfs -o size=64k none {full} && "
                  f"exec {self.program} run scenarios/article-l4 --out {full}/out")
        done = subprocess.run(["unshare", "-m", "sh", "-c", script], cwd=self.base, env=self.environment(),
                              capture_output=True, text=True, timeout=lab.DEADLINE_S, check=False)
        self.assertEqual(done.returncode, 5, done.stdout + done.stderr)
        self.assertIn("No space left on device", done.stdout + done.stderr)

    def test_json_is_one_object_and_the_page_is_plain(self):
        done = self.lab("run", "scenarios/article", "--json", "--out", "out", expect=0)
        self.assertEqual(json.loads(done.stdout), self.verdict("out"))
        done = self.lab("run", "scenarios/article", "--out", "out2", expect=0)
        self.assertNotIn("\x1b", done.stdout)

    def test_a_suite_writes_tap_and_junit(self):
        self.lab("test", "scenarios/article", "scenarios/service-removed", "-j", "2", "--tap", "out.tap", "--junit",
                 "out.xml", "--out", "suite", expect=0)
        tap = (self.base / "out.tap").read_text()
        self.assertTrue(tap.startswith("TAP version 14\n1..2\n"), tap)
        self.assertEqual(len(re.findall(r"^ok \d+ - ", tap, re.M)), 2)
        suites = xml.etree.ElementTree.parse(self.base / "out.xml").getroot()
        self.assertEqual(len(suites.findall("testsuite")), 2)

    def test_doctor_and_check_and_help(self):
        self.assertIn("Labs run here", self.lab("doctor").stdout)
        self.lab("check", "scenarios/article", "scenarios/article/nginx.yaml", expect=0)
        self.assertIn("Examples:", self.lab("--help", expect=0).stdout)
        self.assertIn("did you mean", self.lab("rnu", expect=2).stderr)


if __name__ == "__main__":
    unittest.main()
