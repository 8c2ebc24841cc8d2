#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`ecmplab decode` against tshark's decode of the same messages, and what it says of lines that are none."""
import json
import pathlib
import subprocess
import unittest

import lab

CORPUS = lab.ROOT.parent / "shared/corpus"
KEEPALIVE = "ff" * 16 + "001304"
# tshark reads on behind the end of a field. RFC 4271 section 4.3: the withdrawn routes end with their length.
READ_TOO_FAR = {"update:test_update_bad_length:bad_withdraw_length_short_wire"}
# It stops where there are no attributes; the routes behind them are those of section 4.3, as the message's author says.
STOPPED_SHORT = {"path_attributes_test:TestSerializeAddPath:NLRI_only"}
# Every way that a capture's session may have been: tshark guesses for each message alone.
WAYS = [[], ["--as2"], ["--add-path"], ["--as2", "--add-path"]]


def decode(lines, *options):
    done = subprocess.run([str(lab.PROGRAM), "decode", "--extended", *options], input="".join(l + "\n" for l in lines),
                          capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, [json.loads(l) for l in done.stdout.splitlines()], done.stderr


def within(theirs, ours):
    """Everything that tshark says is said, too; we say more of what tshark leaves out."""
    if isinstance(theirs, dict):
        return isinstance(ours, dict) and all(within(v, ours.get(k)) for k, v in theirs.items())
    if isinstance(theirs, list):
        return isinstance(ours, list) and len(theirs) == len(ours) and all(map(within, theirs, ours))
    return theirs == ours


def comparable(theirs):
    """tshark's decode without its names for what it does not decode, and without families that we show as octets."""
    kept = {k: v for k, v in theirs.items() if not k.startswith("attr_") and k != "ext_communities"}
    for key in ("mp_reach", "mp_unreach"):
        if key in kept and (kept[key]["safi"] != "1" or kept[key]["afi"] not in ("1", "2")):
            kept[key] = {k: kept[key][k] for k in ("afi", "safi")}
    if kept.get("data") == []:  # tshark reads the words or the capability that stand there itself
        del kept["data"]
    for key, word in (("communities", "Reserved"), ("origin", "Unknown")):
        if word in kept.get(key, ""):
            del kept[key]
    # a placeholder for a value that it could not read
    return {k: v for k, v in kept.items() if v != k.upper()}


def trusted(theirs):
    """Damaged messages are read differently by everybody; ATTR_SET's attributes tshark mixes with the outer ones."""
    return not any(k in theirs for k in ("malformed", "expert", "attr_128"))


def rows(path):
    with open(path, errors="replace") as f:
        return [line.rstrip("\n").split("\t") for line in f if not line.startswith("#")]


def nth(octets, index):
    """Messages are cut by their length fields."""
    at = 0
    for _ in range(index):
        at += 2 * int(octets[at + 32:at + 36], 16)
    return octets[at:at + 2 * int(octets[at + 32:at + 36], 16)]


def hex_messages():
    """(row, hex of one of its messages, tshark's decode)."""
    for path in sorted((CORPUS / "expected/hex").glob("*.tshark.tsv")):
        octets = {row[0]: row[1] for row in rows(CORPUS / "hex" / path.name.replace(".tshark.tsv", ".tsv"))}
        for row in rows(path):
            if row[2] in "12345" and row[0] in octets:
                yield row[0], nth(octets[row[0]], int(row[1])), json.loads(row[4])


class Decode(unittest.TestCase):
    def test_a_dump_in_any_dress(self):
        spelled = [KEEPALIVE, KEEPALIVE.upper(), "0x" + KEEPALIVE, ":".join([KEEPALIVE[i:i + 2] for i in range(0, 38, 2)]),
                   "  " + " ".join([KEEPALIVE[i:i + 4] for i in range(0, 38, 4)]) + "   # a KEEPALIVE", "", "# nothing"]
        status, objects, _ = decode(spelled)
        self.assertEqual(status, 0)
        self.assertEqual(objects, [{"type": "KEEPALIVE", "bgp_type": "4", "bgp_len": "19"}] * 5)

    def test_what_is_none_is_said_and_the_rest_goes_on(self):
        status, objects, _ = decode(["xyz", KEEPALIVE, "ff" * 16 + "0012 04", "abc", "ff", "00" * 19])
        self.assertEqual(status, 1)
        self.assertEqual(objects[0], {"line": "1", "error": {"text": "not an even number of hex digits"}})
        self.assertEqual(objects[1]["type"], "KEEPALIVE")
        self.assertEqual((objects[2]["error"]["code"], objects[2]["error"]["subcode"]), ("1", "2"))
        self.assertEqual((objects[2]["type"], objects[2]["bgp_len"]), ("KEEPALIVE", "18"))
        self.assertEqual(objects[3]["line"], "4")
        self.assertEqual(objects[5]["error"]["text"], "Message Header Error/Connection Not Synchronized")

    def test_messages_behind_a_message_are_told_too(self):
        _, alone, _ = decode([KEEPALIVE])
        status, objects, _ = decode([KEEPALIVE * 3, KEEPALIVE + "ff" * 19, KEEPALIVE + "ff"])
        self.assertEqual(status, 1)
        self.assertEqual([o["type"] for o in objects], ["KEEPALIVE"] * 3)
        self.assertEqual(objects[0]["more"], alone * 2)
        self.assertEqual([o["error"]["subcode"] for o in objects[1]["more"] + objects[2]["more"]], ["3", "2"])

    def test_hostile_files(self):
        run = lambda *a, **kw: subprocess.run([str(lab.PROGRAM), "decode", *a], capture_output=True, timeout=60, check=False, **kw)
        done = run(input=b"\0" + KEEPALIVE.encode() + b"\n" + KEEPALIVE.encode()[:-1] + b"\0\n\xff\xfe\n")
        self.assertEqual((done.returncode, [json.loads(l)["line"] for l in done.stdout.splitlines()]), (1, ["1", "2", "3"]))
        done = run(input=b"f" * (8 << 20) + b"\n\xef\xbb\xbf\n" + KEEPALIVE.encode())
        self.assertEqual(done.returncode, 1)
        self.assertIn("longer than", json.loads(done.stdout.splitlines()[0])["error"]["text"])
        self.assertEqual(json.loads(done.stdout.splitlines()[-1])["type"], "KEEPALIVE")
        done = run("/")
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"Is a directory", done.stderr)

    def test_the_reaction_of_rfc_7606_is_told(self):
        update = "ff" * 16 + "003002 0000 0014 40010103 4002060201 000055f0 4003040a000033 20c6120001"
        status, objects, _ = decode([update])
        self.assertEqual(status, 1)
        self.assertEqual(objects[0]["error"]["reaction"], "treat as withdraw")
        self.assertEqual(objects[0]["error"]["clause"], "RFC 7606 section 7.1")
        self.assertEqual(objects[0]["nlri"], ["198.18.0.1/32"])
        self.assertEqual(objects[0]["attrs"], ["1/0x40/1", "2/0x40/6", "3/0x40/4"])

    def test_a_file_that_is_not_there_is_usage(self):
        done = subprocess.run([str(lab.PROGRAM), "decode", "/nowhere"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("/nowhere: No such file or directory", done.stderr)

    def compare(self, messages):
        """messages: (where, hex, tshark's decode). Returns those that no way of reading makes the same."""
        ways = [decode([m[1] for m in messages], *way)[1] for way in WAYS]
        return [(m[0], m[2], ways[0][i]) for i, m in enumerate(messages)
                if not any(within(comparable(m[2]), way[i]) for way in ways)]

    @unittest.skipUnless(CORPUS.exists(), "no corpus beside this checkout")
    def test_captures_decode_as_tshark_says(self):
        messages = []
        for path in sorted((CORPUS / "expected/pcap").glob("*.bgp.tsv")):
            stream = pathlib.Path(str(path).replace(".bgp.tsv", ".stream.tsv"))
            if not stream.exists():
                continue
            theirs = {}
            for row in rows(path):
                theirs.setdefault((row[-3], row[-2]), []).append(json.loads(row[-1]))
            for row in rows(stream):
                same_kind = theirs.get((row[7], row[8]), [])
                # one candidate, or as many as are alike: the tables have no common key
                if same_kind and all(c == same_kind[0] for c in same_kind) and trusted(same_kind[0]):
                    messages.append((path.name, row[-1], same_kind[0]))
        self.assertGreater(len(messages), 500)
        self.assertEqual(self.compare(messages), [])

    @unittest.skipUnless(CORPUS.exists(), "no corpus beside this checkout")
    def test_hex_rows_decode_as_tshark_says(self):
        messages = [m for m in hex_messages() if trusted(m[2])]
        self.assertGreater(len(messages), 400)
        self.assertEqual([w for w in self.compare(messages) if w[0] not in READ_TOO_FAR | STOPPED_SHORT], [])


if __name__ == "__main__":
    unittest.main()
