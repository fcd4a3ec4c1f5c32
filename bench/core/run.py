#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures ibid's core against its peers on the same keys, in alternating runs, and prints medians and goals.

How to read it: docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from report.machine import machine  # noqa: E402
from report.page import Cell as Box  # noqa: E402
from report.page import definitions, page, paragraph, section, table  # noqa: E402
from report.page import pictures as gallery  # noqa: E402

import cells  # noqa: E402
import tables  # noqa: E402
import whole_runs  # noqa: E402
from figures import Figures, usual_hash  # noqa: E402
from goals import NOT_MEASURED, Goal, goals, unsettled  # noqa: E402
from plots import pictures  # noqa: E402
from programs import Kind, cpp_programs, programs  # noqa: E402
from rounds import Mismatch, Row, ladder, measure  # noqa: E402
from simulated import simulate  # noqa: E402


def tell(progress: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{progress}", end="", file=sys.stderr, flush=True)


def first_line(command: list[str]) -> str:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return "not here"
    return (done.stdout + done.stderr).strip().splitlines()[0]


def compiler(build: Path) -> str:
    try:
        lines = (build / "CMakeCache.txt").read_text().splitlines()
    except OSError:
        return "unknown"
    return first_line([next(x.split("=", 1)[1] for x in lines if x.startswith("CMAKE_CXX_COMPILER:")), "--version"])


def versions(build: Path, figures: Figures) -> dict[str, str]:
    libraries = dict.fromkeys(run["library"] for row in figures.rows for run in row.runs if "library" in run)
    return {
        "C++ compiler": compiler(build),
        "C++ libraries": ", ".join(x for x in libraries if x not in ("floor", "ibid")),
        "Go": first_line(["go", "version"]),
        "Rust": first_line(["rustc", "--version"]),
        "Java": first_line(["java", "-version"]),
        "Rust and Java libraries": "pinned in bench/peers/rust/Cargo.lock and bench/peers/guava/pom.xml",
    }


def as_json(figures: Figures, found: list[Goal], about: dict[str, Any]) -> dict[str, Any]:
    def row(r: Row) -> dict[str, Any]:
        return {
            **{name: getattr(r.cell, name) for name in ("workload", "key_bytes", "distinct", "threads")},
            "program": r.program.name,
            "hash": r.hash,
            "usual_hash": r.hash == usual_hash(r.program, r.cell),
            "ns": dataclasses.asdict(r.nanoseconds) if r.runs else None,
            "million_per_second": dataclasses.asdict(r.throughput) if r.runs else None,
            **{k: r.median(k) for k in ("bytes_per_entry", "background_ns", "collector_ns", "collection_ms")},
            "counted": {k: r.median("counted", k) for k in (r.runs[0].get("counted") or {})} if r.runs else {},
            "failed": r.failed or None,
            "runs": r.runs,
        }

    return {
        **about,
        "programs": [
            {"name": p.name, "title": p.title, "kind": p.kind.name.lower(), "missing": p.missing or None}
            for p in figures.programs
        ],
        "goals": [dataclasses.asdict(goal) for goal in found],
        "rows": [row(r) for r in figures.rows],
        "dependent_load_ns": {str(k): v for k, v in figures.ladder.items()},
    }


def as_html(figures: Figures, found: list[Goal], shown: list[tables.Table], about: dict[str, Any]) -> str:
    ours = {p.title for p in figures.programs if p.kind is Kind.IBID}
    kinds = {"reached": "good", "NOT reached": "bad", "not measured": "faint", "no conclusion": "faint"}

    def boxes(row: tuple[tables.Entry, ...]) -> list[Box]:
        mine = row[0].text.split(",")[0] in ours
        prose = [len(e.text) > 20 and i > 0 for i, e in enumerate(row)]
        return [Box(e.text, e.below, kinds.get(e.text, "ibid" if mine else "text" if p else "")) for e, p in zip(row, prose)]

    drawn = pictures(figures)
    sections = [section("Pictures", gallery(drawn))] if drawn else []
    for t in [shown[-1], *shown[:-1]]:  # the goals first
        sections.append(section(t.title, paragraph(t.note, faint=True) if t.note else "", table(t.head, [boxes(r) for r in t.rows])))
    sections.append(section("Machine and versions", definitions({**about["machine"], **about["versions"], "command": about["command"]})))
    lead = (
        "Every program does the same work on the same keys, one process after another, in rounds. A figure is the median of "
        "the rounds; below it stand the lowest and the highest."
    )
    date = paragraph(f"{about['date']} · {about['seconds']:.0f} seconds · {about['machine']['processor']}", faint=True)
    return page("ibid’s core and its peers", lead, [date, *sections])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release", metavar="DIR", help="(%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures and runs to FILE too")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a report with pictures to FILE too")
    parser.add_argument("--quick", action="store_true", help="fewer cells and rounds: rough figures in about two minutes")
    parser.add_argument(
        "--busy",
        action="store_true",
        help="for a busy machine: only C++ and one thread, measured by the thread's CPU time",
    )
    parser.add_argument(
        "--simulate",
        action="store_true",
        help="instructions and cache misses of the curve from valgrind, where the processor does not count them (minutes)",
    )
    works = [*cells.WORKLOADS, *whole_runs.WORKS, *whole_runs.BESIDE]
    parser.add_argument("--only", choices=works, metavar="WORKLOAD", help=f"of {', '.join(works)}")
    return parser.parse_args()


def beside(options: argparse.Namespace, build: Path, rounds: int) -> tuple[list[tables.Table], list[str], dict[str, Any]]:
    """Measurements that are no cells: whole programs' work, and the programs of bench/pool and bench/gc."""
    shown, texts, data = [], [], {}
    for name in whole_runs.WORKS:
        if options.only in (None, name):
            rivals = whole_runs.measure(name, build, rounds, options.busy, options.simulate, tell)
            data[name] = [dataclasses.asdict(rival) for rival in rivals]
            shown += [whole_runs.table(name, rivals)] if rivals else []
    for name in whole_runs.BESIDE:
        if options.only in (None, name):
            text, data[name] = whole_runs.beside(name, build, options.quick, options.busy, tell)
            texts += [text] if text else []
    return shown, texts, data


def main() -> int:
    options = arguments()
    build = options.build.resolve()
    plan = cells.quick() if options.quick else cells.full()
    if options.only in cells.WORKLOADS:
        plan = cells.only(plan, options.only)
        if not plan.cells:
            raise SystemExit(f"--quick has no cell of {options.only}")
    elif options.only:
        plan = dataclasses.replace(plan, cells=())
    if options.busy:
        plan = dataclasses.replace(plan, cells=tuple(c for c in plan.cells if c.threads == 1))
    tell("building the peers in Rust, Go and Java")
    everyone = cpp_programs(build) if options.busy or not plan.cells else programs(build)
    began = time.monotonic()
    load = os.getloadavg()[0]
    try:
        rows = measure(plan, everyone, tell, options.busy, lambda sofar: unsettled(Figures(tuple(sofar), tuple(everyone), {})))
    except Mismatch as error:
        print(f"cannot compare: {error}", file=sys.stderr)
        return 1
    if options.simulate and not simulate(rows, tell):
        print("--simulate needs valgrind: apt-get install valgrind", file=sys.stderr)
    sizes = sorted({tables.ladder_bytes(row.cell.distinct) for row in rows if row.cell.curve or row.cell.distinct in cells.CURVE})
    figures = Figures(tuple(rows), tuple(everyone), ladder(str(build / "bin" / "bench_core_latency"), sizes))
    found = goals(figures)
    shown = tables.workload_tables(figures)
    shown += [t for t in (tables.bytes_table(figures), tables.bills_table(figures), tables.curve_table(figures)) if t.rows]
    shown.append(tables.goals_table([g for g in found if g.found != NOT_MEASURED or not (options.only or options.busy)]))
    works, texts, data = beside(options, build, plan.rounds)
    shown = [t for t in [*works, *shown] if t.rows]
    about = {
        "date": time.strftime("%Y-%m-%d %H:%M:%S"),
        "command": shlex.join(["./dev", "bench", "core", *sys.argv[1:]]),
        "seconds": round(time.monotonic() - began, 1),
        "load_before": load,
        "machine": machine(),
        "versions": versions(build, figures),
        "beside": data,
    }
    print("\n\n".join([*(tables.as_text(t) for t in shown), *texts]))
    print(f"\n{about['machine']['processor']}; {about['machine']['system']}; {about['seconds']:.0f} seconds")
    if load > 0.5 and not options.busy:
        print(f"The machine was busy (load {load:.1f}) when this began: do not trust these figures, least those of two threads.")
    for row in rows:
        if row.failed:
            print(f"failed: {row.program.title}, {row.cell}: {row.failed}", file=sys.stderr)
    if options.json:
        options.json.write_text(json.dumps(as_json(figures, found, about), indent=1) + "\n")
    if options.html:
        options.html.write_text(as_html(figures, found, shown, about))
    return 0


if __name__ == "__main__":
    sys.exit(main())
