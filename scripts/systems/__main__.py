# SPDX-License-Identifier: Apache-2.0
"""./dev systems: `python3 -m scripts.systems` from the root of the tree."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.targets.carried import Unavailable

from .catalogue import SYSTEMS, System
from .checks import CHECKS
from .table import table
from .trial import Outcome, try_out
from .userland import Userland, UserlandError

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ("demo", "test")


def say(words: str) -> None:
    print(f"\n== {words}", file=sys.stderr, flush=True)


def arguments(words: Sequence[str]) -> argparse.Namespace:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser = argparse.ArgumentParser(
        prog="./dev systems",
        description="Makes a userland of each system by debootstrap, outside of this tree, runs the README's two commands there as a new "
        "user, and prints one table. The exit status is 0 if all passed. Needs root, or sudo; a system takes about an hour. "
        f"Besides, {', '.join(CHECKS)}: what is built here runs there, and each compiler of Ubuntu 26.10 compiles the headers "
        "(scripts/systems/checks.py, compilers.py); only when it is named.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(s.name for s in SYSTEMS)}, {', '.join(CHECKS)}; default: all systems")
    parser.add_argument("--folder", type=Path, default=cache / "ibid/systems", metavar="DIR", help="where they are kept (%(default)s)")
    parser.add_argument("--anew", action="store_true", help="make them again, with today's packages")
    parser.add_argument("--only", choices=(*COMMANDS, "suites"), help="one of the two commands, or './dev suites'")
    parser.add_argument("--suites", default="openssl", metavar="NAMES", help="for '--only suites': which ('%(default)s': OpenSSL's own)")
    parser.add_argument("--test-options", default="", metavar="WORDS", help="for './dev test', such as '--unit --e2e'")
    parser.add_argument(
        "--apt-option",
        action="append",
        default=[],
        metavar="OPTION",
        help="for apt in each userland, such as 'Acquire::Check-Valid-Until \"false\"' where a mirror is behind",
    )
    parser.add_argument("--debian-mirror", default="http://deb.debian.org/debian", metavar="URL", help="%(default)s")
    parser.add_argument("--debian-security", default="http://deb.debian.org/debian-security", metavar="URL", help="%(default)s")
    parser.add_argument("--ubuntu-mirror", default="http://archive.ubuntu.com/ubuntu", metavar="URL", help="%(default)s")
    parser.add_argument(
        "--ubuntu-keyring",
        metavar="FILE",
        help="where the package ubuntu-archive-keyring is not installed: its file ubuntu-archive-keyring.gpg",
    )
    return parser.parse_args(words)


def chosen(names: Sequence[str]) -> list[System]:
    known = {s.name: s for s in SYSTEMS}
    for name in names:
        if name not in known and name not in CHECKS:
            print(f"dev: unknown system '{name}'\ndev: './dev systems --help' names them", file=sys.stderr)
            raise SystemExit(2)
    return [known[n] for n in names if n in known] if names else list(SYSTEMS)


def make(userland: Userland, options: argparse.Namespace) -> None:
    say(f"{userland.system.name}: making it, some minutes")
    if userland.system.distribution == "debian":
        userland.make(options.debian_mirror, options.debian_security, None, options.apt_option)
    else:
        userland.make(options.ubuntu_mirror, options.ubuntu_mirror, options.ubuntu_keyring, options.apt_option)


def check(name: str, options: argparse.Namespace, logs: Path) -> Outcome:
    say(f"{name}: {logs / name}.log")
    with (logs / f"{name}.log").open("w") as out:
        try:
            return CHECKS[name](ROOT, options.folder, lambda userland: make(userland, options), out)
        except (UserlandError, Unavailable) as error:
            return Outcome(name, obstacle=str(error))


def one(system: System, options: argparse.Namespace, logs: Path) -> Outcome:
    userland = Userland(system, options.folder, logs / f"{system.name}-made.log")
    try:
        if options.anew or not userland.is_made:
            make(userland, options)
        commands = [options.only] if options.only else list(COMMANDS)
        say(f"{system.name}: {' and '.join(f'./dev {c}' for c in commands)}; {logs / system.name}.log")
        return try_out(userland, ROOT, logs, commands, options.test_options, options.suites)
    except UserlandError as error:
        return Outcome(system.name, obstacle=str(error))


def main() -> int:
    options = arguments(sys.argv[1:])
    systems = chosen(options.names)
    options.folder = options.folder.resolve()
    if options.folder.is_relative_to(ROOT):
        print(f"dev: {options.folder} is inside this tree, which is copied into each system", file=sys.stderr)
        return 2
    logs = options.folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    outcomes = []
    trials = [lambda system=system: one(system, options, logs) for system in systems]
    trials += [lambda name=name: check(name, options, logs) for name in options.names if name in CHECKS]
    for trial in trials:
        outcomes.append(trial())
        print(f"\n{table(outcomes)}", flush=True)
    passed = sum(o.good for o in outcomes)
    print(f"\n{passed} passed, {len(outcomes) - passed} failed")
    return 0 if passed == len(outcomes) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
