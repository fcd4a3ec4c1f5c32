# SPDX-License-Identifier: Apache-2.0
"""Runs the programs in turn and keeps their output.

Law: in each round every program runs every cell once, one process after another, and each round begins with a different
program, so other load on the machine affects all programs equally. A process's figure is the median of its windows; a row's
figure is the median of its processes. Two rows are compared round by round. Cells whose rounds do not settle a goal get more
rounds, as long as there is time.
"""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cells import Cell, Plan
from programs import Program

# (seconds, rounds): a process that takes longer than `seconds` runs in at most `rounds` rounds.
PATIENCE = ((6.0, 1), (1.5, 3))
TIMEOUT = 240.0
# Tables larger than the caches need longer windows, because the first lookups have more cache misses than
# later ones.
LARGE, LONGER = 100_000, 4


@dataclass(frozen=True)
class Spread:
    median: float
    low: float
    high: float

    @staticmethod
    def of(values: Sequence[float]) -> Spread:
        """The lowest and the highest value."""
        return Spread(statistics.median(values), min(values), max(values))

    @staticmethod
    def of_median(values: Sequence[float]) -> Spread:
        """Where the true median is, with a confidence of 95 %: order statistics, which assume no distribution. (Five values:
        their lowest and highest, 94 %.)"""
        n = len(values)
        below = 0  # so many may lie below the interval, and above it
        while sum(math.comb(n, i) for i in range(below + 1)) <= 0.025 * 2**n:
            below += 1
        outer = max(below - 1, 0)
        ordered = sorted(values)
        return Spread(statistics.median(values), ordered[outer], ordered[n - 1 - outer])


@dataclass
class Row:
    """One program at one cell."""

    cell: Cell
    program: Program
    hash: str
    runs: list[dict[str, Any]] = field(default_factory=list)  # what each process printed
    seconds: float = 0.0  # of the longest process
    is_slow: bool = False  # it gets no more rounds (PATIENCE)
    failed: str = ""
    by_running_time: bool = False  # by CPU time of the thread; otherwise by elapsed time

    def rates(self) -> list[float]:
        name = "running_rates" if self.by_running_time else "rates"
        return [statistics.median(run[name]) for run in self.runs]

    def times(self) -> list[float]:
        """Nanoseconds of one operation on its thread, in each round."""
        return [1e9 * self.cell.threads / rate for rate in self.rates()]

    @property
    def throughput(self) -> Spread:
        """Millions of operations a second, of all threads together."""
        return Spread.of([rate / 1e6 for rate in self.rates()])

    @property
    def nanoseconds(self) -> Spread:
        return Spread.of(self.times())

    def median(self, *path: str) -> float | None:
        """The median of another figure, if the program prints it."""
        values = []
        for run in self.runs:
            value: Any = run
            for name in path:
                value = value.get(name) if isinstance(value, dict) else None
            if value is not None:
                values.append(float(value))
        return statistics.median(values) if values else None


class Mismatch(RuntimeError):
    """Two programs did not do the same work."""


def _rows(plan: Plan, programs: Iterable[Program], busy: bool) -> Iterator[Row]:
    everyone = list(programs)
    for cell in plan.cells:
        for program in everyone:
            for name in program.hashes_for(cell):
                yield Row(cell, program, name, by_running_time=busy)


def _run(row: Row, plan: Plan) -> None:
    cell = row.cell
    numbers = (cell.key_bytes, cell.distinct, cell.threads)
    window_ms = plan.window_ms * (LONGER if cell.distinct >= LARGE else 1)
    command = [*row.program.command, cell.workload, *map(str, numbers), row.hash, str(window_ms), str(plan.windows)]
    began = time.monotonic()
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        row.failed = f"not done after {TIMEOUT:.0f} s"
        return
    row.seconds = max(row.seconds, time.monotonic() - began)
    if done.returncode != 0:
        row.failed = (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]
        return
    row.runs.append(json.loads(done.stdout))


def _same_work(rows: Iterable[Row]) -> None:
    """Checks that all programs used the same keys. Each prints a hash over its whole sequence."""
    seen: dict[Cell, tuple[str, int]] = {}
    for row in rows:
        for run in row.runs:
            name, expected = seen.setdefault(row.cell, (row.program.title, run["fingerprint"]))
            if run["fingerprint"] != expected:
                raise Mismatch(f"{row.program.title} and {name} used other keys at {row.cell}")


def measure(
    plan: Plan, programs: Iterable[Program], tell: Callable[[str], None], busy: bool, unsettled: Callable[[Sequence[Row]], set[Cell]]
) -> list[Row]:
    """`unsettled`: the cells that need more rounds, up to `plan.most_rounds`."""
    rows = list(_rows(plan, programs, busy))
    groups: dict[Cell, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.cell, []).append(row)
    began = time.monotonic()

    def is_late() -> bool:
        return time.monotonic() - began > plan.seconds

    def one_round(number: int, cells: Iterable[Cell]) -> None:
        for cell in cells:
            group = groups[cell]
            turn = number % len(group)
            for row in group[turn:] + group[:turn]:
                row.is_slow = any(row.seconds > limit and number >= most for limit, most in PATIENCE)
                if (number > 0 and is_late()) or row.is_slow or row.failed:
                    continue
                tell(f"round {number + 1}: {cell.workload}, {cell.distinct:,} × {cell.key_bytes} bytes, "
                     f"{cell.threads} thread{'s' * (cell.threads > 1)}, {row.program.title}")  # fmt: skip
                _run(row, plan)

    for number in range(plan.rounds):
        one_round(number, groups)
    for number in range(plan.rounds, plan.most_rounds):
        more = unsettled([row for row in rows if row.runs])
        if not more or is_late():
            break
        one_round(number, [cell for cell in groups if cell in more])
    tell("")
    _same_work(rows)
    return rows


def ladder(program: str, sizes: Iterable[int]) -> dict[int, float]:
    """Nanoseconds of a load that depends on the previous one, for each number of bytes; empty if the program is not built."""
    found = {}
    for size in sizes:
        try:
            done = subprocess.run([program, str(size)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        except FileNotFoundError:
            return {}
        if done.returncode == 0:
            found[size] = json.loads(done.stdout)["ns"]
    return found
