#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The core as one header: what include/ibid/*.h include, each file once, in the order of its first use.

System headers stay #include lines. xxhash.h becomes part of the header, with its licence, so that a program needs nothing else.
The headers that need OpenSSL or a collector (openssl.h, gc.h) are left out.

amalgamate.py [--output FILE] [--xxhash FILE | --without-xxhash] [HEADER ...]
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INCLUDE = ROOT / "include"
LEFT_OUT = {"ibid/openssl.h", "ibid/gc.h"}
OURS = re.compile(r'^#\s*include\s+"([^"]+)"\s*$')
IF = re.compile(r"^\s*#\s*if")
ENDIF = re.compile(r"^\s*#\s*endif")
XXHASH = re.compile(r"^#\s*include\s+<xxhash\.h>\s*$")
PLACES = ("/usr/include", "/usr/local/include", "/opt/homebrew/include")


class Amalgamation:
    def __init__(self, xxhash: Path | None) -> None:
        self.xxhash = xxhash
        self.seen: set[str] = set()  # included outside of any #if
        self.lines: list[str] = []

    def add(self, name: str, certain: bool = True) -> None:
        """Adds `name` (as programs include it). A header that was included inside an #if may not have been compiled, so it is added again later."""
        if name in self.seen:
            return
        if certain:
            self.seen.add(name)
        guard = "IBID_SINGLE_" + re.sub(r"\W", "_", name).upper()
        self.lines += ["", f"// ---- {name}", f"#ifndef {guard}", f"#define {guard}"]
        depth = 0
        for line in (INCLUDE / name).read_text().splitlines():
            depth += 1 if IF.match(line) else -1 if ENDIF.match(line) else 0
            ours = OURS.match(line)
            if ours:
                self.add(ours[1], certain and depth == 0)
            elif XXHASH.match(line) and self.xxhash is not None:
                self.lines += ["// ---- xxhash.h (its licence is below)", *self.xxhash.read_text().splitlines(), "// ---- the end of xxhash.h"]
            elif line != "#pragma once" and not line.startswith("// SPDX-License-Identifier:"):
                self.lines.append(line)
        self.lines.append("#endif")

    def text(self, version: str) -> str:
        head = [
            "// SPDX-License-Identifier: Apache-2.0" + (" AND BSD-2-Clause" if self.xxhash is not None else ""),
            "//",
            f"// The core of ibid {version} as one header. Made by scripts/amalgamate.py; do not edit. Do not mix it with the separate",
            "// headers in one translation unit.",
            "#pragma once",
        ]
        # Runs of empty lines, from the joins between files.
        return re.sub(r"\n{3,}", "\n\n", "\n".join(head + self.lines)) + "\n"


def version() -> str:
    found = re.search(r"project\(ibid VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text())
    return found[1] if found else ""


def main() -> int:
    parser = argparse.ArgumentParser(description="Makes one header of the core.")
    parser.add_argument("--output", type=Path, help="a file (standard output)")
    parser.add_argument("--xxhash", type=Path, help="xxhash.h (what the system has)")
    parser.add_argument("--without-xxhash", action="store_true", help="leave it an include")
    parser.add_argument("headers", nargs="*", metavar="HEADER", help="such as ibid/cache.h (all of the core)")
    options = parser.parse_args()

    xxhash = options.xxhash or next((p for p in (Path(d) / "xxhash.h" for d in PLACES) if p.is_file()), None)
    if options.without_xxhash:
        xxhash = None
    elif xxhash is None:
        print("amalgamate.py: xxhash.h was not found; give its path with --xxhash", file=sys.stderr)
        return 2
    made = Amalgamation(xxhash)
    for header in options.headers or sorted(f"ibid/{p.name}" for p in (INCLUDE / "ibid").glob("*.h")):
        if header not in LEFT_OUT:
            made.add(header)
    text = made.text(version())
    if options.output:
        options.output.write_text(text)
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
