#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every standard that a session can agree on, against each daemon that is installed here; printed as one table. Run plainly it
starts bgp_peer, which runs it again in the sandbox, where the daemons run side by side; ours speak to them from a namespace of
their own. Names of checks or daemons as arguments choose some."""
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
# pylint: disable=wrong-import-position
import bench  # noqa: E402
import bird  # noqa: E402
import checks_session  # noqa: E402,F401
import checks_decision  # noqa: E402,F401
import checks_routes  # noqa: E402,F401
import checks_paths  # noqa: E402,F401
import checks_timers  # noqa: E402,F401
import checks_restart  # noqa: E402,F401
import daemon  # noqa: E402
import frr  # noqa: E402
import gobgp  # noqa: E402
import openbgpd  # noqa: E402
import ours  # noqa: E402

SKIP = 77
KINDS = [bird.Bird1, bird.Bird2, frr.Frr, gobgp.Gobgp, openbgpd.Openbgpd]
FIRST_HOST, HOSTS = 256, 100  # of each daemon


class Column:
    """All checks against one daemon."""

    def __init__(self, control, number, kind, folder, rows):
        self.control, self.rows, self.cells, self.faults = control, rows, {}, []
        self.daemon = kind(number, folder)
        host, self.sessions = FIRST_HOST + (number - 1) * HOSTS, {}
        for row in rows:
            if row.name in kind.lacks:
                self.cells[row.name] = "no"
                continue
            self.sessions[row.name] = []
            for options in row.sessions:
                self.sessions[row.name].append(daemon.Session(host, **options))
                host += 1
        assert host <= FIRST_HOST + number * HOSTS

    def check(self, row):
        at = bench.Bench(self.control, self.daemon, self.sessions[row.name])
        started = time.monotonic()
        try:
            row.check(at)
            self.cells[row.name] = "yes"
        except Exception as error:  # whatever goes wrong is this cell's fault alone
            self.cells[row.name] = "FAIL"
            where = "" if isinstance(error, AssertionError) else traceback.format_exc()
            self.faults.append(f"{self.daemon.name}, {row.name}: {error} {where}")
        finally:
            at.end()
        if os.environ.get("TIMES"):
            print(f"{time.monotonic() - started:6.2f} s {self.daemon.name} {row.name}", flush=True)

    def run(self):
        try:
            self.daemon.start([s for sessions in self.sessions.values() for s in sessions])
            rows = [row for row in self.rows if row.name in self.sessions]
            waiting = [row for row in rows if row.waits]
            for row in rows:
                if row in waiting[:1]:
                    with concurrent.futures.ThreadPoolExecutor(len(waiting)) as pool:
                        list(pool.map(self.check, waiting))
                elif not row.waits:
                    self.check(row)
            if self.faults:
                self.faults.append(self.daemon.log()[-4000:])
        except Exception:  # a daemon that does not start is no reason to hide the others
            self.faults.append(f"{self.daemon.name}: {traceback.format_exc()}\n{self.daemon.log()[-4000:]}")
        finally:
            self.daemon.stop()
        return self


def table_print(columns, rows):
    wide = max(len(row.name) for row in rows)
    print(f"{'':{wide}} " + " ".join(f"{c.daemon.name:^10}" for c in columns))
    for row in rows:
        print(f"{row.name:{wide}} " + " ".join(f"{c.cells.get(row.name, 'FAIL'):^10}" for c in columns))
    names = {row.name for row in rows}
    for column in columns:
        for name, why in column.daemon.lacks.items():
            if name in names:
                print(f"no: {column.daemon.name}, {name}: {why}")
    print("6286, 6608, 7606, 7607: interop_malformed has each of their cases. 5880, 5881: interop_bfd; 5882, of a worker: "
          "interop_sessions.")


def chosen(words, all_of, name):
    """What the words name; all where they name none."""
    return [one for one in all_of if any(w.lower() in name(one).lower() for w in words)] or list(all_of)


def let_them_dial(columns):
    """Who dials goes on trying, instead of being told at once that nobody listens there yet."""
    hosts = [s.address for c in columns for sessions in c.sessions.values() for s in sessions if s.dials]
    if hosts:
        rules = ("add table ip dials; add chain ip dials in { type filter hook input priority 0; }; "
                 f"add rule ip dials in ip saddr {{ {', '.join(hosts)} }} tcp flags rst drop")
        subprocess.run([daemon.tool("nft"), rules], check=True)


def inside(arguments):
    kinds = []
    for kind in chosen(arguments, KINDS, lambda k: k.name):
        if kind.missing():
            print(f"skipped: {kind.missing()}")
        else:
            kinds.append(kind)
    if not kinds or shutil.which("nft", path=daemon.SBIN) is None:
        print("skipped: no daemon" if not kinds else "skipped: nft is not installed")
        return SKIP
    rows = chosen(arguments, bench.ROWS, lambda r: r.name)
    control = ours.Control()
    with tempfile.TemporaryDirectory(prefix="standards-") as folder:
        columns = [Column(control, n, kind, pathlib.Path(folder) / str(n), rows) for n, kind in enumerate(kinds, 1)]
        let_them_dial(columns)
        with concurrent.futures.ThreadPoolExecutor(len(columns)) as pool:
            list(pool.map(Column.run, columns))
    table_print(columns, rows)
    faults = [fault for column in columns for fault in column.faults]
    print("\n".join(faults))
    return 1 if faults else 0


def main():
    if "--inside" in sys.argv:
        return inside([word for word in sys.argv[1:] if word != "--inside"])
    python = shutil.which("python3", path=daemon.SBIN) or sys.executable
    words = [os.environ["BGP_PEER"], python, os.path.abspath(__file__), "--inside", *sys.argv[1:]]
    return subprocess.run(words, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
