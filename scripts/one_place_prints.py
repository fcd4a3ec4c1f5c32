#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that in the command only src/cli/base prints: its functions make names and values that somebody else chose printable
(src/cli/base/say.h). src/cli/usage is a program of the build, and its texts are the project's own.

one_place_prints.py    prints each line elsewhere in src/cli that prints by itself, and exits with 1 if there is one
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLI = ROOT / "src/cli"
MAY_PRINT = (CLI / "base", CLI / "usage")
PRINTS = re.compile(
    r"\bfmt::v?print(ln)?\b|\bstd::(cout|cerr|clog|v?print(ln)?)\b"
    r"|\b(v?[fd]?printf|f?puts|f?putc|putchar|fwrite|perror|psignal)(_unlocked)?\s*\("
)


def main() -> int:
    found = 0
    looked_at = 0
    for file in sorted(CLI.rglob("*")):
        if file.suffix not in (".h", ".cpp") or any(file.is_relative_to(folder) for folder in MAY_PRINT):
            continue
        looked_at += 1
        for number, line in enumerate(file.read_text().splitlines(), 1):
            if match := PRINTS.search(line.partition("//")[0]):
                print(f"{file.relative_to(ROOT)}:{number}: {match[0].rstrip('( ')} prints what somebody else chose as it is: use cli/base/say.h")
                found += 1
    if looked_at < 50:
        print(f"only {looked_at} files were found: is this the project's root?")
    return 1 if found or looked_at < 50 else 0


if __name__ == "__main__":
    sys.exit(main())
