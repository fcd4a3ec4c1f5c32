# SPDX-License-Identifier: Apache-2.0
"""./dev cross: `python3 -m scripts.cross` from the root of the tree."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from .compiler import Compiler, CompilerError
from .programs import PROGRAMS, Program, units_for
from .targets import TARGETS, Target

ROOT = Path(__file__).resolve().parents[2]
CANNOT = 77  # exit status: the compiler comes from PyPI, which could not be reached


@dataclass
class Outcome:
    target: Target
    errors: list[str] = field(default_factory=list)  # of the compiler
    programs: int = 0
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    ran: bool = False
    compile_only: bool = False

    @property
    def good(self) -> bool:
        return not self.errors and self.failed == 0

    def row(self) -> tuple[str, str, str]:
        if self.target.refusal:
            return self.target.name, "no" if self.good else "no, in other words", "refused by one error" if self.good else "failed"
        compiles = "no" if self.errors else f"{self.programs} programs"
        if self.ran:
            how = " ".join(self.target.runner or ()) or "this machine"
            tests = f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped ({how.split()[0] if self.target.runner else how})"
        else:
            tests = "not run" if self.compile_only or self.target.runner is None else "not run: no " + self.target.runner[0]
        return self.target.name, compiles, tests


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def run(outcome: Outcome, program: Program, made: Path, folder: Path, word_filter: str | None) -> None:
    command = outcome.target.command(made)
    if command is None:
        return
    outcome.ran = True
    if program.has_tests and word_filter:
        command.append(f"--gtest_filter={word_filter}")
    begun = time.monotonic()
    try:
        done = subprocess.run(command, cwd=made.parent, env=outcome.target.environment(folder), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=program.patience)
        text, status = done.stdout.decode(errors="replace"), done.returncode
    except subprocess.TimeoutExpired as late:
        text, status = (late.stdout or b"").decode(errors="replace") + "\ntoo late", -1
    (made.parent / f"{program.name}.log").write_text(text)
    counts = {word: sum(int(n) for n in re.findall(rf"^\[  {word} *\] (\d+) tests?", text, re.MULTILINE)) for word in ("PASSED", "FAILED", "SKIPPED")}
    if not program.has_tests:
        counts["PASSED"] = 1 if status == 0 else 0
    if status != 0 and counts["FAILED"] == 0:
        counts["FAILED"] = 1  # a crash, or a time limit
    outcome.passed += counts["PASSED"]
    outcome.failed += counts["FAILED"]
    outcome.skipped += counts["SKIPPED"]
    say(f"{outcome.target.name}: {program.name}: {counts['PASSED']} passed, {counts['FAILED']} failed ({time.monotonic() - begun:.0f} s)")
    if counts["FAILED"]:
        say(text[-3000:])


def try_out(compiler: Compiler, target: Target, programs: Sequence[Program], word_filter: str | None, link: bool) -> Outcome:
    outcome = Outcome(target, compile_only=not link)
    if target.refusal:
        said = compiler.refusal(target.name)
        if said.count("error:") != 1 or target.refusal not in said:
            outcome.errors.append(said)
            say(f"{target.name}: expected one error, '{target.refusal}', and got:\n{said}")
        return outcome
    helper = target.command(compiler.folder / target.name / ("print_hash.exe" if target.system == "windows" else "print_hash"))
    for program in programs:
        defines = program.defines
        if helper:
            defines += (f'IBID_PRINT_HASH="{" ".join(helper if target.system != "windows" else ["print_hash.exe"])}"',)
        else:
            defines += ('IBID_PRINT_HASH="./print_hash"',)
        begun = time.monotonic()
        try:
            objects = compiler.googletest(target.name) if program.has_tests and link else []
            made = compiler.program(target.name, program.name, units_for(program, target.system), defines, objects, link)
        except CompilerError as error:
            outcome.errors.append(str(error))
            say(f"{target.name}: {program.name} does not compile\n{error}")
            continue
        outcome.programs += 1
        say(f"{target.name}: {program.name} compiles ({time.monotonic() - begun:.0f} s)")
        if link:
            run(outcome, program, made, compiler.folder, word_filter)
    return outcome


def table(outcomes: Sequence[Outcome]) -> str:
    rows = [("target", "compiles", "tests"), *(o.row() for o in outcomes)]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def arguments(words: Sequence[str]) -> argparse.Namespace:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser = argparse.ArgumentParser(
        prog="./dev cross",
        description="Compiles the core's tests for other systems and processors, with the Clang and libc++ that PyPI carries, runs them where "
        "Debian has an emulator, and prints one table. The exit status is 0 if all compiled and none failed. The first run compiles libc++ "
        "for each target; all together takes about an hour.",
    )
    parser.add_argument("names", nargs="*", metavar="TARGET", help=f"of {', '.join(t.name for t in TARGETS)}; default: all")
    parser.add_argument("--only", action="append", choices=[p.name for p in PROGRAMS], help="these programs (may be repeated)")
    parser.add_argument("--filter", metavar="TESTS", help="for GoogleTest")
    parser.add_argument("--compile-only", action="store_true", help="link and run nothing: without libc++'s compilation, seconds for each target")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1, metavar="N", help="targets at the same time (%(default)s)")
    parser.add_argument("--folder", type=Path, default=cache / "ibid/cross", metavar="DIR", help="where compiler and programs are kept (%(default)s)")
    parser.add_argument("--packages", action="store_true", help="print the Debian packages that the targets need, and end")
    return parser.parse_args(words)


def main() -> int:
    options = arguments(sys.argv[1:])
    known = {t.name: t for t in TARGETS}
    for name in options.names:
        if name not in known:
            say(f"dev: unknown target '{name}'\ndev: './dev cross --help' names them")
            return 2
    targets = [known[name] for name in options.names] or list(TARGETS)
    if options.packages:
        runners = [] if options.compile_only else [p for t in targets for p in t.packages]
        print(*dict.fromkeys(["googletest", "libxxhash-dev", "python3-venv", *runners]))
        return 0
    wanted = {*options.only, "print_hash"} if options.only and "core_test" in options.only else options.only
    programs = [p for p in PROGRAMS if not wanted or p.name in wanted]
    compiler = Compiler(options.folder.resolve(), ROOT)
    try:
        compiler.install()
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"cross: the compiler could not be installed from PyPI, so nothing was compiled: {error}", file=sys.stderr)
        return CANNOT
    with ThreadPoolExecutor(max(1, options.at_once)) as pool:
        outcomes = list(pool.map(lambda t: try_out(compiler, t, programs, options.filter, not options.compile_only), targets))
    print(table(outcomes))
    return 0 if all(o.good for o in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
