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
          "withdrawn": "bgp.withdrawn_prefix", "to": "ip.dst", "port": "tcp.dstport", "stream": "tcp.stream",
          "refresh": "bgp.route_refresh.subtype", "afi": "bgp.cap.mp.afi", "safi": "bgp.cap.mp.safi", "error": "bgp.notify.major_error", "cease": "bgp.notify.minor_error_cease"}
NEXT_MINUTE = "  - never: {service: nginx, announced_by: none, for: 60s}\n"


@unittest.skipUnless(lab.have("tshark"), "tshark is not installed")
class SessionKeys(lab.LabTest):
    def play(self, name, router="", workers="", steps="", more=None, expect=0, metallb="frr", count=2, virtual="true",
             peer=""):  # pylint: disable=too-many-arguments
        """The BGP frames on the router's link, each as a mapping."""
        text = f"""virtual: {virtual}
lab:
  router: {{as: 11000{router}}}
  workers: {{count: {count}, as: 22000, metallb: {metallb}{workers}}}
  manifests: [metallb.yaml, nginx.yaml]

steps:
{steps}"""
        folder = self.scenario(name, text, like="graceful-restart")
        if peer:
            objects = (folder / "metallb.yaml").read_text()
            (folder / "metallb.yaml").write_text(objects.replace("  peerASN:", f"  {peer}\n  peerASN:"))
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

    def test_families(self):
        """Each end offers what it is told to, behind unicast."""
        frames = self.play("families", ", session: {families: [l2vpn_evpn, 16388/71]}", ", session: {families: [ipv4_vpn, l2vpn_evpn]}",
                           "  - expect: {service: nginx, announced_by: all, within: 20s}\n")
        for node, wanted in ((ROUTER, "1/1 2/1 25/70 16388/71"), (WORKER, "1/1 1/128 25/70")):
            frame = next(f for f in frames if f["source"] == node and f["capabilities"])
            pairs = " ".join(f"{afi}/{safi}" for afi, safi in zip(frame["afi"].split(","), frame["safi"].split(","), strict=True))
            self.assertEqual(pairs, wanted, node)

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

    def test_why_sessions_end(self):
        """Each subcode of RFC 4486 and 9384 has its word; RFC 8538 puts a hard one into another."""
        causes = {"max_prefixes": "1", "shutdown": "2", "deconfigured": "3", "reset": "4", "rejected": "5", "configuration": "6",
                  "collision": "7", "resources": "8", "bfd_down": "10"}
        up = "  - expect: {sessions: established, within: 5m}\n"
        steps = up + "".join(f"  - session: {{node: worker1, do: reset, cease: {word}}}\n" + up for word in causes)
        frames = self.play("causes", workers=", session: {damping: false}", steps=steps)
        self.assertEqual([f["cease"] for f in frames if f["source"] == WORKER and f["cease"]], list(causes.values()))
        frames = self.play("hard", ", graceful_restart: {notification: true}", ", switches: {graceful_restart: true}",
                           up + "  - session: {node: router, do: reset, cease: configuration, hard: true}\n" + up)
        self.assertEqual(self.of(frames, ROUTER, "cease") - {"5"}, {"9"})

    def test_no_start_by_itself(self):
        steps = """  - expect: {sessions: established, within: 20s}
  - session: {node: worker1, do: reset}
  - never: {service: nginx, announced_by: all, for: 1h}
"""
        self.play("stays", workers=", session: {automatic_start: false}", steps=steps)
        self.play("starts", steps=steps, expect=1)

    def test_before_its_open(self):
        """RFC 4271 section 8.2.2, Active, event 2: who waits with its OPEN and is shut down says so, or does not."""
        for says in ("true", "false"):
            with self.subTest(says):
                frames = self.play(f"early-{says}", f", session: {{delay_open: 30s, notify_before_open: {says}}}",
                                   ", session: {delay_open: 30s}",
                                   "  - never: {sessions: established, for: 9s}\n  - session: {node: router, do: shutdown}\n"
                                   "  - never: {service: nginx, announced_by: all, for: 60s}\n")
                self.assertEqual(self.of(frames, ROUTER, "cease") - {"5"}, {"2"} if says == "true" else set())
                self.assertEqual(self.of([f for f in frames if f["capabilities"]], ROUTER, "time"), set())

    def test_times_of_a_graceful_restart(self):
        """RFC 4724: without End-of-RIB what is stale goes, and a router that is back begins, when their times are over (360 s
        where nothing is said)."""
        workers = ", switches: {graceful_restart: true, end_of_rib: false}"
        start = "  - expect: {service: nginx, announced_by: all, within: 20s}\n" + NEXT_MINUTE
        def after(frames, field, since):
            return min(float(f["time"]) - since for f in frames if f["source"] == ROUTER and f[field] and float(f["time"]) > since)
        frames = self.play("stale", ", graceful_restart: true, session: {stale: 50s}", workers, start + """
  - fail: {worker: worker1, how: crash}
  - delete: service/nginx
  - recover: worker1
  - never: {service: nginx, announced_by: all, for: 100s}
""")
        self.assertTrue(49 < after(frames, "withdrawn", 60) < 52, after(frames, "withdrawn", 60))
        frames = self.play("deferral", ", graceful_restart: true, session: {deferral: 50s}", workers, start + """
  - restart: {node: router, down: 1s}
  - expect: {service: nginx, announced_by: all, within: 60s}
  - never: {service: nginx, announced_by: none, for: 100s}
""")
        self.assertTrue(49 < after(frames, "prefix", 60) < 65, after(frames, "prefix", 60))

    def test_who_dials(self):
        frames = self.play("dials", ", session: {passive: false}", ", session: {passive: true}",
                           "  - expect: {sessions: established, within: 20s}\n", metallb="standard")
        opens = {(f["source"], f["port"] == "179") for f in frames if f["capabilities"]}
        self.assertEqual(opens, {(ROUTER, True), (WORKER, False), ("10.0.0.52", False)})

    def test_collision_with_a_session_that_stands(self):
        """RFC 4271 section 6.8, CollisionDetectEstablishedState: a worker that died unseen is back and dials, and of the two
        connections the one stays that the higher identifier dialled. That is the new one, where the router had dialled the old."""
        nodes = [f"worker{n}" for n in range(1, 9)]
        steps = ("  - expect: {sessions: established, within: 20s}\n  - expect: {service: nginx, announced_by: all, within: 20s}\n" +
                 "".join(f"  - fail: {{worker: {node}, how: power_loss}}\n" for node in nodes) +
                 "".join(f"  - recover: {node}\n" for node in nodes) + NEXT_MINUTE)
        for key, seen in (("", False), (", collision_established: true", True)):
            with self.subTest(key):
                frames = self.play(f"collision-{seen}", f", session: {{passive: false{key}}}", steps=steps, metallb="standard", count=8,
                                   virtual="{delay: 1ms, spread: 900ms}", peer="routerID: 192.0.2.1")
                stood = {f["stream"] for f in frames if f["prefix"]}
                dumped = [f for f in frames if f["cease"] == "7" and f["source"] == ROUTER and f["stream"] in stood]
                self.assertEqual({f["port"] for f in dumped}, {"179"} if seen else set())


if __name__ == "__main__":
    unittest.main()
