# SPDX-License-Identifier: GPL-2.0-or-later
"""TCP as the kernel has it where the daemons are."""
import ctypes
import os
import pathlib
import socket

ESTABLISHED, SYN_SENT = "01", "02"


def tcp_rows(address):
    """State and remote end of the daemons' connections with this address of ours."""
    wanted = "".join(f"{int(octet):02X}" for octet in reversed(address.split(".")))
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split()[1:4] for line in table]
    return [(state, local, remote) for local, remote, state in rows if remote.startswith(wanted)]


def tcp_states(address):
    return {state for state, _, _ in tcp_rows(address)}


def connections(address):
    """Who opened the established ones."""
    return sorted("theirs" if remote.endswith(":00B3") else "ours" for state, _, remote in tcp_rows(address) if state == ESTABLISHED)


def dropped_for_ttl():
    """The kernel's count."""
    with open("/proc/net/netstat", encoding="ascii") as table:
        rows = [line.split() for line in table if line.startswith("TcpExt:")]
    return int(dict(zip(*rows))["TCPMinTTLDrop"])


PIDFD_GETFD = 438  # pidfd_getfd(2), which Python has no name for


def connection_of(pids, address):
    """A second descriptor of the established connection that one of these processes has with this address of ours."""
    wanted = "".join(f"{int(octet):02X}" for octet in reversed(address.split(".")))
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table]
    names = {f"socket:[{row[9]}]" for row in rows if row[2].startswith(wanted) and row[3] == ESTABLISHED}
    for pid in pids:
        for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            if os.readlink(fd) in names:
                process = os.pidfd_open(pid)
                copy = ctypes.CDLL(None, use_errno=True).syscall(PIDFD_GETFD, process, int(fd.name), 0)
                os.close(process)
                if copy < 0:
                    raise OSError(ctypes.get_errno(), f"descriptor {fd}")
                return socket.socket(fileno=copy)
    raise AssertionError(f"no established connection with {address} among {pids}")
