#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sessions' features as scenarios ask for them: BFD, graceful restart, TTL security, roles, MetalLB's FRR mode and what it did at one
time. Each holds where it is asked for and fails where it is not, and tshark reads on the wire what our judge says."""
import subprocess
import unittest

import lab

POOL = """apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: pool, namespace: metallb-system}
spec: {addresses: [172.16.254.0/24], avoidBuggyIPs: true}
---
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: all, namespace: metallb-system}
spec: {}
---
"""
PROFILE = """apiVersion: metallb.io/v1beta1
kind: BFDProfile
metadata: {name: fast, namespace: metallb-system}
spec: {receiveInterval: 100, transmitInterval: 100, detectMultiplier: 5}
---
"""
PEER = """apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: router, namespace: metallb-system}
spec: {myASN: 22000, peerAddress: 10.0.0.1, %s}
"""
GIVEN = "peerASN: 11000"
ESTABLISHED = "expect: {sessions: established, within: 5s}"
NEVER = "never: {sessions: established, workers: [worker1], for: 2s}"
ALL = "expect: {service: nginx, next_hops: all, within: 5s}"
WITHOUT_2 = "{service: nginx, next_hops: [worker1, worker3], %s}"


class Sessions(lab.LabTest):
    def play(self, name, steps, peer=GIVEN, router="", workers="", expect=0, metallb="frr"):
        text = f"lab:\n  router: {{as: 11000{router}}}\n  workers: {{count: 3, metallb: {metallb}{workers}}}\n  manifests: [metallb.yaml]\nsteps:\n"
        folder = self.scenario(name, text + "".join(f"  - {step}\n" for step in steps))
        (folder / "metallb.yaml").write_text(POOL + (PROFILE if metallb == "frr" else "") + PEER % peer)
        (folder / "nginx.yaml").write_text((lab.ROOT / "scenarios/article/nginx.yaml").read_text())
        done = self.lab("run", folder, "--out", f"out-{name}", expect=expect)
        return done

    def fields(self, out, file, query, *names):
        if not lab.have("tshark"):
            self.skipTest("no tshark")
        args = [arg for name in names for arg in ("-e", name)]
        done = subprocess.run(["tshark", "-r", str(self.base / out / file), "-Y", query, "-T", "fields", *args],
                              capture_output=True, text=True, check=True)
        return [line.split("\t") for line in done.stdout.splitlines()]

    # ---- BFD ----

    def test_bfd_takes_a_dead_worker_out_and_the_hold_time_does_not(self):
        steps = [ESTABLISHED, "apply: nginx.yaml", ALL, "fail: {worker: worker2, how: power_loss}",
                 f"expect: {WITHOUT_2 % 'within: 2s'}"]
        # What is not acknowledged when the worker dies would keep TCP from saying more.
        quiet = "never: {bfd: down, workers: [worker2], for: 500ms}"
        with_bfd = [ESTABLISHED, "expect: {bfd: up, within: 5s}", *steps[1:3], quiet, steps[3], "expect: {bfd: down, workers: [worker2], within: 2s}", steps[4]]
        self.play("watched", with_bfd, peer=GIVEN + ", bfdProfile: fast", router=", bfd: {transmit: 100ms, receive: 100ms, multiplier: 5}")
        self.play("unwatched", steps, expect=1)
        # What the judge says is in the router's own packets, and its BGP says why (RFC 9384).
        said = self.fields("out-watched", "router-cluster.pcap", "bfd && ip.src == 10.0.0.1 && ip.dst == 10.0.0.52", "frame.number",
                           "bfd.sta", "bfd.diag")
        down = [row for row in said if int(row[1], 0) == 1 and int(row[2], 0) == 1]
        told = [e for e in self.timeline("out-watched", "bfd") if e["node"] == "router" and "worker2: Down, Control" in e["text"]]
        self.assertEqual([str(e["frame"]) for e in told], [down[0][0]])
        cease = self.fields("out-watched", "router-cluster.pcap", "bgp.type == 3 && ip.dst == 10.0.0.52", "bgp.notify.major_error",
                            "bgp.notify.minor_error_cease")
        self.assertIn(["6", "10"], cease)

    def test_bfd_says_when_a_link_is_cut_and_when_it_is_back(self):
        self.play("cut", [ESTABLISHED, "expect: {bfd: up, within: 5s}", "fail: {worker: worker1, how: link_down}",
                          "expect: {bfd: down, workers: [worker1], within: 2s}", "never: {bfd: down, workers: [worker2, worker3], for: 500ms}",
                          "recover: worker1", "expect: {bfd: up, within: 5s}", "expect: {sessions: established, within: 10s}"],
                  peer=GIVEN + ", bfdProfile: fast", router=", bfd: {transmit: 100ms, receive: 100ms, multiplier: 5}")

    def test_a_router_without_bfd_is_told_before_anything_starts(self):
        done = self.play("half", ["expect: {bfd: up, within: 1s}"], peer=GIVEN + ", bfdProfile: fast", expect=2)
        self.assertIn("router: {bfd: true}", done.stderr)
        done = self.play("silent", [ESTABLISHED, "never: {bfd: up, workers: [worker1], for: 1s}", "expect: {bfd: down, within: 1s}"],
                         peer=GIVEN + ", bfdProfile: fast", expect=1)
        self.assertIn("the router has no BFD for it", done.stdout)

    def test_the_native_mode_says_who_has_bfd(self):
        folder = self.scenario("native", "lab: {workers: {metallb: native}, manifests: [metallb.yaml]}\n")
        (folder / "metallb.yaml").write_text(POOL + PROFILE + PEER % GIVEN)
        done = self.lab("run", folder, "--out", "out", expect=2)
        self.assertRegex(done.stderr, r"metallb\.yaml:11:1: .*BFD profile fast: MetalLB's native BGP mode has no BFD")
        self.assertIn("write workers: {metallb: frr}", done.stderr)

    # ---- Graceful restart ----

    def test_a_dead_speaker_keeps_its_routes_only_where_both_agree(self):
        steps = [ESTABLISHED, "apply: nginx.yaml", ALL, "fail: {worker: worker2, how: crash}", f"never: {WITHOUT_2 % 'for: 1s'}",
                 "recover: worker2", ESTABLISHED, ALL]
        gr = GIVEN + ", enableGracefulRestart: true"
        self.play("both", steps, peer=gr, router=", graceful_restart: true")
        self.play("peer", steps, peer=gr, expect=1)
        self.play("router", steps, router=", graceful_restart: true", expect=1)
        self.play("switched", steps, router=", graceful_restart: true", workers=", switches: {graceful_restart: true}")

    def test_a_restarted_router_drops_what_it_was_not_told_again(self):
        """The Service goes while the router is away: FRR is told a second late, so that nobody withdraws it on the wire."""
        self.play("sweep", [ESTABLISHED, "apply: nginx.yaml", ALL, "delete: service/nginx", "restart: {node: router, down: 3s}",
                            "expect: {service: nginx, next_hops: none, within: 8s}"],
                  peer=GIVEN + ", enableGracefulRestart: true", router=", graceful_restart: true",
                  workers=", switches: {frr_debounce: 1s}")
        fib = [e["text"] for e in self.timeline("out-sweep", "fib") if "172.16.254.1" in e["text"]]
        self.assertIn("no next hop", fib[-1])
        self.assertFalse([e for e in self.timeline("out-sweep", "route") if "withdraws" in e["text"]])

    def test_a_router_without_graceful_restart_takes_its_routes_along(self):
        self.play("flap", [ESTABLISHED, "apply: nginx.yaml", ALL, "restart: {node: router, down: 200ms}", ALL])
        fib = [e["text"] for e in self.timeline("out-flap", "fib") if "172.16.254.1" in e["text"]]
        self.assertTrue(any("no next hop" in text for text in fib), fib)

    def test_a_restarted_worker_comes_back(self):
        self.play("again", [ESTABLISHED, "apply: nginx.yaml", ALL, "restart: {node: worker2, down: 100ms}", ESTABLISHED, ALL])

    # ---- TTL, roles, ASes, times ----

    def test_ttl_security_and_multihop(self):
        """FRR speaks to an external neighbour with TTL 1, and with 255 where it may be far (RFC 5082 wants 255)."""
        self.play("near", [NEVER], router=", ttl_security: true")
        self.play("far", [ESTABLISHED], peer=GIVEN + ", ebgpMultiHop: true", router=", ttl_security: true")
        for out, ttl in (("out-near", "1"), ("out-far", "255")):
            rows = self.fields(out, "worker1.pcap", "tcp.dstport == 179 && ip.src == 10.0.0.51", "ip.ttl")
            self.assertEqual({row[0] for row in rows}, {ttl})

    def test_roles(self):
        """RFC 9234 section 4.2: two providers are a mismatch, NOTIFICATION 2/11; and who must have one is refused without."""
        self.play("roles", [ESTABLISHED], router=", role: provider, role_strict: true", workers=", role: customer")
        self.play("twins", [NEVER], router=", role: provider", workers=", role: provider")
        self.play("strict", [NEVER], router=", role: provider, role_strict: true")
        for out in ("out-twins", "out-strict"):
            rows = self.fields(out, "worker1.pcap", "bgp.type == 3", "bgp.notify.major_error", "bgp.notify.minor_error_open")
            self.assertIn(["2", "11"], rows)

    def test_as_numbers(self):
        self.play("outside", [ESTABLISHED], peer="dynamicASN: external")
        self.play("inside", [NEVER], peer="dynamicASN: internal")
        self.play("local", [ESTABLISHED, "apply: nginx.yaml", ALL], peer=GIVEN + ", localASN: 64999", workers=", as: 64999")
        self.assertTrue(all('"64999"' in e["text"] for e in self.timeline("out-local", "route")))

    def test_times(self):
        for name, peer, router, hold in (("plain", GIVEN, "", "180"), ("short", GIVEN + ", holdTime: 30s", ", hold: 9s", "30"),
                                         ("third", GIVEN + ", keepaliveTime: 7s", "", "21")):
            self.play(name, [ESTABLISHED], peer=peer, router=router)
            rows = self.fields(f"out-{name}", "worker1.pcap", "bgp.type == 1", "ip.src", "bgp.open.holdtime")
            self.assertIn(["10.0.0.51", hold], rows)
            self.assertIn(["10.0.0.1", "9" if router else "90"], rows)

    # ---- What MetalLB did at one time ----

    def test_switches_on_the_wire(self):
        steps = [ESTABLISHED, "apply: nginx.yaml", ALL]
        self.play("origin", steps, workers=", switches: {origin: incomplete}")
        self.assertIn(["2"], self.fields("out-origin", "worker1.pcap", "bgp.type == 2 && bgp.nlri_prefix", "bgp.update.path_attribute.origin"))
        self.play("silence", steps, workers=", switches: {end_of_rib: false}")
        ends = self.fields("out-silence", "worker1.pcap", "bgp.type == 2 && ip.src == 10.0.0.51 && !bgp.nlri_prefix", "frame.number")
        self.assertEqual(ends, [])

    def test_a_router_that_falls_silent(self):
        """metallb issue 777: the native speaker does not look at its hold time. What the router says, but for bare acknowledgements, gets
        lost at worker1, which goes on talking; made to enforce the time, it ends the session, and says why."""
        deaf = "exec: {on: worker1, run: [nft, 'add table ip deaf; add chain ip deaf in { type filter hook input priority 0; }; " + \
            "add rule ip deaf in ip length > 60 tcp sport 179 drop']}"
        gone = "{service: nginx, next_hops: [worker2, worker3], %s}"
        for name, switches, last, said in (("patient", "", "never: " + gone % "for: 4s", []),
                                           ("strict", "enforce_hold: true, notifies: true", "expect: " + gone % "within: 4s", [["4"]])):
            self.play(name, [ESTABLISHED, "apply: nginx.yaml", ALL, deaf, last], peer=GIVEN + ", holdTime: 3s",
                      workers=f", switches: {{{switches}}}", metallb="native")
            told = self.fields(f"out-{name}", "worker1.pcap", "bgp.type == 3 && ip.src == 10.0.0.51 && !tcp.analysis.retransmission",
                               "bgp.notify.major_error")
            self.assertEqual(told, said)

    def test_frr_is_told_late(self):
        self.play("late", [ESTABLISHED, "apply: nginx.yaml", "never: {service: nginx, announced_by: all, for: 1s}", ALL],
                  workers=", switches: {frr_debounce: 2s}")

    def test_a_lagging_proxy_loses_requests(self):
        """metallb issue 496: the route is there before the rules are."""
        steps = [ESTABLISHED, "apply: nginx.yaml", ALL, "http: {service: nginx, requests: 2}", "expect: {http: {answered: %s}}"]
        self.play("prompt", [*steps[:4], steps[4] % "all"])
        self.play("lag", [*steps[:4], steps[4] % "0"], workers=", switches: {kubeproxy_lag: 20s}")

    def test_a_router_that_deletes_before_it_adds(self):
        steps = [ESTABLISHED, "apply: nginx.yaml", ALL, "fail: {worker: worker2, how: crash}", f"expect: {WITHOUT_2 % 'within: 2s'}"]
        for update, hole in (("delete_add", True), ("replace", False)):
            self.play(update, steps, router=f", group_update: {update}")
            fib = [e["text"] for e in self.timeline(f"out-{update}", "fib") if "172.16.254.1" in e["text"]]
            self.assertEqual(any("no next hop" in text for text in fib), hole, fib)


if __name__ == "__main__":
    unittest.main(verbosity=2)
