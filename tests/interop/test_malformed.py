#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every case of the catalogue of malformed messages against every router that is installed here: who deviates from the RFCs,
printed as one table. Ours must not. A router that dies of a case has deviated, too: the cases are parted until those that kill
it are alone, and the table has its answers to all others."""
import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
# pylint: disable=wrong-import-position
import lab  # noqa: E402

ROUTERS = ["bird1", "bird2", "frr", "gobgp", "openbgpd"]
# Found by this suite and looked at by eye; another version of the daemon may have mended it. None: it dies.
KNOWN = {
    ("bird2", "BIRD 2.0.12"): {
        # The data is a pointer to a local variable, so that it is right (but for its byte order) only where nothing else
        # happens between: version_3 is played alone.
        "version_3": "data 0400, which is 0004 in host byte order",
        "keepalive_with_body": "goes on",
        "update_in_open_confirm": "goes on",
    },
    ("gobgp", "GoBGP 3.10.0"): {},
}
SCENARIO = """lab:
  router: {{daemon: {router}, as: 11000}}
  workers: {{count: {count}, as: {workers_as}}}
steps:
{steps}"""
ALONE = ["version_3"]
# OpenBGPD 7.7 is mute for a while before it ends, to everybody: a lab of its own.
KILLERS = ["mp_unreach_nlri_33"]
ENOUGH = 130  # workers for the whole catalogue


class Router:
    """One kind, and what it did in each case."""

    def __init__(self, kind, base):
        self.kind, self.base, self.runs = kind, base, 0
        self.version, self.missing, self.last_words = None, None, None
        self.found, self.outs = {}, {}

    def play(self, cases, workers_as, at_once=True):
        """The verdict on these cases, all at once or one after the other; no cases: all there are."""
        self.runs += 1
        path = self.base / f"{self.kind}-{self.runs}"
        path.mkdir()
        steps = [f"  - malformed: {{case: {'[' + ', '.join(cases) + ']' if cases else 'all'}}}"] if at_once else [
            f"  - malformed: {{case: {case}, worker: {n + 1}, within: 2s}}" for n, case in enumerate(cases)]
        (path / "scenario.yaml").write_text(SCENARIO.format(
            router=self.kind, count=len(cases) or ENOUGH, workers_as=workers_as, steps="\n".join(steps) + "\n"))
        done = subprocess.run([str(lab.PROGRAM), "run", str(path), "--json", "--out", str(path / "out")],
                              capture_output=True, text=True, timeout=120, check=False)
        verdict = json.loads(done.stdout)
        if done.returncode == 4:
            self.missing = verdict.get("message")
        elif done.returncode not in (0, 1, 3, 5):
            raise RuntimeError(f"{self.kind}: {done.stdout} {done.stderr}")
        else:
            self.version = verdict["router"]["version"] if verdict.get("router") else None
        return verdict, path / "out"

    def died(self, verdict):
        words = verdict.get("message") or ""
        if "ended with" not in words:
            return False
        self.last_words = words.splitlines()[0]
        return True

    def part(self, cases, workers_as, tries=4):
        """Plays the cases, and where the router dies of them, each half of them; again those of which nothing can be said, since
        this machine was too busy."""
        verdict, out = self.play(cases, workers_as)
        if self.missing is not None:
            return
        if not self.died(verdict):
            if verdict.get("message"):
                raise RuntimeError(f"{self.kind}: {verdict['message']}")
            for expectation in verdict["expectations"]:
                name = expectation["text"].split(",")[0]
                if name not in self.found or self.found[name]["verdict"] in ("pass", "inconclusive"):
                    self.found[name], self.outs[name] = expectation, out
            names = [e["text"].split(",")[0] for e in verdict["expectations"]]
            unknown = [name for name in names if self.found[name]["verdict"] == "inconclusive"]
            if unknown and tries > 1:
                self.part(unknown, workers_as, tries - 1)
        elif len(cases) == 1:
            self.found[cases[0]] = None
        else:
            half = len(cases) // 2
            self.part(cases[:half], workers_as)
            self.part(cases[half:], workers_as)

    def letter(self, case):
        if self.found.get(case) is None:
            return "died"
        return {"pass": "ok", "fail": "NO"}.get(self.found[case]["verdict"], "?")


def judge(router, outside, inside):
    """Cases between peers of two ASes, and within one."""
    alone, _ = router.play(ALONE, 22000, at_once=False)
    if router.missing is None:
        router.part([case for case in outside if case not in ALONE + KILLERS], 22000)
        for case in KILLERS:
            router.part([case], 22000)
        router.part(inside, 11000)
        for expectation in alone["expectations"]:
            router.found[expectation["text"].split(",")[0]] = expectation
    return router


def catalogue(base):
    """Our own router is asked all that there is; the others what it was asked, and what only peers within one AS can do."""
    router = Router("builtin", base)
    router.part([], 22000)
    outside = list(router.found)
    if outside:
        router.part([], 11000)
    return router, outside, [case for case in router.found if case not in outside]


def table(routers, cases):
    print("%-30s" % "" + "".join("%-10s" % r.kind for r in routers))
    for case in cases:
        letters = [r.letter(case) for r in routers]
        if set(letters) != {"ok"}:
            print("%-30s" % case + "".join("%-10s" % ("" if l == "ok" else l) for l in letters))
    print("%-30s" % "as the RFCs ask" + "".join(
        "%-10s" % f"{sum(r.letter(c) == 'ok' for c in cases)}/{len(cases)}" for r in routers))
    for r in routers:
        if r.last_words is not None:
            print(f"{r.kind} died: {r.last_words}")
        version = r.found.get("version_3")
        if version is not None and version["verdict"] == "fail":
            print(f"{r.kind} version_3: {version['seen']}")


def deviations(routers, cases):
    for r in routers:
        for case in cases:
            if r.letter(case) == "NO":
                print(f"{r.kind} {r.found[case]['text']}\n    seen: {r.found[case]['seen']}")


def faults(routers):
    wrong = [f"builtin {c}: {e and e['seen']}" for r in routers if r.kind == "builtin" for c, e in r.found.items()
             if e is None or e["verdict"] != "pass"]
    for r in routers:
        for case, words in KNOWN.get((r.kind, r.version), {}).items():
            found = r.found[case]
            missed = found is not None if words is None else (
                found is None or found["verdict"] != "fail" or words not in re.sub(r"\s+", " ", found["seen"]))
            if missed:
                wrong.append(f"{r.version} {case}: the deviation was missed: {found and found['seen']}")
    return wrong


def segments(out, worker, show):
    """What the worker sent on port 179, and when: tshark's word for the pace of what the player claims to have sent."""
    done = subprocess.run(["tshark", "-r", str(out / f"worker{worker}.pcap"), "-Y", f"tcp.port == 179 and {show}", "-T",
                           "fields", "-e", "tcp.len", "-e", "frame.time_relative", "-e", "ip.src"],
                          capture_output=True, text=True, check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


def on_the_wire(router):
    """The slow ones send octets alone, at their pace; who forgets a connection sends no FIN, and an RST to who goes on."""
    def where(case):
        worker = int(re.search(r"worker(\d+)", router.found[case]["text"]).group(1))
        return router.outs[case], worker, f"ip.src == 10.0.0.{worker + 50}"
    out, worker, ours = where("slow_loris")
    drops = [float(t) for n, t, _ in segments(out, worker, f"{ours} and tcp.len == 1") if n == "1"]
    wrong = []
    # Late ones make up for it, but none comes before its time (by more than the first one's own lateness).
    if len(drops) < 15 or any(t - drops[0] < 0.1 * n - 0.2 for n, t in enumerate(drops)):
        wrong.append(f"slow_loris: {len(drops)} octets at {drops}")
    out, worker, ours = where("half_open")
    if segments(out, worker, f"{ours} and tcp.flags.fin == 1") or not segments(out, worker, f"{ours} and tcp.flags.reset == 1"):
        wrong.append("half_open: a FIN, or no RST")
    return wrong


def main():
    with tempfile.TemporaryDirectory(prefix="malformed-") as folder:
        base = pathlib.Path(folder)
        ours, outside, inside = catalogue(base)
        if ours.missing is not None:
            print(ours.missing)
            return 77
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            others = list(pool.map(lambda kind: judge(Router(kind, base), outside, inside), ROUTERS))
        for r in others:
            if r.missing is not None:
                print(f"{r.kind}: {r.missing}")
        routers = [ours] + [r for r in others if r.missing is None]
        table(routers, outside + inside)
        if "-v" in sys.argv:
            deviations(routers, outside + inside)
        wrong = faults(routers) + (on_the_wire(ours) if lab.have("tshark") else [])
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
