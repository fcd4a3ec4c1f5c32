# SPDX-License-Identifier: Apache-2.0
"""Clang and libc++ for all targets (PyPI's package ziglang), and GoogleTest, compiled with them from Debian's sources."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scripts.targets.carried import ZIGLANG as PACKAGE

GOOGLETEST = Path("/usr/src/googletest/googletest")
XXHASH = Path("/usr/include/xxhash.h")
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")


class CompilerError(Exception):
    """The compiler's messages."""


class Compiler:
    """Is installed in `folder`. The compiler has a cache of its own, so it compiles only what has changed."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder = folder
        self.root = root
        self.python = folder / "venv/bin/python"
        headers = folder / "include"
        headers.mkdir(parents=True, exist_ok=True)
        link = headers / "xxhash.h"  # only this: the rest of /usr/include is not for the target
        if not link.is_symlink():
            link.symlink_to(XXHASH)
        self.includes = [f"-I{root}/include", f"-I{root}/tests", f"-I{root}/tests/stress/core", f"-isystem{headers}"]

    def install(self) -> None:
        wanted = self.folder / f"venv/{PACKAGE}"
        if wanted.exists():
            return
        subprocess.run([sys.executable, "-m", "venv", self.folder / "venv"], check=True)
        subprocess.run([self.python, "-m", "pip", "install", "--quiet", PACKAGE], check=True)
        wanted.touch()

    def run(self, target: str, *words: str | Path) -> None:
        environment = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(self.folder / "cache")}
        command = [self.python, "-m", "ziglang", "c++", "-target", target, *words]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise CompilerError(done.stdout)

    def refusal(self, target: str) -> str:
        """The compiler's messages for a program that must not compile; empty if it compiles."""
        source = self.folder / "refused.cpp"
        source.write_text(
            '#include "ibid/intern.h"\n#include "ibid/pool.h"\n#include <string>\n'
            "int main() { return ibid::intern(std::string()) ? 0 : 1; }\n"
        )
        try:
            self.run(target, "-std=c++20", "-fno-sanitize=all", *self.includes, "-c", source, "-o", self.folder / "refused.o")
        except CompilerError as error:
            return str(error)
        return ""

    def googletest(self, target: str) -> list[Path]:
        """GoogleTest's object files, compiled for the target."""
        objects = []
        for name in ("gtest-all.cc", "gtest_main.cc"):
            made = self.folder / target / f"{name}.o"
            objects.append(made)
            if not made.exists():
                made.parent.mkdir(parents=True, exist_ok=True)
                self.run(target, "-std=c++20", "-O0", "-g0", "-w", "-fno-sanitize=all", f"-I{GOOGLETEST}", f"-I{GOOGLETEST}/include",
                         "-c", GOOGLETEST / "src" / name, "-o", made)
        return objects

    def program(self, target: str, name: str, units: list[list[str]], defines: tuple[str, ...], objects: list[Path], link: bool = True) -> Path:
        """Programs without GoogleTest are compiled with warnings as errors; tests may have warnings."""
        warnings = () if name.endswith("_test") else WARNINGS
        folder = self.folder / target
        folder.mkdir(parents=True, exist_ok=True)
        parts = [folder / f"{name}_{number}.o" for number in range(len(units))]

        def compile_unit(files: list[str], part: Path) -> None:
            source = part.with_suffix(".cpp")
            text = "".join(f'#include "{self.root}/{file}"\n' for file in files)
            if not source.exists() or source.read_text() != text:
                source.write_text(text)
            self.run(target, "-std=c++20", "-O1", "-g0", "-fno-sanitize=all", "-pthread", *warnings, *self.includes,
                     f"-isystem{GOOGLETEST}/include", *(f"-D{define}" for define in defines), "-c", source, "-o", part)

        with ThreadPoolExecutor(len(units)) as pool:
            list(pool.map(compile_unit, units, parts))
        if not link:
            return parts[0]
        made = folder / (f"{name}.exe" if "windows" in target else name)
        self.run(target, "-g0", "-pthread", *parts, *objects, "-o", made)
        return made
