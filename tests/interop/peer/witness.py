# SPDX-License-Identifier: GPL-2.0-or-later
"""The link as the kernel sees it where the daemons are: TCP segments of one of ours, each with the time at which it was there."""
import ctypes
import socket
import struct

import wire

ALL, IPV4, SO_TIMESTAMPNS, SO_ATTACH_FILTER = 3, 0x0800, 35, 26
SYN, RST = 0x02, 0x04
LOAD_HALF, LOAD_WORD, EQUAL, RETURN = 0x28, 0x20, 0x15, 0x06  # of classic BPF
MARKER = b"\xff" * 16


class Segment:
    """Of TCP, over IPv4."""

    def __init__(self, time, frame, ours):
        packet = frame[14:14 + int.from_bytes(frame[16:18], "big")]
        header = (packet[0] & 15) * 4
        self.time, self.sent = time, packet[12:16] == ours
        self.flags, self.port = packet[header + 13], int.from_bytes(packet[header:header + 2], "big")
        self.data = packet[header + (packet[header + 12] >> 4) * 4:]

    @property
    def dials(self):
        return self.sent and self.flags & (SYN | 0x10) == SYN

    def messages(self):
        """Those that lie wholly in it."""
        at, found = 0, []
        while self.data[at:at + 16] == MARKER:
            size = int.from_bytes(self.data[at + 16:at + 18], "big")
            found.append(wire.Message("sent" if self.sent else "received", self.data[at:at + size]))
            at += size
        return found


class Witness:
    """Listens from now on, to what one address has to do with."""

    def __init__(self, address):
        self.ours, self.segments = socket.inet_aton(address), []
        number = int.from_bytes(self.ours, "big")
        program = [(LOAD_HALF, 0, 0, 12), (EQUAL, 0, 5, IPV4), (LOAD_WORD, 0, 0, 26), (EQUAL, 2, 0, number),
                   (LOAD_WORD, 0, 0, 30), (EQUAL, 0, 1, number), (RETURN, 0, 0, 65535), (RETURN, 0, 0, 0)]
        code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", len(program), ctypes.addressof(code)))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.bind(("link", ALL))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def seen(self):
        """All so far."""
        try:
            while True:
                frame, more, _, _ = self.socket.recvmsg(65535, 64, socket.MSG_DONTWAIT)
                seconds, nanoseconds = struct.unpack("ll", more[0][2])
                if frame[23] == socket.IPPROTO_TCP:
                    self.segments.append(Segment(seconds + nanoseconds / 1e9, frame, self.ours))
        except BlockingIOError:
            return self.segments

    def messages(self, kind):
        """All of a kind so far: (time, message)."""
        return [(s.time, m) for s in self.seen() for m in s.messages() if m.kind == kind]
