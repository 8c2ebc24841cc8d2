# SPDX-License-Identifier: GPL-2.0-or-later
"""The matrix's labs: one router and every kind of speaker, one worker each, in three scenarios."""
import json
import os
import shlex
import shutil
import subprocess

import lab
import views

HOLD_S = 6
NARROW = (11000, 22000)  # AS numbers of the router and of the workers
MUTE_PROFILES = {"legacy", "native"}  # send no NOTIFICATION, mind no silence, answer no ROUTE-REFRESH
WIDE = (4200000001, 4200000002)  # of more than two octets

PEER = """apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {{name: {name}, namespace: metallb-system}}
spec:
  myASN: {mine}
  peerASN: {theirs}
  peerAddress: 10.0.0.1
{password}{restart}  holdTime: {hold}s
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
# Before 0.13 one ConfigMap had all of it.
LEGACY = """apiVersion: v1
kind: ConfigMap
metadata: {{name: config, namespace: metallb-system}}
data:
  config: |
    address-pools:
    - name: pool
      protocol: bgp
      avoid-buggy-ips: true
      addresses: [172.16.254.0/24]
      bgp-advertisements: [{{communities: [{communities}]}}]
    peers:
"""
LEGACY_PEER = """    - my-asn: {mine}
      peer-asn: {theirs}
      peer-address: 10.0.0.1
      hold-time: {hold}s
{word}      node-selectors: [{{match-labels: {{kubernetes.io/hostname: {nodes}}}}}]
"""
SCENARIO = """lab:
  router: {{daemon: {kind}, as: {router_as}, max_paths: 32{router}}}
  workers: {{count: {count}, as: {worker_as}, first: 10.0.0.51, metallb: {metallb}, speaker: [{speakers}]}}
  manifests: [metallb.yaml]
steps:
"""
# What stands before a next hop in a router's answer; FRR's has the peers' addresses elsewhere, too.
HOP = """(via |(ip|nexthop|gateway)": ?")"""
LOOK = """#!/bin/sh
# look SECONDS CONDITION: true when the condition comes to hold before the time is over.
exec timeout "$1" sh -c "until $2; do sleep 0.1; done"
"""
# A node falls silent: its programs stop where they are, while its kernel goes on acknowledging; no new connection comes about.
SILENCE = ("nft 'add table ip silence; add chain ip silence out {{ type filter hook output priority 0; }}; "
           "add rule ip silence out tcp flags & syn == syn drop'; "
           "for p in $(ip netns pids {node}); do [ $p = $$ ] || kill -STOP $p; done; true")
# A node whose speaker is the program itself: nothing to stop, so that what it says is lost on its way out. Beyond TCP, which
# must not learn of it: an output hook's drop fails the sending, and Linux counts the ACK that was in it as sent, acknowledging
# nothing more, until the other side's NOTIFICATION waits behind its own unacknowledged KEEPALIVE for good.
MUTE = ("ip link add sink type veth peer name drain; ip link set sink up; "
        "nft 'add table ip silence; add chain ip silence out {{ type filter hook output priority 0; }}; "
        "add rule ip silence out tcp flags & syn == syn drop; add table netdev silence; "
        "add chain netdev silence out {{ type filter hook egress device eth0 priority 0; }}; "
        "add rule netdev silence out tcp flags & psh == psh fwd to sink'")
# From here on this node counts the messages of one kind that pass this hook. TCP's payload begins with BGP's header (@ih): the
# type is octet 18, a NOTIFICATION's codes follow it.
COUNT = ("nft 'add table inet seen; add chain inet seen {hook} {{ type filter hook {hook} priority 0; }}; "
         "add rule inet seen {hook} tcp flags & psh == psh {which} counter'")
OPEN, BAD_PEER_AS = "@ih,144,8 1", "@ih,144,24 0x030202"
# Who has told this node a route: an UPDATE of more than 23 octets, first in its segment or behind up to two KEEPALIVEs (19
# octets), End-of-RIBs or ROUTE-REFRESHs (23): where a marker begins that a type 2 follows.
TOLD = ("; add rule ip seen input @ih,{marker},32 0xffffffff @ih,{length},16 > 23 @ih,{type},8 2 "
        "add @peers {{{{ ip saddr }}}}")
MARK = ("nft 'add table ip seen; add set ip seen peers {{ type ipv4_addr; }}; "
        "add chain ip seen input {{ type filter hook input priority 0; }}" +
        "".join(TOLD.format(marker=8 * skipped, length=8 * skipped + 128, type=8 * skipped + 144)
                for skipped in (0, 19, 23, 38, 42, 46)) + "'")
# Whom the router told that their AS is wrong, and who told it so: a NOTIFICATION first in its segment, or behind a KEEPALIVE.
BAD_AS = "; ".join(f"add rule ip refused {hook} @ih,{at},24 0x030202 add @{side} {{{{ ip {address} }}}}"
                   for hook, side, address in (("output", "liars", "daddr"), ("input", "doubters", "saddr"))
                   for at in (144, 144 + 8 * 19))
REFUSED = ("nft 'add table ip refused; " +
           "".join(f"add set ip refused {side} {{{{ type ipv4_addr; }}}}; " for side in ("liars", "doubters")) +
           "".join(f"add chain ip refused {hook} {{{{ type filter hook {hook} priority 0; }}}}; " for hook in ("input", "output")) +
           BAD_AS + "'")
# That the egress hook of MUTE is there, on a loopback; the ingress hook is as old as netdev tables are.
PROBE = """lab: {{workers: {{count: 1}}}}
steps:
  - exec: {{on: router, run: [sh, {script}]}}
"""
HOOKS = """nft 'add table netdev probe; add chain netdev probe in { type filter hook ingress device lo priority 0; }' || exit 1
nft 'add chain netdev probe out { type filter hook egress device lo priority 0; }' 2>"$0.words" && echo yes >"$0.words"
exit 0
"""
# Port 179 at either end, state 1: established.
NO_SESSION = ("! cat /proc/net/tcp /proc/net/tcp6 | grep -qE "
              "'(:00B3 [0-9A-F]+:[0-9A-F]+|[0-9A-F]+:00B3) 01 '")
FIELDS = ["ip.src", "ip.dst", "tcp.flags.fin", "tcp.flags.reset", "tcp.option_kind", "bgp.type", "bgp.notify.major_error",
          "bgp.notify.minor_error_open", "bgp.notify.minor_error_expired", "bgp.update.path_attribute.community_value",
          "bgp.nlri_prefix", "bgp.withdrawn_prefix", "bgp.cap.type"]


FIELDS6 = {"ip.src": "ipv6.src", "ip.dst": "ipv6.dst", "bgp.nlri_prefix": "bgp.mp_reach_nlri_ipv6_prefix",
           "bgp.withdrawn_prefix": "bgp.mp_unreach_nlri_ipv6_prefix"}
ROUTER, ROUTER6 = "10.0.0.1", "fd00:10::1"
FORWARDING = ("builtin", "bird1", "bird2", "frr")  # routers that install what they learn


def nodes(first, count):
    return ", ".join(f"worker{n}" for n in range(first, first + count))


def program(node, argv, within):
    return f"exec: {{on: {node}, run: {json.dumps(argv)}, within: {within}s}}"


class Lab:
    """One scenario against one router, run once; what it left is the evidence."""

    def __init__(self, base, router, name, speakers, numbers=NARROW, times=1, options="", metallb="native"):
        self.router, self.name, self.count, self.v6 = router, name, len(speakers), False
        self.folder, self.out = base / f"{router.kind}-{name}", base / f"out-{router.kind}-{name}"
        self.folder.mkdir()
        self.text = SCENARIO.format(kind=router.kind, router_as=numbers[0], worker_as=numbers[1], router=options,
                                    metallb=metallb, count=times * len(speakers), speakers=", ".join(speakers))
        self.status, self.words, self.asked, self.segments = None, "", {}, []

    def step(self, text):
        self.text += f"  - {text}\n"

    def look(self, node, seconds, condition):
        self.step(program(node, ["sh", str(self.folder / "look"), str(seconds), condition], seconds + 5))

    def look_for(self, node, seconds, condition):
        """The same, where the run goes on without it."""
        words = f"sh {self.folder / 'look'} {seconds} {shlex.quote(condition)} || true"
        self.step(program(node, ["sh", "-c", words], seconds + 5))

    def ask(self, what):
        """Keeps the router's answer under this name."""
        answer = self.out / f"asked-{what}"
        self.asked[what] = answer
        self.step(program("router", ["sh", "-c", f"{self.router.ask} > {answer} || true"], 10))

    def table_has(self, count):
        """The wire has it; the router's table follows at its own pace."""
        hop = "fd00:10::3[3-9]" if self.v6 else "10[.]0[.]0[.]5[1-9]"
        hops = f"grep -oE '{HOP}{hop}' | grep -oE '{hop}' | sort -u | wc -l"
        self.look("router", 10, f"[ $({self.router.ask} | {hops}) -eq {count} ]")

    def hop(self, worker):
        return f"fd00:10::{50 + worker:x}" if self.v6 else f"10.0.0.{50 + worker}"

    def coloured(self):
        """FRR looks at changed route maps by and by, so that it takes seconds."""
        if self.router.community is None:
            self.step("never: {service: nginx, withdrawn_by: all, for: 7s}")
        else:
            self.look("router", 12, f"[ $({self.router.ask} | grep -oF '{self.router.community}' | wc -l) -ge {self.count} ]")

    def silence(self, node, kind):
        how = MUTE if kind == "builtin" else SILENCE
        self.step(program(node, ["sh", "-c", how.format(node=node)], 5))

    def count_at(self, node, hook, which):
        self.step(program(node, ["sh", "-c", COUNT.format(hook=hook, which=which)], 5))

    def counted(self, node, seconds):
        self.look(node, seconds, "nft list table inet seen | grep -qE 'packets [1-9]'")

    def refresh(self):
        """The router asks everybody for the routes again, by its own means, where it has any."""
        if self.router.kind == "builtin":
            self.step("session: {node: router, do: refresh}")
        elif self.router.refresh is not None:
            asking = [self.router.refresh.format(hop=f"10.0.0.{51 + n}") for n in range(self.count)]
            self.step(program("router", ["sh", "-c", "; ".join(dict.fromkeys(asking))], 10))
        self.step(f"never: {{service: nginx, withdrawn_by: [{nodes(1, self.count)}], for: 1500ms}}")

    @staticmethod
    def each_node(peer):
        return [{**peer, "nodes": node} for node in peer["nodes"].split(", ")]

    def write_legacy(self, peers, later):
        def entries(some):
            return "".join(LEGACY_PEER.format(hold=HOLD_S, word=p.get("password", "").replace("  ", "      "), **node)
                           for p in some for node in self.each_node(p))
        colour = LEGACY.format(communities=f'"{views.COMMUNITY}"')
        (self.folder / "metallb.yaml").write_text(LEGACY.format(communities="") + entries(peers))
        (self.folder / "later.yaml").write_text(LEGACY.format(communities="") + entries(peers + later))
        (self.folder / "coloured.yaml").write_text(colour + entries(peers + later))

    def write_objects(self, peers, later):
        def entries(some):
            return "".join(PEER.format(**{"hold": HOLD_S, "password": "", "restart": "", **p}) for p in some)
        (self.folder / "metallb.yaml").write_text(entries(peers) + POOL + ADVERTISEMENT.format(communities=""))
        (self.folder / "later.yaml").write_text(entries(later))
        (self.folder / "coloured.yaml").write_text(ADVERTISEMENT.format(communities=f'"{views.COMMUNITY}"'))

    def write(self, peers, later=()):
        """The peers of later.yaml are for a step to apply."""
        (self.write_legacy if "metallb: legacy" in self.text else self.write_objects)(peers, list(later))
        (self.folder / "scenario.yaml").write_text(self.text)
        (self.folder / "look").write_text(LOOK)
        shutil.copy(lab.ROOT / "scenarios/article/nginx.yaml", self.folder)
        return self

    def run(self):
        done = subprocess.run([str(lab.PROGRAM), "run", str(self.folder), "--out", str(self.out)], capture_output=True,
                              text=True, timeout=150, stdin=subprocess.DEVNULL, check=False,
                              env={**os.environ, "NO_COLOR": "1"})
        self.status, self.words = done.returncode, done.stdout + done.stderr
        if self.status != 4:
            self.decode()
        return self

    def answer(self, what):
        """The router's table at that moment, or None when it was not asked any more."""
        path = self.asked[what]
        return self.router.read(path.read_text()) if path.exists() else None

    def decode(self):
        """Every segment of a session on the router's link, as tshark decodes it."""
        argv = ["tshark", "-r", str(self.out / "router-cluster.pcap"), "-Y", "tcp.port == 179", "-T", "fields"]
        for field in FIELDS:
            argv += ["-e", FIELDS6.get(field, field) if self.v6 else field]
        router = ROUTER6 if self.v6 else ROUTER
        for line in subprocess.run(argv, capture_output=True, text=True, check=False).stdout.splitlines():
            src, dst, fin, reset, options, types, major, minor, expired, communities, announced, withdrawn, capabilities = (
                line.split("\t"))
            self.segments.append({
                "worker": dst if src == router else src, "router": src == router, "types": types.split(","),
                "ends": "1" in fin + reset, "reset": "1" in reset, "options": options.split(","), "communities": communities,
                "notification": f"{major}/{minor or expired or 0}" if major else None, "announced": announced,
                "withdrawn": withdrawn, "capabilities": capabilities.split(",")})

    def wire(self, worker):
        """The worker's segments that have BGP messages or end a connection."""
        return [m for m in self.segments if m["worker"] == self.hop(worker) and (m["types"] != [""] or m["ends"])]

    def signed(self, worker):
        """Every segment between worker and router has the MD5 option (19), and there are some."""
        sent = [m for m in self.segments if m["worker"] == self.hop(worker) and not m["reset"]]
        return sent != [] and all("19" in m["options"] for m in sent)


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
    one.refresh()
    one.step("delete: service/nginx")
    one.step("expect: {service: nginx, withdrawn_by: all, within: 10s}")
    one.table_has(0)
    one.ask("withdrawn")
    for n, kind in enumerate(speakers):
        one.silence(f"worker{n + 1}", kind)
    one.look("router", HOLD_S + 10, NO_SESSION)
    return one.write([{"name": "router", "mine": NARROW[1], "theirs": NARROW[0], "nodes": nodes(1, one.count)}])


def wide(base, router, speakers):
    """AS numbers of four octets; then the router falls silent."""
    one = Lab(base, router, "wide", speakers, WIDE)
    one.step("expect: {sessions: established, within: 30s}")
    one.step("apply: nginx.yaml")
    one.step("expect: {service: nginx, announced_by: all, within: 10s}")
    one.table_has(one.count)
    one.ask("announced")
    one.silence("router", router.kind)
    for n, kind in enumerate(speakers):
        if kind != "builtin":  # which minds silence no more than MetalLB's native speaker does
            one.look(f"worker{n + 1}", HOLD_S + 10, NO_SESSION)
    return one.write([{"name": "router", "mine": WIDE[1], "theirs": WIDE[0], "nodes": nodes(1, one.count)}])


def egress_missing(base):
    """What nftables say of a hook that this kernel or they lack (Linux 5.16, nftables 1.0.1); None: it is there. And the program's
    status and words, where it did not come to that."""
    folder = base / "probe"
    folder.mkdir()
    script = folder / "hooks"
    script.write_text(HOOKS)
    (folder / "scenario.yaml").write_text(PROBE.format(script=script))
    done = subprocess.run([str(lab.PROGRAM), "run", str(folder), "--out", str(base / "out-probe")], capture_output=True, text=True,
                          timeout=60, stdin=subprocess.DEVNULL, check=False, env={**os.environ, "NO_COLOR": "1"})
    answer = folder / "hooks.words"
    words = answer.read_text().strip() if answer.exists() else ""
    return done.returncode, done.stdout + done.stderr, None if words in ("", "yes") else words


def wrong(base, router, speakers):
    """Each kind twice: with an AS that the router does not expect, and expecting another one of the router. It ends when both
    have been said of everybody, for some say it once and then wait for a minute. Not the built-in one, which as MetalLB's native
    speaker hammers whoever opens first and refuses then (metallb issue 780)."""
    speakers = [kind for kind in speakers if kind != "builtin"]
    one = Lab(base, router, "wrong", speakers, times=2)
    one.step(program("router", ["sh", "-c", REFUSED.format()], 5))
    one.step("apply: later.yaml")
    said = " && ".join(f"[ $(nft list set ip refused {side} | grep -oE '10[.]0[.]0[.][0-9]+' | wc -l) -eq {one.count} ]"
                       for side in ("liars", "doubters"))
    # One that is not heard is its own cell's business.
    one.look_for("router", 40, said)
    one.step("never: {sessions: established, for: 100ms}")
    return one.write([], [
        {"name": "liar", "mine": NARROW[1] + 1, "theirs": NARROW[0], "nodes": nodes(1, one.count)},
        {"name": "doubter", "mine": NARROW[1], "theirs": NARROW[0] + 1, "nodes": nodes(one.count + 1, one.count)}])


def signed(base, router, speakers, name="signed", metallb="native"):
    """Each kind twice: with the router's TCP MD5 password, and with another one."""
    one = Lab(base, router, name, speakers, times=2, options=", password: first", metallb=metallb)
    one.step(f"expect: {{sessions: established, workers: [{nodes(1, one.count)}], within: 30s}}")
    one.step(f"never: {{sessions: established, workers: [{nodes(one.count + 1, one.count)}], for: 6s}}")
    both = {"mine": NARROW[1], "theirs": NARROW[0]}
    return one.write([
        {"name": "knows", "password": "  password: first\n", "nodes": nodes(1, one.count), **both},
        {"name": "guesses", "password": "  password: second\n", "nodes": nodes(one.count + 1, one.count), **both}])


def graceful(base, router, speakers):
    """Every speaker is killed and comes back; the router was to keep its routes meanwhile. GoBGP hangs up on who comes within
    five seconds of a session's end, and FRR would by itself dial again in two minutes."""
    one = Lab(base, router, "graceful", speakers, options=", graceful_restart: {time: 60s}", metallb="frr")
    one.step("expect: {sessions: established, within: 30s}")
    one.step("apply: nginx.yaml")
    one.step("expect: {service: nginx, announced_by: all, within: 10s}")
    one.table_has(one.count)
    for n in range(one.count):
        one.step(f"fail: {{worker: worker{n + 1}, how: crash}}")
    one.look("router", 10, NO_SESSION)
    one.ask("kept")
    one.step(program("router", ["sh", "-c", MARK.format()], 5))
    for n in range(one.count):
        one.step(f"recover: worker{n + 1}")
    # One that stays away is its own cell's business: the others are asked for all the same.
    one.look_for("router", 30, f"[ $(nft list set ip seen peers | grep -oE '10[.]0[.]0[.]5[1-9]' | wc -l) -eq {one.count} ]")
    one.ask("back")
    return one.write([{"name": "router", "mine": NARROW[1], "theirs": NARROW[0], "nodes": nodes(1, one.count),
                       "restart": "  enableGracefulRestart: true\n  connectTime: 2s\n"}])


def profile(base, router, metallb):
    """Our own speaker as one of MetalLB's versions, or by the standards: everything at once, for it takes no time. worker1 is
    as it should be; worker2 has an AS that the router does not expect, worker3 expects another one of the router, worker4 has
    another password. Not where our own router is to fall silent: a kernel that loses what it signed acknowledges no more, and
    the password has a lab to itself."""
    secret = router.kind != "builtin"
    one = Lab(base, router, metallb, ["builtin"], WIDE, times=4, options=", password: first" if secret else "", metallb=metallb)
    one.count = 1
    one.step("expect: {sessions: established, workers: [worker1], within: 30s}")
    # The router may answer but once, and at once (BIRD then waits for a minute), or hang up a while before it answers (FRR).
    one.count_at("worker2", "input", BAD_PEER_AS)
    one.count_at("worker3", *(("input", OPEN) if metallb in MUTE_PROFILES else ("output", BAD_PEER_AS)))
    one.step("apply: later.yaml")
    strangers = [f"worker{n}" for n in range(2, 5 if secret else 4)]
    never = "never: {{sessions: established, workers: [{}], for: {}}}"
    # MetalLB's native speaker hammers whoever opens first and refuses then (metallb issue 780): it is gone with the answer.
    one.counted("worker2", 20)
    one.step(never.format("worker2", "100ms"))
    one.step("fail: {worker: worker2, how: crash}")
    one.counted("worker3", 20)
    one.step(never.format(", ".join(strangers[1:]), "1s"))
    for n in range(3, 5):
        one.step(f"fail: {{worker: worker{n}, how: crash}}")
    one.step("apply: nginx.yaml")
    one.step("expect: {service: nginx, announced_by: [worker1], within: 10s}")
    one.table_has(1)
    one.ask("announced")
    one.step("apply: coloured.yaml")
    if router.community is not None:
        one.look("router", 12, f"[ $({router.ask} | grep -oF '{router.community}' | wc -l) -ge 1 ]")
    one.ask("coloured")
    one.refresh()
    one.step("delete: service/nginx")
    one.step("expect: {service: nginx, withdrawn_by: [worker1], within: 10s}")
    one.table_has(0)
    one.ask("withdrawn")
    one.silence("router", router.kind)
    if metallb in ("frr", "standard"):
        one.look("worker1", HOLD_S + 10, NO_SESSION)
    else:  # which do not care
        one.step(program("worker1", ["sleep", str(HOLD_S + 2)], HOLD_S + 5))
    both = {"mine": WIDE[1], "theirs": WIDE[0], "password": "  password: first\n" if secret else ""}
    return one.write([{"name": "right", "nodes": "worker1", **both}],
                     [{"name": "liar", "nodes": "worker2", **both, "mine": WIDE[1] + 1},
                      {"name": "doubter", "nodes": "worker3", **both, "theirs": WIDE[0] + 1},
                      {"name": "guesses", "nodes": "worker4", **both,
                       "password": "  password: second\n" if secret else ""}])


def ipv6(base, router, metallb, speakers):
    """The life of a route over IPv6, sessions and all, of all speakers at once."""
    one = Lab(base, router, f"ipv6-{metallb}", speakers, metallb=metallb)
    one.v6 = True
    one.text = one.text.replace("lab:\n", "lab:\n  networks: {family: ipv6}\n").replace(", first: 10.0.0.51", "")
    one.step("expect: {sessions: established, within: 30s}")
    one.step("apply: nginx.yaml")
    one.step("expect: {service: nginx, announced_by: all, within: 10s}")
    one.table_has(one.count)
    one.ask("announced")
    if router.kind in FORWARDING:
        one.step("expect: {service: nginx, next_hops: all, within: 10s}")
    one.step("delete: service/nginx")
    one.step("expect: {service: nginx, withdrawn_by: all, within: 10s}")
    one.table_has(0)
    one.ask("withdrawn")
    if router.kind in FORWARDING:
        one.step("expect: {service: nginx, next_hops: none, within: 10s}")
    (one.folder / "scenario.yaml").write_text(one.text)
    (one.folder / "look").write_text(LOOK)
    for name in ("metallb.yaml", "nginx.yaml"):
        shutil.copy(lab.ROOT / "scenarios/ipv6" / name, one.folder)
    return one
