#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The oldest C library with which binaries run: the symbol versions that the dynamic linker requires when it loads them.

version_needs.py --most VERSION [--where-at-most VERSION] FILE ...

Prints which versions of the C library's symbols each file needs, and exits with 1 if one is newer than --most. If this system's C library
is newer than --where-at-most, binaries built here are not like a release: exits with 77.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def needs_of(file: str) -> set[str]:
    done = subprocess.run(["readelf", "--wide", "--version-info", file], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    if done.returncode != 0:
        sys.exit(f"{file}: {done.stderr}")
    # Only the section of needs: the versions that a file defines have names of the same form.
    needs = done.stdout.split(".gnu.version_r", 1)
    return set(re.findall(r"Name: GLIBC_([\d.]+)\b", needs[1])) if len(needs) == 2 else set()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", required=True, type=version)
    parser.add_argument("--where-at-most", type=version)
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    here = version(os.confstr("CS_GNU_LIBC_VERSION").split()[1]) if "CS_GNU_LIBC_VERSION" in os.confstr_names else ()
    if options.where_at_most and here > options.where_at_most:
        print(f"the C library here is {'.'.join(map(str, here))}: releases are not built on it")
        return 77
    good = True
    for file in options.files:
        needs = sorted(needs_of(file), key=version)
        print(f"{file}: {' '.join(needs) or 'none'}")
        good &= bool(needs) and version(needs[-1]) <= options.most
    return 0 if good else 1


sys.exit(main())
