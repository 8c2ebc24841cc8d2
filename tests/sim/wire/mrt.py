# SPDX-License-Identifier: GPL-2.0-or-later
"""MRT files (RFC 6396, RFC 8050) as BGP messages: those that stand in them, and for a table's entries the UPDATE that would have
brought it."""
import bz2
import collections
import gzip
import ipaddress
import struct

TABLE_DUMP, TABLE_DUMP_V2, BGP, BGP4MP, BGP4MP_ET = 12, 13, 5, 16, 17
MARKER = b"\xff" * 16
MP_REACH = 14

# kind: bgpdump's word for the record; octets: the message; as2, add_path: how it is to be read
Message = collections.namedtuple("Message", "kind time peer asn octets as2 add_path")


class View:
    def __init__(self, octets):
        self.octets = octets
        self.at = 0

    def take(self, n):
        if self.at + n > len(self.octets):
            raise EOFError
        self.at += n
        return self.octets[self.at - n:self.at]

    def u8(self):
        return self.take(1)[0]

    def u16(self):
        return struct.unpack(">H", self.take(2))[0]

    def u32(self):
        return struct.unpack(">I", self.take(4))[0]

    def address(self, v6):
        return str(ipaddress.ip_address(self.take(16 if v6 else 4)))

    def rest(self):
        return self.take(len(self.octets) - self.at)


def content(path):
    """What a file holds, as far as it goes: some of the samples are cut."""
    raw = path.read_bytes()
    if raw[:2] == b"\x1f\x8b":
        return gzip.decompress(raw)
    return bz2.BZ2Decompressor().decompress(raw) if raw[:3] == b"BZh" else raw


def update(attrs, nlri):
    body = b"\0\0" + struct.pack(">H", len(attrs)) + attrs + nlri
    return MARKER + struct.pack(">HB", 19 + len(body), 2) + body


def attributes(octets):
    view = View(octets)
    while view.at < len(octets):
        flags, code = view.u8(), view.u8()
        yield flags, code, view.take(view.u16() if flags & 0x10 else view.u8())


def entry_update(attrs, prefix, v6, path_id=None):
    """A table's MP_REACH_NLRI may hold the next hop alone (RFC 6396 section 4.3.4); the route is put where it belongs. An IPv6
    entry that has none is no UPDATE."""
    identifier = b"" if path_id is None else struct.pack(">I", path_id)
    if not v6:
        return update(attrs, identifier + prefix)
    made = b""
    placed = False
    for flags, code, value in attributes(attrs):
        if code == MP_REACH:
            placed = True
            hop = value if value[0] == len(value) - 1 else value[3:4 + value[3]]
            value = b"\0\2\1" + hop + b"\0" + identifier + prefix
        made += struct.pack(">BBH", flags | 0x10, code, len(value)) + value
    return update(made, b"") if placed else None


def table_dump(time, subtype, view):
    v6 = subtype == 2
    view.take(4)
    address, length = view.take(16 if v6 else 4), view.u8()
    view.take(5)
    peer, asn = view.address(v6), view.u16()
    prefix = bytes([length]) + address[:(length + 7) // 8]
    octets = entry_update(view.take(view.u16()), prefix, v6)
    if octets is not None:
        yield Message("TABLE_DUMP", time, peer, asn, octets, True, False)


def peer_index(view):
    view.take(4)
    view.take(view.u16())
    peers = []
    for _ in range(view.u16()):
        kind = view.u8()
        view.take(4)
        peers.append((view.address(kind & 1), view.u32() if kind & 2 else view.u16()))
    return peers


def table_dump_v2(time, subtype, view, peers):
    add_path, v6 = subtype in (8, 10), subtype in (4, 10)
    if subtype not in (2, 4, 8, 10):
        return
    view.take(4)
    length = view.u8()
    prefix = bytes([length]) + view.take((length + 7) // 8)
    for _ in range(view.u16()):
        peer, asn = peers[view.u16()]
        view.take(4)
        path_id = view.u32() if add_path else None
        octets = entry_update(view.take(view.u16()), prefix, v6, path_id)
        if octets is not None:
            yield Message("TABLE_DUMP2_AP" if add_path else "TABLE_DUMP2", time, peer, asn, octets, False, add_path)


def bgp4mp(time, subtype, view):
    if subtype not in (1, 4, 8, 9):
        return
    as4, add_path = subtype in (4, 9), subtype in (8, 9)
    asn = view.u32() if as4 else view.u16()
    view.take(6 if as4 else 4)
    v6 = view.u16() == 2
    peer = view.address(v6)
    view.address(v6)
    yield Message("BGP4MP_AP" if add_path else "BGP4MP", time, peer, asn, view.rest(), not as4, add_path)


def bgp_of_1999(time, subtype, view):
    if subtype != 1:
        return
    asn, peer = view.u16(), view.address(False)
    view.take(6)
    body = view.rest()
    yield Message("BGP", time, peer, asn, MARKER + struct.pack(">HB", 19 + len(body), 2) + body, True, False)


def messages(path):
    view = View(content(path))
    peers = []
    while True:
        try:
            time, kind, subtype = view.u32(), view.u16(), view.u16()
            record = View(view.take(view.u32()))
        except EOFError:
            return
        if kind == BGP4MP_ET:
            record.take(4)
        if kind == TABLE_DUMP:
            yield from table_dump(time, subtype, record)
        elif kind == TABLE_DUMP_V2 and subtype == 1:
            peers = peer_index(record)
        elif kind == TABLE_DUMP_V2:
            yield from table_dump_v2(time, subtype, record, peers)
        elif kind in (BGP4MP, BGP4MP_ET):
            yield from bgp4mp(time, subtype, record)
        elif kind == BGP:
            yield from bgp_of_1999(time, subtype, record)
