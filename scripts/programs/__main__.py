# SPDX-License-Identifier: Apache-2.0
"""./dev programs: `python3 -m scripts.programs` from the root of the tree."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

from equality import DEFAULT, Theatre, ibid_program  # noqa: E402

from testbed.pki import Standard  # noqa: E402
from testbed.program import ProgramError  # noqa: E402

from .exchange import build, scenario_of  # noqa: E402
from .measure import measured  # noqa: E402
from .page import page  # noqa: E402
from .result import Result  # noqa: E402
from .subject import Client, Subject  # noqa: E402
from .subjects import SUBJECTS  # noqa: E402

PAGE = ROOT / "docs/operators/programs.md"
# Programs that no test in tests/e2e runs, that take a few seconds each, and that are installed in CI.
FAST = ("Python, http.server", "Python, asyncio", "Ruby, net/http", "Perl, IO::Socket::SSL", "socat, client")


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev programs",
        description="Runs unmodified programs stock and under ibid through TLS exchanges, sound and broken, and compares what they did, said and "
        "what their peers saw. The exit status is 0 if none differs. Needs root: several servers change their user.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="programs (--list); default: all")
    parser.add_argument("--list", action="store_true", help="names the programs and their packages")
    parser.add_argument("--fast", action="store_true", help=f"{', '.join(FAST)}; nothing is measured")
    parser.add_argument("--install", action="store_true", help="install with apt-get what is missing; some forty servers (they are not started)")
    parser.add_argument("--no-figures", action="store_true", help="compare, and do not measure memory and CPU")
    parser.add_argument("--json", type=Path, metavar="FILE", help="results (build/programs/results.json)")
    parser.add_argument("--from", dest="earlier", type=Path, nargs="+", metavar="FILE", help="do not run anything: read these results")
    parser.add_argument("--page", action="store_true", help=f"write {PAGE.relative_to(ROOT)} from the results")
    parser.add_argument("--packages", action="store_true", help=argparse.SUPPRESS)  # for dev
    return parser.parse_args(words)


def chosen(options: argparse.Namespace) -> list[Subject]:
    known = {s.name: s for s in SUBJECTS}
    assert len(known) == len(SUBJECTS), "two programs with one name"
    names = options.names or (FAST if options.fast else tuple(known))
    for name in names:
        if name not in known:
            say(f"dev: unknown program '{name}'; './dev programs --list' names them")
            raise SystemExit(2)
    return [known[n] for n in names]


def packages_of(subject: Subject) -> list[str]:
    """The packages of the program and of the program on the other side."""
    other = subject.against if isinstance(subject, Client) else subject.visitor
    more = subject.needs if isinstance(subject, Client) else ()
    return [subject.package, *more, *([other.package] if other else [])]


def version_of(package: str) -> str | None:
    asked = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", package], capture_output=True, text=True)
    status, _, version = asked.stdout.partition(" ")
    return version if status == "installed" else None


def available(packages: Iterable[str]) -> list[str]:
    """The packages that this system's archive has."""
    asked = subprocess.run(["apt-cache", "policy", *packages], capture_output=True, text=True).stdout
    return [block.split(":")[0] for block in re.split(r"\n(?=\S)", asked) if "Candidate: " in block and "Candidate: (none)" not in block]


def tried(subject: Subject, theatre: Theatre, pki: Standard, ibid: Path, folder: Path, with_figures: bool) -> Result:
    result = Result(subject.name, "client" if isinstance(subject, Client) else "server", note=subject.note)
    missing = [p for p in packages_of(subject) if version_of(p) is None]
    result.version = version_of(subject.package) or ""
    if missing:
        result.not_tried = f"not installed: {' '.join(missing)}"
        return result
    try:
        if isinstance(subject, Client):
            build(subject)
        statistics = theatre.compare(subject.name, scenario_of(subject, pki), DEFAULT)
    except AssertionError as difference:
        words = str(difference)
        if words.startswith("under ibid"):
            result.difference = words
        else:
            result.not_tried = words
        return result
    except (ProgramError, OSError, subprocess.SubprocessError) as error:
        result.not_tried = f"{type(error).__name__}: {error}"
        return result
    result.exchanges = theatre.exchanges(subject.name)
    result.take(statistics.json)
    if with_figures:
        try:
            figures = measured(subject, pki, folder / "figures", ibid)
        except (ProgramError, OSError, IndexError) as error:
            say(f"   {subject.name}: not measured: {str(error)[:300]}")
            figures = None
        if figures:
            result.memory, result.cpu = figures
    return result


class Stages(Theatre):
    def exchanges(self, name: str) -> int:
        """How many exchanges were compared: each has a status, or an outcome."""
        records = self.stock_[name]
        return sum(1 for r in records if r.endswith(": status")) or sum(1 for r in records if r[:1].isdigit())


def merged(results: Iterable[Result]) -> list[Result]:
    """One result for each program: the last that is not "not tried", with the last figures."""
    kept: dict[str, Result] = {}
    for result in results:
        before = kept.get(result.name)
        if before and before.same and result.not_tried:
            continue
        if before and not result.memory:
            result.memory, result.cpu = before.memory, before.cpu
        kept[result.name] = result
    return list(kept.values())


def all_tried(subjects: Sequence[Subject], with_figures: bool, path: Path) -> list[Result]:
    ibid = ibid_program()
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="ibid-programs-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # servers change to other users
        pki = Standard(folder / "pki")
        pki.write_all()
        theatre = Stages(folder / "stage", pki, ibid)
        for subject in subjects:
            begun = time.monotonic()
            result = tried(subject, theatre, pki, ibid, folder, with_figures)
            results.append(result)
            print(f"{result.line()}  [{time.monotonic() - begun:.0f} s]", flush=True)
            if result.difference:
                say(result.difference)
            # After each program, so that an interrupted call leaves its results.
            path.write_text(json.dumps([r.as_json() for r in results], indent=1) + "\n")
    return results


def main(words: Sequence[str]) -> int:
    options = arguments(words)
    subjects = chosen(options)
    if options.packages:
        print(" ".join(available(dict.fromkeys(["time", "socat", *(p for s in SUBJECTS for p in packages_of(s))]))))
        return 0
    if options.list:
        for each in subjects:
            print(f"{each.name:26} {each.package}")
        return 0
    if options.earlier:
        results = merged([Result.from_json(r) for file in options.earlier for r in json.loads(file.read_text())])
        notes = {s.name: s.note for s in SUBJECTS}
        for result in results:
            result.note = notes.get(result.name, "")
        path = options.earlier[0]
    else:
        path = options.json or ROOT / "build/programs/results.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        results = all_tried(subjects, not (options.no_figures or options.fast), path)
    if options.page:
        PAGE.write_text(page(results))
        say(f"written: {PAGE.relative_to(ROOT)}")
    same = sum(1 for r in results if r.same)
    different = sum(1 for r in results if r.difference)
    left_out = len(results) - same - different
    print(f"\n{same} as in stock, {different} different, {left_out} not tried ({path})")
    return 1 if different or not same else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
