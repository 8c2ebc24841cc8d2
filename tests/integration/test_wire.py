#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Independent truth: tshark, birdc and ip see what the judge saw."""
import json
import re
import subprocess
import unittest

import lab


def tshark_routes(pcap, sender):
    """(frame, withdrawn, prefix, next hop, AS path) of every UPDATE of the sender's as tshark decodes it."""
    out = subprocess.run(["tshark", "-r", str(pcap), "-Y", f"bgp.type == 2 && ip.src == {sender}", "-T", "json", "--no-duplicate-keys"],
                         capture_output=True, text=True, check=True).stdout
    found = []
    for packet in json.loads(out):
        layers = packet["_source"]["layers"]
        frame = int(layers["frame"]["frame.number"])
        messages = layers["bgp"] if isinstance(layers["bgp"], list) else [layers["bgp"]]
        for message in messages:
            text = json.dumps(message)
            if '"bgp.type": "2"' not in text:
                continue
            hop = re.search(r'"bgp.update.path_attribute.next_hop": "([^"]+)"', text)
            path = re.search(r'"bgp.update.path_attribute.as_path_segment.as4": "?\[?"?(\d+)', text)
            for prefix, length in prefixes(message, "bgp.update.nlri", "bgp.nlri_prefix"):
                found.append((frame, False, f"{prefix}/{length}", hop.group(1), path.group(1) if path else ""))
            for prefix, length in prefixes(message, "bgp.update.withdrawn_routes", "bgp.withdrawn_prefix"):
                found.append((frame, True, f"{prefix}/{length}", None, None))
    return found


def prefixes(message, _section, key):
    """Every (prefix, length) pair under keys that name a prefix; tshark puts the length beside it."""
    pairs = []

    def walk(node):
        if isinstance(node, dict):
            if key in node:
                values = node[key] if isinstance(node[key], list) else [node[key]]
                lengths = node.get("bgp.prefix_length", "32")
                lengths = lengths if isinstance(lengths, list) else [lengths]
                pairs.extend(zip(values, lengths))
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    walk(message)
    return pairs


class Wire(lab.LabTest):
    def routes_told(self, out, worker):
        """The same tuples from the timeline of the run."""
        found = []
        for e in self.timeline(out, "route"):
            if e["node"] != worker:
                continue
            words = re.match(r'(announces|withdraws) (\S+)(?: next hop (\S+))? as-path "([^"]*)"', e["text"])
            withdrawn = words.group(1) == "withdraws"
            found.append((e["frame"], withdrawn, words.group(2), None if withdrawn else words.group(3),
                          None if withdrawn else words.group(4)))
        return found

    def test_tshark_decodes_the_same_routes(self):
        if not lab.have("tshark"):
            self.skipTest("tshark is not installed")
        for scenario in ("article", "service-removed", "local-policy"):
            self.lab("run", f"scenarios/{scenario}", "--out", f"out-{scenario}", expect=0)
            total = 0
            for number in (1, 2, 3):
                worker = f"worker{number}"
                ours = self.routes_told(f"out-{scenario}", worker)
                theirs = tshark_routes(self.base / f"out-{scenario}" / f"{worker}.pcap", f"10.0.0.{50 + number}")
                self.assertEqual(sorted(ours, key=str), sorted(theirs, key=str), f"{scenario} {worker}")
                total += len(ours)
            self.assertGreater(total, 1, scenario)

    def daemon_scenario(self, major):
        control = "birdc" if major == 2 else lab.bird(1).replace("sbin/bird", "sbin/birdc")
        return f"""
lab:
  router: {{daemon: bird{major}, config: bird.conf}}
  control_plane: 10.0.0.10
  workers: {{count: 3, as: 22000, first: 10.0.0.51, metallb: legacy}}
  manifests: [metallb-values.yaml]
steps:
  - apply: nginx.yaml
  - expect: {{service: nginx, next_hops: all, within: 10s}}
  - exec: {{on: router, run: [{control}, show, route]}}
  - exec: {{on: router, run: [ip, -j, route]}}
"""

    def daemon_views(self, major):
        folder = self.scenario("views", self.daemon_scenario(major), like="article-bird" if major == 1 else "article-bird2")
        self.lab("run", folder, "--out", "out-views", expect=0)
        out = self.base / "out-views"
        birdc, routes = [p.read_text() for p in sorted(out.glob("exec-*.out"), key=lambda p: int(p.stem.split("-")[1]))]
        hops = {f"10.0.0.{n}" for n in (51, 52, 53)}
        block = birdc[birdc.index("172.16.254.1/32"):]
        self.assertEqual(set(re.findall(r"via (\S+) on", block)), hops, birdc)
        mine = [r for r in json.loads(routes) if r["dst"] == "172.16.254.1"]
        self.assertEqual({h["gateway"] for h in mine[0]["nexthops"]}, hops, routes)
        fib = [e["text"] for e in self.timeline("out-views", "fib") if e["text"].startswith("172.16.254.1/32")]
        self.assertEqual(set(fib[-1].split(" via ")[1].split()), hops, fib)

    def test_birdc_and_ip_agree_with_the_judge_on_bird2(self):
        if lab.bird(2) is None or not lab.have("ip"):
            self.skipTest("bird2 or ip is not installed")
        self.daemon_views(2)

    def test_birdc_and_ip_agree_with_the_judge_on_bird1(self):
        if lab.bird(1) is None or not lab.have("ip"):
            self.skipTest("bird 1.6 or ip is not installed")
        self.daemon_views(1)

    def test_curl_in_the_lab_is_curl(self):
        if not lab.have("curl"):
            self.skipTest("curl is not installed")
        folder = self.scenario("curl", """
lab: {manifests: [metallb-values.yaml], workers: {metallb: legacy}}
steps:
  - apply: nginx.yaml
  - expect: {service: nginx, next_hops: all, within: 5s}
  - exec: {on: client1, run: [curl, -s, -i, "http://172.16.254.1/"]}
""")
        self.lab("run", folder, "--out", "out", expect=0)
        answer = next((self.base / "out").glob("exec-*.out")).read_text()
        self.assertIn("200 OK", answer)
        self.assertRegex(answer, r"pod: nginx-\S+\nnode: worker[123]\npeer: 10\.")


class Hash(lab.LabTest):
    """multipath_hash: l4 is a function of the packet alone, also for real sockets, whose own hash veth carries along."""

    def oracle(self, out):
        """Source port -> next hop, as the router's kernel answers for each port a client can have."""
        found = {}
        for line in next((self.base / out).glob("exec-*.out")).read_text().splitlines():
            route = re.search(r'"dst":"172.16.254.1".*"gateway":"([0-9.]+)"', line)
            if route:
                found[len(found) + 32768] = route.group(1)
        return found

    def syns(self, out, number):
        done = subprocess.run(["tshark", "-r", str(self.base / out / f"worker{number}.pcap"), "-Y",
                               "ip.dst == 172.16.254.1 && tcp.flags.syn == 1 && tcp.flags.ack == 0", "-T", "fields", "-e",
                               "tcp.srcport"], capture_output=True, text=True, check=True)
        return {int(port) for port in done.stdout.split()}

    def test_real_connections_take_the_path_that_the_route_lookup_names(self):
        if not lab.have("tshark") or not lab.have("ip"):
            self.skipTest("tshark or ip is not installed")
        lookups = ("seq 32768 60999 | sed 's/.*/route get 172.16.254.1 from 172.16.0.10 iif eth1 ipproto tcp sport & "
                   "dport 80/' | ip -j -batch -")
        folder = self.scenario("hash", f"""
lab: {{router: {{multipath_hash: l4}}, workers: {{metallb: legacy}}, manifests: [metallb-values.yaml]}}
steps:
  - apply: nginx.yaml
  - expect: {{service: nginx, next_hops: all, within: 5s}}
  - http: {{service: nginx, requests: 200}}
  - exec: {{on: router, run: [sh, -c, "{lookups}"], within: 30s}}
""")
        self.lab("run", folder, "--out", "out", expect=0)
        oracle, seen = self.oracle("out"), 0
        for number in (1, 2, 3):
            for port in self.syns("out", number):
                self.assertEqual(oracle[port], f"10.0.0.{50 + number}", port)
                seen += 1
        self.assertEqual(seen, 200)


class Lies(lab.LabTest):
    """A lying simulator is caught by the wire."""

    def lie(self, how):
        return self.scenario(how, f"""
lab:
  workers: {{metallb: legacy}}
  manifests: [metallb-values.yaml]
  faults: [{{worker: 2, how: {how}}}]
steps:
  - expect: {{sessions: established, within: 5s}}
  - apply: nginx.yaml
  - expect: {{service: nginx, announced_by: all, within: 1s}}
""")

    def test_a_silent_worker_fails_the_run(self):
        done = self.lab("run", self.lie("silent"), "--out", "out", expect=1)
        self.assertIn("worker2", done.stdout)
        self.assertEqual(self.verdict("out")["verdict"], "fail")

    def test_a_wrong_prefix_fails_the_run(self):
        self.lab("run", self.lie("wrong_prefix"), "--out", "out", expect=1)
        seen = [e for e in self.verdict("out")["expectations"] if e["verdict"] == "fail"][0]["seen"]
        self.assertIn("worker2", seen)


if __name__ == "__main__":
    unittest.main()
