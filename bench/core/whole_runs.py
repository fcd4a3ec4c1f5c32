# SPDX-License-Identifier: Apache-2.0
"""Measurements besides the cells: whole programs' work on one interner, and the rows of bench_pool and bench_gc.

Law: as in rounds.py, runs alternate, and a figure is the median of the rounds. A ratio is given only if the two ranges of the
rounds do not overlap; otherwise there is no conclusion.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rounds import Spread
from tables import Entry, Table, short

TIMEOUT = 240


@dataclass(frozen=True)
class Work:
    program: str
    title: str
    count: int  # number of values, at most
    simulated: int  # number of values under valgrind


WORKS = {
    "expressions": Work(
        "bench_core_expressions", "hash-consing: 1,000,000 expression nodes, each made, asked for again, and dropped", 1_000_000, 20_000
    ),
    "symbols": Work(
        "bench_core_symbols", "symbol table: the identifiers of this machine’s C and C++ headers, as a parser meets them", 4_000_000, 200_000
    ),
}
BESIDE = ("pool", "gc")  # separate programs: bench/pool, bench/gc
PHASES = (("make", "made"), ("again", "asked again"), ("end", "dropped"))


@dataclass
class Rival:
    name: str
    runs: list[dict[str, Any]] = field(default_factory=list)
    instructions: dict[str, float] = field(default_factory=dict)

    def spread(self, figure: str) -> Spread:
        return Spread.of([run[figure] for run in self.runs])


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT, check=True)
    return done.stdout


def _instructions(program: str, rival: str, count: int, passes: int) -> int:
    command = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    done = subprocess.run(
        [*command, program, rival, str(count), str(passes)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=4 * TIMEOUT, check=True,
    )  # fmt: skip
    return int(re.search(r"I +refs: +([0-9,]+)", done.stderr)[1].replace(",", ""))


def _count(program: str, rival: Rival, work: Work) -> None:
    """The processor's counts, otherwise valgrind's: differences between runs that differ in only one phase."""
    if rival.runs and "again_instructions" in rival.runs[0]:
        rival.instructions = {p: rival.spread(f"{p}_instructions").median for p, _ in PHASES}
    elif shutil.which("valgrind"):
        none, once, twice = (_instructions(program, rival.name, work.simulated, n) for n in (0, 1, 2))
        rival.instructions = {"make": (once - none) / work.simulated, "again": (twice - once) / work.simulated}


def measure(name: str, build: Path, rounds: int, busy: bool, simulate: bool, tell: Callable[[str], None]) -> list[Rival]:
    """Measures one program's rivals; empty if it is not built."""
    work = WORKS[name]
    program = build / "bin" / work.program
    if not program.exists():
        return []
    rivals = [Rival(x) for x in _run([str(program)]).splitlines()]
    rivals.sort(key=lambda r: r.name != "ibid")
    for number in range(rounds):
        turn = number % len(rivals)
        for rival in rivals[turn:] + rivals[:turn]:
            tell(f"round {number + 1} of {rounds}: {name}, {rival.name}")
            rival.runs.append(json.loads(_run([str(program), rival.name, str(work.count), "3", *["busy"] * busy])))
    if len({(run["count"], run["distinct"]) for rival in rivals for run in rival.runs}) != 1:
        raise RuntimeError(f"{name}: the programs did not do the same work")
    for rival in rivals:
        if simulate or "again_instructions" in rival.runs[0]:
            tell(f"instructions: {name}, {rival.name}")
            _count(str(program), rival, work)
    tell("")
    return rivals


def verdict(ours: Spread, other: Spread) -> str:
    """The ratio of the other to ours, if the rounds allow a conclusion."""
    if ours.low <= other.high and other.low <= ours.high:
        return "no conclusion"
    return f"{other.median / ours.median:.2f} ×"


def table(name: str, rivals: Sequence[Rival]) -> Table:
    first = rivals[0].runs[0]
    rows = []
    for rival in rivals:
        row = [Entry(rival.name)]
        for phase, _ in PHASES:
            found = rival.spread(f"{phase}_ns")
            row.append(Entry(short(found.median), f"{short(found.low)} … {short(found.high)}"))
            row.append(Entry("" if rival is rivals[0] else verdict(rivals[0].spread(f"{phase}_ns"), found)))
        row.append(Entry(f"{rival.spread('bytes').median:.0f}"))
        row += [Entry(f"{rival.instructions[p]:.0f}" if p in rival.instructions else "") for p in ("make", "again")]
        rows.append(tuple(row))
    return Table(
        f"{WORKS[name].title[0].upper()}{WORKS[name].title[1:]}; {first['count']:,}, of which {first['distinct']:,} differ",
        "Nanoseconds each, one thread: median of the rounds. ×: how many times ibid’s; no conclusion, where the rounds’ ranges "
        "touch. Bytes: of the heap for each that differs, without the handles. A set of shared_ptr or strings takes no lock, and "
        "keeps everything to its own end.",
        ("", *(x for _, title in PHASES for x in (f"{title}, ns", "")), "bytes", "instructions: made", "asked again"),
        tuple(rows),
    )


def beside(name: str, build: Path, quick: bool, busy: bool, tell: Callable[[str], None]) -> tuple[str, Any]:
    """The output of bench_pool or bench_gc, and its figures; empty if it is not built."""
    program = build / "bin" / f"bench_{name}"
    if not program.exists():
        return "", None
    tell(f"bench_{name}")
    with tempfile.NamedTemporaryFile() as figures:
        text = _run([str(program), "--json", figures.name, *["--quick"] * quick, *["--busy"] * busy])
        tell("")
        return text.strip(), json.loads(Path(figures.name).read_text())
