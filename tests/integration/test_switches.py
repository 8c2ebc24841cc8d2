#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What MetalLB did at one time (METALLB.md section 11.3), by the octets that its speakers send: each worker's messages are compared
whole with the vectors of section 10.2. On the virtual driver, where times cost nothing."""
import ipaddress
import struct
import unittest

import lab

METALLB = """apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: pool, namespace: metallb-system}
spec: {addresses: [172.16.254.0/24], avoidBuggyIPs: true}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: router, namespace: metallb-system}
spec: {myASN: 22000, peerASN: 11000, peerAddress: 10.0.0.1}
"""
ADVERTISEMENT = """---
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: %s, namespace: metallb-system}
spec: {%s}
"""
SERVICE = """---
apiVersion: v1
kind: Service
metadata: {name: %s}
spec: {type: LoadBalancer, ports: [{port: 80}]}
"""
SLICE = """---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: %s-1, labels: {kubernetes.io/service-name: %s}}
addressType: IPv4
ports: [{port: 80}]
endpoints: [{addresses: [10.244.9.9], nodeName: worker1, conditions: {%s}}]
"""
NODES = """apiVersion: v1
kind: Node
metadata: {name: worker2, labels: {node.kubernetes.io/exclude-from-external-load-balancers: ''}}
---
apiVersion: v1
kind: Node
metadata: {name: worker3}
spec: {unschedulable: true}
"""
# The services have 172.16.254.1 and so on; e has no slice, and f is served all the time.
SERVED = {"a": "ready: true", "b": "ready: false, serving: true", "c": "ready: true, serving: false",
          "d": "ready: false, serving: false", "f": "ready: true"}
UP = "  - expect: {service: a, announced_by: all, within: 20s}\n"
A_WHILE = "  - never: {service: f, announced_by: none, for: 20s}\n"
OPEN, UPDATE, NOTIFICATION = 1, 2, 3
MARKER, TCP, BGP, PACKET_BLOCK = "ff" * 16, 6, (179).to_bytes(2, "big"), 6


def message(kind, body):
    return MARKER + struct.pack(">HB", 19 + len(body) // 2, kind).hex() + body


def announcement(service, worker, local_pref=None, communities=()):
    """Section 4.6, to an external router with four octets."""
    attributes = "40010100" + "4002060201000055f0" + "400304" + bytes([10, 0, 0, 50 + worker]).hex()
    if local_pref is not None:
        attributes += "400504" + struct.pack(">I", local_pref).hex()
    if communities:
        attributes += "c008" + bytes([4 * len(communities)]).hex() + "".join(struct.pack(">I", c).hex() for c in communities)
    length = struct.pack(">HH", 0, len(attributes) // 2).hex()
    return message(UPDATE, length + attributes + "20" + address(service))


def withdrawal(services):
    """All of one change in one message (section 4.4)."""
    return message(UPDATE, struct.pack(">H", 5 * len(services)).hex() + "".join("20" + address(s) for s in services) + "0000")


def address(service):
    return (ipaddress.IPv4Address("172.16.254.1") + "abcdef".index(service)).packed.hex()


def in_order(told):
    """Prefixes of one message come in any order (section 4.4), so that they are compared in one."""
    withdrawn = 2 * struct.unpack(">H", bytes.fromhex(told[38:42]))[0]
    routes = told[42:42 + withdrawn]
    return told[:42] + "".join(sorted(routes[i:i + 10] for i in range(0, withdrawn, 10))) + told[42 + withdrawn:]


def packets(path):
    """The IP packets of a pcapng file: those of Ethernet frames in its enhanced packet blocks, in this machine's order of octets."""
    file = path.read_bytes()
    while file:
        kind, length = struct.unpack("=II", file[:8])
        if kind == PACKET_BLOCK:
            captured, = struct.unpack("=I", file[20:24])
            frame = file[28:28 + captured]
            yield frame[14:14 + int.from_bytes(frame[16:18], "big")]
        file = file[length:]


class Switches(lab.LabTest):
    def play(self, name, switches, steps, advertisements=("",), metallb="native", router="", peer="myASN: 22000"):
        text = f"""virtual: true
lab:
  router: {{as: 11000{router}}}
  workers: {{count: 3, as: 22000, metallb: {metallb}, switches: {{{switches}}}}}
  manifests: [metallb.yaml, services.yaml]
steps:
{steps}"""
        folder = self.scenario(name, text)
        bodies = "".join(ADVERTISEMENT % (f"ad{n}", body) for n, body in enumerate(advertisements))
        (folder / "metallb.yaml").write_text(METALLB.replace("myASN: 22000", peer) + bodies)
        slices = "".join(SLICE % (service, service, conditions) for service, conditions in SERVED.items())
        (folder / "services.yaml").write_text("".join(SERVICE % service for service in "abcdef") + slices)
        (folder / "nodes.yaml").write_text(NODES)
        (folder / "gone.yaml").write_text(SLICE % ("a", "a", SERVED["d"]))
        self.lab("run", folder, "--seed", 7, "--out", f"out-{name}", expect=0)

    def told(self, name, *kinds):
        """Each worker's messages of these kinds in hex, as they came to the router."""
        streams = {bytes([10, 0, 0, 50 + worker]): b"" for worker in (1, 2, 3)}
        for packet in packets(self.base / f"out-{name}" / "router-cluster.pcapng"):
            tcp = packet[4 * (packet[0] & 15):]
            if packet[0] >> 4 == 4 and packet[9] == TCP and tcp[2:4] == BGP:
                streams[packet[12:16]] += tcp[4 * (tcp[12] >> 4):]
        return [[m for m in self.messages(stream.hex()) if int(m[36:38], 16) in kinds] for stream in streams.values()]

    def messages(self, stream):
        while stream:
            self.assertEqual(stream[:32], MARKER)
            end = 2 * int(stream[32:36], 16)
            yield stream[:end]
            stream = stream[end:]

    def test_these_are_the_vectors(self):
        vector = MARKER + "0030 02 0000 0014 40010100 400206 0201 000055f0 400304 0a000033 20 ac10fe01"
        self.assertEqual(announcement("a", 1), vector.replace(" ", ""))
        self.assertEqual(withdrawal("a"), (MARKER + "001c 02 0005 20 ac10fe01 0000").replace(" ", ""))

    def life(self, name, switches, services, **otherwise):
        """All announce the services; worker2 is excluded from load balancers, and worker3 cordoned; the endpoint of the first goes.
        otherwise: the services that these withdraw when, instead of as it is today."""
        self.play(name, switches, UP + A_WHILE + "  - apply: nodes.yaml\n" + A_WHILE + "  - apply: gone.yaml\n" + A_WHILE)
        excluded, cordoned, gone = (otherwise.get(key, default) for key, default in
                                    (("excluded", services), ("cordoned", ""), ("gone", "a")))
        told = self.told(name, UPDATE, NOTIFICATION)
        for worker, left in ((1, ""), (2, excluded), (3, cordoned)):
            changes = [left, "".join(s for s in gone if s not in left)]
            sent = [in_order(m) for m in told[worker - 1]]
            wanted = sorted(announcement(s, worker) for s in services) + [withdrawal(change) for change in changes if change]
            self.assertEqual(sorted(sent[:len(services)]) + sent[len(services):], wanted, f"{name}, worker{worker}")

    def test_who_announces(self):
        self.life("today", "", "abcf")
        self.life("ready", "endpoint_rule: ready_only", "acf")
        self.life("either", "endpoint_rule: serving_or_ready", "abcf")
        self.life("serving", "endpoint_rule: serving_first", "abf")
        self.life("cordon", "cordon_withdraw: true", "abcf", cordoned="abcf")
        self.life("ignored", "ignore_exclude_lb: true", "abcf", excluded="")
        self.life("nobody", "zero_endpoints_announce: true", "abcdef", gone="")
        self.life("all", "endpoint_rule: ready_only, cordon_withdraw: true, ignore_exclude_lb: true, zero_endpoints_announce: true",
                  "abcdef", cordoned="abcdef", excluded="", gone="")

    def test_two_advertisements_of_one_prefix(self):
        both = ("communities: ['65000:100']", "communities: ['65000:7']")
        low, high = 65000 << 16 | 7, 65000 << 16 | 100
        for name, switches, communities in (("unite", "", [low, high]), ("last", "merge: last_wins", [low])):
            self.play(name, switches, UP + A_WHILE, both)
            self.assertEqual(sorted(self.told(name, UPDATE)[1]), sorted(announcement(s, 2, communities=communities) for s in "abcf"))

    def test_large_communities_of_frr(self):
        """RFC 8092, of two advertisements (B22): what both say once, in order, in one attribute."""
        both = ("communities: ['large:123:456:7890', '65000:100']", "communities: ['large:1:2:4294967295', 'large:123:456:7890']")
        self.play("large", "", UP + A_WHILE, both, metallb="frr")
        attribute = "c02018" + "00000001" "00000002" "ffffffff" + "0000007b" "000001c8" "00001ed2"
        routes = [m for m in self.told("large", UPDATE)[1] if "20ac10fe" in m]
        self.assertGreater(len(routes), 0)
        for m in routes:
            self.assertIn("c00804fde80064" + attribute, m)

    def test_local_pref_to_an_external_router(self):
        for name, switches, local_pref in (("inside", "", None), ("outside", "send_localpref_on_ebgp: true", 50)):
            self.play(name, switches, UP + A_WHILE, ("localPref: 50",))
            self.assertEqual(sorted(self.told(name, UPDATE)[1]), sorted(announcement(s, 2, local_pref) for s in "abcf"))

    def test_whom_the_router_refuses(self):
        """Sections 10.6 and 9 (#780): the router's OPEN, which comes before it refuses theirs, begins the back-off anew, and they dial
        as often as it takes them; or a session does, and they wait 1, 2, 4, 8, 16 and 32 s."""
        for name, switches, dials in (("open", "", range(95, 102)), ("session", "backoff_reset: at_established", (7,))):
            self.play(name, switches, "  - never: {sessions: established, for: 100s}\n", peer="myASN: 22001",
                      router=", session: {damping: false, idle_hold: 1s}")
            for opens in self.told(name, OPEN):
                self.assertIn(len(opens), dials, name)

    def test_a_word_at_the_end(self):
        stop = UP + "  - session: {node: worker1, do: shutdown}\n" + A_WHILE
        for name, switches, words in (("silent", "", []), ("spoken", "notifies: true", [message(NOTIFICATION, "0602")])):
            self.play(name, switches, stop)
            self.assertEqual(self.told(name, NOTIFICATION), [words, [], []])


if __name__ == "__main__":
    unittest.main()
