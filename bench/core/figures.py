# SPDX-License-Identifier: Apache-2.0
"""The measured figures, by cell and program."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cells import CURVE, Cell
from programs import Kind, Program
from rounds import Row


@dataclass(frozen=True)
class Figures:
    rows: tuple[Row, ...]  # of programs that ran
    programs: tuple[Program, ...]
    ladder: dict[int, float]  # nanoseconds of a dependent load, by the size of the memory in bytes

    def at(
        self, workload: str, key_bytes: int, distinct: int, threads: int = 1, *, kinds: Iterable[Kind] = tuple(Kind)
    ) -> list[Row]:
        """The rows of one cell."""
        wanted = (workload, key_bytes, distinct, threads)
        return [
            row
            for row in self.rows
            if row.runs
            and (row.cell.workload, row.cell.key_bytes, row.cell.distinct, row.cell.threads) == wanted
            and row.program.kind in tuple(kinds)
        ]

    def one(self, name: str, workload: str, key_bytes: int, distinct: int, threads: int = 1) -> Row | None:
        """The row of one program with its usual hash."""
        for row in self.at(workload, key_bytes, distinct, threads):
            if row.program.name == name and row.hash == usual_hash(row.program, row.cell):
                return row
        return None

    def curve(self, name: str) -> list[Row]:
        found = (self.one(name, "hit", 16, n) for n in CURVE)
        return [row for row in found if row is not None]


def usual_hash(program: Program, cell: Cell) -> str:
    """The hash that the tables show first: for long keys the hash that all programs share, if the program has it."""
    return "xxh3" if cell.key_bytes == 1200 and "xxh3" in program.hashes else program.hashes[0]


def label(row: Row) -> str:
    """The program's title, and its hash if it has several."""
    if row.program.kind in (Kind.FLOOR, Kind.IBID) or len(row.program.hashes) == 1:
        return row.program.title
    return f"{row.program.title}, {'XXH3' if row.hash == 'xxh3' else 'own hash'}"
