#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares who includes whom with the arrows of the design: fails on an arrow that is not allowed, on another
module's private header, on a foreign library outside its one module, and on files or functions out of bounds."""
import pathlib
import re
import sys

ALLOWED = {
    "sim/base": set(),
    "sim/wire": {"sim/base"},
    "sim/bfd": {"sim/base", "sim/wire"},
    "sim/bgp": {"sim/base", "sim/wire"},
    "sim/kube": {"sim/base"},
    "sim/net": {"sim/base"},
    "sim/traffic": {"sim/base", "sim/wire", "sim/net"},
    "sim/rogue": {"sim/base", "sim/wire"},
    "sim/node": {"sim/base", "sim/wire", "sim/bfd", "sim/bgp", "sim/kube", "sim/net", "sim/traffic"},
    "sim/drive": {"sim/base", "sim/wire", "sim/bfd", "sim/bgp", "sim/kube", "sim/net", "sim/traffic", "sim/rogue", "sim/node"},
    "harness/scenario": {"sim/base", "sim/kube", "sim/rogue"},
    "harness/capture": {"sim/base", "sim/wire"},
    "harness/judge": {"sim/base", "sim/wire", "harness/capture"},
    "harness/report": {"sim/base", "sim/wire", "harness/capture", "harness/judge"},
}
ALLOWED["harness/run"] = set(ALLOWED) | {"harness/report"}
ALLOWED["harness/cli"] = {"sim/base", "sim/rogue", "harness/run", "harness/scenario", "harness/judge", "harness/report"}

# The one module that may touch a foreign library.
LIBRARIES = {
    "libmnl/": "sim/net", "nftables/": "sim/net", "libnet.h": "sim/traffic", "event2/": "sim/drive",
    "libfyaml.h": "harness/scenario", "pcap": "harness/capture", "Rmath.h": "harness/judge",
    "nettle/": "sim/bfd", "jansson.h": "harness/report", "argp.h": "harness/cli",
}
BANNED = re.compile(r"\b(sleep|usleep|nanosleep|system|popen|sprintf|strcpy|strcat|strtok|gets|atoi|rand)\s*\(")
MARKS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
FILE_LINES, FUNCTION_LINES = 700, 60


def functions(lines):
    """(first line, length) of each function: a brace in the first column to the next closing one."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            yield start, number - start
            start = None


def check(root):
    faults, arrows, owner = [], {}, {}
    files = [p for top in ("sim", "harness") for p in sorted((root / top).rglob("*.[ch]"))]
    for path in files:
        owner.setdefault(path.name, []).append("/".join(path.relative_to(root).parts[:2]))
    for path in files + sorted((root / "tests").rglob("*.[ch]")):
        where = path.relative_to(root)
        module = "/".join(where.parts[:2])
        lines = path.read_text().splitlines()
        if len(lines) > FILE_LINES:
            faults.append(f"{where}: {len(lines)} lines, more than {FILE_LINES}")
        for first, length in functions(lines) if where.parts[0] != "tests" else []:
            if length > FUNCTION_LINES:
                faults.append(f"{where}:{first}: a function of {length} lines, more than {FUNCTION_LINES}")
        for number, line in enumerate(lines, 1):
            code = re.sub(r'"(\\.|[^"\\])*"|/\*.*?\*/|//.*', '""', line) if "#include" not in line else line
            if BANNED.search(code) and not line.lstrip().startswith("*"):
                faults.append(f"{where}:{number}: banned call: {line.strip()}")
            if MARKS.search(line):
                faults.append(f"{where}:{number}: left-over mark: {line.strip()}")
            include = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
            if not include or where.parts[0] == "tests":
                continue
            name = include.group(2)
            if include.group(1) == "<":
                for library, only in LIBRARIES.items():
                    if name.startswith(library) and module != only:
                        faults.append(f"{where}:{number}: only {only} may include <{name}>")
                continue
            homes = owner.get(name, [])
            if module in homes:
                continue
            if not homes:
                faults.append(f'{where}:{number}: nobody has "{name}"')
            elif homes[0] not in ALLOWED[module]:
                faults.append(f"{where}:{number}: {module} must not include {homes[0]}")
            elif name.endswith("_int.h"):
                faults.append(f'{where}:{number}: "{name}" is private to {homes[0]}')
            else:
                arrows.setdefault(module, set()).add(homes[0])
    return arrows, faults


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    arrows, faults = check(root)
    for module in ALLOWED:
        print(f"{module} -> {' '.join(sorted(arrows.get(module, set()))) or '-'}")
    for fault in faults:
        print(f"fault: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
