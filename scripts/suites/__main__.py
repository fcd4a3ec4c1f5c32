# SPDX-License-Identifier: Apache-2.0
"""./dev suites: `python3 -m scripts.suites` from the root of the tree."""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from .catalogue import SUITES
from .modes import MODES, PATH
from .report import as_json, closing_line, explained, table, write_json
from .runner import Setting, SuiteResult, run_suite
from .suite import Suite, SuiteError
from .trial import adopt_orphans

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "build/suites"


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev suites",
        description="Test suites of other projects, stock and under ibid, compared subtest by subtest. The exit status is 0 if "
        "there is no new failure, or if each new failure also occurs in a repeated stock run.",
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="suites (--list); default: all, or those of --fast"
    )
    parser.add_argument("--list", action="store_true", help="names the suites")
    parser.add_argument("--fast", action="store_true", help="the suites that take a few minutes, in default mode")
    parser.add_argument(
        "--modes",
        metavar="MODE,...",
        help=f"of {','.join(MODES)}; default: all, with --fast the first; 'none': only stock",
    )
    parser.add_argument(
        "--stock-runs",
        type=int,
        default=1,
        metavar="N",
        help="stock runs beforehand, to find flaky subtests (1)",
    )
    parser.add_argument(
        "--repeats", type=int, default=5, metavar="N", help="runs of each unit with a new failure, under ibid and stock (5)"
    )
    parser.add_argument(
        "--preload",
        type=Path,
        metavar="FILE",
        help="instead of build/release/lib/libibid_preload.so; also IBID_SUITES_PRELOAD",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="the results (build/suites/results/.../results.json)"
    )
    parser.add_argument("--prepare", action="store_true", help="fetch and build only")
    parser.add_argument(
        "--packages", action="store_true", help=argparse.SUPPRESS
    )  # for dev: what must be installed
    return parser.parse_args(words)


def chosen(options: argparse.Namespace) -> list[type[Suite]]:
    known = {suite.name: suite for suite in SUITES}
    unknown = [name for name in options.names if name not in known]
    if unknown:
        say(f"dev: unknown suite '{unknown[0]}'; './dev suites --list' names them")
        raise SystemExit(2)
    if options.names:
        return [known[name] for name in options.names]
    return [suite for suite in SUITES if suite.fast or not options.fast]


def modes(options: argparse.Namespace) -> list[str]:
    if options.modes == "none":
        return []
    names = options.modes.split(",") if options.modes else list(MODES)[: 1 if options.fast else None]
    for name in names:
        if name not in MODES:
            say(f"dev: unknown mode '{name}'; there are {', '.join(MODES)}")
            raise SystemExit(2)
    return names


def private_copy(preload: Path) -> Path:
    """A copy, so that a build in the meantime changes nothing; all users can read it."""
    content = preload.read_bytes()
    folder = PLACE / "preload" / hashlib.sha256(content).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / preload.name
    if not copy.exists() or copy.read_bytes() != content:
        shutil.copyfile(preload, copy)
    copy.chmod(0o755)
    return copy


def require_preload(preload: Path) -> Path:
    if not preload.exists():
        raise SystemExit(f"dev: there is no {preload}: './dev build' makes it")
    copy = private_copy(preload)
    # If the loader cannot load a library, it only warns.
    answer = subprocess.run(
        ["/usr/bin/python3", "-c", "print(open('/proc/self/maps').read())"],
        env={"PATH": PATH, "LD_PRELOAD": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    if str(copy) not in answer.stdout:
        raise SystemExit(f"dev: {preload} cannot be preloaded: {answer.stderr.strip()}")
    return copy


def as_a_shell_would() -> None:
    """Resets signals that nohup or a shell made this process ignore; otherwise its children would ignore them, too."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM, signal.SIGTSTP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def main(words: Sequence[str]) -> int:
    options = arguments(words)
    suites = chosen(options)
    if options.packages:
        print(" ".join(dict.fromkeys(package for each in suites for package in each.packages)))
        return 0
    if options.list:
        for each in SUITES:
            print(f"{each.name:20} {each.what}{' [fast]' if each.fast else ''}")
        return 0
    as_a_shell_would()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that started programs are ended
    adopt_orphans()
    os.umask(0o022)
    mode_names = modes(options)
    default = os.environ.get("IBID_SUITES_PRELOAD", ROOT / "build/release/lib/libibid_preload.so")
    asked = Path(options.preload or default).resolve()
    preload = require_preload(asked) if mode_names and not options.prepare else asked
    results = PLACE / "results" / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    setting = Setting(
        preload,
        results,
        [MODES[name] for name in mode_names],
        max(1, options.stock_runs),
        options.repeats,
        say,
    )
    found: list[SuiteResult] = []
    problems: list[str] = []
    for suite_class in suites:
        suite: Suite = suite_class(PLACE / suite_class.name)
        suite.place.mkdir(parents=True, exist_ok=True)
        with (suite.place / "lock").open("w") as lock:  # its ports and its build allow one call at a time
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                result = (
                    SuiteResult(suite.name, suite.prepare()) if options.prepare else run_suite(suite, setting)
                )
            except SuiteError as failure:
                result = SuiteResult(suite.name, trouble=str(failure))
                say(f"{suite.name}: {failure}")
        found.append(result)
        if options.prepare:
            problems += [f"{result.name}: {result.trouble}"] if result.trouble else []
            continue
        problems = [problem for one in found for problem in one.problems()]
        # After each suite, so that an interrupted call leaves its results.
        write_json(options.json or results / "results.json", as_json(found, asked, problems))
    if options.prepare:
        for problem in problems:
            say(problem)
        return 1 if problems else 0
    print(table(found))
    for line in explained(found):
        print(f"explained: {line}")
    for problem in problems:
        print(f"problem: {problem}")
    print(f"results: {options.json or results / 'results.json'}")
    print(closing_line(found, problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
