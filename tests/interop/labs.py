# SPDX-License-Identifier: GPL-2.0-or-later
"""The matrix's labs: one router and every kind of speaker, one worker each, in three scenarios."""
import json
import os
import shutil
import subprocess

import lab
import views

HOLD_S = 6
NARROW = (11000, 22000)  # AS numbers of the router and of the workers
WIDE = (4200000001, 4200000002)  # of more than two octets

PEER = """apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {{name: {name}, namespace: metallb-system}}
spec:
  myASN: {mine}
  peerASN: {theirs}
  peerAddress: 10.0.0.1
{password}  holdTime: {hold}s
  nodeSelectors:
  - matchExpressions:
    - {{key: kubernetes.io/hostname, operator: In, values: [{nodes}]}}
---
"""
POOL = """apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: pool, namespace: metallb-system}
spec: {addresses: [172.16.254.0/24], avoidBuggyIPs: true}
---
"""
ADVERTISEMENT = """apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {{name: all, namespace: metallb-system}}
spec: {{communities: [{communities}]}}
"""
SCENARIO = """lab:
  router: {{daemon: {kind}, as: {router_as}, max_paths: 32{password}}}
  workers: {{count: {count}, as: {worker_as}, first: 10.0.0.51, metallb: native, speaker: [{speakers}]}}
  manifests: [metallb.yaml]
steps:
"""
LOOK = """#!/bin/sh
# look SECONDS CONDITION: true when the condition comes to hold before the time is over.
exec timeout "$1" sh -c "until $2; do sleep 0.1; done"
"""
# A node falls silent: its programs stop where they are, while its kernel goes on acknowledging; no new connection comes about.
SILENCE = ("nft 'add table ip silence; add chain ip silence out {{ type filter hook output priority 0; }}; "
           "add rule ip silence out tcp flags & syn == syn drop'; "
           "for p in $(ip netns pids {node}); do [ $p = $$ ] || kill -STOP $p; done; true")
# Port 179 at either end, state 1: established; but with this one.
NO_SESSION = ("! cat /proc/net/tcp /proc/net/tcp6 | grep -vE '{but}' | grep -qE "
              "'(:00B3 [0-9A-F]+:[0-9A-F]+|[0-9A-F]+:00B3) 01 '")
FIELDS = ["ip.src", "tcp.flags.fin", "tcp.flags.reset", "bgp.type", "bgp.notify.major_error", "bgp.notify.minor_error_open", "bgp.notify.minor_error_expired",
          "bgp.update.path_attribute.community_value", "bgp.nlri_prefix", "bgp.withdrawn_prefix"]


def nodes(first, count):
    return ", ".join(f"worker{n}" for n in range(first, first + count))


def program(node, argv, within):
    return f"exec: {{on: {node}, run: {json.dumps(argv)}, within: {within}s}}"


class Lab:
    """One scenario against one router, run once; what it left is the evidence."""

    def __init__(self, base, router, name, speakers, numbers=NARROW, times=1, password=""):
        self.router, self.name, self.count = router, name, len(speakers)
        self.folder, self.out = base / f"{router.kind}-{name}", base / f"out-{router.kind}-{name}"
        self.folder.mkdir()
        self.text = SCENARIO.format(kind=router.kind, router_as=numbers[0], worker_as=numbers[1], password=password,
                                    count=times * len(speakers), speakers=", ".join(speakers))
        self.status, self.words, self.asked = None, "", {}

    def step(self, text):
        self.text += f"  - {text}\n"

    def look(self, node, seconds, condition):
        self.step(program(node, ["sh", str(self.folder / "look"), str(seconds), condition], seconds + 5))

    def ask(self, what):
        """Keeps the router's answer under this name."""
        answer = self.out / f"asked-{what}"
        self.asked[what] = answer
        self.step(program("router", ["sh", "-c", f"{self.router.ask} > {answer} || true"], 10))

    def table_has(self, count):
        """The wire has it; the router's table follows at its own pace."""
        self.look("router", 10, f"[ $({self.router.ask} | grep -oE '10[.]0[.]0[.]5[1-9]' | sort -u | wc -l) -eq {count} ]")

    def coloured(self):
        """FRR looks at changed route maps by and by, so that it takes seconds."""
        if self.router.community is None:
            self.step("never: {service: nginx, withdrawn_by: all, for: 7s}")
        else:
            self.look("router", 12, f"[ $({self.router.ask} | grep -oF '{self.router.community}' | wc -l) -ge {self.count} ]")

    def silence(self, node):
        self.step(program(node, ["sh", "-c", SILENCE.format(node=node)], 5))

    def write(self, peers):
        text = "".join(PEER.format(**{"hold": HOLD_S, "password": "", **p}) for p in peers) + POOL
        (self.folder / "metallb.yaml").write_text(text + ADVERTISEMENT.format(communities=""))
        (self.folder / "coloured.yaml").write_text(ADVERTISEMENT.format(communities=f'"{views.COMMUNITY}"'))
        (self.folder / "scenario.yaml").write_text(self.text)
        (self.folder / "look").write_text(LOOK)
        shutil.copy(lab.ROOT / "scenarios/article/nginx.yaml", self.folder)
        return self

    def run(self):
        done = subprocess.run([str(lab.PROGRAM), "run", str(self.folder), "--out", str(self.out)], capture_output=True,
                              text=True, timeout=150, stdin=subprocess.DEVNULL, check=False,
                              env={**os.environ, "NO_COLOR": "1"})
        self.status, self.words = done.returncode, done.stdout + done.stderr
        return self

    def answer(self, what):
        """The router's table at that moment, or None when it was not asked any more."""
        path = self.asked[what]
        return self.router.read(path.read_text()) if path.exists() else None

    def wire(self, worker):
        """Every segment on the worker's link that has BGP messages or ends a connection, as tshark decodes it."""
        argv = ["tshark", "-r", str(self.out / f"worker{worker}.pcap"), "-Y",
                "bgp or (tcp.port == 179 and (tcp.flags.fin == 1 or tcp.flags.reset == 1))", "-T", "fields"]
        for field in FIELDS:
            argv += ["-e", field]
        found = []
        for line in subprocess.run(argv, capture_output=True, text=True, check=False).stdout.splitlines():
            src, fin, reset, types, major, minor, expired, communities, announced, withdrawn = line.split("\t")
            found.append({"router": src == "10.0.0.1", "types": types.split(","), "ends": "1" in fin + reset, "communities": communities,
                          "notification": f"{major}/{minor or expired or 0}" if major else None,
                          "announced": announced, "withdrawn": withdrawn})
        return found

    def signed(self, worker):
        """Every segment between worker and router has the MD5 option (19), and there are some."""
        argv = ["tshark", "-r", str(self.out / f"worker{worker}.pcap"), "-Y",
                f"tcp.port == 179 and tcp.flags.reset == 0 and ip.addr == 10.0.0.{50 + worker}", "-T", "fields", "-e",
                "tcp.option_kind"]
        lines = subprocess.run(argv, capture_output=True, text=True, check=False).stdout.splitlines()
        return lines != [] and all("19" in line.split(",") for line in lines)


def life(base, router, speakers):
    """Announced, changed, withdrawn; then the workers fall silent."""
    one = Lab(base, router, "life", speakers)
    one.step("expect: {sessions: established, within: 30s}")
    one.step("apply: nginx.yaml")
    one.step("expect: {service: nginx, announced_by: all, within: 10s}")
    one.table_has(one.count)
    one.ask("announced")
    one.step("apply: coloured.yaml")
    one.coloured()
    one.ask("coloured")
    one.step("delete: service/nginx")
    one.step("expect: {service: nginx, withdrawn_by: all, within: 10s}")
    one.table_has(0)
    one.ask("withdrawn")
    for n, kind in enumerate(speakers):
        if kind != "builtin":  # which has no process of its own to stop
            one.silence(f"worker{n + 1}")
    one.look("router", HOLD_S + 10, NO_SESSION.format(but="0100000A:00B3 3300000A:[0-9A-F]+"))
    return one.write([{"name": "router", "mine": NARROW[1], "theirs": NARROW[0], "nodes": nodes(1, one.count)}])


def wide(base, router, speakers):
    """AS numbers of four octets; then the router falls silent."""
    one = Lab(base, router, "wide", speakers, WIDE)
    one.step("expect: {sessions: established, within: 30s}")
    one.step("apply: nginx.yaml")
    one.step("expect: {service: nginx, announced_by: all, within: 10s}")
    one.table_has(one.count)
    one.ask("announced")
    if router.kind != "builtin":
        one.silence("router")
        for n, kind in enumerate(speakers):
            if kind != "builtin":  # which minds silence no more than MetalLB's native speaker does
                one.look(f"worker{n + 1}", HOLD_S + 10, NO_SESSION.format(but="none"))
    return one.write([{"name": "router", "mine": WIDE[1], "theirs": WIDE[0], "nodes": nodes(1, one.count)}])


def wrong(base, router, speakers):
    """Each kind twice: with an AS that the router does not expect, and expecting another one of the router. Not the built-in
    one, which as MetalLB's native speaker hammers whoever opens first and refuses then (metallb issue 780)."""
    speakers = [kind for kind in speakers if kind != "builtin"]
    one = Lab(base, router, "wrong", speakers, times=2)
    one.step("never: {sessions: established, for: 14s}")
    return one.write([
        {"name": "liar", "mine": NARROW[1] + 1, "theirs": NARROW[0], "nodes": nodes(1, one.count)},
        {"name": "doubter", "mine": NARROW[1], "theirs": NARROW[0] + 1, "nodes": nodes(one.count + 1, one.count)}])


def signed(base, router, speakers):
    """Each kind twice: with the router's TCP MD5 password, and with another one."""
    one = Lab(base, router, "signed", speakers, times=2, password=", password: first")
    one.step(f"expect: {{sessions: established, workers: [{nodes(1, one.count)}], within: 30s}}")
    one.step(f"never: {{sessions: established, workers: [{nodes(one.count + 1, one.count)}], for: 6s}}")
    both = {"mine": NARROW[1], "theirs": NARROW[0]}
    return one.write([
        {"name": "knows", "password": "  password: first\n", "nodes": nodes(1, one.count), **both},
        {"name": "guesses", "password": "  password: second\n", "nodes": nodes(one.count + 1, one.count), **both}])
