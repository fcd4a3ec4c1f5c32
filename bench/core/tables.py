# SPDX-License-Identifier: Apache-2.0
"""The figures as tables: a header and rows of text, for the terminal and for the report."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from cells import CURVE, WORKLOADS, Cell
from figures import Figures, label
from goals import NOT_MEASURED, Goal
from programs import Kind
from rounds import Row, Spread


@dataclass(frozen=True)
class Entry:
    text: str
    below: str = ""  # lowest and highest of the runs, if there are several


@dataclass(frozen=True)
class Table:
    title: str
    note: str
    head: tuple[str, ...]
    rows: tuple[tuple[Entry, ...], ...]


def short(value: float) -> str:
    return f"{value:,.1f}" if abs(value) < 100 else f"{value:,.0f}"


def _spread(row: Row, spread: Spread) -> Entry:
    return Entry(short(spread.median), f"{short(spread.low)} … {short(spread.high)}" if len(row.runs) > 1 else "")


def _value(row: Row) -> Entry:
    if not row.runs:
        return Entry("failed" if row.failed else "")
    return _spread(row, row.nanoseconds if row.cell.threads == 1 else row.throughput)


def _column(cell: Cell) -> str:
    unit = "ns" if cell.threads == 1 else f"M/s, {cell.threads} threads"
    return f"{cell.distinct:,}: {unit}"


def _labels(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(label(row) for row in rows))


def workload_tables(figures: Figures) -> list[Table]:
    tables = []
    for workload, title in WORKLOADS.items():
        for key_bytes in (16, 1200):
            rows = [
                row
                for row in figures.rows
                if row.cell.workload == workload and row.cell.key_bytes == key_bytes and not row.cell.curve
            ]
            if not rows:
                continue
            cells = sorted({row.cell for row in rows}, key=lambda c: (c.threads, c.distinct))
            found = {(label(row), row.cell): _value(row) for row in rows}
            order = {p.title: i for i, p in enumerate(figures.programs)}
            names = sorted(_labels(rows), key=lambda n: min(order[r.program.title] for r in rows if label(r) == n))
            body = [(Entry(name), *(found.get((name, cell), Entry("")) for cell in cells)) for name in names]
            body += [(Entry(p.title), Entry(p.missing)) for p in figures.programs if p.missing]
            tables.append(
                Table(
                    f"{title}; {key_bytes:,}-byte keys",
                    "By distinct keys. One thread: nanoseconds an operation. More threads: millions of operations a "
                    "second, all threads together.",
                    ("", *map(_column, cells)),
                    tuple(body),
                )
            )
    return tables


def bytes_table(figures: Figures) -> Table:
    cells = [Cell("insert", 16, 1_000_000), Cell("insert", 1200, 1_000_000)]
    rows = []
    for program in figures.programs:
        found = []
        for cell in cells:
            row = figures.one(program.name, cell.workload, cell.key_bytes, cell.distinct)
            size = row.median("bytes_per_entry") if row else None
            found.append(Entry("" if size is None else f"{size:.0f}"))
        if any(entry.text for entry in found):
            rows.append((Entry(program.title), *found))
    return Table(
        "Bytes an entry beyond the key's own bytes, with 1,000,000 entries",
        "C++ and Rust: what malloc handed out, its headers and rounding included. Go and Java: what is in use after "
        "collections. The handle that keeps the entry is not counted.",
        ("", "16-byte keys", "1,200-byte keys"),
        tuple(rows),
    )


def bills_table(figures: Figures) -> Table:
    def milliseconds(value: float | None) -> str:
        return "" if value is None else f"{value:,.1f}"

    rows = []
    for row in figures.rows:
        if row.program.kind is Kind.COLLECTED and row.runs and not row.cell.curve and row.cell.workload != "clone":
            own, background = row.median("collector_ns"), row.median("background_ns")
            cell = row.cell
            rows.append(
                (
                    Entry(label(row)),
                    Entry(f"{cell.workload}, {cell.distinct:,} × {cell.key_bytes:,} bytes, {cell.threads}"),
                    Entry(short(row.nanoseconds.median)),
                    Entry("" if background is None else short(background)),
                    Entry("" if own is None else short(own)),
                    Entry(milliseconds(row.median("collection_ms"))),
                )
            )
    return Table(
        "Collection cost of the garbage-collected peers",
        "Time of an operation on its thread; CPU time of the process per operation outside of the working threads; the part "
        "of it that the runtime attributes to the collector (Go: its own account, assists of the working threads included; "
        "Java: the collector's threads); and the CPU time of one full collection with this cell's entries alive. A peer "
        "that evicts exactly has no such cost.",
        ("", "cell, threads", "ns", "background ns", "collector ns", "collection ms"),
        tuple(rows),
    )


def curve_table(figures: Figures) -> Table:
    names = [p for p in figures.programs if len(figures.curve(p.name)) > 1]
    sizes = [n for n in CURVE if any(figures.one(p.name, "hit", 16, n) for p in names)]
    rows = []
    for program in names:
        by_size = {row.cell.distinct: row for row in figures.curve(program.name)}
        rows.append(
            (Entry(f"{program.title}, ns"), *(_spread(by_size[n], by_size[n].nanoseconds) if n in by_size else Entry("") for n in sizes))
        )
    counts = (("instructions", "instructions"), ("l1_misses", "L1 misses"), ("cache_misses", "cache misses"), ("tlb_misses", "TLB misses"))
    for program in (p for p in names if p.kind in (Kind.IBID, Kind.FLOOR)):
        by_size = {row.cell.distinct: row for row in figures.curve(program.name)}
        for counter, name in counts:
            values = [by_size[n].median("counted", counter) if n in by_size else None for n in sizes]
            texts = [Entry("not available" if v is None else f"{v:,.2f}" if v < 100 else f"{v:,.0f}") for v in values]
            rows.append((Entry(f"{program.title}, {name}"), *texts))
    if figures.ladder:
        loads = [figures.ladder.get(ladder_bytes(n)) for n in sizes]
        rows.append((Entry("one dependent load within as many bytes as the floor's table, ns"), *(Entry("" if v is None else short(v)) for v in loads)))
    return Table(
        "Curve: a hit over the number of entries, 16-byte keys, 1 thread",
        "Counts are the processor's, an operation, of the thread's user code; “cache misses” are loads that missed the "
        "second level on AMD's Zen and the last level on Intel's cores; with --simulate, where the processor counts nothing, "
        "what valgrind's cachegrind counts with a first level of 32 KiB and a last one of 2 MiB.",
        ("", *(f"{n:,}" for n in sizes)),
        tuple(rows),
    )


def ladder_bytes(entries: int) -> int:
    """Roughly the size of the floor's table and entries: two slots of a word and a chunk of 48 bytes for each entry."""
    return 64 * entries


def goals_table(found: Sequence[Goal]) -> Table:
    def answer(goal: Goal) -> str:
        unknown = NOT_MEASURED if goal.found == NOT_MEASURED else "no conclusion"
        return {True: "reached", False: "NOT reached", None: unknown}[goal.reached]

    return Table(
        "Goals",
        "",
        ("", "goal", "found", ""),
        tuple((Entry(g.what), Entry(g.target), Entry(g.found), Entry(answer(g))) for g in found),
    )


def _width(text: str) -> int:
    return sum(0 if unicodedata.combining(c) else 1 for c in text)


def as_text(table: Table) -> str:
    lines = [[*table.head], *([entry.text for entry in row] for row in table.rows)]
    columns = len(table.head)
    # A line with fewer columns (the reason why a peer is missing) does not affect the widths.
    widths = [max(_width(line[i]) for line in lines if len(line) == columns) for i in range(columns)]
    left = {0} | {i for i in range(columns) if table.head[i] in ("goal", "found", "cell, threads")}
    text = [table.title]
    for line in lines:
        padded = [(c.ljust(w) if i in left else c.rjust(w)) for i, (c, w) in enumerate(zip(line, widths))]
        if len(line) < columns:
            padded = [line[0].ljust(widths[0]), line[1]]
        text.append("  " + "  ".join(padded).rstrip())
    return "\n".join(text)
