#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Seeds for the fuzz targets out of real input, where it is there: corpus.py FOLDER writes FOLDER/TARGET, each seed behind its
length in four octets."""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"


def hex_rows(names="*.tsv"):
    for table in sorted((SHARED / "corpus/hex").glob(names)):
        for line in table.read_text(errors="replace").splitlines():
            fields = line.split("\t")
            try:
                if len(fields) > 1 and not line.startswith("#"):
                    yield bytes.fromhex(fields[1])
            except ValueError:
                continue


def captured_messages():
    for table in sorted((SHARED / "corpus/expected/pcap").glob("*.stream.tsv")):
        for line in table.read_text().splitlines():
            if not line.startswith("#"):
                yield bytes.fromhex(line.split("\t")[-1])


def events(message, *start):
    """The message as one of the targets with events has it: pieces behind a kind and a length."""
    return bytes(start[:-1]) + b"".join(bytes([start[-1], len(piece)]) + piece
                                        for piece in (message[k:k + 200] for k in range(0, len(message), 200)))


def seeds(target):
    """As the target reads its input."""
    messages = [*hex_rows(), *captured_messages()] if target in ("wire", "message", "decode") else []
    if target in ("wire", "message"):
        return [bytes([1 | i % 2 << 4]) + m for i, m in enumerate(messages)]
    if target == "decode":
        return [bytes([1 | i % 2 << 1 | 4]) + m.hex().encode() + b"\n" for i, m in enumerate(messages)]
    if target == "frames":
        return [events(m, 0, 5) for m in captured_messages()]
    if target == "session":
        return [events(m, i % 256, 3, i >> 5 & 1, 6) for i, m in enumerate(hex_rows())]
    if target == "bfd":
        return [bytes([0]) + m for m in hex_rows("*_bfd.tsv")]
    if target == "capture":
        return [p.read_bytes() for p in sorted((SHARED / "corpus/pcap").rglob("*cap*"))
                if p.is_file() and p.stat().st_size < 65536]
    if target in ("scenario", "cluster"):
        return [p.read_bytes() for p in sorted((ROOT / "scenarios").rglob("*.yaml"))]
    return []


def write(folder, target):
    """A file for each, as libFuzzer reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    for count, seed in enumerate(seeds(target), 1):
        (folder / f"seed-{count}").write_bytes(seed)


def main():
    if not (SHARED / "corpus").exists():
        print("no corpus beside this checkout: only scenarios, and what the targets bring themselves")
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for target in sorted(p.name for p in (ROOT / "tests/fuzz/seeds").iterdir()):
        (folder / target).write_bytes(b"".join(len(seed).to_bytes(4, "little") + seed for seed in seeds(target)))


if __name__ == "__main__":
    main()
