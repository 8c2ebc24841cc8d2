# SPDX-License-Identifier: GPL-2.0-or-later
"""FRR's bgpd."""
import json
import os
import pathlib
import re
import subprocess

from daemon import AS, LABEL, OWN4, OWN6, OWN_VPN, RD, Daemon, text_of, tool
from ours import until

class Frr(Daemon):
    """FRR's bgpd, with the zebra that tells it which next hops are there."""

    name, program = "FRR", "vtysh"
    lacks = {"7313 enhanced, ours": "8.4 marks as stale what is not told again, and keeps it for good"}
    BANDWIDTH, BFD_DOWN = re.compile("LB:"), (6, 10)
    home = pathlib.Path("/usr/lib/frr")

    def session_text(self, s):
        n = f" neighbor {s.address}"
        lines = [f"{n} remote-as {s.as_}", f"{n} update-source {self.address(s)}", f"{n} timers connect 1"]
        lines += [] if s.dials else [f"{n} passive"]
        lines += [f"{n} timers {s.hold // 3} {s.hold}"] if s.hold else []
        lines += [f"{n} password {s.password}"] if s.password else []
        lines += [f"{n} ttl-security hops 1"] if s.gtsm else []
        lines += [f"{n} local-role {s.role}" + (" strict-mode" if s.strict else "")] if s.role else []
        lines += [f"{n} capability extended-nexthop"] if s.extended_next_hop else []
        lines += [f"{n} bfd", f"{n} bfd profile FAST"] if s.bfd else []
        lines += [f"{n} graceful-restart"] if s.restart else [f"{n} graceful-restart-helper"]
        for family in ("ipv4", "ipv6"):
            lines += [f" address-family {family} unicast", f" {n} activate"]
            lines += [] if s.no_policy else [f" {n} route-map ALL in", f" {n} route-map ALL out"]
            lines += [f" {n} route-map LINK{s.bandwidth} in"] if s.bandwidth else []
            lines += [f" {n} addpath-tx-all-paths"] if s.add_path else []
            lines += [f" {n} route-reflector-client"] if s.reflect else []
            lines += [f" {n} maximum-prefix {s.max_prefixes}"] if s.max_prefixes else []
            lines += [" exit-address-family"]
        lines += [" address-family ipv4 vpn", f" {n} activate", f" {n} route-map ALL in", f" {n} route-map ALL out",
                  " exit-address-family"] if s.vpn else []
        return "\n".join(lines) + "\n"

    def configuration(self, sessions):
        # Route maps come first, and at once: else it asks everybody for a refresh, seconds later.
        text = "hostname frr\nbfd\n profile FAST\n  receive-interval 100\n  transmit-interval 100\n exit\nexit\n"
        text += "bgp route-map delay-timer 0\nroute-map ALL permit 1\nexit\n"
        for speed in sorted({s.bandwidth for s in sessions if s.bandwidth}):
            text += f"route-map LINK{speed} permit 1\n set extcommunity bandwidth {speed}\nexit\n"
        text += f"route-map OWN permit 1\n set community 64500:1\n set large-community {AS}:2:3\n"
        text += f" set extcommunity rt 64500:7\nexit\nrouter bgp {AS}\n bgp router-id {self.address4}\n no bgp default ipv4-unicast\n"
        text += " no bgp network import-check\n no bgp hard-administrative-reset\n coalesce-time 50\n bgp bestpath compare-routerid\n"
        text += " bgp long-lived-graceful-restart stale-time 60\n" + "".join(self.session_text(s) for s in sessions)
        text += f" address-family ipv4 unicast\n  network {OWN4} route-map OWN\n exit-address-family\n"
        if any(s.vpn for s in sessions):
            text += f" address-family ipv4 vpn\n  network {OWN_VPN} rd {RD[0]}:{RD[1]} label {LABEL}\n exit-address-family\n"
        return text + f" address-family ipv6 unicast\n  network {OWN6} route-map OWN\n exit-address-family\nexit\n"

    def start(self, sessions):
        self.started = sessions
        for path in ("/run/frr", "/var/tmp/frr", "/var/lib/frr", "/var/log/frr", "/run/etc-frr"):
            pathlib.Path(path).mkdir(parents=True, exist_ok=True)
        if not os.path.ismount("/etc/frr"):
            # The package's folder belongs to a user that the sandbox lacks.
            pathlib.Path("/etc/frr").mkdir(exist_ok=True)
            subprocess.run([tool("mount"), "--bind", "/run/etc-frr", "/etc/frr"], check=True)
        pathlib.Path("/etc/frr/vtysh.conf").touch()
        config = pathlib.Path("/etc/frr/frr.conf")
        config.write_text(self.configuration(sessions))
        for program, shows in (("zebra", "zserv.api"), ("bfdd", "bfdd.vty"), ("bgpd", "bgpd.vty")):
            pathlib.Path("/run/frr", shows).unlink(missing_ok=True)
            more = ["-l", self.address4, "-l", self.address6] if program == "bgpd" else []
            self.spawn(self.home / program, "--log", "stdout", *more)
            until(pathlib.Path("/run/frr", shows).exists, f"{program} listens")
        with open(self.folder / "log", "ab") as log:
            subprocess.run([tool("vtysh"), "-b"], stdout=log, stderr=log, check=False)

    def ask(self, *lines):
        asked = [tool("vtysh")]
        for line in lines:
            asked += ["-c", line]
        return self.run(*asked)

    def hurry(self):
        self.ask("configure terminal", f"router bgp {AS}", "bgp graceful-restart restart-time 1")

    def raw(self, s):
        return self.ask(f"show bgp neighbors {s.address} json")

    CEASE = {1: re.compile("0601"), 2: re.compile("0602"), 4: re.compile("0604"), 10: re.compile("060A")}

    def said(self, s):
        return "\n".join(line for line in self.raw(s).splitlines() if '"last' in line)

    def shut(self, s, text):
        self.ask("configure terminal", f"router bgp {AS}", f"neighbor {s.address} shutdown message {text}")

    def clear(self, s):
        self.ask(f"clear bgp {s.address}")

    def refresh(self, s):
        self.ask(f"clear bgp ipv4 unicast {s.address} in")

    def neighbor(self, s):
        return json.loads(self.raw(s) or "{}").get(s.address, {})

    def sees(self, s):
        """Its BFD session with ours is up."""
        shown = json.loads(self.ask("show bfd peers json") or "[]")
        return any((p["peer"], p["status"]) == (s.address, "up") for p in shown)

    def ready(self, s):
        return self.neighbor(s).get("bgpState", "Idle") != "Idle"

    def established(self, s):
        return self.neighbor(s).get("bgpState") == "Established"

    def hold(self, s):
        n = self.neighbor(s)
        return n["bgpTimerHoldTimeMsecs"] // 1000, n["bgpTimerKeepAliveIntervalMsecs"] // 1000

    WORDS = {"multiprotocolExtensions": 1, "routeRefresh": 2, "extendedNexthop": 5, "extendedMessage": 6, "role": 9,
             "gracefulRestart": 64, "4byteAs": 65, "addPath": 69, "enhancedRouteRefresh": 70, "longLivedGracefulRestart": 71}

    def capabilities(self, s):
        shown = self.neighbor(s).get("neighborCapabilities", {})
        return {code for word, code in self.WORDS.items() if "eceived" in json.dumps(shown.get(word))}

    def routes(self, prefix):
        family = "ipv6" if ":" in prefix else "ipv4"
        shown = json.loads(self.ask(f"show bgp {family} unicast {prefix} json") or "{}")
        return [self.route(p) for p in shown.get("paths", [])]

    def vpn_route(self, prefix):
        """What it has of the prefix in a VPN, in its own words; empty: nothing."""
        shown = self.ask(f"show bgp ipv4 vpn {prefix}")
        return shown if "Paths:" in shown else ""

    @staticmethod
    def route(p):
        extended = p.get("extendedCommunity", {}).get("string", "")
        return {"path": p["aspath"]["string"], "hop": p["nexthops"][0]["ip"],
                "communities": p.get("community", {}).get("string", "").split(),
                "large": p.get("largeCommunity", {}).get("string", "").split(), "extended": extended.split(" ") if extended else [],
                "med": text_of(p.get("metric")), "local_pref": text_of(p.get("locPrf")), "otc": text_of(p.get("otc")),
                "neighbor": p["peer"]["peerId"], "best": p.get("bestpath", {}).get("overall", False), "stale": p.get("stale", False),
                "all": p}
