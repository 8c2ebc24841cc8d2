# SPDX-License-Identifier: GPL-2.0-or-later
"""What each kind of router says of its own table, asked with its own tools: next hop -> (AS path, communities)."""
import json
import re

PREFIX, PREFIX6 = "172.16.254.1/32", "fd00:254::/128"
COMMUNITY = "22000:77"
COMMUNITY_VALUE = "77"  # as tshark has it


def bird(text):
    found = {}
    for block in re.split(r"(?=\bvia )", text)[1:]:
        hop = re.match(r"via (\S+)", block).group(1)
        path = re.search(r"BGP.as_path: (.*)", block)
        communities = re.search(r"BGP.community: (.*)", block)
        pairs = re.findall(r"\((\d+),(\d+)\)", communities.group(1)) if communities else []
        found[hop] = (path.group(1).strip() if path else "", [f"{a}:{b}" for a, b in pairs])
    return found


def frr(text):
    found = {}
    for path in json.loads(text or "{}").get("paths", []):
        hop = path["nexthops"][0]["ip"]
        found[hop] = (path["aspath"]["string"], path.get("community", {}).get("list", []))
    return found


def gobgp(text):
    found = {}
    for path in (p for paths in json.loads(text or "{}").values() for p in paths):
        attributes = {a["type"]: a for a in path["attrs"]}
        segments = attributes.get(2, {}).get("as_paths", [])
        numbers = [str(n) for s in segments for n in s["asns"]]
        communities = [f"{c >> 16}:{c & 0xffff}" for c in attributes.get(8, {}).get("communities", [])]
        hop = attributes[14 if 14 in attributes else 3]["nexthop"]  # in MP_REACH_NLRI, where it is of IPv6
        found[hop] = (" ".join(numbers), communities)
    return found


def openbgpd(text):
    found = {}
    for entry in json.loads(text or "{}").get("rib", []):
        found[entry["exit_nexthop"]] = (entry.get("aspath", ""), entry.get("communities", []))
    return found


def kernel(text):
    """The built-in router has no tool: its kernel's route tells the next hops alone."""
    found = {}
    for route in json.loads(text or "[]"):
        for hop in route.get("nexthops", [route]):
            found[hop["gateway"]] = (None, None)
    return found


class Router:
    """A kind, what to ask it, how to read the answer, how the answer spells our community (None: not at all), and the
    command that makes it ask for routes again (None: it has none)."""

    def __init__(self, kind, ask, read, community, refresh):  # pylint: disable=too-many-arguments
        self.kind, self.ask, self.read, self.community, self.refresh = kind, ask, read, community, refresh


def routers(bird1):
    show = "show route all 172.16.254.1/32"
    birdc1 = f"{bird1}c"
    return [
        Router("builtin", "ip -j route show 172.16.254.1", kernel, None, None),
        Router("bird1", f"{birdc1} {show}", bird, "(22000,77)", f"{birdc1} reload in all"),
        Router("bird2", f"birdc {show}", bird, "(22000,77)", "birdc reload in all"),
        Router("frr", f"vtysh -c 'show bgp ipv4 unicast {PREFIX} json'", frr, '"string":"22000:77"',
               "vtysh -c 'clear bgp ipv4 unicast * soft in'"),
        Router("gobgp", f"gobgp global rib {PREFIX} -j", gobgp, str((22000 << 16) + 77), None),
        Router("openbgpd", f"bgpctl -j show rib detail {PREFIX}", openbgpd, '"22000:77"', "bgpctl neighbor {hop} refresh"),
    ]


def routers6(bird1):
    """The same kinds in a lab of IPv6, asked for its prefix."""
    show = f"show route all {PREFIX6}"
    asked = {"builtin": f"ip -6 -j route show {PREFIX6}", "bird1": f"{bird1}c6 {show}", "bird2": f"birdc {show}",
             "frr": f"vtysh -c 'show bgp ipv6 unicast {PREFIX6} json'", "gobgp": f"gobgp global rib -a ipv6 {PREFIX6} -j",
             "openbgpd": f"bgpctl -j show rib detail {PREFIX6}"}
    return [Router(r.kind, asked[r.kind], r.read, None, None) for r in routers(bird1)]
