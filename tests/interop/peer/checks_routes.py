# SPDX-License-Identifier: GPL-2.0-or-later
"""What routes carry, and which routes a session passes on."""
import ipaddress
import re
import struct

import wire
from bench import same, standard
from daemon import AS, EVPN, LABEL, OWN4, OWN_MAC, OWN_VPN, RD, VPN
from ours import Speaker, host4, until

OWN_EXTRA = {"extended": "c010080002fbf400000007", "large": "c0200cfa56ea010000000200000003"}
NO_EXPORT = 0xffffff01
LOCAL = [wire.attribute(wire.LOCAL_PREF, bytes([0, 0, 0, 100]))]  # what an internal route has


def u32(*numbers):
    return b"".join(n.to_bytes(4, "big") for n in numbers)


def octets(address):
    return ipaddress.ip_address(address).packed


@standard("6793 AS4_PATH")
def as4_path(b):
    """Ours has two octets alone, as before RFC 6793; both ends put the path together again."""
    one = b.up(without="41")
    same(one.info()["as4"], 0, "four octets agreed on")
    before = wire.path(one.number, 23456, 64501, size=2)
    one.raw(wire.update([b.prefix()], one.address, before, wire.attribute(wire.AS4_PATH, wire.path(4200000077, 64501))))
    b.route(b.prefix(), lambda r: r["path"] == f"{one.number} 4200000077 64501", "with its AS numbers")
    same(one.has(OWN4)["path"], wire.path(AS).hex(), "the daemon's path as we have it")
    told = one.heard("UPDATE", lambda m: m.announces(OWN4)).attributes()
    same((told[wire.AS_PATH], told[wire.AS4_PATH]), (wire.path(23456, size=2), wire.path(AS)), "the daemon's path on the wire")


@standard("1997, 4360, 8092 communities")
def communities(b):
    one = b.up()
    extra = [wire.attribute(wire.COMMUNITIES, u32(64500 << 16 | 5, 64500 << 16 | 6)),
             wire.attribute(wire.EXTENDED, bytes.fromhex("0002fbf400000009")), wire.attribute(wire.LARGE, u32(AS, AS, 3))]
    one.raw(wire.update([b.prefix()], one.address, wire.path(one.number), *extra))
    seen = b.route(b.prefix())
    same((seen["communities"], seen["large"]), (["64500:5", "64500:6"], [f"{AS}:{AS}:3"]), "communities at the daemon")
    same([bool(re.search(r"64500:9$", e)) for e in seen["extended"]], [True], f"extended communities {seen['extended']}")
    own = one.has(OWN4)
    same(own["communities"], [64500 << 16 | 1], "the daemon's")
    for kind, octets_ in OWN_EXTRA.items():
        same(octets_ in own["extra"], True, f"the daemon's {kind} community in {own['extra']}")


@standard("1997 NO_EXPORT", {}, {})
def no_export(b):
    one, other = b.up(0), b.up(1)
    own = wire.path(one.number)
    one.raw(wire.update([b.prefix(0, 0)], one.address, own, wire.attribute(wire.COMMUNITIES, u32(NO_EXPORT))))
    b.route(b.prefix(0, 0))
    one.raw(wire.update([b.prefix(0, 1)], one.address, own))
    other.has(b.prefix(0, 1))
    same(b.prefix(0, 0) in other.routes(), False, "what is not to be exported is")


@standard("8326 graceful shutdown", {"as_": 64601}, {"as_": 64602})
def graceful_shutdown(b):
    """The route of who leaves says so; the daemon goes over to the other one where it heeds that."""
    one, other = b.up(0), b.up(1)
    one.announce(b.prefix())
    b.route(b.prefix(), lambda r: r["best"] and r["neighbor"] == one.identity(b.daemon))
    other.announce(b.prefix())
    b.route(b.prefix(), lambda r: r["neighbor"] == other.identity(b.daemon))
    one.tell("leave", 1)
    b.route(b.prefix(), lambda r: r["neighbor"] == one.identity(b.daemon) and
            {"65535:0", "graceful-shutdown", "GRACEFUL_SHUTDOWN"} & set(r["communities"]), "with the community")
    if b.daemon.heeds_shutdown:
        b.route(b.prefix(), lambda r: r["best"] and r["neighbor"] == other.identity(b.daemon), "from the other")
    one.tell("leave", 0)
    b.route(b.prefix(), lambda r: r["neighbor"] == one.identity(b.daemon) and not r["communities"], "without it")


@standard("link bandwidth", {"internal": True})
def link_bandwidth(b):
    """draft-ietf-idr-link-bandwidth: 1 Gbit/s are 125,000,000 octets/s, a float; not transitive."""
    one = b.up()
    value = bytes.fromhex("4004fbf4") + struct.pack(">f", 125e6)
    one.raw(wire.update([b.prefix()], one.address, wire.path(), *LOCAL, wire.attribute(wire.EXTENDED, value)))
    b.route(b.prefix(), lambda r: any(b.daemon.BANDWIDTH.search(e) for e in r["extended"]), "with its bandwidth")


@standard("7911 add-path, to them", {"add_path": True})
def add_path_to_them(b):
    one = b.up(add_path_v4=3)
    b.recognised(0, 69)
    for n in (1, 2):
        path_id = u32(n)
        message = wire.update([b.prefix()], one.address, wire.path(one.number, 64500 + n))
        at = len(message) - len(wire.nlri(b.prefix()))
        one.raw(wire.message(2, message[19:at] + path_id + message[at:]))
    until(lambda: sorted(r["path"] for r in b.daemon.routes(b.prefix())) == [f"{one.number} 64501", f"{one.number} 64502"],
          lambda: f"two paths at the daemon: {b.daemon.routes(b.prefix())}")


@standard("7911 add-path, to us", {}, {}, {"add_path": True})
def add_path_to_us(b):
    for which in (0, 1):
        b.up(which).announce(b.prefix())
    for s in b.sessions[:2]:
        b.route(b.prefix(), lambda r, n=str(s.as_): r["path"] == n)
    one = b.up(2, add_path_v4=3)
    wanted = sorted(wire.path(AS, s.as_).hex() for s in b.sessions[:2])

    def look():
        return [r for r in one.control.tell("in", one.host, 0) if r["prefix"] == b.prefix()]
    until(lambda: sorted(r["path"] for r in look()) == wanted, lambda: f"both paths at ours: {look()}")
    same(len({r["id"] for r in look()}), 2, "path identifiers")


@standard("8654 extended messages", {"extended_message": True}, {"extended_message": True})
def extended_messages(b):
    """An UPDATE of more than 4096 octets comes in, and goes out again."""
    one, other = b.up(0), b.up(1)
    b.recognised(0, 6)
    many = [64500 << 16 | n for n in range(1500)]
    one.raw(wire.update([b.prefix()], one.address, wire.path(one.number), wire.attribute(wire.COMMUNITIES, u32(*many))))
    b.route(b.prefix(), lambda r: r["communities"][:3] == ["64500:0", "64500:1", "64500:2"])
    other.has(b.prefix(), lambda r: r["communities"] == many)
    same(other.heard("UPDATE", lambda m: m.announces(b.prefix())).length > 4096, True, "a long message")


@standard("8950 IPv4 over IPv6", {"family": 6, "extended_next_hop": True})
def next_hop_of_ipv6(b):
    one = b.up(extended_next_hop=1)
    b.recognised(0, 5)
    one.announce(b.prefix())
    b.route(b.prefix(), lambda r: r["hop"] == one.address)
    same(one.has(OWN4)["hop"], b.daemon.address6, "the next hop of the daemon's IPv4 route")


@standard("8212 policies, theirs", {"no_policy": True}, {})
def policies(b):
    """Without a policy an external peer gets nothing and gives nothing."""
    if b.daemon.refuses_without_policy:
        same(b.daemon.refusal(b.sessions[0]) is not None, True, "the configuration is refused")
        return
    one, other = b.up(0), b.up(1)
    one.announce(b.prefix(0))
    one.heard("UPDATE", lambda m: m.end_of_rib == 1, "End-of-RIB")
    other.announce(b.prefix(1))
    b.route(b.prefix(1))
    other.has(OWN4)
    same((b.daemon.routes(b.prefix(0)), one.routes()), ([], {}), "routes")


@standard("8212 policies, ours")
def our_policies(b):
    one = b.up(requires_policy=1)
    one.announce(b.prefix())
    one.heard("UPDATE", lambda m: m.announces(OWN4))
    same((one.routes(), b.daemon.routes(b.prefix())), ({}, []), "routes")
    same([m for m in one.messages("sent", "UPDATE") if m.announces(b.prefix())], [], "what we told")


@standard("4456 reflection", {"internal": True, "reflect": True}, {"internal": True, "reflect": True})
def reflection(b):
    one, other = b.up(0), b.up(1)
    one.announce(b.prefix())
    seen = other.has(b.prefix())
    same(seen["originator"], int(ipaddress.ip_address(one.address)), "ORIGINATOR_ID as we have it")
    told = other.heard("UPDATE", lambda m: m.announces(b.prefix())).attributes()
    same(told[wire.ORIGINATOR], octets(one.address), "ORIGINATOR_ID")
    same(told[wire.CLUSTERS], octets(b.daemon.address4), "CLUSTER_LIST")


@standard("9234 OTC", {"role": "provider"}, {"role": "customer"}, {"role": "customer"})
def only_to_customer(b):
    """A provider marks what a customer gets; and what came from one provider goes to no other one."""
    customer, provider, another = b.up(0, role=4), b.up(1, role=1), b.up(2, role=1)
    same(customer.heard("UPDATE", lambda m: m.announces(OWN4)).attributes().get(wire.OTC), u32(AS), "OTC of the daemon")
    provider.announce(b.prefix())
    b.route(b.prefix(), lambda r: r["otc"] == str(provider.number), "with OTC of ours")
    customer.has(b.prefix())
    other_prefix = b.prefix(0, 1)
    customer.announce(other_prefix)
    another.has(other_prefix)
    same(b.prefix() in another.routes(), False, "a leak to another provider")


def mac_route(mac, vni):
    """RFC 7432 section 7.2, without an IP address: type 2 and what it is long, RD, no segment, tag 0, MAC; a VNI for a label
    (RFC 8365 section 5.1.3)."""
    value = struct.pack(">HHI", 0, *RD) + bytes(14) + b"\x30" + bytes.fromhex(mac.replace(":", "")) + b"\0" + vni.to_bytes(3, "big")
    return bytes([2, len(value)]) + value


@standard("4760 other families", {"vpn": True}, {})
def other_families(b):
    """What the daemon tells of a VPN (and of EVPN) we keep as it came; what a third speaker tells us we pass on as it came, and
    take back when it does."""
    router, third = (s.host for s in b.sessions)
    number = b.sessions[1].as_
    ours = b.up(0, {"readvertise": 1}, others=[(host4(third), {"remote_as": number, "passive": 1, "families": "1/128"})],
                families="1/128,25/70")
    other = Speaker(b.control, third, host4(router), 4, {"as": number}, remote_as=ours.number, families="1/128")
    b.speakers.append(other)
    other.up()
    own = {VPN: wire.vpn_nlri(OWN_VPN, b.daemon.vpn_label, RD), EVPN: mac_route(OWN_MAC, LABEL)}
    for family in b.daemon.origin:
        same(list(family) in ours.info()["families"], True, f"{family} agreed on: {ours.info()}")
        until(lambda f=family: [r for r in ours.control.tell("in", router, 0) if r["family"] == list(f)],
              lambda f=family: f"its route of {f}: {ours.control.tell('in', router, 0)}")
        told = [r["nlri"] for r in ours.control.tell("in", router, 0) if r["family"] == list(family)]
        same(told, [own[family].hex()], f"{family} of the daemon")
    path = wire.attribute(wire.ORIGIN, b"\0") + wire.attribute(wire.AS_PATH, wire.path(number))
    mine = wire.vpn_nlri(b.prefix(), 777, RD)
    target = wire.attribute(wire.EXTENDED, bytes.fromhex("0002fbf400000001"))
    other.raw(wire.update_of(wire.mp_reach(*VPN, bytes(8) + octets(other.address), mine), path, target))
    shown = until(lambda: b.daemon.vpn_route(b.prefix()), lambda: f"{b.prefix()} in a VPN at {b.daemon.name}: {ours.control.tell('in', router, 1)}")
    for words in b.daemon.vpn_words:
        same(bool(re.search(words.format(label=777, path=f"{ours.number} {number}"), shown)), True, f"{words} in {shown}")
    other.raw(wire.update_of(wire.mp_unreach(*VPN, mine)))
    if b.daemon.vpn_gone:
        until(lambda: not b.daemon.vpn_route(b.prefix()), lambda: f"{b.prefix()} gone from the VPN: {b.daemon.vpn_route(b.prefix())}")
    same((ours.info()["state"], other.info()["state"]), ("Established", "Established"), "sessions")
