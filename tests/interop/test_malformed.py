#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every case of the catalogue of malformed messages against every router that is installed here: who deviates from the RFCs,
printed as one table. Ours must not. A router that dies of a case has deviated, too, and the table says so."""
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
# pylint: disable=wrong-import-position
import lab  # noqa: E402

ROUTERS = ["builtin", "bird1", "bird2", "frr", "gobgp", "openbgpd"]
# Found by this suite and looked at by eye; another version of the daemon may have mended it.
KNOWN = {("bird2", "BIRD 2.0.12"): {
    "version_3": "data",  # whatever lies on the stack instead of 0004
    "keepalive_with_body": "goes on",
    "update_in_open_confirm": "goes on",
}}


def play(folder, router):
    """The verdict of the catalogue on the router; None where it is not installed."""
    text = (lab.ROOT / "scenarios/malformed/scenario.yaml").read_text()
    path = pathlib.Path(folder) / router
    path.mkdir()
    (path / "scenario.yaml").write_text(text.replace("lab:\n", f"lab:\n  router: {{daemon: {router}}}\n"))
    done = subprocess.run([str(lab.PROGRAM), "run", str(path), "--json", "--out", str(path / "out")],
                          capture_output=True, text=True, timeout=120, check=False)
    if done.returncode == 4:
        print(f"{router}: {json.loads(done.stdout).get('message')}")
        return None
    return json.loads(done.stdout)


def findings(verdict):
    return {e["text"].split(",")[0]: e for e in verdict["expectations"]}


def died(verdict):
    return verdict["verdict"] not in ("pass", "passed") and "ended with" in (verdict.get("message") or "")


def letter(verdict, case):
    finding = findings(verdict).get(case)
    return "died" if finding is None else {"pass": "ok", "fail": "NO"}.get(finding["verdict"], "?")


def table(verdicts):
    cases = list(findings(verdicts["builtin"]))
    print("%-28s" % "" + "".join("%-10s" % r for r in verdicts))
    for case in cases:
        letters = [letter(v, case) for v in verdicts.values()]
        if set(letters) != {"ok"}:
            print("%-28s" % case + "".join("%-10s" % ("" if l == "ok" else l) for l in letters))
    print("%-28s" % "as the RFCs ask" + "".join(
        "%-10s" % f"{sum(letter(v, c) == 'ok' for c in cases)}/{len(cases)}" for v in verdicts.values()))
    for router, verdict in verdicts.items():
        if died(verdict):
            print(f"{router} died: {verdict['message'].splitlines()[0]}")


def faults(verdicts):
    wrong = [f"builtin {c}: {e['seen']}" for c, e in findings(verdicts["builtin"]).items() if e["verdict"] != "pass"]
    for (router, version), cases in KNOWN.items():
        verdict = verdicts.get(router)
        if verdict is None or verdict["router"]["version"] != version:
            continue
        for case, words in cases.items():
            finding = findings(verdict)[case]
            if finding["verdict"] != "fail" or words not in finding["seen"]:
                wrong.append(f"{version} {case}: the deviation was missed: {finding['seen']}")
    return wrong


def main():
    with tempfile.TemporaryDirectory(prefix="malformed-") as folder:
        verdicts = {r: v for r in ROUTERS if (v := play(folder, r)) is not None}
    if "builtin" not in verdicts:
        return 77
    table(verdicts)
    wrong = faults(verdicts)
    print("\n".join(wrong))
    return 1 if wrong else 0


sys.exit(main())
