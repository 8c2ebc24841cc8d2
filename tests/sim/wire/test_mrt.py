#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every message and table entry of the MRT samples: `ecmplab decode` says what bgpdump says, and none changes when it is written
again."""
import collections
import gzip
import ipaddress
import json
import os
import pathlib
import subprocess
import sys
import unittest

import mrt

CORPUS = pathlib.Path(os.environ.get("ECMPLAB_SHARED", "shared")) / "corpus"
NAMED = {"NO_EXPORT": "no-export", "NO_ADVERTISE": "no-advertise", "NO_EXPORT_SUBCONFED": "local-AS",
         "GRACEFUL_SHUTDOWN": "65535:0", "ACCEPT_OWN": "65535:1", "LLGR_STALE": "65535:6", "NO_LLGR": "65535:7",
         "BLACKHOLE": "65535:666", "NOPEER": "65535:65284"}
# Where bgpdump is wrong: an AGGREGATOR of eight octets between speakers that write two for an AS is discarded (RFC 7606 section
# 7.7), and not an AS of 0 at half of the address.
KNOWN = {"TABLE_DUMP|1444843994|B|192.168.1.10|65000|192.168.0.0/16|65015|IGP|192.168.0.15|100|0||NAG|0 253.232.192.168|":
         "TABLE_DUMP|1444843994|B|192.168.1.10|65000|192.168.0.0/16|65015|IGP|192.168.0.15|100|0||NAG||"}
NO_HOP = "255.255.255.255"
# Of larger files every so many messages are compared, and all where ECMPLAB_MRT_ALL is set.
MOST = sys.maxsize if "ECMPLAB_MRT_ALL" in os.environ else 1500


def way(message):
    return tuple(o for o, given in (("--as2", message.as2), ("--add-path", message.add_path)) if given)


def decode(messages):
    """What ecmplab says of each, in their order; those of one way of reading go in one run."""
    found = [None] * len(messages)
    for options in sorted(set(map(way, messages))):
        places = [i for i, m in enumerate(messages) if way(m) == options]
        done = subprocess.run([os.environ["ECMPLAB"], "decode", "--extended", *options], text=True, check=False,
                              input="".join(messages[i].octets.hex() + "\n" for i in places), stdout=subprocess.PIPE)
        for i, line in zip(places, done.stdout.splitlines(), strict=True):
            found[i] = json.loads(line)
    return found


def hops(path):
    return path.replace(", ", ",").split() if path != "empty" else []


def whole_path(o):
    """RFC 6793 section 4.2.3, in words that bgpdump writes."""
    path, wide = hops(o.get("as_path", "empty")), hops(o.get("as4_path", "empty"))
    if wide and len(wide) <= len(path) and not any(c in h for h in path + wide for c in "(["):
        path = path[:len(path) - len(wide)] + wide
    return " ".join(path)


def aggregator(o):
    words = o.get("aggregator", "").split()
    if words and words[1] == "23456" and "as4_aggregator" in o:
        words = o["as4_aggregator"].split()
    return f"{words[1]} {words[3]}" if words else ""


def attributes(kind, o, next_hop):
    """What is not there bgpdump fills in; of 1999's records it shows no communities."""
    communities = [" ".join(NAMED.get(c, c) for c in o.get("communities", "").split())] if kind != "BGP" else []
    return "|".join([whole_path(o), o.get("origin", "INCOMPLETE"), next_hop, o.get("local_pref", "0"), o.get("med", "0"),
                     *communities, "AG" if "atomic" in o else "NAG", aggregator(o), ""])


def routes(o, key="nlri"):
    ids = o.get(f"{key}_path_id")
    ids = [ids] if isinstance(ids, str) else ids or [None] * len(o[key])
    return list(zip(o[key], ids, strict=True))


def lines(message, o):
    """As bgpdump -m writes them."""
    def line(word, prefix, path_id):
        told = [] if path_id is None else [path_id]
        return "|".join([message.kind, str(message.time), word, message.peer, str(message.asn), prefix, *told])

    if o.get("type") != "UPDATE":
        return
    for part, key in ((o, "withdrawn"), (o.get("mp_unreach"), "nlri")):
        for prefix, path_id in routes(part, key) if part else []:
            if message.kind == "BGP":  # of 1999's records bgpdump shows the peer's address with the prefix's length
                prefix = str(ipaddress.ip_network(message.peer + "/" + prefix.split("/")[1], strict=False))
            yield line("W", prefix, path_id)
    for part, hops_of in ((o, [o.get("next_hop", NO_HOP)]), (o.get("mp_reach"), o.get("mp_reach", {}).get("next_hop"))):
        for route in routes(part) if part else []:
            word = "A" if message.kind.startswith("BGP") else "B"
            yield line(word, *route) + "|" + attributes(message.kind, o, hops_of[0])


def settled(line):
    """Addresses as RFC 5952 spells them, host bits cleared (they are irrelevant, RFC 4271 section 4.3)."""
    fields = KNOWN.get(line, line).split("|")
    fields[5] = str(ipaddress.ip_network(fields[5], strict=False))
    return "|".join(str(ipaddress.ip_address(f)) if "::" in f and not set("/.") & set(f) else f for f in fields)


def expected(path):
    """Without changes of state, and without a table's IPv6 routes that have no next hop, which are no UPDATE."""
    text = gzip.decompress((CORPUS / "expected/mrt" / (path.name + ".bgpdump-m.gz")).read_bytes()).decode()
    return [line for line in text.splitlines()
            if "|STATE|" not in line and not (line.startswith("TABLE_DUMP2") and ":" in line and NO_HOP in line)]


@unittest.skipUnless(CORPUS.exists(), "no corpus beside this checkout")
class Mrt(unittest.TestCase):
    def files(self):
        found = sorted(p for p in (CORPUS / "mrt").iterdir() if ".golden." not in p.name)
        self.assertGreater(len(found), 20)
        # equal to another file but for a marker that no reader of MRT looks at
        return [p for p in found if p.name != "bgpcep__BgpMessages_wrong_header.bin"]

    def said_the_same(self, path, messages, complete):
        ours = collections.Counter(line for m, o in zip(messages, decode(messages)) for line in lines(m, o))
        theirs = collections.Counter(expected(path))
        self.assertEqual(bool(ours), bool(theirs))
        missing = ours - theirs
        if missing or complete:
            spelled_otherwise = collections.Counter(map(settled, (theirs - ours).elements()))
            self.assertEqual(list(missing - spelled_otherwise)[:3], [])
            if complete:
                self.assertEqual(list(spelled_otherwise - missing)[:3], [])

    def written_the_same(self, messages):
        """Returns how many were in a form that has to come back octet by octet."""
        canonical = 0
        for options in sorted(set(map(way, messages))):
            done = subprocess.run([os.environ["WIRE_AGAIN"], *options], text=True, check=False, capture_output=True,
                                  input="".join(m.octets.hex() + "\n" for m in messages if way(m) == options))
            self.assertEqual((done.returncode, done.stderr[-300:]), (0, ""))
            canonical += int(done.stdout.split()[2])
        return canonical

    def test_bgpdump_says_the_same_and_nothing_changes(self):
        canonical = all_of_them = 0
        for path in self.files():
            messages = list(mrt.messages(path))
            some = messages[::max(1, len(messages) // MOST)]
            with self.subTest(path.name):
                self.said_the_same(path, some, len(some) == len(messages))
                canonical += self.written_the_same(some)
                all_of_them += len(some)
        self.assertGreater(canonical, all_of_them * 0.6)


if __name__ == "__main__":
    unittest.main()
