#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The conversations of captures as tshark's fields have them: other people's captures, and our frames of every kind."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

CORPUS = pathlib.Path(__file__).resolve().parents[4] / "shared/corpus/pcap"
FIELDS = ["ip.src", "ipv6.src", "ip.dst", "ipv6.dst", "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport",
          "icmp.type", "icmp.ident", "icmpv6.type", "icmpv6.echo.identifier", "ip.frag_offset", "frame.protocols"]
FILES = 20


def theirs(path):
    """First packets of conversations; None for a file with tunnels, whose inner addresses tshark lists as well."""
    args = ["tshark", "-r", str(path), "-T", "fields", "-E", "occurrence=a", "-E", "separator=/t", "-o", "ip.defragment:FALSE",
            "-o", "ipv6.defragment:FALSE", "-o", "tcp.desegment_tcp_streams:FALSE"]
    for name in FIELDS:
        args += ["-e", name]
    done = subprocess.run(args, capture_output=True, text=True, timeout=120, check=False)
    seen, found = set(), []
    for line in done.stdout.splitlines():
        f = dict(zip(FIELDS, line.split("\t")))
        src, dst = f["ip.src"] or f["ipv6.src"], f["ip.dst"] or f["ipv6.dst"]
        if "," in src or (f["ip.src"] and f["ipv6.src"]):
            return None
        if f["tcp.srcport"] or f["udp.srcport"]:
            kind = "tcp" if f["tcp.srcport"] else "udp"
            one = (src, dst, 6 if kind == "tcp" else 17, int(f[kind + ".srcport"]), int(f[kind + ".dstport"]))
        elif f["icmp.type"] == "8" or f["icmpv6.type"] == "128":
            # tshark tells the identifier in both byte orders; the first is the network's
            ident = (f["icmp.ident"] or f["icmpv6.echo.identifier"]).split(",")[0]
            one = (src, dst, 1 if f["icmp.type"] else 58, int(ident, 0), 0)
        else:
            continue
        other = (one[1], one[0], one[2], one[4], one[3])
        if one not in seen and other not in seen:
            seen.add(one)
            found.append(one)
    return found


def ours(path):
    done = subprocess.run([os.environ["TEST_TUPLES"], str(path)], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        return None
    lines = (line.split() for line in done.stdout.splitlines())
    return [(src, dst, int(protocol), int(a), int(b)) for src, dst, protocol, a, b in lines]


@unittest.skipIf(shutil.which("tshark") is None, "tshark is not installed")
class Tuples(unittest.TestCase):
    def test_frames_of_every_kind(self):
        with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
            subprocess.run([os.environ["WRITE_FRAMES"]], stdout=file, timeout=60, check=True)
            self.assertEqual(ours(file.name), theirs(file.name))
            self.assertGreater(len(ours(file.name)), 2000)

    @unittest.skipUnless(CORPUS.is_dir(), "no captures of others here")
    def test_captures_of_others(self):
        compared = 0
        for path in sorted(p for p in CORPUS.rglob("*.pcap*") if p.stat().st_size < 1 << 20)[:FILES]:
            want, got = theirs(path), ours(path)
            if not want or got is None:
                continue
            with self.subTest(path.name):
                self.assertEqual(got, want)
            compared += 1
        self.assertGreater(compared, 5)


if __name__ == "__main__":
    sys.exit(unittest.main())
