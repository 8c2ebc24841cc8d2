#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The matrix on a kernel that is older than its nftables' egress hooks: it says so and is skipped. Such a kernel is an nft before
the real one in the path, which answers as it would there; one that answers nothing of the kind is no reason to skip."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

MATRIX = pathlib.Path(__file__).resolve().parent / "test_matrix.py"
NFT = """#!/bin/sh
case "$*" in
*{hook}*) echo 'Error: Could not process rule: Operation not supported' >&2; exit 1 ;;
esac
exec {real} "$@"
"""


@unittest.skipUnless(shutil.which("nft") and shutil.which("tshark"), "nft or tshark is not installed")
class Skips(unittest.TestCase):
    def matrix_without(self, hook):
        with tempfile.TemporaryDirectory(prefix="skips-") as base:
            fake = pathlib.Path(base) / "nft"
            fake.write_text(NFT.format(hook=hook, real=shutil.which("nft")))
            fake.chmod(0o755)
            pathlib.Path(base).chmod(0o755)
            return subprocess.run([sys.executable, str(MATRIX)], capture_output=True, text=True, timeout=100, check=False,
                                  env={**os.environ, "PATH": f"{base}:{os.environ['PATH']}"})

    def test_no_egress_hook(self):
        done = self.matrix_without("egress")
        self.assertEqual(done.returncode, 77, done.stdout + done.stderr)
        self.assertIn("skipped: nftables have no egress hook here", done.stdout)
        self.assertIn("Operation not supported", done.stdout)

    def test_no_hook_at_all(self):
        done = self.matrix_without("ingress")
        self.assertEqual((done.returncode, done.stderr), (1, ""), done.stdout)
        self.assertIn("Operation not supported", done.stdout)


if __name__ == "__main__":
    unittest.main()
