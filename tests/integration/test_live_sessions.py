#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a scenario says of built-in sessions, in labs of the kernel's own TCP, as tshark reads the router's link: who dials, and
which of two connections stays."""
import concurrent.futures
import pathlib
import subprocess
import sys
import unittest

import lab

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "interop"))
# pylint: disable=wrong-import-position
import labs  # noqa: E402

METALLB = """apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: pool, namespace: metallb-system}
spec: {addresses: [172.16.254.0/24], avoidBuggyIPs: true}
---
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: all, namespace: metallb-system}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: router, namespace: metallb-system}
spec: {myASN: 22000, peerASN: 11000, peerAddress: 10.0.0.1, %s}
"""
SCENARIO = """lab:
  router: {as: 11000%s}
  workers: {count: 1, as: 22000, metallb: %s}
  manifests: [metallb.yaml, nginx.yaml]
steps:
%s"""
ROUTER = "10.0.0.1"
FIELDS = {"time": "frame.time_relative", "source": "ip.src", "port": "tcp.dstport", "flags": "tcp.flags", "types": "bgp.type",
          "cease": "bgp.notify.minor_error_cease"}
SYN = "0x0002"
UP = "  - expect: {sessions: established, within: 20s}\n"
EXEC = "  - exec: {on: %s, run: \"%s\"}\n"
NO_DIAL = EXEC % ("worker1", "nft 'add table ip no; add chain ip no out { type filter hook output priority 0; }; "
                  "add rule ip no out tcp flags & (syn | ack) == syn drop'")
# At the router, of NOTIFICATIONs 6/7, Connection Collision Resolution.
WATCH = EXEC % ("router", "nft 'add table ip seen; add chain ip seen out { type filter hook output priority 0; }; "
                "add rule ip seen out @ih,144,24 0x030607 counter'")
SEEN = "  - exec: {on: router, run: \"until nft list table ip seen | grep -q 'packets [1-9]'; do sleep 0.1; done\", within: 20s}\n"
# A kernel that knows no more of a connection answers an ACK with RST.
ACKNOWLEDGED = ("  - expect: {service: nginx, announced_by: all, within: 20s}\n" +
                EXEC % ("worker1", "while ss -tinH | grep -q unacked; do sleep 0.05; done"))
DIALS_AGAIN = EXEC % ("worker1", "nft delete table ip no")


@unittest.skipUnless(lab.have("tshark") and lab.have("nft"), "tshark or nft is not installed")
class LiveSessions(lab.LabTest):
    def play(self, name, router, workers, steps, peer="holdTime: 90s"):
        """The TCP segments on the router's link, each as a mapping."""
        folder = self.scenario(name, SCENARIO % (router, workers, steps))
        (folder / "metallb.yaml").write_text(METALLB % peer)
        self.lab("run", folder, "--out", f"out-{name}", expect=0)
        names = [part for field in FIELDS.values() for part in ("-e", field)]
        done = subprocess.run(["tshark", "-r", str(self.base / f"out-{name}" / "router-cluster.pcap"), "-Y", "tcp.port == 179", "-T",
                               "fields", *names], capture_output=True, text=True, check=True)
        return [dict(zip(FIELDS, line.split("\t"), strict=True)) for line in done.stdout.splitlines()]

    def dials(self, segments):
        return [s for s in segments if s["flags"] == SYN]

    def who_dials(self):
        segments = self.play("dials", ", session: {passive: false, idle_hold: 1s}", "standard, session: {passive: true}", UP)
        return {s["source"] for s in self.dials(segments)}

    def told_to_start(self):
        """How many dials there are, and how long after the session's end the last one is."""
        segments = self.play("start", "", "frr, session: {automatic_start: false, idle_hold: 1s}",
                             UP + "  - session: {node: worker1, do: reset}\n  - never: {sessions: established, for: 1500ms}\n"
                             "  - session: {node: worker1, do: start}\n" + UP)
        ended = next(float(s["time"]) for s in segments if s["cease"])
        return len(self.dials(segments)), float(self.dials(segments)[-1]["time"]) - ended

    def collided(self, key):
        """A worker died unseen, is back and dials: how often the old connection, which the router had dialled, ends with Cease 7."""
        segments = self.play(f"collided-{len(key)}", f", session: {{passive: false, idle_hold: 1s{key}}}", "standard", UP + NO_DIAL +
                             "  - session: {node: router, do: reset}\n" + UP + DIALS_AGAIN +
                             WATCH + ACKNOWLEDGED + "  - fail: {worker: worker1, how: power_loss}\n  - recover: worker1\n" +
                             SEEN + UP, "routerID: 192.0.2.1")
        return len([s for s in segments if s["source"] == ROUTER and s["cease"] == "7" and s["port"] == "179"])

    def test_all_at_once(self):
        """They wait more than they work."""
        if (lacking := labs.egress_missing(self.base)[2]) is not None:
            self.skipTest(lacking)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            dials, start = pool.submit(self.who_dials), pool.submit(self.told_to_start)
            stands, replaced = pool.submit(self.collided, ""), pool.submit(self.collided, ", collision_established: true")
        # RFC 4271 section 8.1.1
        self.assertEqual(dials.result(), {ROUTER})
        self.assertEqual((start.result()[0], start.result()[1] > 1.49), (2, True), start.result())
        # RFC 4271 section 6.8: the connection that the higher identifier dialled, the worker's, replaces one that stands
        # where CollisionDetectEstablishedState is set alone.
        self.assertEqual((stands.result(), replaced.result()), (0, 1))


if __name__ == "__main__":
    unittest.main()
