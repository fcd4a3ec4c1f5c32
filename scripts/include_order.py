#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that includes go only downwards. BELOW is the single definition: for each folder, the folders that its files may include.

include_order.py    prints each include that breaks the order, and exits with 1 if there is one
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DETAIL = "include/ibid/detail"
OPENSSL = "src/openssl"
CLI = "src/cli"
# Lowest first. A folder may include itself and the folders that are listed for it.
BELOW: dict[str, tuple[str, ...]] = {
    f"{DETAIL}/port": (),
    f"{DETAIL}/base": ("port",),
    f"{DETAIL}/reclamation": ("port", "base"),
    f"{DETAIL}/counting": ("port", "base", "reclamation"),
    f"{DETAIL}/retention": ("port", "base", "reclamation", "counting"),
    f"{DETAIL}/table": ("port", "base", "reclamation", "counting", "retention"),
    f"{DETAIL}/pool": ("port", "base"),
    f"{DETAIL}/gc": ("port", "base"),
    "include/ibid": ("port", "base", "reclamation", "counting", "retention", "table", "pool", "gc"),
    "src/compiled": ("include",),
    "src/statistics": ("include",),
    f"{OPENSSL}/binding": ("include", "src/statistics"),
    f"{OPENSSL}/modules": ("include", f"{OPENSSL}/binding"),
    f"{OPENSSL}/certificates": ("include", "src/statistics", f"{OPENSSL}/binding"),
    f"{OPENSSL}/trust": ("include", "src/statistics", f"{OPENSSL}/binding", f"{OPENSSL}/certificates"),
    f"{OPENSSL}/instance": (
        "include",
        "src/statistics",
        *(f"{OPENSSL}/{below}" for below in ("binding", "modules", "certificates", "trust")),
    ),
    f"{OPENSSL}/interpose": (
        "include",
        "src/statistics",
        *(f"{OPENSSL}/{below}" for below in ("binding", "modules", "certificates", "trust", "instance")),
    ),
    f"{OPENSSL}/scan": (
        "include",
        "src/statistics",
        *(f"{OPENSSL}/{below}" for below in ("binding", "modules", "certificates", "trust", "instance", "interpose")),
    ),
    f"{OPENSSL}/api": ("include", "src/statistics", OPENSSL),
    "src/preload": ("include", "src/statistics", OPENSSL),
    f"{CLI}/base": ("src/statistics",),
    f"{CLI}/usage": (),
    f"{CLI}/programs": ("src/statistics", OPENSSL, f"{CLI}/base"),
    f"{CLI}/counters": ("src/statistics", f"{CLI}/base"),
    f"{CLI}/settings": ("include", "src/statistics", OPENSSL, *(f"{CLI}/{below}" for below in ("base", "programs"))),
    f"{CLI}/systemd": ("src/statistics", *(f"{CLI}/{below}" for below in ("base", "programs"))),
    f"{CLI}/run": ("src/statistics", *(f"{CLI}/{below}" for below in ("base", "programs", "counters", "settings"))),
    f"{CLI}/live": ("src/statistics", *(f"{CLI}/{below}" for below in ("base", "programs", "counters"))),
    f"{CLI}/doctor": ("src/statistics", OPENSSL, *(f"{CLI}/{below}" for below in ("base", "programs", "settings", "systemd"))),
    f"{CLI}/certs": ("src/statistics", OPENSSL, *(f"{CLI}/{below}" for below in ("base", "programs", "doctor"))),
    f"{CLI}/exporter": ("src/statistics", *(f"{CLI}/{below}" for below in ("base", "programs", "systemd"))),
    f"{CLI}/measure": ("src/statistics", *(f"{CLI}/{below}" for below in ("base", "programs", "run", "doctor"))),
    f"{CLI}/service": ("src/statistics", *(f"{CLI}/{below}" for below in ("base", "programs", "settings", "systemd", "doctor"))),
    CLI: (CLI,),
}
# Public headers that the folders of DETAIL may include: they include nothing above `counting`.
VALUES = ("errors.h", "handle.h", "hash.h", "retention.h", "statistics.h")
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.MULTILINE)


def folder_of(path: Path) -> str | None:
    """The folder of BELOW that holds the file."""
    name = path.relative_to(ROOT).as_posix()
    return max((f for f in BELOW if name.startswith(f"{f}/")), key=len, default=None)


def included(by: Path, name: str) -> Path | None:
    """The project's file that this #include names."""
    for base in (by.parent, ROOT / "include", ROOT / "src"):
        if (base / name).is_file():
            return (base / name).resolve()
    return None


def may_include(folder: str, other: str) -> bool:
    if other == folder:
        return True
    for allowed in BELOW[folder]:
        whole = allowed if allowed.startswith(("include", "src")) else f"{DETAIL}/{allowed}"
        if other == whole or other.startswith(f"{whole}/"):
            return True
    return False


def main() -> int:
    broken = 0
    looked_at = 0
    for top in ("include", "src"):
        for file in sorted((ROOT / top).rglob("*")):
            folder = folder_of(file) if file.suffix in (".h", ".cpp") else None
            if folder is None:
                continue
            for name in INCLUDE.findall(file.read_text()):
                found = included(file, name)
                other = folder_of(found) if found is not None and found.is_relative_to(ROOT) else None
                looked_at += other is not None
                if other == "include/ibid" and folder.startswith(DETAIL) and found.name in VALUES:
                    continue
                if other is not None and not may_include(folder, other):
                    print(f"{file.relative_to(ROOT)}: {folder} may not include {found.relative_to(ROOT)}")
                    broken += 1
    if looked_at < 100:
        print(f"only {looked_at} includes were found: is this the project's root?")
    return 1 if broken or looked_at < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
