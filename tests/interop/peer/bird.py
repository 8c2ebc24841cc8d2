# SPDX-License-Identifier: GPL-2.0-or-later
"""BIRD 2 and 1.6, which differ in their configurations and in how they show what they have."""
import os
import pathlib
import re
import shutil
import subprocess

from daemon import AS, OWN4, OWN6, OWN_VPN, RD, SBIN, Daemon, bandwidth, tool
from ours import until
NO_IPV6, ITS_PORT = "another program of 1.6 has IPv6", "BIRD 2 has the port here"


class Bird2(Daemon):
    """BIRD 2 and 1.6, which differ in their configurations and in how they show what they have."""

    name, program = "BIRD 2", "bird"
    names_protocols, refuses_without_policy = True, True
    lacks = {"8538 N bit": "2.0.12 does not offer it", "8538 N bit, theirs": "2.0.12 does not offer it",
             "8538 Hard Reset, theirs": "2.0.12 does not offer it"}
    vpn_label = 3  # implicit null: it has no label of its own
    BANDWIDTH, BFD_DOWN = re.compile("0x4004"), (6, 0)  # RFC 9384 is younger than 2.0.12

    @classmethod
    def missing(cls):
        path = shutil.which("bird", path=SBIN)
        if path is None:
            return "BIRD 2 is not installed"
        said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
        return None if "version 2" in said.stderr + said.stdout else "bird is not BIRD 2"

    binary = tool("bird")
    bind = "strict bind yes;"

    def session_text(self, s):
        lines = [f"local {self.address(s)} as {AS};", f"neighbor {s.address} as {s.as_};", self.bind, "direct;",
                 "graceful restart %s;" % ("on" if s.restart else "aware"), "error wait time 1,2;", "connect delay time 1;",
                 "connect retry time 1;"]
        lines += [] if s.dials else ["passive yes;"]
        lines += [f"hold time {s.hold};"] if s.hold else []
        lines += [f'password "{s.password}";'] if s.password else []
        lines += ["ttl security on;"] if s.gtsm else []
        lines += [f"local role {s.role};"] if s.role else []
        lines += ["require roles on;"] if s.strict else []
        lines += ["enable extended messages on;"] if s.extended_message else []
        lines += ["long lived graceful restart on;", f"long lived stale time {s.long_lived};"] if s.long_lived else []
        lines += [f"graceful restart time {s.restart};"] if s.restart else []
        lines += ["rr client;"] if s.reflect else []
        lines += ["bfd on;"] if s.bfd else []
        heed = "if (65535, 0) ~ bgp_community then bgp_local_pref = 0;"
        if s.bandwidth:
            octets = bandwidth(s.bandwidth).hex()
            heed += f" bgp_ext_community.add((generic, 0x{octets[:8]}, 0x{octets[8:]}));"
        channel = [f"import filter {{ {heed} accept; }};", "export all;"]
        channel += [f"import limit {s.max_prefixes} action disable;"] if s.max_prefixes else []
        channel += ["add paths on;"] if s.add_path else []
        channel += ["extended next hop on;"] if s.extended_next_hop else []
        lines += self.channels(channel)
        lines += ["vpn4 mpls { table vpns; import all; export all; };"] if s.vpn else []
        return f"protocol bgp h{s.host} {{\n  " + "\n  ".join(lines) + "\n}\n"

    @staticmethod
    def channels(lines):
        return [f"{family} {{ {' '.join(lines)} }};" for family in ("ipv4", "ipv6")]

    def configuration(self, sessions):
        attributes = f"bgp_community.add((64500,1)); bgp_large_community.add(({AS},2,3)); bgp_ext_community.add((rt,64500,7));"
        text = f"router id {self.address4};\nlog stderr all;\nprotocol device {{ }}\n"
        text += f"protocol static own4 {{ ipv4; route {OWN4} blackhole {{ {attributes} }}; }}\n"
        text += 'protocol bfd { accept direct; strict bind yes; interface "link" { interval 100 ms; idle tx interval 100 ms; multiplier 5; }; }\n'
        text += f"protocol static own6 {{ ipv6; route {OWN6} blackhole {{ {attributes} }}; }}\n"
        text += f"vpn4 table vpns;\nprotocol static ownvpn {{ vpn4 {{ table vpns; }}; route {RD[0]}:{RD[1]} {OWN_VPN} blackhole; }}\n"
        return text + "".join(self.session_text(s) for s in sessions)

    def start(self, sessions):
        self.started = sessions
        config = self.folder / "conf"
        config.write_text(self.configuration(sessions))
        self.socket = self.folder / "ctl"
        self.spawn(self.binary, "-f", "-c", config, "-s", self.socket)
        until(lambda: "BIRD" in self.ask("show", "status"), lambda: "BIRD answers: " + self.log())

    def keeps(self, s, route):
        """Its table says so of long-lived ones alone."""
        return "Neighbor graceful restart active" in self.raw(s)

    def vpn_route(self, prefix):
        """What it has of the prefix in a VPN, in its own words; empty: nothing."""
        shown = self.ask("show", "route", "table", "vpns", "all")
        return next((text for text in re.split(rf"(?m)^(?={RD[0]}:)", shown) if f" {prefix} " in text[:60]), "")

    def refusal(self, s):
        """What it says of a session of which no policy is told; None where it has nothing against it."""
        config = self.folder / "refused"
        text = re.sub(r"(import filter \{.*?\}|export all);", "", self.session_text(s))
        config.write_text(f"router id {self.address4};\nprotocol device {{ }}\n" + text)
        said = subprocess.run([tool("bird"), "-p", "-c", config], capture_output=True, text=True, check=False)
        return said.stderr if said.returncode != 0 and "policy" in said.stderr else None

    def ask(self, *what):
        return self.run(f"{self.binary}c", "-s", self.socket, *what)

    WORDS = {"Multiprotocol": 1, "Route refresh": 2, "Extended next hop": 5, "Extended message": 6, "Role": 9,
             "Graceful restart": 64, "4-octet AS numbers": 65, "ADD-PATH": 69, "Enhanced refresh": 70,
             "Long-lived graceful restart": 71}

    def raw(self, s):
        return self.ask("show", "protocols", "all", f"h{s.host}")

    CEASE = {1: re.compile("Maximum number of prefixes"), 2: re.compile("Administrative shutdown"),
             4: re.compile("Administrative reset"), 10: re.compile("6.10|BFD")}

    def said(self, s):
        return "\n".join(line for line in (self.raw(s) + self.log()).splitlines()
                         if "error" in line or "Message" in line or f"h{s.host}:" in line)

    def shut(self, s, text):
        self.ask("disable", f"h{s.host}", f'"{text}"')

    def clear(self, s):
        self.ask("restart", f"h{s.host}")

    def refresh(self, s):
        self.ask("reload", "in", f"h{s.host}")

    def sees(self, s):
        """Its BFD session with ours is up."""
        return re.search(rf"^{re.escape(s.address)}\s+link\s+Up\s", self.ask("show", "bfd", "sessions"), re.M)

    def established(self, s):
        return "BGP state:          Established" in self.raw(s)

    def hold(self, s):
        found = re.search(r"Hold timer: +\S+?/(\d+)\s+Keepalive timer: +\S+?/(\d+)", self.raw(s))
        return found and (int(found[1]), int(found[2]))

    def capabilities(self, s):
        theirs = self.raw(s).partition("Neighbor capabilities\n")[2].partition("    Session:")[0]
        return {code for word, code in self.WORDS.items() if re.search(rf"^      {word}", theirs, re.M)}

    def routes(self, prefix):
        shown = self.ask("show", "route", "all", "for" if "/" not in prefix else prefix, *([] if "/" in prefix else [prefix]))
        return [self.route(text) for text in re.split(r"unicast \[", shown)[1:]]

    @staticmethod
    def route(text):
        values = dict(re.findall(r"BGP\.(\w+)(?: \[\S+\])?: (.*)", text))

        def several(name):
            return [":".join(re.split(", ?", group)) for group in re.findall(r"\((.*?)\)", values.get(name, ""))]
        return {"path": values.get("as_path", "").strip(), "hop": values.get("next_hop", "").split(" ")[0],
                "communities": several("community"), "large": several("large_community"), "extended": several("ext_community"),
                "med": values.get("med"), "local_pref": values.get("local_pref"), "otc": values.get("otc"),
                "neighbor": text.split(" ")[0], "best": " * " in text.split("\n")[0]}


class Bird1(Bird2):
    """BIRD 1.6, whose IPv6 is another program."""

    name = "BIRD 1.6"
    binary = str(pathlib.Path(os.environ.get("ECMPLAB", "build/release/ecmplab")).resolve().parents[1] /
                 "daemons/bird1/usr/sbin/bird")
    bind, refuses_without_policy = "", False
    lacks = {"9072 extended parameters": "1.6 takes the length for an error",
             "4760 IPv4 and IPv6": NO_IPV6, "4760 other families": "1.6 has unicast alone", "4724 End-of-RIB": NO_IPV6, "8950 IPv4 over IPv6": NO_IPV6,
             "9234 roles": "1.6 has no roles", "9234 OTC": "1.6 has no roles", "8538 N bit": "1.6 does not offer it",
             "8538 N bit, theirs": "1.6 does not offer it", "8538 Hard Reset, theirs": "1.6 does not offer it",
             "9384 BFD itself": ITS_PORT, "9384 BFD down, theirs": ITS_PORT,
             "8212 policies, theirs": "1.6 takes all and gives nothing where no policy is told"}
    CAPS = {"refresh": 2, "enhanced-refresh": 70, "ext-messages": 6, "restart-able": 64, "restart-aware": 64, "AS4": 65,
            "add-path-rx": 69, "add-path-tx": 69, "llgr-able": 71, "llgr-aware": 71}

    @classmethod
    def missing(cls):
        return None if os.access(cls.binary, os.X_OK) else "BIRD 1.6 is not installed"

    @staticmethod
    def channels(lines):
        return lines

    def configuration(self, sessions):
        attributes = f"bgp_community.add((64500,1)); bgp_large_community.add(({AS},2,3)); bgp_ext_community.add((rt,64500,7));"
        text = f"router id {self.address4};\nlog stderr all;\nlisten bgp address {self.address4} port 179;\nprotocol device {{ }}\n"
        text += f"protocol static own4 {{ route {OWN4} blackhole {{ {attributes} }}; }}\n"
        return text + "".join(self.session_text(s) for s in sessions)

    def capabilities(self, s):
        """It lists long messages where both have them alone."""
        shown = " ".join(re.findall(r"(?:Neighbor caps|Session): +(.*)", self.raw(s))).split()
        return {1} | {self.CAPS[word] for word in shown if word in self.CAPS}

    def routes(self, prefix):
        shown = self.ask("show", "route", "all", prefix)
        return [self.route(text.partition("[")[2]) for text in re.split(r"(?m)^(?=\S*\s+via )", shown) if "BGP.origin" in text]
