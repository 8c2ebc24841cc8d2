# SPDX-License-Identifier: GPL-2.0-or-later
"""What the integration tests share: the program, as root or as an ordinary user, and the traces it could leave."""
import contextlib
import ctypes
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("ECMPLAB", ROOT / "build/release/ecmplab"))
NOBODY = 65534
DEADLINE_S = 60
# What the unit tests make and remove, should they run beside these.
OF_OTHER_TESTS = re.compile(r"ecmplab-\w+-\w{6}$")


def have(program):
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is not None


def bird(major):
    """The path of the BIRD of this major version that the program would use, or None."""
    for path in (PROGRAM.parent.parent / f"daemons/bird{major}/usr/sbin/bird", shutil.which("bird", path="/usr/sbin:/usr/bin")):
        if path and pathlib.Path(path).exists():
            words = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
            if f"version {major}." in words.stderr + words.stdout:
                return str(path)
    return None


# Orphans become this process's own children, so that other tests' are never taken for this test's (PR_SET_CHILD_SUBREAPER).
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)


def parent(pid):
    """From proc(5): field 4, counted behind the name, which may hold anything."""
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[1])


def of_this_test(pid):
    while pid > 1 and pid != os.getpid():
        pid = parent(pid)
    return pid > 1


def namespaces():
    """The network namespaces in which a process of this test lives, or one that it left behind."""
    found = set()
    for link in pathlib.Path("/proc").glob("[0-9]*/ns/net"):
        try:
            if of_this_test(int(link.parts[2])):
                found.add(os.readlink(link))
        except OSError:
            continue
    return found


def processes(base):
    """The processes that were started from, or with a file of, this folder."""
    found = set()
    for command in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(base).encode() in command.read_bytes():
                found.add(int(command.parent.name))
        except OSError:
            continue
    return found


def traces(base):
    """What must be the same before and after a run."""
    return {
        "namespaces": namespaces(),
        "processes": processes(base),
        "mounts": pathlib.Path("/proc/self/mountinfo").read_text().splitlines(),
        "interfaces": sorted(os.listdir("/sys/class/net")),
        "netns": sorted(os.listdir("/run/netns")) if os.path.isdir("/run/netns") else [],
        "tmp": sorted(n for n in os.listdir("/tmp") if "ecmplab" in n and not OF_OTHER_TESTS.match(n)),
    }


class LabTest(unittest.TestCase):
    """A folder of its own with the program and the scenarios; `user` says whom the program runs as."""

    user = os.environ.get("ECMPLAB_TEST_USER", "self")

    def setUp(self):
        if self.user == "nobody" and os.geteuid() != 0:
            self.skipTest("already an ordinary user: the other run covers it")
        if self.user == "nobody" and not have("setpriv"):
            self.skipTest("no setpriv to become another user")
        base = tempfile.mkdtemp(prefix="labtest-")
        self.addCleanup(shutil.rmtree, base, ignore_errors=True)
        self.base = pathlib.Path(base)
        (self.base / "build/release").mkdir(parents=True)
        self.program = self.base / "build/release/ecmplab"
        shutil.copy(PROGRAM, self.program)
        if (PROGRAM.parent.parent / "daemons").exists():
            os.symlink(PROGRAM.parent.parent / "daemons", self.base / "build/daemons")
        shutil.copytree(ROOT / "scenarios", self.base / "scenarios")
        if self.user == "nobody":
            os.chmod(base, 0o755)
            for path in [base, *self.base.rglob("*")]:
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)

    def command(self, *args):
        prefix = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if self.user == "nobody" else []
        return [*prefix, str(self.program), *map(str, args)]

    def environment(self, **more):
        return {**os.environ, "HOME": str(self.base), "NO_COLOR": "1", **more}

    def lab(self, *args, expect=None, **env):
        """Runs the program to its end; skips the test where this machine lacks what labs need."""
        done = subprocess.run(self.command(*args), cwd=self.base, env=self.environment(**env), capture_output=True,
                              text=True, timeout=DEADLINE_S, stdin=subprocess.DEVNULL, check=False)
        if done.returncode == 4 and expect != 4:
            self.skipTest(f"this machine lacks something: {(done.stdout + done.stderr).strip()[-300:]}")
        if expect is not None:
            self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done

    def start(self, *args, **env):
        return subprocess.Popen(self.command(*args), cwd=self.base, env=self.environment(**env),
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)

    def scenario(self, name, text, like="article"):
        """A scenario of the test's own beside copies of another's files."""
        folder = self.base / "scenarios" / name
        shutil.copytree(self.base / "scenarios" / like, folder)
        (folder / "scenario.yaml").write_text(text)
        if self.user == "nobody":
            for path in [folder, *folder.rglob("*")]:
                os.chown(path, NOBODY, NOBODY)
        return folder

    def verdict(self, out):
        return json.loads((self.base / out / "verdict.json").read_text())

    def timeline(self, out, kind=None):
        events = [json.loads(line) for line in (self.base / out / "timeline.jsonl").read_text().splitlines()]
        return [e for e in events if kind is None or e["kind"] == kind]

    def assert_nothing_left(self, before, family=()):
        """Nothing is there that was not before, and none of the family of processes. The kernel takes namespaces down on its own time, so that this waits, with
        a deadline."""
        deadline = time.monotonic() + 10
        while (self.new_traces(before) or alive(family)) and time.monotonic() < deadline:
            select_pause()
        self.assertEqual(self.new_traces(before), {})
        self.assertEqual(alive(family), [])

    def new_traces(self, before):
        """What is there now and was not then, by kind."""
        found = {kind: set(now) - set(before[kind]) for kind, now in traces(self.base).items()}
        return {kind: new for kind, new in found.items() if new}


def alive(pids):
    """Those that are orphans by now are ours to reap."""
    for pid in pids:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
    return [pid for pid in pids if pathlib.Path(f"/proc/{pid}").exists()]


def select_pause():
    """A short wait between two looks at the kernel's state; it stands for no event."""
    signal.sigtimedwait([], 0.01)
