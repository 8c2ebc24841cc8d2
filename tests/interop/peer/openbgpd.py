# SPDX-License-Identifier: GPL-2.0-or-later
"""OpenBGPD."""
import json
import pathlib
import re

from daemon import AS, OWN4, OWN6, Daemon, text_of, tool
from ours import until

class Openbgpd(Daemon):
    """OpenBGPD."""

    name, program = "OpenBGPD", "bgpctl"
    origin, vpn_words = (), ("{path}",)  # its own VPN routes take OpenBSD
    vpn_gone = False  # 7.7 keeps them, with any label in the withdrawal
    BANDWIDTH = re.compile("bandwidth|4004", re.I)
    lacks = {"8654 extended messages": "7.7 does not offer them",
             "8950 IPv4 over IPv6": "7.7 does not offer it",
             "9494 long-lived": "7.7 does not offer it", "8538 N bit": "7.7 does not offer it",
             "8538 N bit, theirs": "7.7 does not offer it", "8538 Hard Reset, theirs": "7.7 does not offer it",
             "9384 BFD itself": "7.7 has no BFD", "9384 BFD down, theirs": "7.7 has no BFD",
             "9494 long-lived, ours": "7.7 does not offer it",
             "link bandwidth, theirs": "7.7 has no word for it",
             "4724 we help": "7.7 names no family that outlives it",
             "2918 route refresh": "7.7 answers no request, BIRD's neither: \"AID IPv4 unicast not negotiated\"",
             "7313 enhanced refresh": "offered by 7.7, which answers no request",
             "7313 enhanced, ours": "7.7 takes our marks for requests that it does not answer"}

    def session_text(self, s):
        lines = [f"remote-as {s.as_}", "announce IPv4 unicast", "announce IPv6 unicast",
                 "announce enhanced refresh yes"]
        # With a local address it would take no signed connection.
        lines += [f"local-address {self.address(s)}"] if s.dials else ["passive"]
        lines += [f"holdtime {s.hold}"] if s.hold else []
        lines += [f'tcp md5sig password "{s.password}"'] if s.password else []
        lines += ["ttl-security yes"] if s.gtsm else []
        lines += [f"announce policy {s.role}" + (" enforce" if s.strict else "")] if s.role else []
        lines += ["announce add-path recv yes", "announce add-path send all"] if s.add_path else []
        lines += ["announce restart yes"] if s.restart else []
        lines += ["route-reflector"] if s.reflect else []
        lines += [f"max-prefix {s.max_prefixes}"] if s.max_prefixes else []
        lines += ["announce IPv4 vpn"] if s.vpn else []
        return f"neighbor {s.address} {{\n\t" + "\n\t".join(lines) + "\n}\n"

    def configuration(self, sessions):
        own = f"set {{ community 64500:1 large-community {AS}:2:3 ext-community rt 64500:7 }}"
        text = f"AS {AS}\nrouter-id {self.address4}\nfib-update no\nlisten on {self.address4}\nlisten on {self.address6}\n"
        text += f"network {OWN4} {own}\nnetwork {OWN6} {own}\n" + "".join(self.session_text(s) for s in sessions)
        for s in sessions:
            text += "" if s.no_policy else f"allow from {s.address}\nallow to {s.address}\n"
        return text + "match from any community GRACEFUL_SHUTDOWN set { localpref 0 }\n"

    def start(self, sessions):
        self.started = sessions
        config = self.folder / "conf"
        config.write_text(self.configuration(sessions))
        config.chmod(0o600)
        pathlib.Path("/run/openbgpd").mkdir(exist_ok=True)
        self.spawn(tool("bgpd"), "-d", "-v", "-f", config)
        until(lambda: "RDE" in self.ask("show", "rib", "memory"), lambda: "OpenBGPD answers: " + self.log())

    def ask(self, *what):
        return self.run(tool("bgpctl"), *what)

    def raw(self, s):
        return self.ask("-j", "show", "neighbor", s.address)

    # 10 is called after a draft that had the number first.
    CEASE = {1: re.compile("max-prefix exceeded"), 2: re.compile("administratively down"),
             4: re.compile("administrative reset"), 10: re.compile("sent max-prefix exceeded")}

    def said(self, s):
        shown = self.neighbor(s)
        return "\n".join([line for line in self.log().splitlines() if f" {s.address}: " in line and "otification" in line] +
                         [f"{key}: {value}" for key, value in shown.items() if "last" in key or "error" in key])

    def shut(self, s, text):
        self.ask("neighbor", s.address, "down", text)

    def clear(self, s):
        self.ask("neighbor", s.address, "clear")

    def refresh(self, s):
        self.ask("neighbor", s.address, "refresh")

    def neighbor(self, s):
        return json.loads(self.raw(s) or "{}").get("neighbors", [{}])[0]

    def established(self, s):
        return self.neighbor(s).get("state") == "Established"

    def hold(self, s):
        session = self.neighbor(s)["session"]
        return session["holdtime"], session["keepalive"]

    WORDS = {"multiprotocol": 1, "refresh": 2, "open_policy_role": 9, "graceful_restart": 64, "as4byte": 65, "add-path": 69,
             "enhanced_refresh": 70}

    def capabilities(self, s):
        shown = self.neighbor(s).get("session", {}).get("remote", {}).get("capabilities", {})
        return {code for word, code in self.WORDS.items() if shown.get(word)}

    def routes(self, prefix):
        shown = json.loads(self.ask("-j", "show", "rib", "detail", prefix) or "{}")
        return [self.route(p) for p in shown.get("rib", [])]

    def vpn_route(self, prefix):
        """What it has of the prefix in a VPN, in its own words; empty: nothing."""
        return "\n".join(line for line in self.ask("show", "rib", "vpnv4").splitlines() if prefix in line)

    @staticmethod
    def route(p):
        otc = [a.get("as") for a in p.get("attributes", []) if a.get("type") == "OTC"]
        return {"path": p["aspath"], "hop": p["exit_nexthop"], "communities": p.get("communities", []),
                "large": p.get("large_communities", []), "extended": p.get("extended_communities", []),
                "med": text_of(p.get("metric")), "local_pref": text_of(p.get("localpref")), "otc": text_of(otc[0] if otc else None),
                "neighbor": p["neighbor"]["remote_addr"], "best": p.get("best", False), "stale": p.get("stale", False), "all": p}
