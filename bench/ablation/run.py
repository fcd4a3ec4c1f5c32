#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The effect of each mechanism of the core: the same workloads with all mechanisms and without one, in alternating runs.

A row is a mechanism. Its figures are how much longer an operation takes without it; the row "nothing" is the whole core again, so
it shows the noise. bench/ablation/README.md lists mechanisms that cannot be left out separately.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "bench" / "core")]
from report.machine import machine  # noqa: E402

from cells import Cell, Plan  # noqa: E402
from programs import Kind, Program  # noqa: E402
from rounds import Mismatch, Row, measure  # noqa: E402

HEADER = ROOT / "include/ibid/detail/base/mechanisms.h"
WHOLE = "whole"

# Each mechanism has an effect in one of these. A hit in one thread is first, because it is the most frequent
# operation.
CELLS = (
    Cell("hit", 16, 1_000),
    Cell("hit", 16, 1_000, 2),
    Cell("hit", 16, 1, 2),
    Cell("insert", 16, 1_000, 2),
    Cell("insert", 16, 1_000_000),
    Cell("churn", 16, 1),
    Cell("churn", 16, 1, 2),
    Cell("churn", 16, 1_000, 2),
    Cell("mix99", 16, 1_000, 2),
    Cell("mix90", 16, 1_000),
    Cell("mix90", 16, 1_000, 2),
)


def mechanisms() -> dict[str, str]:
    """From the header: each mechanism's name, and what the core does without it."""
    return dict(re.findall(r"^    ([a-z_]+),? +// without: (.*)$", HEADER.read_text(), re.MULTILINE))


def programs(build: Path, wanted: list[str]) -> list[Program]:
    def program(name: str, mechanism: str) -> Program:
        path = build / "bin" / f"bench_ablation_{mechanism}"
        return Program(name, name, Kind.IBID, ("xxh3",), (str(path),), "" if path.exists() else "not built")

    return [program(WHOLE, "nothing"), program("nothing", "nothing"), *(program(name, name) for name in wanted)]


def head(cell: Cell) -> str:
    return f"{cell.workload} {cell.distinct:,}" + (f" ×{cell.threads}" if cell.threads > 1 else "")


def change(row: Row, whole: Row) -> float | None:
    """How much longer an operation takes than with the whole core."""
    return row.nanoseconds.median / whole.nanoseconds.median - 1 if row.runs and whole.runs else None


def arguments(known: dict[str, str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release", metavar="DIR", help="(%(default)s)")
    parser.add_argument("--quick", action="store_true", help="two rounds instead of seven")
    parser.add_argument("--busy", action="store_true", help="for a busy machine: only one thread, measured by its CPU time")
    parser.add_argument("--only", action="append", choices=known, metavar="MECHANISM", help=f"of {', '.join(known)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to FILE too")
    return parser.parse_args()


def main() -> int:
    known = mechanisms()
    options = arguments(known)
    wanted = options.only or list(known)
    cells = tuple(c for c in CELLS if c.threads == 1) if options.busy else CELLS
    everyone = programs(options.build.resolve(), wanted)
    for program in everyone:
        if program.missing:
            raise SystemExit(f"{program.command[0]} is {program.missing}: './dev bench ablation' builds it")
    load = os.getloadavg()[0]

    def tell(progress: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\033[K{progress}", end="", file=sys.stderr, flush=True)

    plan = Plan(cells, rounds=2 if options.quick else 7, window_ms=10, windows=5, seconds=3600)
    try:
        rows = measure(plan, everyone, tell, options.busy)
    except Mismatch as error:
        print(f"cannot compare: {error}", file=sys.stderr)
        return 1
    found = {(row.program.name, row.cell): row for row in rows}
    whole = [found[WHOLE, cell] for cell in cells]
    width = max(map(len, ("without", *wanted)))
    heads = [head(cell) for cell in cells]
    print("How much longer an operation takes without a mechanism; 16-byte keys, ×2: two threads. First row: ns, with all.\n")
    print("  ".join(["without".ljust(width), *heads, "buys most in"]))
    print("  ".join(["-".ljust(width), *(f"{r.nanoseconds.median:.1f}".rjust(len(h)) if r.runs else "failed".rjust(len(h))
                                       for r, h in zip(whole, heads))]))  # fmt: skip
    result = {}
    for name in ("nothing", *wanted):
        changes = [change(found[name, cell], w) for cell, w in zip(cells, whole)]
        best = max((c for c in changes if c is not None), default=0.0)
        where = heads[changes.index(best)] if best >= 0.05 else "nothing: less than 5 %"
        shown = ["failed" if c is None else f"{100 * c:+.0f} %" for c in changes]
        print("  ".join([name.ljust(width), *(s.rjust(len(h)) for s, h in zip(shown, heads)), where]))
        result[name] = dict(zip(heads, changes))
    print(f"\n{machine()['processor']}; {plan.rounds} rounds; load {load:.1f} before")
    if load > 0.5 and not options.busy:
        print("The machine was busy when this began: do not trust these figures, least those of two threads.")
    failures = [row for row in rows if row.failed]
    for row in failures:
        print(f"failed: {row.program.title}, {row.cell}: {row.failed}", file=sys.stderr)
    if options.json:
        about = {"machine": machine(), "load_before": load, "whole": {h: dataclasses.asdict(w.nanoseconds) for h, w in zip(heads, whole)}}
        options.json.write_text(json.dumps({**about, "longer": result, "what": known}, indent=1) + "\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
