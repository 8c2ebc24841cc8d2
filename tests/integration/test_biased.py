# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernels that are made to err, each found and named by what the packets show; and the counts that no verdict of ours made:
the kernel's own of its interfaces, tshark's of the captures, the theory of who moves."""
import csv
import fractions
import functools
import json
import math
import re
import subprocess
import unittest

import lab

LAB = """
lab:
  router: {%s}
  workers: {count: %u, metallb: legacy}
  manifests: [metallb-values.yaml]
steps:
  - apply: nginx.yaml
  - expect: {service: nginx, next_hops: all, within: 5s}
"""
VIP = "172.16.254.1"
WORKERS = [f"10.0.0.{51 + i}" for i in range(64)]
HOOK = ("mac() { ip neigh show 10.0.0.$1 | sed 's/.*lladdr \\\\([0-9a-f:]*\\\\).*/\\\\1/'; }; nft \\\"add table netdev t; "
        "add chain netdev t c { type filter hook egress device eth0 priority 0; }; add rule netdev t c %s\\\"")
# Whether this kernel has classes of different speeds.
HTB = lab.have("unshare") and subprocess.run(["unshare", "-rn", "tc", "qdisc", "add", "dev", "lo", "root", "htb"],
                                             capture_output=True, check=False).returncode == 0


class Live(lab.LabTest):
    def play(self, steps, expect, router="hash: l4", workers=3, like="article"):
        self.played = getattr(self, "played", 0) + 1
        folder = self.scenario(f"biased{self.played}", LAB % (router, workers) + steps, like)
        return self.lab("run", folder, "--out", "out", expect=expect)

    def finding(self, number):
        found = self.verdict("out")["expectations"][number]
        return found["seen"], found.get("why") or ""

    def near(self, count, of, share):
        """Within what is exceeded once in two million times: five standard deviations."""
        self.assertLessEqual(abs(count - of * share), 5 * math.sqrt(of * share * (1 - share)) + 1e-9)

    def output(self):
        return "".join(path.read_text() for path in sorted((self.base / "out").glob("exec-*.out")))

    def table(self, name):
        with (self.base / "out" / name).open() as rows:
            return list(csv.DictReader(rows, delimiter="\t"))

    def frames(self, capture, more="frame"):
        """tshark's: stamps and source addresses of the Ethernet frames."""
        done = subprocess.run(["tshark", "-r", self.base / "out" / capture, "-Y", more, "-T", "fields", "-e",
                               "frame.time_epoch", "-e", "eth.src"], capture_output=True, text=True, check=True)
        return [(fractions.Fraction(line.split()[0]), line.split()[1]) for line in done.stdout.splitlines()]


class Biased(Live):
    def test_twice_the_weight(self):
        self.play(f"""
  - exec: {{on: router, run: "ip route replace {VIP} proto bgp nexthop via {WORKERS[0]} nexthop via {WORKERS[1]} weight 2 nexthop via {WORKERS[2]}"}}
  - flows: {{service: nginx, count: auto}}
  - expect: {{spread: equal, of: flows}}
  - expect: {{spread: weighted, of: flows}}
""", expect=1)
        seen, why = self.finding(1)
        self.assertIn("worker2 has more than its share", seen)
        self.assertIn("the router's kernel weighs its next hops 10.0.0.51 1, 10.0.0.52 2, 10.0.0.53 1", why)

    def test_weights_that_are_promised_hold(self):
        self.play(f"""
  - exec: {{on: router, run: "ip route replace {VIP} proto bgp nexthop via {WORKERS[0]} nexthop via {WORKERS[1]} weight 2 nexthop via {WORKERS[2]}"}}
  - flows: {{service: nginx, count: auto}}
  - expect: {{spread: weighted, of: flows}}
""", expect=0)

    def test_one_percent_of_a_next_hop_is_dropped(self):
        self.play(f"""
  - exec: {{on: router, run: "{HOOK % "ether daddr $(mac 52) meta l4proto udp numgen random mod 100 < 1 counter drop"}"}}
  - flows: {{service: nginx, count: 2000, packets: 12, rate: 60000}}
  - exec: {{on: router, run: "nft list ruleset"}}
  - expect: {{packets: {{lost: 0}}, within: 300ms}}
""", expect=1)
        seen, why = self.finding(1)
        dropped = int(re.search(r"counter packets (\d+)", self.output()).group(1))
        self.assertRegex(seen, rf"^24000 packets of 2000 flows; {dropped} lost, of \d+ flows "
                               rf"\({dropped} of flows at worker2\)$")
        self.assertRegex(why, r"^worker2 loses [01](\.\d+)? % of its packets .*: the loss is on the way to it")

    def test_a_flow_that_is_lost_whole_is_its_member_s(self):
        """Nobody saw where it would have gone; the kernel had said so."""
        self.play(f"""
  - exec: {{on: router, run: "{HOOK % "ether daddr $(mac 52) udp sport 1024-9000 counter drop"}"}}
  - flows: {{service: nginx, count: 600, rate: 60000}}
  - exec: {{on: router, run: "nft list ruleset"}}
  - expect: {{packets: {{lost: 0}}, within: 300ms}}
""", expect=1)
        dropped = int(re.search(r"counter packets (\d+)", self.output()).group(1))
        self.assertIn(f"{dropped} lost, of {dropped} flows ({dropped} of flows at worker2)", self.finding(1)[0])

    def test_a_next_hop_that_is_missing_for_50_ms(self):
        """By the packets: flows are at two workers. By the kernel's own messages: which next hop it was, and for how long."""
        change = (f"R='ip route replace {VIP} proto bgp nexthop via {WORKERS[0]} nexthop via'; "
                  f"(sleep 0.1; $R {WORKERS[2]}; sleep 0.05; $R {WORKERS[1]} nexthop via {WORKERS[2]}) >/dev/null 2>&1 &")
        self.play(f"""
  - exec: {{on: router, run: "{change}"}}
  - flows: {{service: nginx, count: 300, packets: 30, rate: 30000}}
  - expect: {{spread: equal, of: flows, detect: 90%}}
""", expect=1)
        seen, why = self.finding(1)
        self.assertRegex(seen, r"^\d+ of 300 flows were at two workers: flow \d+ at worker2, then at worker[13]")
        told = re.match(r"the router's kernel had no next hop worker2 for ([\d.]+) ms, from [\d.]+ ms after they began$", why)
        self.assertTrue(told, why)
        self.assertGreaterEqual(float(told.group(1)), 50)

    def test_a_member_that_gets_another_s_flows(self):
        self.play(f"""
  - exec: {{on: router, run: "{HOOK % "ether daddr $(mac 52) udp sport 1024-20000 ether daddr set $(mac 53)"}"}}
  - flows: {{service: nginx, count: 600, rate: 60000}}
  - expect: {{paths: predicted, of: flows}}
""", expect=1)
        wrong = [row for row in self.table("oracle-1.tsv")
                 if row["predicted"] == "worker2" and int(row["source_port"]) <= 20000]
        seen, _ = self.finding(1)
        self.assertRegex(seen, rf"^{600 - len(wrong)} of 600 flows went where .*; flow {wrong[0]['flow']}: the kernel says "
                               r"worker2, the packets went to worker3")

    @unittest.skipUnless(lab.have("tshark"), "no tshark")
    def test_packets_that_come_twice(self):
        """A hook that copies what it sees, its own copies too while the kernel lets it."""
        self.play(f"""
  - exec: {{on: router, run: "{HOOK % "ether daddr $(mac 52) udp sport 1024-9000 dup to eth0"}"}}
  - flows: {{service: nginx, count: 600, packets: 2, rate: 60000}}
  - expect: {{packets: {{lost: 0}}, within: 300ms}}
""", expect=1)
        sent = 2 * sum(row["predicted"] == "worker2" for row in self.table("oracle-1.tsv"))
        copied = len(self.frames("worker2.pcap", f"udp && !icmp && ip.dst == {VIP}")) - sent
        self.assertGreater(copied, 0)
        self.assertEqual(self.finding(1)[0], f"1200 packets of 600 flows; {copied} came twice")

    @unittest.skipUnless(lab.have("tshark") and HTB, "no tshark, or no class of two speeds")
    def test_packets_that_are_overtaken(self):
        """Each flow's first packet (number 0, at octet 16 of its tag) goes by a slow class, the others by a fast one."""
        slow = ("tc qdisc add dev eth0 root handle 1: htb default 2 && "
                "tc class add dev eth0 parent 1: classid 1:1 htb rate 1mbit burst 1600 && "
                "tc class add dev eth0 parent 1: classid 1:2 htb rate 1gbit && "
                "tc filter add dev eth0 parent 1: protocol ip u32 match ip protocol 17 0xff match u32 0 0xffffffff at 44 flowid 1:1")
        self.play(f"""
  - exec: {{on: router, run: "{slow}"}}
  - flows: {{service: nginx, count: 200, packets: 3, rate: 20000}}
  - expect: {{packets: {{lost: 0, late: 200, twice: 0}}, within: 2s}}
  - expect: {{packets: {{late: 0}}, within: 2s}}
""", expect=1)
        late = sum(self.overtaken(f"worker{n}.pcap") for n in (1, 2, 3))
        self.assertGreater(late, 100)
        self.assertEqual(self.finding(1)[0], f"600 packets of 200 flows; {late} came late, behind a younger one")
        self.assertEqual([e["verdict"] for e in self.verdict("out")["expectations"][1:]], ["pass", "fail"])

    def overtaken(self, capture):
        """By tshark: packets that came to the worker itself behind one of their flow's with a higher number."""
        done = subprocess.run(["tshark", "-r", self.base / "out" / capture, "-Y", f"udp && !icmp && ip.dst == {VIP}", "-T",
                               "fields", "-e", "eth.dst", "-e", "udp.payload"], capture_output=True, text=True, check=True)
        mac = self.own_mac(capture)
        highest, late = {}, 0
        for line in done.stdout.splitlines():
            to, payload = line.split()
            flow, number = payload[24:32], int(payload[32:40], 16)
            if to == mac:
                late += number < highest.get(flow, -1)
                highest[flow] = max(number, highest.get(flow, -1))
        return late

    def own_mac(self, capture):
        """That by which the worker sends as itself."""
        own = WORKERS[int(capture[6]) - 1]
        return self.frames(capture, f"ip.src == {own}")[0][1]

    def test_packets_that_go_in_a_circle(self):
        """worker2 sends what it has no use for back to the router, which sends it to worker2."""
        self.play(f"""
  - exec: {{on: worker2, run: "ip route add {VIP} via 10.0.0.1"}}
  - flows: {{service: nginx, count: 60}}
  - expect: {{packets: {{lost: 0}}, within: 300ms}}
""", expect=1)
        self.assertRegex(self.finding(1)[0], r"; \d+ came again with a smaller TTL: they go in a circle$")

    def test_a_control_that_must_not_be_even(self):
        """Ports are none of an address hash's business: varied alone, they must not spread; nor may a hash of ports pass."""
        self.play("""
  - flows: {service: nginx, count: 3000, rate: 60000, vary: [src_port]}
  - expect: {spread: unequal, of: flows}
""", expect=0, router="hash: l3")
        self.play("""
  - flows: {service: nginx, count: 3000, rate: 60000, vary: [src_port]}
  - expect: {spread: unequal, of: flows}
""", expect=1)


class Broken(Live):
    """Real connections held over a change: what broke each is told, and agrees with who had it and who reset it."""

    def rows(self):
        return self.table("connections-1.tsv")

    def test_a_plain_group_rehashes(self):
        self.play("""
  - http: {service: nginx, requests: 400, hold: true}
  - fail: {worker: worker1, how: crash}
  - expect: {service: nginx, next_hops: [worker2, worker3], within: 5s}
  - http: {release: true}
  - expect: {connections: {broken: 0}}
""", expect=1)
        rows = self.rows()
        count = {cause: [row for row in rows if row["cause"] == cause] for cause in ("-", "rehash", "its next hop left")}
        self.assertEqual(sum(map(len, count.values())), 400)
        self.assertTrue(all(row["before"] == "worker1" and row["by"] in ("worker2", "worker3")
                            for row in count["its next hop left"]))
        self.assertTrue(all((row["before"], row["by"]) == ("worker2", "worker3") for row in count["rehash"]))
        self.assertTrue(all(row["fate"] == "answered" and row["before"] != "worker1" for row in count["-"]))
        self.assertRegex(self.finding(2)[0], rf"^400 connections: {400 - len(count['-'])} broken: {len(count['rehash'])} "
                                             rf"by rehash.*, {len(count['its next hop left'])} whose worker is no next hop")
        # ECMP.md 5.5: of three the first leaves, a third had to move and half of a third did without need
        self.near(len(count["its next hop left"]), 400, 1 / 3)
        self.near(len(count["rehash"]), 400, 1 / 6)

    def test_a_resilient_group_breaks_no_others(self):
        self.play("""
  - http: {service: nginx, requests: 400, hold: true}
  - fail: {worker: worker1, how: crash}
  - expect: {service: nginx, next_hops: [worker2, worker3], within: 5s}
  - http: {release: true}
  - expect: {connections: {broken: 400}}
""", expect=0, router="hash: l4, nexthop_groups: {type: resilient, buckets: 128, idle_timer: 0s}")
        self.assertEqual({row["cause"] for row in self.rows()}, {"-", "its next hop left"})

    @unittest.skipUnless(lab.have("tshark"), "no tshark")
    def test_a_flow_label_that_changes_is_no_split(self):
        """What the clients say is lost for a while, so that they say it again, with other flow labels."""
        folder = self.scenario("labels", """
lab:
  networks: {family: ipv6}
  router: {as: 11000, hash: l3}
  workers: {count: 3, as: 22000, metallb: frr}
  manifests: [metallb.yaml]
steps:
  - apply: nginx.yaml
  - expect: {service: nginx, next_hops: all, within: 5s}
  - http: {service: nginx, requests: 60, hold: true}
  - exec: {on: router, run: "nft 'add table netdev t; add set netdev t s { type inet_service; flags timeout; }; add element netdev t s { 80 timeout 700ms }; add chain netdev t c { type filter hook egress device eth0 priority 0; }; add rule netdev t c meta protocol ip6 tcp dport @s drop'"}
  - http: {release: true}
  - expect: {spread: equal, of: connections}
  - expect: {connections: {broken: 0}}
""", "ipv6")
        self.lab("run", folder, "--out", "out")
        cut = {row["port"]: row for row in self.rows() if row["fate"] != "answered"}
        self.assertGreater(len(cut), 10)
        self.assertEqual({row["cause"] for row in cut.values()}, {"flow label"})
        # One that has been answered already may say something to another worker, too.
        told = int(re.search(r"; (\d+) of them came to another worker, too, under another IPv6 flow label", self.finding(1)[0])[1])
        ports = [row["port"] for row in self.rows()]
        roamed = sum(sum(bool(self.labels(f"worker{n}", port)) for n in (1, 2, 3)) > 1 for port in ports)
        self.assertTrue(len(cut) <= told <= roamed, (len(cut), told, roamed))
        self.assertRegex(self.finding(2)[0], f"{len(cut)} broken: {len(cut)} by another IPv6 flow label")
        for port, row in cut.items():
            before, after = self.labels(row["before"], port), self.labels(row["by"], port)
            self.assertTrue(before and after and not before & after, row)

    @functools.cache
    def segments(self, worker):
        """By tshark: (to, from, address, port to, port from, flow label)."""
        done = subprocess.run(["tshark", "-r", self.base / f"out/{worker}.pcap", "-Y", "tcp", "-T", "fields", "-e", "eth.dst", "-e",
                               "eth.src", "-e", "ipv6.src", "-e", "tcp.dstport", "-e", "tcp.srcport", "-e", "ipv6.flow"],
                              capture_output=True, text=True, check=True)
        return [line.split() for line in done.stdout.splitlines()]

    def labels(self, worker, port):
        """The flow labels under which a connection came to the worker itself."""
        own = next(row[1] for row in self.segments(worker) if row[2] == f"fd00:10::{50 + int(worker[-1]):x}")
        return {row[5] for row in self.segments(worker) if row[0] == own and row[3:5] == ["80", port]}

    def test_a_dead_worker_is_a_black_hole_until_the_hold_time(self):
        self.play("""
  - http: {service: nginx, requests: 200, hold: true}
  - fail: {worker: worker1, how: power_loss}
  - http: {release: true}
  - expect: {connections: {broken: 0}}
""", expect=1, router="hash: l4, hold: 3s")
        holes = [row for row in self.rows() if row["cause"] == "black hole"]
        self.assertTrue(holes)
        self.assertEqual({row["before"] for row in holes}, {"worker1"})
        # The hold time runs from the worker's last KEEPALIVE, a second apart, so that of three seconds two are left at least.
        self.assertTrue(all(1500 < float(row["hole_ms"]) < 3500 for row in holes), holes[0])
        self.assertRegex(self.finding(1)[1], r"went on sending to worker1, which did not answer, for up to [23][.\d]* s")


class Tiers(lab.LabTest):
    """Two tiers of routers; scenarios/two-tiers and two-tiers-ipv6 have what holds."""

    def play(self, change, expect, name="two-tiers"):
        folder = self.base / "scenarios" / name
        (folder / "scenario.yaml").write_text(change((folder / "scenario.yaml").read_text()))
        return self.lab("run", folder, "--out", "out", expect=expect)

    def test_one_seed_for_both_is_found(self):
        self.play(lambda text: text.replace("stages: polarised", "stages: independent"), expect=1)
        found = self.verdict("out")["expectations"][-1]
        self.assertRegex(found["seen"], r"flows over 2 x 4 members: .*; 4 pairs without a flow; router sends nothing to "
                                        r"worker3, worker4; router2 sends nothing to worker1, worker2$")
        self.assertIn("polarisation", found["why"])

    @unittest.skipUnless(lab.have("tshark"), "no tshark")
    def test_the_table_is_tshark_s(self):
        """Flows by router and worker, from the captures alone."""
        self.play(lambda text: text[:text.index("  # A seed of its own")], expect=0)
        self.assert_halves(f"ip.dst == {VIP}", "udp.srcport")

    @unittest.skipUnless(lab.have("tshark"), "no tshark")
    def test_the_table_is_tshark_s_over_ipv6(self):
        """Flows that differ in nothing but their label."""
        self.play(lambda text: text[:text.index("  # The upper tier by ports")].replace(", src_port]", "]"), expect=0,
                  name="two-tiers-ipv6")
        self.assert_halves("ipv6.dst == fd00:254::", "ipv6.flow")

    def assert_halves(self, which, field):
        """Each router knows two workers of four."""
        at = {}
        for capture, name in (("router-clients", "router"), ("router2-uplink", "router2")):
            for flow in self.flows(capture, which, field):
                at[flow] = name
        pairs = {(at[flow], f"worker{i}") for i in range(1, 5) for flow in self.flows(f"worker{i}", which, field)}
        self.assertEqual(pairs, {("router", "worker1"), ("router", "worker2"), ("router2", "worker3"),
                                 ("router2", "worker4")})

    def flows(self, capture, which, field):
        done = subprocess.run(["tshark", "-r", self.base / f"out/{capture}.pcap", "-Y",
                               f"udp && !icmp && !icmpv6 && {which}", "-T", "fields", "-e", field],
                              capture_output=True, text=True, check=True)
        return done.stdout.split()

    def test_a_router_without_sessions_is_named(self):
        """The second peer is not in the manifest: the upper tier sends half of the flows where no route is."""
        values = self.base / "scenarios/two-tiers/metallb-values.yaml"
        text = values.read_text()
        start = text.index("  - my-asn", text.index("10.0.0.1"))
        values.write_text(text[:start] + text[text.index("  address-pools"):])
        self.play(lambda text: text.replace("next_hops: all, within: 5s", "next_hops: all, within: 500ms"), expect=1)
        self.assertIn("router2's kernel has no route to 172.16.254.1/32; upstream's to 192.168.255.2 (router)",
                      self.verdict("out")["expectations"][-1]["seen"])


# Counters, each between two looks at the clock.
LOOK = "date +%s.%N; ip -s -j link show eth0 | tr -d ' \\n'; echo; date +%s.%N"


class Truths(Live):
    @unittest.skipUnless(lab.have("tshark"), "no tshark")
    def test_counts_are_the_kernel_s_and_tshark_s(self):
        looks = "".join(f"""
  - exec: {{on: worker{i}, run: "{LOOK}"}}""" for i in (1, 2, 3))
        self.play(f"""{looks}
  - flows: {{service: nginx, count: 3000, packets: 2, rate: 60000}}
  - expect: {{packets: {{lost: 0}}}}{looks}
  - expect: {{spread: equal, of: flows}}
""", expect=0)
        lines = [path.read_text().split() for path in
                 sorted((self.base / "out").glob("exec-*.out"), key=lambda p: int(p.stem.split("-")[1]))]
        before, after = lines[:3], lines[3:]
        links = [[json.loads(look[1])[0] for look in half] for half in (before, after)]
        shares = {share["worker"]: share["count"] for share in self.verdict("out")["expectations"][2]["shares"]}
        self.assertEqual(sum(shares.values()), 3000)
        for i, mac in enumerate(link["address"] for link in links[0]):
            capture = f"worker{i + 1}.pcap"
            flows = self.frames(capture, f"udp && !icmp && ip.dst == {VIP} && eth.dst == {mac}")
            self.assertEqual(len(flows), 2 * shares[f"worker{i + 1}"])
            # The interface counts all that comes in; what came while it was read may be in or out.
            came = [time for time, source in self.frames(capture) if source != mac]
            first, last = [fractions.Fraction(t) for t in before[i][::2]], [fractions.Fraction(t) for t in after[i][::2]]
            counted = links[1][i]["stats64"]["rx"]["packets"] - links[0][i]["stats64"]["rx"]["packets"]
            self.assertGreaterEqual(counted, sum(first[1] < time < last[0] for time in came))
            self.assertLessEqual(counted, sum(first[0] <= time <= last[1] for time in came))
            self.assertGreaterEqual(counted, len(flows))

    def test_moved_fractions_are_the_theory_s(self):
        """Of groups of 8 down to 2 the first member leaves, or the middle one: shares as in ECMP.md 5.5, computed here anew."""
        for place in (lambda n: 1, lambda n: (n + 1) // 2):
            with self.subTest(place=place(8)):
                self.shrinks(place)

    def shrinks(self, place):
        left, gone, steps = list(range(1, 9)), [], "\n  - flows: {service: nginx, count: 4000, rate: 60000}"
        while len(left) > 1:
            gone.append((len(left), place(len(left)), left.pop(place(len(left)) - 1)))
            steps += f"""
  - fail: {{worker: worker{gone[-1][2]}, how: crash}}
  - expect: {{service: nginx, next_hops: [{", ".join(f"worker{i}" for i in left)}], within: 5s}}
  - flows: {{again: true}}
  - expect: {{paths: predicted, of: flows}}
  - expect: {{moved_flows: {{at_most: hash_threshold}}, detect: 10%}}"""
        self.play(steps, expect=0, workers=8)
        for number, (n, position, worker) in enumerate(gone, 1):
            forced, innocent = hash_threshold(n, position)
            rows = self.table(f"moves-{number}.tsv")
            self.assertEqual(len(rows), 4000)
            self.near(sum(row["fate"] == "forced" for row in rows), 4000, forced)
            self.near(sum(row["fate"] == "innocent" for row in rows), 4000, innocent)
            self.assertEqual({row["before"] for row in rows if row["fate"] == "forced"}, {f"worker{worker}"})

    def test_who_comes_back_gets_its_flows_back(self):
        self.play("""
  - flows: {service: nginx, count: 3000, rate: 60000}
  - fail: {worker: worker1, how: crash}
  - expect: {service: nginx, next_hops: [worker2, worker3], within: 5s}
  - flows: {again: true}
  - recover: worker1
  - expect: {service: nginx, next_hops: all, within: 5s}
  - flows: {again: true}
  - expect: {moved_flows: {at_most: hash_threshold}, detect: 10%}
""", expect=0)
        rows = self.table("moves-1.tsv")
        self.near(sum(row["fate"] == "innocent" for row in rows), 3000, fractions.Fraction(1, 2))
        self.assertEqual([row["before"] for row in rows if row["fate"] == "kept"],
                         [row["after"] for row in rows if row["fate"] == "kept"])

    def test_the_theory_is_the_table_s(self):
        """ECMP.md 5.5, rounded to per cent: total, and innocent ones of the survivors, at best and at worst."""
        table = {2: (50, 50, 0, 0), 3: (33, 50, 0, 25), 4: (33, 50, 11, 33), 5: (30, 50, 13, 38), 8: (29, 50, 18, 43)}
        for n, row in table.items():
            shares = [hash_threshold(n, gone) for gone in range(1, n + 1)]
            totals = [forced + innocent for forced, innocent in shares]
            innocents = [innocent / (1 - forced) for forced, innocent in shares]
            for got, want in zip((min(totals), max(totals), min(innocents), max(innocents)), row):
                self.assertLessEqual(abs(100 * got - want), fractions.Fraction(51, 100), (n, row))


def hash_threshold(n, gone):
    """RFC 2992: the hash space cut into n equal regions, and into n - 1 once member `gone` (from 1) has left. The shares of
    all flows that had to move, and that moved though their member stayed."""
    rest = [i for i in range(1, n + 1) if i != gone]
    steps = 10 * n * (n - 1)
    stayed = 0
    for i in range(steps):
        point = fractions.Fraction(2 * i + 1, 2 * steps)
        before, after = int(point * n) + 1, rest[int(point * (n - 1))]
        stayed += before == after
    forced = fractions.Fraction(1, n)
    return forced, 1 - fractions.Fraction(stayed, steps) - forced


if __name__ == "__main__":
    unittest.main()
