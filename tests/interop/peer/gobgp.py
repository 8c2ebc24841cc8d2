# SPDX-License-Identifier: GPL-2.0-or-later
"""GoBGP."""
import json
import re

from daemon import AS, EVPN, LABEL, OWN4, OWN6, OWN_MAC, OWN_VPN, RD, VPN, Daemon, text_of, tool
from ours import until

class Gobgp(Daemon):
    """GoBGP."""

    name, program = "GoBGP", "gobgpd"
    heeds_shutdown, origin = False, (VPN, EVPN)
    BANDWIDTH = re.compile("125000000|1.25e")
    lacks = {"1997 NO_EXPORT": "3.10 passes it on",
             "4271 no hold time": "3.10 gives up at its first write where the hold time is 0",
             "9072 extended parameters": "3.10 takes the length for an error",
             "9234 roles": "3.10 has no roles", "9234 OTC": "3.10 has no roles",
             "2918 their request": "3.10 keeps what it was told and asks no peer for it",
             "7313 enhanced refresh": "3.10 does not offer it", "7313 enhanced, ours": "3.10 does not offer it",
             "8654 extended messages": "3.10 does not offer them",
             "8212 policies, theirs": "3.10 lets all pass",
             "9384 BFD itself": "3.10 has no BFD", "9384 BFD down, theirs": "3.10 has no BFD",
             "8538 Hard Reset, theirs": "3.10 sends the plain subcode"}

    def session_text(self, s):
        text = f'[[neighbors]]\n[neighbors.config]\nneighbor-address = "{s.address}"\npeer-as = {s.as_}\n'
        text += f'auth-password = "{s.password}"\n' if s.password else ""
        text += f'[neighbors.transport.config]\nlocal-address = "{self.address(s)}"\n'
        text += "[neighbors.timers.config]\nconnect-retry = 1\n" if s.dials else "passive-mode = true\n"
        if s.hold:
            text += f"[neighbors.timers.config]\nhold-time = {s.hold}\nkeepalive-interval = {s.hold // 3}\n"
        if s.gtsm:
            text += "[neighbors.ttl-security.config]\nenabled = true\nttl-min = 255\n"
        if s.reflect:
            text += f'[neighbors.route-reflector.config]\nroute-reflector-client = true\nroute-reflector-cluster-id = "{self.address4}"\n'
        if s.restart:
            text += f"[neighbors.graceful-restart.config]\nenabled = true\nrestart-time = {s.restart}\nnotification-enabled = true\n"
            text += "long-lived-enabled = true\n" if s.long_lived else ""
        for family in ("ipv4", "ipv6"):
            text += f'[[neighbors.afi-safis]]\n[neighbors.afi-safis.config]\nafi-safi-name = "{family}-unicast"\n'
            if s.restart:
                text += "[neighbors.afi-safis.mp-graceful-restart.config]\nenabled = true\n"
            if s.long_lived:
                text += f"[neighbors.afi-safis.long-lived-graceful-restart.config]\nenabled = true\nrestart-time = {s.long_lived}\n"
            if s.add_path:
                text += "[neighbors.afi-safis.add-paths.config]\nreceive = true\nsend-max = 4\n"
            if s.max_prefixes:
                text += f"[neighbors.afi-safis.prefix-limit.config]\nmax-prefixes = {s.max_prefixes}\n"
        for family in ("l3vpn-ipv4-unicast", "l2vpn-evpn") if s.vpn else ():
            text += f'[[neighbors.afi-safis]]\n[neighbors.afi-safis.config]\nafi-safi-name = "{family}"\n'
        return text

    def configuration(self, sessions):
        text = f'[global.config]\nas = {AS}\nrouter-id = "{self.address4}"\nlocal-address-list = ["{self.address4}", "{self.address6}"]\n'
        text += "[global.route-selection-options.config]\nexternal-compare-router-id = true\n"
        return text + "".join(self.session_text(s) for s in sessions) + self.links_text([s for s in sessions if s.bandwidth])

    @staticmethod
    def links_text(sessions):
        """Policies that mark what comes over a link of known speed."""
        text, names = "", []
        for s in sessions:
            names.append(f'"link{s.host}"')
            text += f'[[defined-sets.neighbor-sets]]\nneighbor-set-name = "n{s.host}"\nneighbor-info-list = ["{s.address}"]\n'
            text += f'[[policy-definitions]]\nname = "link{s.host}"\n[[policy-definitions.statements]]\n'
            text += f'[policy-definitions.statements.conditions.match-neighbor-set]\nneighbor-set = "n{s.host}"\n'
            text += '[policy-definitions.statements.actions]\nroute-disposition = "accept-route"\n'
            text += '[policy-definitions.statements.actions.bgp-actions.set-ext-community]\noptions = "add"\n'
            text += "[policy-definitions.statements.actions.bgp-actions.set-ext-community.set-ext-community-method]\n"
            text += f'communities-list = ["lb:64500:{s.bandwidth * 125000}"]\n'
        return text + f'[global.apply-policy.config]\nimport-policy-list = [{", ".join(names)}]\ndefault-import-policy = "accept-route"\n'

    def start(self, sessions):
        self.started = sessions
        config = self.folder / "conf"
        config.write_text(self.configuration(sessions))
        self.spawn(tool("gobgpd"), "-f", config, "-t", "toml", "--pprof-disable", "--api-hosts", "127.0.0.1:50051")
        until(lambda: str(AS) in self.ask("global"), lambda: "GoBGP answers: " + self.log())
        for family, prefix in (("ipv4", OWN4), ("ipv6", OWN6)):
            self.ask("global", "rib", "add", "-a", family, prefix, "community", "64500:1", "large-community", f"{AS}:2:3", "rt", "64500:7")

        if any(s.vpn for s in sessions):
            rd = f"{RD[0]}:{RD[1]}"
            self.ask("global", "rib", "add", "-a", "vpnv4", OWN_VPN, "label", LABEL, "rd", rd, "rt", rd, "nexthop", self.address4)
            self.ask("global", "rib", "add", "-a", "evpn", "macadv", OWN_MAC, "0.0.0.0", "etag", 0, "label", LABEL, "rd", rd, "rt", rd)

    def vpn_route(self, prefix):
        """What it has of the prefix in a VPN, in its own words; empty: nothing."""
        shown = json.loads(self.ask("global", "rib", "-a", "vpnv4", "-j") or "{}")
        return json.dumps([paths for name, paths in shown.items() if name.endswith(prefix)] or "").strip('"').replace(",", "")

    def ask(self, *what):
        return self.run(tool("gobgp"), *what)

    def raw(self, s):
        return self.ask("neighbor", s.address, "-j")

    CEASE = {n: re.compile(f'"Code":6.*"Subcode":{n}[,}}]') for n in (1, 2, 4, 10)}

    def said(self, s):
        """Its tool shows nothing of it."""
        return "\n".join(line for line in self.log().splitlines() if f'"{s.address}"' in line and "otification" in line)

    def shut(self, s, text):
        self.ask("neighbor", s.address, "shutdown", "--reason", text)

    def clear(self, s):
        self.ask("neighbor", s.address, "reset")

    def refresh(self, s):
        self.ask("neighbor", s.address, "softresetin")

    def neighbor(self, s):
        return json.loads(self.raw(s) or "{}")

    def established(self, s):
        return self.neighbor(s).get("state", {}).get("session_state") == 6

    def hold(self, s):
        timers = self.neighbor(s)["timers"]["state"]
        return timers.get("negotiated_hold_time", 0), timers.get("keepalive_interval", 0)

    WORDS = {"MultiProtocol": 1, "RouteRefresh": 2, "ExtendedNexthop": 5, "GracefulRestart": 64, "FourOctetASN": 65,
             "AddPath": 69, "EnhancedRouteRefresh": 70, "LongLivedGracefulRestart": 71}

    def capabilities(self, s):
        shown = self.neighbor(s)["state"].get("remote_cap", [])
        names = {c["type_url"].rpartition("apipb.")[2].removesuffix("Capability"): c.get("value", "") for c in shown}
        return {code for word, code in self.WORDS.items() if word in names}

    def routes(self, prefix):
        family = "ipv6" if ":" in prefix else "ipv4"
        shown = json.loads(self.ask("global", "rib", prefix, "-a", family, "-j") or "{}")
        return [self.route(p) for paths in shown.values() for p in paths]

    @staticmethod
    def route(p):
        values = {a["type"]: a for a in p["attrs"]}
        reach = values.get(14, {})
        numbers = [str(n) for segment in values.get(2, {}).get("as_paths", []) for n in segment["asns"]]
        return {"path": " ".join(numbers), "hop": values[3]["nexthop"] if 3 in values else reach.get("nexthop"),
                "communities": [f"{c >> 16}:{c & 0xffff}" for c in values.get(8, {}).get("communities", [])],
                "large": [":".join(str(v) for v in c.values()) for c in values.get(32, {}).get("value", [])],
                "extended": [c.get("value") or json.dumps(c) for c in values.get(16, {}).get("value", [])],
                "med": text_of(values.get(4, {}).get("metric")), "local_pref": text_of(values.get(5, {}).get("value")), "otc": None,
                "neighbor": p.get("neighbor-ip"), "best": p.get("best", False), "stale": p.get("stale", False), "all": p}
