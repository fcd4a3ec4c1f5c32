# SPDX-License-Identifier: Apache-2.0
"""Every GCC and Clang of two distributions compiles the public headers without a warning, and the program runs.

The headers are not system headers here, so that the compiler warns of what is in them.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import IO

from .catalogue import SYSTEMS
from .steps import Steps
from .trial import Outcome, tracked_files
from .userland import Userland

NAMES = ("debian-13", "ubuntu-26.10")  # together: GCC 12 to 16, Clang 17 and newer
STANDARDS = ("20", "23", "26")
WARNINGS = "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"
PROGRAM = "tests/unit/core/every_member.cpp"


def versions(userland: Userland, name: str) -> list[int]:
    """Of the packages NAME-VERSION, oldest first."""
    listed = userland.ask(f"apt-cache pkgnames {shlex.quote(name + '-')}").split()
    ends = (package.removeprefix(f"{name}-") for package in listed)
    return sorted(int(end) for end in ends if end.isdigit())


def compile_all(steps: Steps, compiler: str, more: str = "") -> None:
    for standard in STANDARDS:
        flags = f"-std=c++{standard} {more}".strip()
        # An older compiler does not know the newest standard's name.
        if steps.answers(f"echo | {compiler} {flags} -x c++ -fsyntax-only -"):
            steps.must(f"{compiler} {flags} -O2 {WARNINGS} -Iinclude {PROGRAM} -o every_member -pthread && ./every_member")


def compilers(tree: Path, folder: Path, make: Callable[[Userland], None], out: IO[str]) -> Outcome:
    outcome = Outcome("compilers", built=True)
    found = []
    for system in (s for s in SYSTEMS if s.name in NAMES):
        userland = Userland(system, folder, folder / f"logs/{system.name}-made.log")
        if not userland.is_made:
            make(userland)
        userland.fresh("compilers")
        userland.put([f for f in tracked_files(tree) if f.startswith("include/") or f == PROGRAM], tree)
        steps = Steps(outcome, lambda command, at=userland: at.as_user(f"cd ibid && {command}"), out)
        gcc, clang = versions(userland, "g++"), versions(userland, "clang")
        packages = [f"g++-{v}" for v in gcc] + [f"clang-{v}" for v in clang]
        packages += [f"libc++-{clang[-1]}-dev", f"libc++abi-{clang[-1]}-dev", "libxxhash-dev"]
        steps.must(f"sudo apt-get -q -y --no-install-recommends install {' '.join(packages)}", seconds=1800)
        for version in gcc:
            compile_all(steps, f"g++-{version}")
        for version in clang:
            compile_all(steps, f"clang++-{version}")
        compile_all(steps, f"clang++-{clang[-1]}", "-stdlib=libc++")
        found += [f"GCC {gcc[0]} to {gcc[-1]}", f"Clang {clang[0]} to {clang[-1]}"]
    outcome.compiler = ", ".join(found)
    return outcome
