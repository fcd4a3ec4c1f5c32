#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures ordinary OpenSSL programs, alternately stock and under ibid, and prints ratios and goals.

run() does so for any suite of scenarios and figures.
"""

from __future__ import annotations

import argparse
import json
import ssl
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from bench.openssl.figures import FIGURES, Figure, Result, Runs, Spread  # noqa: E402
from bench.openssl.fixtures import fixtures  # noqa: E402
from bench.openssl.scenarios import SCENARIOS, Bench, Scenario  # noqa: E402
from bench.openssl.turns import Figures  # noqa: E402
from report.machine import machine  # noqa: E402

FOOTNOTE = """\
Medians of several runs. Each pair of alternating runs has a ratio; the table has their median, lowest and highest.
Two goals: the first is for sharing certificates only, the second for everything that ibid does."""


@dataclass(frozen=True)
class Suite:
    """A set of measurements: the program that the scenarios run, and their figures."""

    description: str | None
    component: str  # under bench/; its program is bench_COMPONENT
    scenarios: Sequence[Scenario]
    figures: Mapping[str, Sequence[Figure]]
    footnote: str
    quick_pairs: int
    long: str = ""  # what --long does; empty: the option does not exist


def ibid_command(build: Path) -> tuple[str, ...]:
    """The words before a command that run it under the ibid of this build."""
    ibid, preload = build / "bin" / "ibid", build / "lib" / "libibid_preload.so"
    if not preload.exists():
        raise SystemExit(f"{preload} is not there. './dev build' makes it; --noise measures without it.")
    return (str(ibid), "run", "--") if ibid.exists() else ("/usr/bin/env", f"LD_PRELOAD={preload}")


def measure(bench: Bench, chosen: Sequence[Scenario], pairs: int | None) -> dict[str, dict[str, list[Figures]]]:
    runs: dict[str, dict[str, list[Figures]]] = {}
    for scenario in chosen:
        kept = runs[scenario.name] = {}
        count = min(scenario.pairs, pairs or scenario.pairs)
        for i in range(count):
            tell(f"{scenario.name}, {i + 1} of {count}")
            for side, figures in scenario.run(bench, ("stock", "ibid")[i % 2]).items():
                kept.setdefault(side, []).append(figures)
    tell("")
    return runs


def tell(progress: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{progress}", end="", file=sys.stderr, flush=True)


def cells(figure: Figure, result: Result) -> list[str]:
    """The cells of a row, without its label."""
    verdicts = [
        f"{figure.kind.goal_text(goal)} {'yes' if reached else 'NO'}"
        for goal, reached in zip(figure.goals, result.reached)
    ]
    goals = ", ".join(verdicts)
    measured = figure.unit.text(result.measured.median)
    if result.reference is None:
        return ["", measured, "", "", goals]
    low, high = (figure.kind.text(v) for v in (result.value.lowest, result.value.highest))
    reference = figure.unit.text(result.reference.median)
    return [reference, measured, figure.kind.text(result.value.median), f"{low} … {high}", goals]


def table(runs: Runs, figures: Mapping[str, Sequence[Figure]]) -> str:
    rows: list[list[str]] = [["", "reference", "ibid", "ratio", "lowest … highest", "goal, reached"]]
    for title, group in figures.items():
        measured = [[f"  {f.what}", *cells(f, r)] for f in group if (r := f.result(runs)) is not None]
        if measured:
            rows += [[title], *measured]
    widths = [max(len(row[i]) for row in rows if len(row) > 1) for i in range(len(rows[0]))]
    lines = []
    for label, *others in rows:
        aligned = [label.ljust(widths[0]), *(c.rjust(w) for c, w in zip(others, widths[1:-1])), *others[-1:]]
        lines.append("  ".join(aligned).rstrip())
    return "\n".join(lines)


def as_json(
    runs: Runs, about: Mapping[str, object], groups: Mapping[str, Sequence[Figure]]
) -> dict[str, object]:
    def spread(s: Spread | None) -> dict[str, float] | None:
        return s._asdict() if s else None

    found = {}
    for group, figures in groups.items():
        for figure in figures:
            if (result := figure.result(runs)) is None:
                continue
            found[figure.name] = {
                "group": group,
                "what": figure.what,
                "unit": figure.unit.value,
                "reference": spread(result.reference),
                "ibid": spread(result.measured),
                "ratio": {"kind": figure.kind.name.lower(), **result.value._asdict()},
                "goals": [{"goal": g, "reached": r} for g, r in zip(figure.goals, result.reached)],
            }
    return {**about, "figures": found, "runs": runs}


def parse_arguments(suite: Suite) -> argparse.Namespace:
    groups = list(dict.fromkeys(s.group for s in suite.scenarios))
    parser = argparse.ArgumentParser(description=suite.description)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release", metavar="DIR", help="(%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures and all runs to FILE too")
    parser.add_argument(
        "--only", action="append", choices=groups, metavar="NAME", help=f"of {', '.join(groups)}; repeatable"
    )
    parser.add_argument("--quick", action="store_true", help="few and short runs of each side: rough figures")
    parser.set_defaults(long=False)
    if suite.long:
        parser.add_argument("--long", action="store_true", help=suite.long)
    parser.add_argument("--pairs", type=int, metavar="N", help="at most N runs of each side")
    parser.add_argument("--noise", action="store_true", help="both sides stock: shows this machine's noise")
    return parser.parse_args()


def run(suite: Suite) -> int:
    """The program's exit status."""
    options = parse_arguments(suite)
    build = options.build.resolve()
    if not (build / "bin" / f"bench_{suite.component}").exists():
        raise SystemExit(f"{build}/bin/bench_{suite.component} is not there; './dev bench {suite.component}' builds it.")
    bench = Bench(
        bin=build / "bin",
        fixtures=fixtures(build / "bench-openssl-fixtures"),
        ibid=() if options.noise else ibid_command(build),
        quick=options.quick,
        long=options.long,
    )
    chosen = [s for s in suite.scenarios if not options.only or s.group in options.only]
    try:
        runs = measure(bench, chosen, options.pairs or (suite.quick_pairs if options.quick else None))
    except (subprocess.CalledProcessError, RuntimeError, OSError) as error:
        print(f"\ncannot measure: {error}", file=sys.stderr)
        return 1
    about = {"machine": machine(), "openssl": ssl.OPENSSL_VERSION, "against": "stock" if options.noise else "ibid"}
    print(table(runs, suite.figures))
    print(f"\n{ssl.OPENSSL_VERSION}; {machine()['processor']}; {machine()['system']}")
    print(suite.footnote)
    if options.json:
        options.json.write_text(json.dumps(as_json(runs, about, suite.figures), indent=1) + "\n")
    return 0


SUITE = Suite(
    description="Measures ordinary OpenSSL programs, alternately stock and under ibid: ratios and goals.",
    component="openssl",
    scenarios=SCENARIOS,
    figures=FIGURES,
    footnote=FOOTNOTE,
    quick_pairs=2,
    long="a churn of 200,000 connections (some minutes)",
)

if __name__ == "__main__":
    sys.exit(run(SUITE))
