# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemons: how each is configured and started, and what each says of a session, in words they share.

A session's options: family, as_ (of ours; absent: 65000 + host), internal, password, gtsm, role, strict, add_path, restart,
long_lived, extended_next_hop, extended_message, reflect, no_policy, max_prefixes, hold, dials."""
import json
import os
import pathlib
import re
import shutil
import subprocess

from ours import until

SBIN = "/usr/sbin:/usr/bin:/sbin:/bin"
AS = 4200000001
OWN4, OWN6 = "198.51.100.0/24", "2001:db8:100::/48"


class Session:
    """What one of our speakers has with a daemon, as the daemon is to be told."""

    def __init__(self, host, **options):
        self.host, self.options = host, options
        self.family = options.get("family", 4)
        self.address = f"10.0.0.{host}" if self.family == 4 else f"fd00::{host:x}"
        self.as_ = AS if options.get("internal") else options.get("as_", 65000 + host)

    def __getattr__(self, name):
        return self.options.get(name)


class Daemon:
    """What all have in common."""

    name, program = "", ""
    lacks = {}

    def __init__(self, number, folder):
        self.address4, self.address6 = f"10.0.0.{240 + number}", f"fd00::{240 + number:x}"
        self.number, self.folder, self.processes = number, folder, []
        folder.mkdir()

    def address(self, session):
        return self.address4 if session.family == 4 else self.address6

    @classmethod
    def missing(cls):
        return None if shutil.which(cls.program, path=SBIN) else f"{cls.name} is not installed"

    def spawn(self, *words):
        with open(self.folder / "log", "ab") as log:
            self.processes.append(subprocess.Popen([str(w) for w in words], stdout=log, stderr=log, stdin=subprocess.DEVNULL))
        return self.processes[-1]

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    @staticmethod
    def run(*words):
        return subprocess.run([str(w) for w in words], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL).stdout

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()
        self.processes = []


def words(text):
    return shutil.which(text, path=SBIN) or text


def text_of(value):
    return None if value is None else str(value)


class Bird2(Daemon):
    """BIRD 2."""

    name, program = "BIRD 2", "bird"

    @classmethod
    def missing(cls):
        path = shutil.which("bird", path=SBIN)
        if path is None:
            return "BIRD 2 is not installed"
        said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
        return None if "version 2" in said.stderr + said.stdout else "bird is not BIRD 2"

    def session_text(self, s):
        lines = [f"local {self.address(s)} as {AS};", f"neighbor {s.address} as {s.as_};", "strict bind yes;", "direct;",
                 "graceful restart %s;" % ("on" if s.restart else "aware"), "error wait time 1,2;", "connect delay time 1;"]
        lines += [] if s.dials else ["passive yes;"]
        lines += [f"hold time {s.hold};"] if s.hold else []
        lines += [f'password "{s.password}";'] if s.password else []
        lines += ["ttl security on;"] if s.gtsm else []
        lines += [f"local role {s.role};"] if s.role else []
        lines += ["require roles on;"] if s.strict else []
        lines += ["enable extended messages on;"] if s.extended_message else []
        lines += ["long lived graceful restart on;", f"long lived stale time {s.long_lived};"] if s.long_lived else []
        lines += ["rr client;"] if s.reflect else []
        channel = ["import all;", "export all;"]
        channel += [f"import limit {s.max_prefixes} action disable;"] if s.max_prefixes else []
        channel += ["add paths on;"] if s.add_path else []
        channel += ["extended next hop on;"] if s.extended_next_hop else []
        for family in ("ipv4", "ipv6"):
            lines.append(f"{family} {{ {' '.join(channel)} }};")
        return f"protocol bgp h{s.host} {{\n  " + "\n  ".join(lines) + "\n}\n"

    def configuration(self, sessions):
        attributes = f"bgp_community.add((64500,1)); bgp_large_community.add(({AS},2,3)); bgp_ext_community.add((rt,64500,7));"
        text = f"router id {self.address4};\nlog stderr all;\nprotocol device {{ }}\n"
        text += f"protocol static own4 {{ ipv4; route {OWN4} blackhole {{ {attributes} }}; }}\n"
        text += f"protocol static own6 {{ ipv6; route {OWN6} blackhole {{ {attributes} }}; }}\n"
        return text + "".join(self.session_text(s) for s in sessions)

    def start(self, sessions):
        config = self.folder / "conf"
        config.write_text(self.configuration(sessions))
        self.socket = self.folder / "ctl"
        self.spawn(words("bird"), "-f", "-c", config, "-s", self.socket)
        until(lambda: "BIRD" in self.ask("show", "status"), lambda: "BIRD answers: " + self.log())

    def ask(self, *what):
        return self.run(words("birdc"), "-s", self.socket, *what)

    WORDS = {"Multiprotocol": 1, "Route refresh": 2, "Extended next hop": 5, "Extended message": 6, "Role": 9,
             "Graceful restart": 64, "4-octet AS numbers": 65, "ADD-PATH": 69, "Enhanced refresh": 70,
             "Long-lived graceful restart": 71}

    def raw(self, s):
        return self.ask("show", "protocols", "all", f"h{s.host}")

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
                "neighbor": text.split(" ")[0], "best": " * " in text.split("\n")[0], "stale": "s]" in text.split("\n")[0]}


class Frr(Daemon):
    """FRR's bgpd, with the zebra that tells it which next hops are there."""

    name, program = "FRR", "vtysh"
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
        lines += [f"{n} graceful-restart"] if s.restart else [f"{n} graceful-restart-helper"]
        for family in ("ipv4", "ipv6"):
            lines += [f" address-family {family} unicast", f" {n} activate"]
            lines += [] if s.no_policy else [f" {n} route-map ALL in", f" {n} route-map ALL out"]
            lines += [f" {n} addpath-tx-all-paths"] if s.add_path else []
            lines += [f" {n} route-reflector-client"] if s.reflect else []
            lines += [f" {n} maximum-prefix {s.max_prefixes}"] if s.max_prefixes else []
            lines += [" exit-address-family"]
        return "\n".join(lines) + "\n"

    def configuration(self, sessions):
        text = f"hostname frr\nrouter bgp {AS}\n bgp router-id {self.address4}\n no bgp default ipv4-unicast\n no bgp network import-check\n"
        text += "".join(self.session_text(s) for s in sessions)
        text += f" address-family ipv4 unicast\n  network {OWN4} route-map OWN\n exit-address-family\n"
        text += f" address-family ipv6 unicast\n  network {OWN6} route-map OWN\n exit-address-family\nexit\n"
        text += f"route-map OWN permit 1\n set community 64500:1\n set large-community {AS}:2:3\n set extcommunity rt 64500:7\nexit\n"
        return text + "route-map ALL permit 1\nexit\n"

    def start(self, sessions):
        for path in ("/run/frr", "/var/tmp/frr", "/var/lib/frr", "/var/log/frr", "/run/etc-frr"):
            pathlib.Path(path).mkdir(parents=True, exist_ok=True)
        if not os.path.ismount("/etc/frr"):
            # The package's folder belongs to a user that the sandbox lacks.
            pathlib.Path("/etc/frr").mkdir(exist_ok=True)
            subprocess.run([words("mount"), "--bind", "/run/etc-frr", "/etc/frr"], check=True)
        pathlib.Path("/etc/frr/vtysh.conf").touch()
        config = pathlib.Path("/etc/frr/frr.conf")
        config.write_text(self.configuration(sessions))
        for program, shows in (("zebra", "zserv.api"), ("bgpd", "bgpd.vty")):
            pathlib.Path("/run/frr", shows).unlink(missing_ok=True)
            more = ["-l", self.address4, "-l", self.address6] if program == "bgpd" else []
            self.spawn(self.home / program, "--log", "stdout", *more)
            until(pathlib.Path("/run/frr", shows).exists, f"{program} listens")
        with open(self.folder / "log", "ab") as log:
            subprocess.run([words("vtysh"), "-b"], stdout=log, stderr=log, check=False)

    def ask(self, *lines):
        asked = [words("vtysh")]
        for line in lines:
            asked += ["-c", line]
        return self.run(*asked)

    def raw(self, s):
        return self.ask(f"show bgp neighbors {s.address} json")

    def neighbor(self, s):
        return json.loads(self.raw(s) or "{}").get(s.address, {})

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

    @staticmethod
    def route(p):
        extended = p.get("extendedCommunity", {}).get("string", "")
        return {"path": p["aspath"]["string"], "hop": p["nexthops"][0]["ip"],
                "communities": p.get("community", {}).get("string", "").split(),
                "large": p.get("largeCommunity", {}).get("string", "").split(), "extended": extended.split(" ") if extended else [],
                "med": text_of(p.get("metric")), "local_pref": text_of(p.get("locPrf")), "otc": text_of(p.get("otc")),
                "neighbor": p["peer"]["peerId"], "best": p.get("bestpath", {}).get("overall", False), "stale": p.get("stale", False),
                "all": p}


class Gobgp(Daemon):
    """GoBGP."""

    name, program = "GoBGP", "gobgpd"

    def session_text(self, s):
        text = f'[[neighbors]]\n[neighbors.config]\nneighbor-address = "{s.address}"\npeer-as = {s.as_}\n'
        text += f'auth-password = "{s.password}"\n' if s.password else ""
        text += f'[neighbors.transport.config]\nlocal-address = "{self.address(s)}"\n'
        text += "" if s.dials else "passive-mode = true\n"
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
        return text

    def configuration(self, sessions):
        text = f'[global.config]\nas = {AS}\nrouter-id = "{self.address4}"\nlocal-address-list = ["{self.address4}", "{self.address6}"]\n'
        return text + "".join(self.session_text(s) for s in sessions)

    def start(self, sessions):
        config = self.folder / "conf"
        config.write_text(self.configuration(sessions))
        self.spawn(words("gobgpd"), "-f", config, "-t", "toml", "--pprof-disable", "--api-hosts", "127.0.0.1:50051")
        until(lambda: str(AS) in self.ask("global"), lambda: "GoBGP answers: " + self.log())
        for family, prefix in (("ipv4", OWN4), ("ipv6", OWN6)):
            self.ask("global", "rib", "add", "-a", family, prefix, "community", "64500:1", "large-community", f"{AS}:2:3", "rt", "64500:7")

    def ask(self, *what):
        return self.run(words("gobgp"), *what)

    def raw(self, s):
        return self.ask("neighbor", s.address, "-j")

    def neighbor(self, s):
        return json.loads(self.raw(s) or "{}")

    def established(self, s):
        return self.neighbor(s).get("state", {}).get("session_state") == 6

    def hold(self, s):
        timers = self.neighbor(s)["timers"]["state"]
        return timers["negotiated_hold_time"], timers["keepalive_interval"]

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
                "extended": [c.get("value") for c in values.get(16, {}).get("value", [])],
                "med": text_of(values.get(4, {}).get("metric")), "local_pref": text_of(values.get(5, {}).get("value")), "otc": None,
                "neighbor": p.get("neighbor-ip"), "best": p.get("best", False), "stale": p.get("stale", False), "all": p}


class Openbgpd(Daemon):
    """OpenBGPD."""

    name, program = "OpenBGPD", "bgpctl"
    lacks = {"2918 route refresh": "7.7 answers no request, BIRD's neither: \"AID IPv4 unicast not negotiated\""}

    def session_text(self, s):
        lines = [f"remote-as {s.as_}", f"local-address {self.address(s)}", "announce IPv4 unicast", "announce IPv6 unicast",
                 "announce enhanced refresh yes"]
        lines += [] if s.dials else ["passive"]
        lines += [f"holdtime {s.hold}"] if s.hold else []
        lines += [f'tcp md5sig password "{s.password}"'] if s.password else []
        lines += ["ttl-security yes"] if s.gtsm else []
        lines += [f"announce policy {s.role}" + (" enforce" if s.strict else "")] if s.role else []
        lines += ["announce add-path recv yes", "announce add-path send all"] if s.add_path else []
        lines += ["announce restart yes"] if s.restart else []
        lines += ["route-reflector"] if s.reflect else []
        lines += [f"max-prefix {s.max_prefixes}"] if s.max_prefixes else []
        return f"neighbor {s.address} {{\n\t" + "\n\t".join(lines) + "\n}\n"

    def configuration(self, sessions):
        own = f"set {{ community 64500:1 large-community {AS}:2:3 ext-community rt 64500:7 }}"
        text = f"AS {AS}\nrouter-id {self.address4}\nfib-update no\nlisten on {self.address4}\nlisten on {self.address6}\n"
        text += f"network {OWN4} {own}\nnetwork {OWN6} {own}\n" + "".join(self.session_text(s) for s in sessions)
        for s in sessions:
            text += "" if s.no_policy else f"allow from {s.address}\nallow to {s.address}\n"
        return text

    def start(self, sessions):
        config = self.folder / "conf"
        config.write_text(self.configuration(sessions))
        config.chmod(0o600)
        pathlib.Path("/run/openbgpd").mkdir(exist_ok=True)
        self.spawn(words("bgpd"), "-d", "-v", "-f", config)
        until(lambda: "RDE" in self.ask("show", "rib", "memory"), lambda: "OpenBGPD answers: " + self.log())

    def ask(self, *what):
        return self.run(words("bgpctl"), *what)

    def raw(self, s):
        return self.ask("-j", "show", "neighbor", s.address)

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

    @staticmethod
    def route(p):
        return {"path": p["aspath"], "hop": p["exit_nexthop"], "communities": p.get("communities", []),
                "large": p.get("large_communities", []), "extended": p.get("extended_communities", []),
                "med": text_of(p.get("metric")), "local_pref": text_of(p.get("localpref")), "otc": text_of(p.get("otc")),
                "neighbor": p["neighbor"]["remote_addr"], "best": p.get("best", False), "stale": p.get("stale", False), "all": p}


KINDS = [Bird2, Frr, Gobgp, Openbgpd]
