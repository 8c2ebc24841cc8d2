# SPDX-License-Identifier: GPL-2.0-or-later
"""BGP messages as a script reads and writes them, written from the RFCs alone and so independent of the decoder under test."""
import ipaddress
import struct

KINDS = {1: "OPEN", 2: "UPDATE", 3: "NOTIFICATION", 4: "KEEPALIVE", 5: "REFRESH"}
ORIGIN, AS_PATH, NEXT_HOP, MED, LOCAL_PREF, AGGREGATOR, COMMUNITIES, ORIGINATOR, CLUSTERS = 1, 2, 3, 4, 5, 7, 8, 9, 10
MP_REACH, MP_UNREACH, EXTENDED, AS4_PATH, AS4_AGGREGATOR, LARGE, OTC = 14, 15, 16, 17, 18, 32, 35


class Message:
    """One that went over the wire, whole."""

    def __init__(self, way, octets):
        self.way, self.octets, self.body = way, octets, octets[19:]
        self.kind = KINDS.get(octets[18], octets[18])
        self.length = len(octets)

    @property
    def error(self):
        """Of a NOTIFICATION: code and subcode."""
        return tuple(self.body[:2])

    @property
    def data(self):
        return self.body[2:]

    @property
    def extended_parameters(self):
        """RFC 9072 section 2."""
        return self.body[9:11] == b"\xff\xff"

    def capabilities(self):
        """Of an OPEN: (code, value) in order."""
        at, wide, found = (13, 3, []) if self.extended_parameters else (10, 2, [])
        while at < len(self.body):
            size = int.from_bytes(self.body[at + 1:at + wide], "big")
            if self.body[at] == 2:
                found += tlvs(self.body[at + wide:at + wide + size])
            at += wide + size
        return found

    def capability(self, code):
        """All values of this code."""
        return [value for c, value in self.capabilities() if c == code]

    def attributes(self):
        """Of an UPDATE: type -> value."""
        at = 2 + int.from_bytes(self.body[:2], "big")
        end, at, found = at + 2 + int.from_bytes(self.body[at:at + 2], "big"), at + 2, {}
        while at < end:
            wide = 2 if self.body[at] & 0x10 else 1
            size = int.from_bytes(self.body[at + 2:at + 2 + wide], "big")
            found[self.body[at + 1]] = self.body[at + 2 + wide:at + 2 + wide + size]
            at += 2 + wide + size
        return found

    @property
    def end_of_rib(self):
        """RFC 4724 section 2: the AFI whose table is told, or None."""
        if self.kind != "UPDATE":
            return None
        if self.body == b"\0\0\0\0":
            return 1
        attributes = self.attributes()
        unreach = attributes.get(MP_UNREACH, b"")
        return int.from_bytes(unreach[:2], "big") if list(attributes) == [MP_UNREACH] and len(unreach) == 3 else None

    def announces(self, prefix):
        """This IPv4 prefix in the UPDATE's own NLRI, without path identifiers."""
        return self.kind == "UPDATE" and self.body.endswith(nlri(prefix)) and NEXT_HOP in self.attributes()


def tlvs(octets):
    at, found = 0, []
    while at + 2 <= len(octets):
        found.append((octets[at], octets[at + 2:at + 2 + octets[at + 1]]))
        at += 2 + octets[at + 1]
    return found


def summary(messages):
    words = [f"{m.way} {m.kind}{m.error if m.kind == 'NOTIFICATION' else ''}" for m in messages[-12:]]
    return ", ".join(words) or "no message"


def message(kind, body=b""):
    return b"\xff" * 16 + struct.pack(">HB", 19 + len(body), kind) + body


def nlri(prefix):
    net = ipaddress.ip_network(prefix)
    return bytes([net.prefixlen]) + net.network_address.packed[:(net.prefixlen + 7) // 8]


def attribute(code, value, flags=None):
    flags = flags if flags is not None else 0x40 if code in (1, 2, 3, 5, 6) else 0x80 if code in (4, 9, 10, 14, 15) else 0xc0
    if len(value) > 255:
        return struct.pack(">BBH", flags | 0x10, code, len(value)) + value
    return struct.pack(">BBB", flags, code, len(value)) + value


def path(*numbers, size=4, kind=2):
    """One segment, an AS_SEQUENCE."""
    return bytes([kind, len(numbers)]) + b"".join(n.to_bytes(size, "big") for n in numbers) if numbers else b""


def vpn_nlri(prefix, label, rd):
    """RFC 4364 section 4.3.4, RFC 8277 section 2.2: one label, at the bottom of its stack; rd: a type 0 one, AS and number."""
    plain = nlri(prefix)
    return bytes([plain[0] + 88]) + (label << 4 | 1).to_bytes(3, "big") + struct.pack(">HHI", 0, *rd) + plain[1:]


def mp_reach(afi, safi, hop, octets):
    return attribute(MP_REACH, struct.pack(">HBB", afi, safi, len(hop)) + hop + b"\0" + octets)


def mp_unreach(afi, safi, octets):
    return attribute(MP_UNREACH, struct.pack(">HB", afi, safi) + octets)


def update_of(*attributes):
    """An UPDATE of these attributes and nothing else."""
    octets = b"".join(attributes)
    return message(2, b"\0\0" + struct.pack(">H", len(octets)) + octets)


def update(prefixes, hop, as_path, *more, origin=0):
    """Announces IPv4 prefixes; more: further attributes, encoded."""
    attributes = attribute(ORIGIN, bytes([origin])) + attribute(AS_PATH, as_path)
    attributes += attribute(NEXT_HOP, ipaddress.ip_address(hop).packed) + b"".join(more)
    return message(2, b"\0\0" + struct.pack(">H", len(attributes)) + attributes + b"".join(nlri(p) for p in prefixes))
