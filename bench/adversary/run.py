#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures a program with hostile peers, alternately stock and under ibid: what an attack costs, and whether honest peers' certificates stay retained."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from bench.openssl.figures import Figure, Kind, Unit, against_stock, alone  # noqa: E402
from bench.openssl.run import Suite, run  # noqa: E402
from bench.openssl.scenarios import Arguments, Bench, Scenario, environment  # noqa: E402
from bench.openssl.turns import Figures, Run, run_by_turns  # noqa: E402

BUDGET = (4 << 20) + (1 << 20)  # bytes: the retention budget, and its bookkeeping
# A certificate that cannot be verified has a fixed cost; the measured values vary by some percent.
NOISE = 5
FOOTNOTE = f"""\
Medians of several runs. After every 20th hostile connection the client connects to one of 64 honest servers. Their certificates have no
holder between two visits. Heap and RSS: growth during the attack; the retention budget and its bookkeeping are {BUDGET:,} bytes."""


@dataclass(frozen=True)
class Adversary(Scenario):
    """bench_adversary, stock and under ibid in alternating runs. Under ibid also the number of certificate hits."""

    arguments: Callable[[Bench], Arguments]

    def run(self, bench: Bench, first: str) -> dict[str, Figures]:
        program = [str(bench.bin / "bench_adversary"), "--turns", "--fixtures", str(bench.fixtures)]
        command = [*program, *map(str, self.arguments(bench))]
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "statistics.json"
            counted = "run" in bench.ibid
            under = [bench.ibid[0], "run", f"--stats={report}", "--"] if counted else [*bench.ibid]
            sides = {
                "stock": Run(command, environment({})),
                "ibid": Run([*under, *command], environment({})),
            }
            second = "ibid" if first == "stock" else "stock"
            figures = dict(zip((first, second), run_by_turns(sides[first], sides[second])))
            if counted and "honest_visits" in figures["ibid"]:
                hits = json.loads(report.read_text())["certificates"]["hits"]
                # Each visit parses a leaf and an intermediate; in the first round of 64 these are misses.
                figures["ibid"]["honest_hits_percent"] = 100 * hits / (2 * (figures["ibid"]["honest_visits"] - 64))
        return figures


def attack(how: str, usual: int, quick: int) -> Callable[[Bench], Arguments]:
    return lambda b: ["attack", how, "--count", b.size(usual, quick)]


ATTACKS = {
    "distinct": ("distinct certificates", 100_000, 4_000, 1),
    "large": ("certificates of 1 MiB, distinct", 600, 60, 3),
    "deep": ("chains of 60, distinct", 1_000, 100, 3),
    "one-byte": ("an honest certificate with one bit changed", 7_000, 1_000, 3),
    "ber": ("BER that is not DER, distinct", 6_000, 1_000, 3),
    "colliding": ("certificates that collide under XXH3 without a secret", 6_000, 1_000, 3),
}
SCENARIOS: tuple[Scenario, ...] = (
    *(Adversary(name, name, pairs, attack(name, usual, quick)) for name, (_, usual, quick, pairs) in ATTACKS.items()),
    Adversary("aborts", "aborts", 2, lambda b: ["aborts", "--step", b.size(1, 16)]),
)


def figures_of(name: str, title: str) -> list[Figure]:
    costs = [
        against_stock(
            "CPU of the victim, each connection",
            *(Unit.MICROSECONDS, Kind.PERCENT_MORE, name, "hostile_us", NOISE),
            name=f"{name}-cpu",
        ),
        against_stock("heap", Unit.BYTES, Kind.BYTES_MORE, name, "grown_heap_bytes", BUDGET, name=f"{name}-heap"),
        against_stock("RSS", Unit.BYTES, Kind.BYTES_MORE, name, "grown_resident_bytes", name=f"{name}-rss"),
    ]
    if name == "aborts":
        return costs
    honest = against_stock(
        "CPU of an honest connection meanwhile",
        *(Unit.MICROSECONDS, Kind.TIMES_LESS, name, "honest_us", 1.5),
        name=f"{name}-honest",
    )
    found = alone(f"{name}-hits", "honest certificates found again, %", Unit.COUNT, name, "honest_hits_percent")
    return [*costs, honest, found]


FIGURES: Mapping[str, list[Figure]] = {
    **{title: figures_of(name, title) for name, (title, *_) in ATTACKS.items()},
    "a handshake that ends after each byte, mTLS, both sides": figures_of("aborts", ""),
}


if __name__ == "__main__":
    sys.exit(run(Suite(__doc__, "adversary", SCENARIOS, FIGURES, FOOTNOTE, quick_pairs=1)))
