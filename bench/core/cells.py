# SPDX-License-Identifier: Apache-2.0
"""What is measured: workloads, kinds of keys, numbers of keys, numbers of threads.

Law: a cell is one process's work. docs/benchmarks.md describes each workload, and run_cell.h implements it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

WORKLOADS = {
    "hit": "hit: the key is there, and held",
    "insert": "first insert: the key is new, and its handle is kept",
    "churn": "churn: intern, and drop the last handle",
    "clone": "clone and drop a handle",
    "mix99": "mix: 99 hits under Zipf's law to 1 insert and evict",
    "mix90": "mix: 90 hits under Zipf's law to 10 inserts and evicts",
    "curve": "curve: a hit over the number of entries",
}
CURVE = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)


@dataclass(frozen=True)
class Cell:
    workload: str
    key_bytes: int
    distinct: int
    threads: int = 1
    curve: bool = False  # only for the curve: measured for the floor and C++


@dataclass(frozen=True)
class Plan:
    cells: tuple[Cell, ...]
    rounds: int  # of all cells
    most_rounds: int  # of cells whose rounds do not settle a goal
    window_ms: int
    windows: int
    seconds: float  # after this time no further run begins, except in the first round


def thread_counts() -> tuple[int, ...]:
    cores = len(os.sched_getaffinity(0))
    return (1, 2, cores) if cores > 2 else (1, 2)


def _every(threads: Sequence[int]) -> Iterator[Cell]:
    for distinct in (1, 1_000, 1_000_000):
        for key_bytes in (16, 1200):
            for t in threads:
                yield Cell("hit", key_bytes, distinct, t)
                if distinct > 1 and (key_bytes == 16 or distinct == 1_000 or t == 1):
                    yield Cell("insert", key_bytes, distinct, t)
                if key_bytes == 16 or distinct < 1_000_000:
                    yield Cell("churn", key_bytes, distinct, t)
                if key_bytes == 16 and distinct < 1_000_000:
                    yield Cell("clone", key_bytes, distinct, t)
                if distinct > 1 and (key_bytes == 16 or distinct == 1_000):
                    yield Cell("mix99", key_bytes, distinct, t)
                    yield Cell("mix90", key_bytes, distinct, t)


def _few(threads: Sequence[int]) -> Iterator[Cell]:
    for distinct in (1, 1_000):
        for t in threads:
            yield Cell("hit", 16, distinct, t)
        yield Cell("hit", 1200, distinct)
    for t in threads:
        yield Cell("churn", 16, 1, t)
        yield Cell("mix90", 16, 1_000, t)
    yield Cell("clone", 16, 1, threads[-1])
    yield Cell("insert", 16, 1_000_000)


def _with_curve(cells: Sequence[Cell], largest: int) -> tuple[Cell, ...]:
    """Adds the curve's cells that are not among `cells`."""
    return (*cells, *(Cell("hit", 16, n, curve=True) for n in CURVE if n <= largest and Cell("hit", 16, n) not in cells))


def full() -> Plan:
    cells = _with_curve([*_every(thread_counts())], CURVE[-1])
    return Plan(cells, rounds=3, most_rounds=25, window_ms=10, windows=5, seconds=22 * 60)


def quick() -> Plan:
    return Plan(_with_curve([*_few(thread_counts())], 1_000_000), rounds=2, most_rounds=2, window_ms=10, windows=5, seconds=80)


def only(plan: Plan, workload: str) -> Plan:
    def wanted(cell: Cell) -> bool:
        if workload == "curve":
            return cell.workload == "hit" and cell.key_bytes == 16 and cell.threads == 1 and cell.distinct in CURVE
        return cell.workload == workload and not cell.curve

    return replace(plan, cells=tuple(cell for cell in plan.cells if wanted(cell)))
