# SPDX-License-Identifier: Apache-2.0
"""Every GCC and Clang of the newest distribution compiles the public headers without a warning, and the program runs.

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

SYSTEM = "ubuntu-26.10"
OLDEST = {"g++": 12, "clang": 14}
STANDARDS = ("20", "23", "26")
WARNINGS = "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"
PROGRAM = "tests/unit/core/every_member.cpp"


def versions(userland: Userland, name: str) -> list[int]:
    """Of the packages NAME-VERSION, oldest first."""
    listed = userland.ask(f"apt-cache pkgnames {shlex.quote(name + '-')}").split()
    ends = (package.removeprefix(f"{name}-") for package in listed)
    return sorted(int(end) for end in ends if end.isdigit() and int(end) >= OLDEST[name])


def compile_all(steps: Steps, compiler: str, more: str = "") -> None:
    for standard in STANDARDS:
        flags = f"-std=c++{standard} {more}".strip()
        # An older compiler does not know the newest standard's name, or cannot read a newer standard library.
        if steps.answers(f"printf '#include <sstream>' | {compiler} {flags} -x c++ -fsyntax-only -"):
            steps.must(f"{compiler} {flags} -O2 {WARNINGS} -Iinclude {PROGRAM} -o every_member -pthread && ./every_member")


def compilers(tree: Path, folder: Path, make: Callable[[Userland], None], out: IO[str]) -> Outcome:
    outcome = Outcome("compilers", built=True)
    (system,) = (s for s in SYSTEMS if s.name == SYSTEM)
    userland = Userland(system, folder, folder / f"logs/{system.name}-made.log")
    if not userland.is_made:
        make(userland)
    userland.fresh("compilers")
    userland.put([f for f in tracked_files(tree) if f.startswith("include/") or f == PROGRAM], tree)
    steps = Steps(outcome, lambda command: userland.as_user(f"cd ibid && {command}"), out)
    gcc, clang = versions(userland, "g++"), versions(userland, "clang")
    newest = clang[-1]
    packages = [*(f"g++-{v}" for v in gcc), *(f"clang-{v}" for v in clang), f"libc++-{newest}-dev", f"libc++abi-{newest}-dev", "libxxhash-dev"]
    steps.must(f"sudo apt-get -q -y --no-install-recommends install {' '.join(packages)}", seconds=1800)
    for version in gcc:
        compile_all(steps, f"g++-{version}")
    for version in clang:
        compile_all(steps, f"clang++-{version}")
    libraries = f"/usr/lib/llvm-{newest}/lib"
    compile_all(steps, f"clang++-{newest}", f"-stdlib=libc++ -L{libraries} -Wl,-rpath,{libraries}")
    outcome.compiler = f"{gcc[0]} to {gcc[-1]}, Clang {clang[0]} to {newest}"
    return outcome
