#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Frames of every kind as tshark reads them: checksums valid, fragments put together, each flow itself alone."""
import collections
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

KINDS, FLOWS, ROUNDS = 12, 200, 2
CHECKED = ["ip", "udp", "tcp", "icmp", "icmpv6"]
FIELDS = ["ip.src", "ipv6.src", "ip.dst", "ipv6.dst", "ip.proto", "ipv6.nxt", "ipv6.flow", "udp.srcport", "tcp.srcport", "icmp.ident",
          "icmpv6.echo.identifier", "ip.checksum.status", "udp.checksum.status", "tcp.checksum.status",
          "icmp.checksum.status", "icmpv6.checksum.status", "data.data", "tcp.payload"]
GOOD = {"1"}


def read(path):
    args = ["tshark", "-r", path, "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a"]
    for name in CHECKED[:3]:
        args += ["-o", f"{name}.check_checksum:TRUE"]
    for name in FIELDS:
        args += ["-e", name]
    done = subprocess.run(args, capture_output=True, text=True, timeout=120, check=True)
    return [dict(zip(FIELDS, line.split("\t"))) for line in done.stdout.splitlines()]


@unittest.skipIf(shutil.which("tshark") is None, "tshark is not installed")
class Frames(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
            subprocess.run([os.environ["WRITE_FRAMES"]], stdout=file, timeout=60, check=True)
            cls.frames = read(file.name)

    def test_every_frame_is_there(self):
        self.assertEqual(len(self.frames), KINDS * FLOWS * ROUNDS * 3 // 2)

    def test_checksums_are_valid(self):
        seen = collections.Counter()
        for number, frame in enumerate(self.frames, 1):
            for name in CHECKED:
                status = frame[f"{name}.checksum.status"]
                if status:
                    seen[name] += 1
                    self.assertLessEqual(set(status.split(",")), GOOD, f"frame {number}: {name}")
        self.assertEqual(seen["ip"], len(self.frames) // 2)
        for name in CHECKED[1:3]:  # whole ones and those put together, of both families
            self.assertEqual(seen[name], 4 * FLOWS * ROUNDS, name)
        for name in CHECKED[3:]:
            self.assertEqual(seen[name], 2 * FLOWS * ROUNDS, name)

    def test_flows_are_distinct(self):
        flows = collections.Counter()
        for frame in self.frames:
            port = frame["udp.srcport"] or frame["tcp.srcport"] or frame["icmp.ident"] or frame["icmpv6.echo.identifier"]
            if port:
                fields = [frame[k] for k in ("ip.src", "ipv6.src", "ip.dst", "ipv6.dst", "ipv6.flow")]
                flows[(*fields, bool(frame["udp.srcport"]), bool(frame["tcp.srcport"]), port)] += 1
        # Whole and fragmented ones of a protocol and family are drawn by other seeds and may meet.
        self.assertGreater(len(flows), KINDS * FLOWS - 10)
        self.assertEqual(sum(flows.values()), KINDS * FLOWS * ROUNDS)


if __name__ == "__main__":
    sys.exit(unittest.main())
