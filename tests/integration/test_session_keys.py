#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a scenario says of built-in sessions is on the wire, as tshark reads it: capabilities there and not, times, path identifiers,
policies. On the virtual driver, where times cost nothing."""
import subprocess
import unittest

import lab

ROUTER, WORKER = "10.0.0.1", "10.0.0.51"
ATTRIBUTE = "bgp.update.path_attribute"
FIELDS = {"time": "frame.time_relative", "source": "ip.src", "type": "bgp.type", "capabilities": "bgp.cap.type", "id": "bgp.nlri_path_id",
          "prefix": "bgp.nlri_prefix", "as2": f"{ATTRIBUTE}.as_path_segment.as2", "as4": f"{ATTRIBUTE}.as_path_segment.as4",
          "origin": f"{ATTRIBUTE}.origin", "community": f"{ATTRIBUTE}.community_wellknown", "words": "bgp.notify.communication",
          "refresh": "bgp.route_refresh.subtype", "error": "bgp.notify.major_error", "cease": "bgp.notify.minor_error_cease"}
NEXT_MINUTE = "  - never: {service: nginx, announced_by: none, for: 60s}\n"


@unittest.skipUnless(lab.have("tshark"), "tshark is not installed")
class SessionKeys(lab.LabTest):
    def play(self, name, router="", workers="", steps="", more=None, expect=0):
        """The BGP frames on the router's link, each as a mapping."""
        text = f"""virtual: true
lab:
  router: {{as: 11000{router}}}
  workers: {{count: 2, as: 22000, metallb: frr{workers}}}
  manifests: [metallb.yaml, nginx.yaml]

steps:
{steps}"""
        folder = self.scenario(name, text, like="graceful-restart")
        if more is not None:
            (folder / "nginx.yaml").write_text(more)
        self.lab("run", folder, "--seed", 5, "--out", f"out-{name}", expect=expect)
        names = [part for field in FIELDS.values() for part in ("-e", field)]
        done = subprocess.run(["tshark", "-r", str(self.base / f"out-{name}" / "router-cluster.pcapng"), "-Y", "bgp", "-T", "fields", *names],
                              capture_output=True, text=True, check=True)
        return [dict(zip(FIELDS, line.split("\t"), strict=True)) for line in done.stdout.splitlines()]

    def of(self, frames, source, field):
        return {value for f in frames if f["source"] == source for value in f[field].split(",") if value}

    def opened(self, frames, source):
        return next(float(f["time"]) for f in frames if f["source"] == source and f["capabilities"])

    def test_keys(self):
        up = "  - expect: {sessions: established, within: 20s}\n  - expect: {service: nginx, announced_by: all, within: 20s}\n" + NEXT_MINUTE
        plain = self.play("plain", steps=up)
        keys = self.play("keys", ", role: provider, session: {add_path: receive, extended_next_hop: true, without: [extended_message, as4],"
                         " delay_open: 7s}", ", role: customer, switches: {origin: incomplete}, session: {add_path: send, delay_open: 9s,"
                         " capabilities: [fe 03 aabbcc, fd00], without: [enhanced_refresh]}", up)
        for node, gone, new in ((ROUTER, {"6", "65"}, {"5", "9", "69"}), (WORKER, {"70"}, {"9", "253", "254"})):
            before, after = self.of(plain, node, "capabilities"), self.of(keys, node, "capabilities")
            self.assertEqual((before - after, after - before), (gone, new), node)
        # two-octet ASes, then, and identifiers from the end that sends them alone
        self.assertIn("22000", self.of(plain, WORKER, "as4"))
        self.assertEqual(self.of(keys, WORKER, "as4"), set())
        self.assertIn("22000", self.of(keys, WORKER, "as2"))
        self.assertEqual((self.of(plain, WORKER, "id"), self.of(keys, ROUTER, "id")), (set(), set()))
        self.assertEqual(len(self.of(keys, WORKER, "id")), 1)
        self.assertEqual((self.of(plain, WORKER, "origin"), self.of(keys, WORKER, "origin")), ({"0"}, {"2"}))
        # who waits for the other's OPEN waits until the first of the two has waited enough
        self.assertLess(self.opened(plain, ROUTER), 1)
        for node in (ROUTER, WORKER):
            self.assertAlmostEqual(self.opened(keys, node), 7, delta=0.1)
        self.assertIn("172.16.254.1", self.of(plain, ROUTER, "prefix"))

    def test_policies(self):
        """RFC 8212: without an import policy the router takes nothing that it could tell; without one for export it tells nobody."""
        up = "  - expect: {service: nginx, announced_by: all, within: 20s}\n" + NEXT_MINUTE
        self.assertEqual(self.of(self.play("import", ", session: {policy: import}", steps=up), ROUTER, "prefix"), set())
        silent = self.play("silent", workers=", session: {policy: none}", steps="  - expect: {sessions: established, within: 20s}\n"
                           "  - never: {service: nginx, announced_by: all, for: 60s}\n")
        self.assertEqual(self.of(silent, WORKER, "prefix"), set())

    def test_what_a_step_does_with_sessions(self):
        """RFC 8326, 2918, 9003, 4486, 8538, and a session that was shut down stays so until it is started."""
        frames = self.play("steps", steps="""
  - expect: {service: nginx, announced_by: all, within: 20s}
  - never: {service: nginx, announced_by: [worker2], for: 9s}
  - session: {node: worker1, do: drain}
  - never: {service: nginx, announced_by: [worker2], for: 9s}
  - session: {node: router, do: refresh}
  - never: {service: nginx, announced_by: [worker2], for: 9s}
  - session: {node: worker1, do: undrain}
  - never: {service: nginx, announced_by: [worker2], for: 9s}
  - session: {node: worker1, do: shutdown, words: so long}
  - expect: {service: nginx, announced_by: [worker2], within: 1s}
  - never: {service: nginx, announced_by: all, for: 1h}
  - session: {node: worker1, do: start}
  - expect: {sessions: established, within: 5m}
  - session: {node: router, do: reset, words: new colours}
  - expect: {sessions: established, within: 5m}
""")
        # 65535:0, GRACEFUL_SHUTDOWN: once for the step, once as the router asked again; then without
        marks = [f["community"] for f in frames if f["source"] == WORKER and "172.16.254.1" in f["prefix"]]
        drained = [i for i, mark in enumerate(marks) if mark]
        self.assertEqual((len(drained), {marks[i] for i in drained}, drained[0] > 0, drained[-1] < len(marks) - 1),
                         (2, {"0xffff0000"}, True, True))
        self.assertEqual((self.of(frames, WORKER, "words"), self.of(frames, ROUTER, "words")), ({"so long"}, {"new colours"}))
        self.assertEqual((self.of(frames, WORKER, "cease"), self.of(frames, ROUTER, "cease") - {"5"}), ({"2"}, {"4"}))
        self.assertEqual((self.of(frames, ROUTER, "refresh"), self.of(frames, WORKER, "refresh")), ({"0"}, {"1", "2"}))

    def test_more_prefixes_than_are_welcome(self):
        """One service is welcome, the second one too many: Cease, Maximum Number of Prefixes Reached (RFC 4486), or no word."""
        one = (lab.ROOT / "scenarios/graceful-restart/nginx.yaml").read_text()
        for excess, notified in (("end", ({"6"}, {"1"})), ("ignore", (set(), set()))):
            with self.subTest(excess):
                frames = self.play(excess, f", session: {{max_prefixes: 1, excess: {excess}}}",
                                   steps="  - never: {service: nginx, announced_by: [worker1], for: 60s}\n",
                                   more=one + "\n---\n" + one.replace("name: nginx", "name: second"), expect=None)
                # until its IdleHoldTimer has run out the router also rejects connections: subcode 5
                self.assertEqual((self.of(frames, ROUTER, "error"), self.of(frames, ROUTER, "cease") - {"5"}), notified)


if __name__ == "__main__":
    unittest.main()
