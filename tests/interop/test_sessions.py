#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a scenario asks of its sessions, with real daemons at one end: BFD, graceful restart, TTL security, roles and times reach
their configurations, are understood there, and do what they are for."""
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
# pylint: disable=wrong-import-position
import lab  # noqa: E402

LAB = """
lab:
  router: {as: 11000%s}
  workers: {count: 3, metallb: frr%s}
  manifests: [metallb.yaml]
steps:
"""
MANIFEST = """apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: pool, namespace: metallb-system}
spec: {addresses: [172.16.254.0/24], avoidBuggyIPs: true}
---
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: all, namespace: metallb-system}
spec: {communities: ['large:123:456:7890']}
---
apiVersion: metallb.io/v1beta1
kind: BFDProfile
metadata: {name: fast, namespace: metallb-system}
spec: {receiveInterval: 100, transmitInterval: 100, detectMultiplier: 20}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: router, namespace: metallb-system}
spec: {myASN: 22000, peerASN: 11000, peerAddress: 10.0.0.1%s}
"""
EXTRAS = """}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: bgpextras, namespace: metallb-system}
data:
  extras: |
    router bgp 22000
     neighbor 10.0.0.1 timers 9 27
# {"""
ESTABLISHED = "expect: {sessions: established, within: 25s}"
UP = [ESTABLISHED, "apply: nginx.yaml", "expect: {service: nginx, next_hops: all, within: 15s}"]
# Two seconds, for a daemon on a busy machine gets half a second late to what has come, takes it for silence, and BIRD then waits for
# a minute before it dials again. The hold time would take 90 seconds.
BFD = ["expect: {bfd: up, within: 25s}", "fail: {worker: worker2, how: power_loss}",
       "expect: {bfd: down, workers: [worker2], within: 8s}",
       "expect: {service: nginx, next_hops: [worker1, worker3], within: 2s}"]
ROUTER_BFD = ", bfd: {transmit: 100ms, receive: 100ms, multiplier: 20}"
# RFC 9384; as FRR has it where both ends offer RFC 8538, within a Hard Reset; as BIRD 2.0.12 and 1.6 have it, which are older.
BFD_DOWN, HARD_RESET, CEASE = ["6", "10"], ["6", "9", "060a"], ["6", "0"]
FIN, SYN, RST = 1, 2, 4
KEPT = ["fail: {worker: worker2, how: crash}", "never: {service: nginx, next_hops: [worker1, worker3], for: 1s}",
        "recover: worker2", ESTABLISHED, UP[2]]


class Sessions(lab.LabTest):
    def play(self, steps, router="", workers="", peer="", expect=0):
        folder = self.scenario("sessions", LAB % (router, workers) + "".join(f"  - {step}\n" for step in steps))
        (folder / "metallb.yaml").write_text(MANIFEST % peer)
        before = lab.traces(self.base)
        done = self.lab("run", folder, "--out", "out", expect=expect)
        self.assert_nothing_left(before)
        return done

    def bfd(self, kind, said):
        if kind != "frr" and not lab.bird(int(kind[-1])):
            self.skipTest(f"no {kind}")
        # TCP sends no last words behind others that nobody acknowledges: the router must have told worker2 its routes before.
        watch = ("exec: {on: worker2, run: \"nft 'add table ip seen; add chain ip seen in { type filter hook input priority 0; }; "
                 "add rule ip seen in tcp sport 179 @ih,144,8 2 counter'\"}")
        told = ("exec: {on: worker2, run: \"until nft list table ip seen | grep -q 'packets [1-9]'; do sleep 0.05; done\", within: 20s}")
        self.play([watch] + UP + [told] + BFD, router=f", daemon: {kind}" + ROUTER_BFD, peer=", holdTime: 90s, bfdProfile: fast")
        self.assertIn(self.last_words(), (None, said))

    def shown(self, which, *fields):
        """Of the frames on the router's link, as tshark reads them; None without it."""
        if not lab.have("tshark"):
            return None
        done = subprocess.run(["tshark", "-r", str(self.base / "out/router-cluster.pcap"), "-Y", which, "-T", "fields",
                               *(word for field in fields for word in ("-e", field))], capture_output=True, text=True, check=True)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def last_words(self):
        """What the router said to worker2 when its BFD went down: the NOTIFICATION's code, subcode and data, as tshark reads it."""
        rows = self.shown("bgp.type == 3 && ip.src == 10.0.0.1 && ip.dst == 10.0.0.52", "bgp.notify.major_error",
                          "bgp.notify.minor_error_cease", "bgp.notify.minor_data")
        return "\t".join(rows[-1]).rstrip("\t").split("\t") if rows is not None else None

    def large_communities(self):
        """What each worker's route has, as tshark reads it."""
        rows = self.shown("bgp.nlri_prefix && ip.dst == 10.0.0.1", "ip.src",
                          *(f"bgp.large_communities.{part}" for part in ("ga", "ldp1", "ldp2")))
        return {row[0]: ":".join(row[1:]) for row in rows} if rows is not None else None

    def test_bfd_of_frr(self):
        self.bfd("frr", HARD_RESET)

    def test_bfd_of_bird1(self):
        self.bfd("bird1", CEASE)

    def test_bfd_of_bird2(self):
        self.bfd("bird2", CEASE)

    def test_bfd_of_speakers(self):
        """The built-in router, and FRR as MetalLB configures it beside BIRD."""
        self.play(UP + BFD, router=ROUTER_BFD, workers=", speaker: [frr, frr, bird2]", peer=", holdTime: 90s, bfdProfile: fast")
        self.assertIn(self.last_words(), (None, BFD_DOWN))
        self.assertIn(self.large_communities(), (None, {f"10.0.0.{n}": "123:456:7890" for n in (51, 52, 53)}))

    def test_who_has_no_bfd_says_so(self):
        done = self.play(UP, router=ROUTER_BFD, workers=", speaker: gobgp", peer=", bfdProfile: fast", expect=5)
        self.assertIn("bfdProfile of BGPPeer router can't be written for GoBGP", done.stdout + done.stderr)

    def kept(self, router, workers=""):
        self.play(UP + KEPT, router=router + ", graceful_restart: {time: 60s}", workers=workers, peer=", enableGracefulRestart: true")

    def test_graceful_restart_at_frr(self):
        self.kept(", daemon: frr")

    def test_graceful_restart_at_bird2(self):
        self.kept(", daemon: bird2")

    def test_graceful_restart_of_metallbs_frr(self):
        self.kept("", ", speaker: frr")

    def secured(self, kind):
        """The configuration is taken, and what it forbids does not come about."""
        self.play([ESTABLISHED], router=f", daemon: {kind}, ttl_security: true, hold: 30s", peer=", ebgpMultiHop: true")

    def test_ttl_security_at_frr(self):
        self.secured("frr")

    def test_ttl_security_at_bird2(self):
        self.secured("bird2")

    def test_ttl_security_at_gobgp(self):
        self.secured("gobgp")

    def test_ttl_security_at_openbgpd(self):
        self.secured("openbgpd")

    def test_ttl_security_refuses_a_low_ttl(self):
        """Not FRR 8.4's, which lets in with TTL 1 who dials."""
        self.play(["never: {sessions: established, workers: [worker1], for: 3s}"], router=", daemon: bird2, ttl_security: true")

    def roles(self, kind, workers=""):
        self.play([ESTABLISHED], router=f"{kind}, role: provider, role_strict: true", workers=", role: customer" + workers)

    def test_roles_at_frr(self):
        self.roles(", daemon: frr")

    def test_roles_at_bird2(self):
        self.roles(", daemon: bird2")

    def test_roles_of_metallbs_frr(self):
        self.roles("", ", speaker: frr")

    def test_roles_of_a_bird_speaker(self):
        self.roles("", ", speaker: bird2")

    def test_extras_of_metallbs_frr(self):
        """MetalLB appends them to its FRR's configuration; the OPEN has the hold time that they say, and not the BGPPeer's."""
        self.play(UP, workers=", speaker: frr", peer=", holdTime: 90s" + EXTRAS)
        rows = self.shown("bgp.type == 1 && ip.dst == 10.0.0.1", "bgp.open.holdtime")
        if rows is not None:
            self.assertEqual({hold for row in rows for hold in row}, {"27"})

    def extras_refused(self, workers):
        done = self.play(UP, workers=workers, peer=EXTRAS, expect=2)
        self.assertIn("bgpextras is FRR's configuration, which only a real FRR understands", done.stdout + done.stderr)

    def test_extras_are_not_for_built_in_speakers(self):
        self.extras_refused("")

    def test_extras_are_not_for_bird(self):
        self.extras_refused(", speaker: [frr, bird2]")

    def test_restarts_of_real_ones(self):
        self.play(UP + ["restart: {node: worker2, down: 100ms}", ESTABLISHED, UP[2], "restart: router", ESTABLISHED, UP[2]],
                  router=", daemon: frr", workers=", speaker: [builtin, frr, builtin]", peer=", connectTime: 5s")

    def power_loss(self, speakers):
        """Their kernel says nothing of the connection, not even once the link is up again, but RST to who goes on with it."""
        workers = ["worker1", "worker2", "worker3"]
        watch = ("exec: {on: router, run: \"nft 'add table ip seen; add chain ip seen in { type filter hook input priority 0; }; "
                 "add rule ip seen in tcp flags & rst == rst counter'\"}")
        seen = ("exec: {on: router, run: \"until nft list table ip seen | grep -qE 'packets ([3-9]|[1-9][0-9])'; do sleep 0.05; done\", "
                "within: 20s}")
        self.play(UP + [watch] + [f"fail: {{worker: {w}, how: power_loss}}" for w in workers] + [f"recover: {w}" for w in workers] +
                  [seen, ESTABLISHED, UP[2]], workers=f", speaker: [{speakers}]", peer=", holdTime: 9s, connectTime: 1s")
        said = self.shown("tcp.dstport == 179", "ip.src", "tcp.srcport", "tcp.flags")
        first = dict(reversed([(source, port) for source, port, flags in said or [] if int(flags, 16) == SYN]))
        for worker, port in first.items():
            flags = [int(flags, 16) for source, own, flags in said if (source, own) == (worker, port)]
            self.assertTrue(flags[-1] & RST and not any(f & FIN for f in flags), f"{worker}: {flags}")

    def test_power_loss_of_frr_gobgp_and_bird(self):
        self.power_loss("frr, gobgp, bird2")

    def test_power_loss_of_exabgp_and_built_in_ones(self):
        self.power_loss("exabgp, builtin, exabgp")


if __name__ == "__main__":
    unittest.main(verbosity=2)
