#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""After exit, Ctrl-C and kill -9 nothing is left: no process, namespace, mount, interface or file."""
import os
import pathlib
import signal
import unittest

import lab

HELD = """
lab: {workers: {metallb: legacy}, manifests: [metallb-values.yaml]}
steps:
  - apply: nginx.yaml
  - expect: {service: nginx, next_hops: all, within: 5s}
"""


class Traces(lab.LabTest):
    def await_line(self, process, words):
        """Reads what the program prints up to a line with these words; they are the event that is waited for."""
        self.addCleanup(process.stdout.close)
        for line in process.stdout:
            if words in line:
                return process
        process.wait()
        self.assertEqual(process.returncode, 4, "the lab never stood")
        return self.skipTest("this machine lacks something")

    def held(self, daemon=None):
        text = HELD if daemon is None else HELD.replace("lab: {", f"lab: {{router: {{daemon: {daemon}}}, ")
        return self.await_line(self.start("run", self.scenario("held", text), "--keep", "--out", "out"), "stays up")

    def family(self, process):
        """The program, its sandbox's first process, and that one's children."""
        found, grown = {process.pid}, True
        while grown:
            grown = False
            for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
                try:
                    fields = status.read_text().rsplit(")", 1)[1].split()
                except OSError:
                    continue
                pid = int(status.parent.name)
                if int(fields[1]) in found and pid not in found:
                    found.add(pid)
                    grown = True
        return found

    def test_a_run_leaves_nothing_but_its_directory(self):
        before, files = lab.traces(self.base), {p for p in self.base.rglob("*")}
        self.lab("run", "scenarios/article", "--out", "out", expect=0)
        self.assert_nothing_left(before)
        new = {p.relative_to(self.base).parts[0] for p in self.base.rglob("*") if p not in files}
        self.assertEqual(new, {"out"})

    def test_ctrl_c_tears_down_and_exits_130(self):
        before = lab.traces(self.base)
        text = HELD + "  - never: {service: nginx, next_hops: none, for: 60s}\n"
        process = self.await_line(self.start("run", self.scenario("long", text), "--out", "out"), "via 10.0.0.53")
        os.kill(process.pid, signal.SIGINT)
        self.assertEqual(process.wait(timeout=20), 130)
        self.assertEqual(self.verdict("out")["verdict"], "interrupted")
        self.assert_nothing_left(before)

    def test_ctrl_c_ends_a_lab_that_is_kept_with_its_verdict(self):
        before = lab.traces(self.base)
        process = self.held()
        os.kill(process.pid, signal.SIGINT)
        self.assertEqual(process.wait(timeout=20), 0)
        self.assertEqual(self.verdict("out")["verdict"], "pass")
        self.assert_nothing_left(before)

    def kill_nine(self, daemon=None):
        before = lab.traces(self.base)
        process = self.held(daemon)
        family = self.family(process)
        self.assertGreater(len(family), 1)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(timeout=20)
        self.assert_nothing_left(before, family)

    def test_kill_nine_leaves_nothing(self):
        self.kill_nine()

    def test_kill_nine_takes_the_daemon_along(self):
        if lab.bird(2) is None:
            self.skipTest("bird2 is not installed")
        self.kill_nine("bird2")


if __name__ == "__main__":
    unittest.main()
