#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How large the core is: lines of code and of comments in include/ibid, by folder.

core_size.py [COMMIT]      of the work tree, or of a commit

Frame: lines that include a file, or open or close a namespace. Code: all other lines that are not only a comment, lines of
brackets included. Pool and gc are printed, too, but are not in the core's sum.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADERS = "include/ibid"
FRAME = re.compile(r"#(include|pragma)|(inline )?namespace |\} // namespace")


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def sources(commit: str | None) -> dict[str, str]:
    if commit is None:
        return {str(p.relative_to(ROOT / HEADERS)): p.read_text() for p in (ROOT / HEADERS).rglob("*.h")}
    names = [n for n in git("ls-tree", "-r", "--name-only", commit, HEADERS).splitlines() if n.endswith(".h")]
    return {n.removeprefix(f"{HEADERS}/"): git("show", f"{commit}:{n}") for n in names}


def folder(name: str) -> str:
    if re.search(r"(^|/)(pool|gc)[./]", name) or name == "openssl.h":
        return "beside: pool, gc, openssl.h"
    return name.split("/")[1] if name.startswith("detail/") else "public headers"


def main() -> None:
    code, frame, comments = Counter[str](), Counter[str](), Counter[str]()
    for name, text in sources(sys.argv[1] if len(sys.argv) > 1 else None).items():
        for line in filter(None, map(str.strip, text.splitlines())):
            (comments if line.startswith("//") else frame if FRAME.match(line) else code)[folder(name)] += 1
    core = sorted((f for f in code if not f.startswith("beside")), key=lambda f: -code[f])
    rows = [(f, code[f], frame[f], comments[f]) for f in core]
    rows.append(("the core", *(sum(column) for column in list(zip(*rows))[1:])))
    rows += [(f, code[f], frame[f], comments[f]) for f in code if f not in core]
    for row in [("", "code", "frame", "comments"), *rows]:
        print(f"{row[0]:30}" + "".join(f"{x:>10}" for x in row[1:]))


if __name__ == "__main__":
    main()
