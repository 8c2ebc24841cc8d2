#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`ecmplab decode` against what other speakers' own tests say of their messages: what stands in them (ExaBGP, YABGP), and whether they
are good."""
import ipaddress
import json
import unittest

import test_decode
from test_decode import CORPUS, WAYS, decode, rows

WELL_KNOWN = {"GRACEFUL_SHUTDOWN": 0xffff0000, "ACCEPT_OWN": 0xffff0001, "LLGR_STALE": 0xffff0006, "NO_LLGR": 0xffff0007,
              "BLACKHOLE": 0xffff029a, "NO_EXPORT": 0xffffff01, "NO_ADVERTISE": 0xffffff02, "NO_EXPORT_SUBCONFED": 0xffffff03,
              "NOPEER": 0xffffff04}
# YABGP's withdrawn routes have a label stack without an end, which RFC 8277 section 2.4 gives this value.
NO_LABEL = "524288"
# Where a source refuses what we take.
TAKEN = {
    # RFC 4760 section 7 and RFC 7606 section 5.4: routes of a family that nobody agreed on are ignored, the message is well
    "bgp4j.tsv/BGPv4CodecTest:testDecodeBogusSafiMpUnreachNlri:",
    # RFC 4271 section 6.3: a multicast address in the NLRI is ignored by the speaker, the message is well
    "netgauze.tsv/update:test_update_non_unicast_nlri:bad_multicast_nlri_wire",
}
FAMILIES = {"ipv4 unicast": ("1", "1"), "ipv6 unicast": ("2", "1"), "ipv4 nlri-mpls": ("1", "4"), "ipv6 nlri-mpls": ("2", "4"),
            "ipv4 mpls-vpn": ("1", "128"), "ipv6 mpls-vpn": ("2", "128")}


def message(kind, body):
    return "ff" * 16 + f"{19 + len(body) // 2:04x}{kind:02x}" + body


def update_with(nlri, afi, safi, withdrawn=False):
    """An UPDATE whose only attribute is the routes'."""
    hop = "" if withdrawn else ("0cffffffffffffffffc0000201" if safi == 128 else "04c0000201") + "00"
    value = f"{afi:04x}{safi:02x}{hop}{nlri}"
    attribute = f"90{15 if withdrawn else 14:02x}{len(value) // 2:04x}{value}"
    return message(2, f"0000{len(attribute) // 2:04x}{attribute}")


def numbers(communities):
    return [[n >> 16, n & 0xffff] for n in
            (WELL_KNOWN[w] if w in WELL_KNOWN else int(w.split(":")[0]) << 16 | int(w.split(":")[1])
             for w in communities.split())]


def path_of(elements):
    """ExaBGP's segments in tshark's words."""
    words = []
    for _, e in sorted(elements.items(), key=lambda item: int(item[0])):
        ases = list(map(str, e["value"]))
        words.append("{" + ", ".join(ases) + "}" if "set" in e["element"] else " ".join(ases))
    return " ".join(words) or "empty"


def attribute_of(ours, key):
    return {
        "origin": lambda: ours["origin"].lower(),
        "local-preference": lambda: int(ours["local_pref"]),
        "med": lambda: int(ours["med"]),
        "originator-id": lambda: ours["originator_id"],
        "cluster-list": lambda: ours["cluster_list"].split(),
        "community": lambda: sorted(numbers(ours["communities"])),
        "extended-community": lambda: sorted(int(w, 16) for w in ours["ext_communities"].split()),
        "as-path": lambda: ours["as_path"],
    }[key]()


def attributes_say_the_same(theirs, ours):
    for key, value in theirs.items():
        if key == "community":
            value = sorted(value)
        elif key == "extended-community":
            value = sorted(c["value"] for c in value)
        elif key == "as-path":
            value = path_of(value)
        elif key not in ("origin", "local-preference", "med", "originator-id", "cluster-list"):
            continue
        try:
            if attribute_of(ours, key) != value:
                return False
        except KeyError:
            return False
    return True


def ids_of(object_, key):
    ids = object_.get(key + "_path_id", [])
    return ids if isinstance(ids, list) else [ids]


def plain_routes(object_, key):
    """(prefix, path identifier or None) of a list of prefixes."""
    prefixes, ids = object_.get(key, []), ids_of(object_, key)
    return list(zip(prefixes, ids or [None] * len(prefixes)))


def our_routes(ours, withdrawn, family):
    """(prefix, path id, label stack, route distinguisher) of one family, wherever it stands in the message."""
    mp = ours.get("mp_unreach" if withdrawn else "mp_reach", {})
    found = []
    if family == ("1", "1"):
        found += [(p, i, None, None) for p, i in plain_routes(ours, "withdrawn" if withdrawn else "nlri")]
    if (mp.get("afi"), mp.get("safi")) == family:
        found += [(p, i, None, None) for p, i in plain_routes(mp, "nlri")]
        found += [(r["prefix"], r.get("path_id"), r["labels"], r.get("rd")) for r in mp.get("routes", [])]
    return found


def their_route(route):
    path_id = route.get("path-information")
    labels = route.get("label")
    return (route["nlri"], None if path_id is None else str(int(ipaddress.ip_address(path_id))),
            None if labels is None else [str(stack[0]) for stack in labels], route.get("rd"))


def routes_say_the_same(update, ours):
    compared = 0
    for key in ("announce", "withdraw"):
        for family, by_hop in update.get(key, {}).items():
            if family not in FAMILIES:
                continue
            theirs = by_hop if isinstance(by_hop, list) else [r for routes in by_hop.values() for r in routes]
            if sorted(map(str, map(their_route, theirs))) != sorted(map(str, our_routes(ours, key == "withdraw", FAMILIES[family]))):
                return None
            compared += len(theirs)
    return compared


@unittest.skipUnless(CORPUS.exists(), "no corpus beside this checkout")
class Sources(unittest.TestCase):
    def test_exabgp_says_the_same(self):
        found = []
        for name in ("exabgp_ci", "exabgp_decoding"):
            for row in rows(CORPUS / "hex" / f"{name}.tsv"):
                facts = json.loads(row[2])
                decoded = facts.get("decoded", {})
                update = decoded.get("update") or decoded.get("message", {}).get("update")
                if update:
                    octets = row[1] if row[1].startswith("ff" * 16) else message(2, row[1])
                    found.append((row[0], octets, update))
        ways = [decode([m[1] for m in found], *way)[1] for way in WAYS]
        routes, differ = 0, []
        for i, (name, _, update) in enumerate(found):
            said = [routes_say_the_same(update, way[i]) for way in ways
                    if attributes_say_the_same(update.get("attribute", {}), way[i])]
            said = [n for n in said if n is not None]
            if not said:
                differ.append((name, update, ways[0][i]))
            routes += said[0] if said else 0
        self.assertEqual(differ, [])
        self.assertGreater(len(found), 150)
        self.assertGreater(routes, 100)

    def test_yabgp_says_the_same_of_labeled_routes(self):
        kinds = {"IPv4MPLSVPN": (1, 128), "IPv6MPLSVPN": (2, 128), "IPv4LabeledUnicast": (1, 4), "IPv6LabeledUnicast": (2, 4)}
        compared = 0
        for row in rows(CORPUS / "hex/yabgp.tsv"):
            facts = json.loads(row[2])
            operation = facts.get("operation", "")
            kind = kinds.get(operation.split(".")[0])
            if kind is None or not isinstance(facts.get("decoded"), list):
                continue
            options = ["--add-path"] if "addpath=True" in operation else []
            withdrawn = "iswithdraw=True" in operation
            ours = decode([update_with(row[1], *kind, withdrawn)], *options)[1][0]["mp_unreach" if withdrawn else "mp_reach"]
            theirs = [{"prefix": r["prefix"], "rd": r.get("rd"), "labels": list(map(str, r.get("label", [NO_LABEL]))),
                       "path_id": str(r["path_id"]) if "path_id" in r else None} for r in facts["decoded"]]
            self.assertEqual([{k: r.get(k) for k in ("prefix", "rd", "labels", "path_id")} for r in ours["routes"]], theirs, row[0])
            compared += len(theirs)
        self.assertGreaterEqual(compared, 20)

    def test_tshark_says_the_same_of_labels(self):
        compared = 0
        for where, octets, theirs in test_decode.hex_messages():
            texts = [t for t in theirs.get("mp_reach", {}).get("text", []) if t.startswith("Label Stack=")]
            if not texts:
                continue
            ours = decode([octets])[1][0]["mp_reach"]["routes"]
            for text, route in zip(texts, ours):
                self.assertIn(f"={','.join(route['labels'])} (bottom)", text, where)
                self.assertTrue(text.endswith("=" + route["prefix"]), where)
                compared += 1
        self.assertGreaterEqual(compared, 1)

    def test_good_and_bad_are_what_their_sources_say(self):
        found = []
        for path in sorted((CORPUS / "hex").glob("*.tsv")):
            for row in rows(path):
                facts = json.loads(row[2])
                verdict = facts.get("verdict", "")
                # "some test using it expects a throw" says nothing of the message
                if facts["kind"] == "message" and row[1] and (verdict == "ok" or verdict.startswith("error")) and "some" not in verdict:
                    found.append((f"{path.name}/{row[0]}", row[1], verdict == "ok"))
        ways = [decode([m[1] for m in found], *way)[1] for way in WAYS]
        differ = {m[0] for i, m in enumerate(found) if m[2] != any("error" not in way[i] for way in ways)}
        self.assertEqual(differ, TAKEN)
        self.assertGreater(len(found), 35)


if __name__ == "__main__":
    unittest.main()
