# SPDX-License-Identifier: Apache-2.0
"""The comparisons and their goals.

Law: a figure is a comparison of two values that were measured in the same run of the benchmark. Each pair of runs
ran at the same time and has a ratio; the figure's ratio is the median of these. The values beside it are medians, too.
"""

from __future__ import annotations

import enum
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

# Runs of a scenario: [scenario][side] is what each run printed.
Runs = Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]]


class Unit(enum.Enum):
    MICROSECONDS = "µs"
    NANOSECONDS = "ns"
    BYTES = "B"
    INSTRUCTIONS = "instructions"
    PER_MICROSECOND = "/µs"
    COUNT = ""

    def text(self, value: float) -> str:
        """For people: few digits, and larger units where they are easier to read."""
        if self is Unit.BYTES and abs(value) >= 1 << 20:
            return f"{value / (1 << 20):.1f} MiB"
        if self is Unit.BYTES and abs(value) >= 10 << 10:
            return f"{value / (1 << 10):.2f} KiB"
        if self is Unit.MICROSECONDS and abs(value) >= 10_000:
            return f"{value / 1000:.1f} ms"
        digits = 2 if abs(value) < 10 and self is not Unit.COUNT and self is not Unit.BYTES else 0
        return f"{value:,.{digits}f} {self.value}".rstrip()


class Kind(enum.Enum):
    """How the measured value is compared with the reference: the number's format, its unit, and whether more is
    better."""

    TIMES_LESS = ("{:.2f} × less", "×", True)
    TIMES_MORE = ("{:.2f} × more", "×", True)
    TIMES_THE_FLOOR = ("{:.2f} × the floor", "×", False)
    PERCENT_LESS = ("{:.1f} % less", "%", True)
    PERCENT_MORE = ("{:+.1f} %", "%", False)
    BYTES_MORE = ("{:+,.0f} B", "B", False)
    ALONE = ("{:,.0f}", "", False)  # without a reference

    def __init__(self, form: str, unit: str, more_is_better: bool) -> None:
        self.form = form
        self.unit = unit
        self.more_is_better = more_is_better

    def of(self, reference: float, measured: float) -> float:
        if self is Kind.TIMES_LESS:
            return reference / measured if measured > 0 else float("inf")
        if self in (Kind.TIMES_MORE, Kind.TIMES_THE_FLOOR):
            return measured / reference
        if self is Kind.PERCENT_LESS:
            return 100 * (reference - measured) / reference
        if self is Kind.PERCENT_MORE:
            return 100 * (measured - reference) / reference
        return measured - reference

    def reaches(self, value: float, goal: float) -> bool:
        return value >= goal if self.more_is_better else value <= goal

    def text(self, value: float) -> str:
        return self.form.format(value)

    def goal_text(self, goal: float) -> str:
        return f"{'≥' if self.more_is_better else '≤'} {goal:,g} {self.unit}".rstrip()


class Source(NamedTuple):
    scenario: str
    side: str
    key: str

    def values(self, runs: Runs) -> list[float]:
        return [run[self.key] for run in runs.get(self.scenario, {}).get(self.side, ()) if self.key in run]


class Spread(NamedTuple):
    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))


class Result(NamedTuple):
    reference: Spread | None
    measured: Spread
    value: Spread
    reached: tuple[bool, ...]


@dataclass(frozen=True)
class Figure:
    name: str
    what: str
    unit: Unit
    kind: Kind
    measured: Source
    reference: Source | None
    goals: tuple[float, ...] = ()

    def result(self, runs: Runs) -> Result | None:
        """Whether the goal is reached. None: it was not measured."""
        measured = self.measured.values(runs)
        reference = self.reference.values(runs) if self.reference else [0.0] * len(measured)
        if not measured or not reference:
            return None
        value = Spread.of([self.kind.of(r, m) for r, m in zip(reference, measured)])
        return Result(
            Spread.of(reference) if self.reference else None,
            Spread.of(measured),
            value,
            tuple(self.kind.reaches(value.median, goal) for goal in self.goals),
        )


def against_stock(
    what: str, unit: Unit, kind: Kind, scenario: str, key: str, *goals: float, name: str | None = None
) -> Figure:
    """Under ibid, against the same in stock. The name is the scenario's if it has only one figure."""
    measured, reference = Source(scenario, "ibid", key), Source(scenario, "stock", key)
    return Figure(name or scenario, what, unit, kind, measured, reference, goals)


def within(
    name: str, what: str, unit: Unit, kind: Kind, scenario: str, key: str, reference: str, *goals: float
) -> Figure:
    """Both values are from the run under ibid."""
    return Figure(name, what, unit, kind, Source(scenario, "ibid", key), Source(scenario, "ibid", reference), goals)


def alone(name: str, what: str, unit: Unit, scenario: str, key: str, *goals: float) -> Figure:
    return Figure(name, what, unit, Kind.ALONE, Source(scenario, "ibid", key), None, goals)


US, NS, B = Unit.MICROSECONDS, Unit.NANOSECONDS, Unit.BYTES
LESS, MORE, SAVED, ADDED = Kind.TIMES_LESS, Kind.TIMES_MORE, Kind.PERCENT_LESS, Kind.PERCENT_MORE
RSA, ECDSA = "RSA 2048 leaf + intermediate", "P-256 leaf + intermediate"

# If there are two goals, the first is for sharing certificates only, the second for everything that ibid
# does.
FIGURES: dict[str, list[Figure]] = {
    "Handshake, TLS 1.3, CPU": [
        against_stock(f"client, {RSA}", US, LESS, "handshake-rsa", "client_handshake_us", 1.9, 2.8),
        against_stock(f"client, {ECDSA}", US, LESS, "handshake-ecdsa", "client_handshake_us", 1.9, 2.8),
        against_stock(
            "client, RSA, from SSL_new to SSL_free",
            *(US, LESS, "handshake-rsa", "client_connection_us"),
            name="connection-rsa",
        ),
        against_stock(
            "client, P-256, from SSL_new to SSL_free",
            *(US, LESS, "handshake-ecdsa", "client_connection_us"),
            name="connection-ecdsa",
        ),
        against_stock("server, mTLS, RSA (it signs, too)", US, LESS, "handshake-mutual", "server_handshake_us"),
        against_stock("client, PSK: no certificate, the limit", US, LESS, "handshake-psk", "client_handshake_us"),
    ],
    "Idle connection, heap": [
        against_stock(f"client, {RSA}", B, SAVED, "idle-rsa", "client_heap_bytes", 46),
        against_stock(f"client, {ECDSA}", B, SAVED, "idle-ecdsa", "client_heap_bytes", 46),
        Figure(
            *("idle-rsa-psk", "client, RSA, against stock with a PSK", B, Kind.BYTES_MORE),
            Source("idle-rsa", "ibid", "client_heap_bytes"),
            Source("idle-psk", "stock", "client_heap_bytes"),
            (400,),
        ),
        against_stock("server, mTLS, RSA", B, SAVED, "idle-mutual", "server_heap_bytes"),
    ],
    "A further SSL_CTX with the system's CA bundle": [
        against_stock("CPU", US, LESS, "context", "further_us", 11, 100),
        against_stock("heap", B, LESS, "context-heap", "further_heap_bytes", 30, 40),
        against_stock("CPU, made and freed one after another", US, LESS, "context", "alone_us", name="context-alone"),
        against_stock("CPU without CAs, the limit", US, LESS, "context-bare", "further_us"),
        against_stock("CPU of one now and then, caches cold", US, LESS, "context", "cold_us", name="context-cold"),
        Figure(
            *("context-cold-bare", "the same without CAs, its limit", US, LESS),
            Source("context", "ibid", "cold_bare_us"),
            Source("context", "stock", "cold_us"),
        ),
        against_stock("heap without CAs, the limit", B, LESS, "context-bare-heap", "further_heap_bytes"),
    ],
    "Server side of a resumed mTLS connection": [
        against_stock("CPU of the handshake", US, LESS, "resumption", "server_handshake_us", 2.1),
        against_stock("heap", B, SAVED, "resumption-heap", "server_heap_bytes", 20),
    ],
    "One CRL of 4 MB in 50 trust stores": [
        against_stock("CPU, all of them", US, LESS, "crl", "all_us", 30),
        against_stock("heap, all of them", B, LESS, "crl", "all_heap_bytes", 40, name="crl-heap"),
        against_stock("RSS, all of them", B, LESS, "crl", "all_resident_bytes", name="crl-resident"),
    ],
    "A miss: first sight of a certificate": [
        against_stock("CPU of d2i_X509", US, ADDED, "miss", "parse_us", 3),
        against_stock("CPU of d2i_X509 and X509_free", US, ADDED, "miss", "life_us", name="miss-life"),
        against_stock(
            "instructions of d2i_X509", Unit.INSTRUCTIONS, ADDED, "miss", "parse_instructions", name="miss-instructions"
        ),
        against_stock("heap of a certificate", B, ADDED, "miss-heap", "heap_bytes"),
    ],
    "A hit: d2i_X509 and X509_free of a certificate that is held, 1.2 KB": [
        against_stock("against parsing it again", NS, LESS, "hit", "hit_ns"),
        within(
            *("hit-floor", "against hash + compare + reference", NS, Kind.TIMES_THE_FLOOR),
            *("hit", "hit_ns", "floor_ns", 3),
        ),
        within(
            *("hit-threads-same", "two threads, same certificate, against one", Unit.PER_MICROSECOND, MORE),
            *("hit", "hits_same_per_us", "hits_one_per_us", 1.8),
        ),
        within(
            *("hit-threads-apart", "two threads, a certificate each, against one", Unit.PER_MICROSECOND, MORE),
            *("hit", "hits_apart_per_us", "hits_one_per_us", 1.8),
        ),
        within(
            *("floor-threads-same", "the floor itself, two threads, same certificate", Unit.PER_MICROSECOND, MORE),
            *("hit", "floors_same_per_us", "floors_one_per_us"),
        ),
    ],
    "nginx worker, mTLS, for each connection": [
        against_stock("RSS", B, SAVED, "nginx", "rss_bytes", 43),
        against_stock("CPU, handshake and request", US, LESS, "nginx", "cpu_us", name="nginx-cpu"),
    ],
    "Churn of 30,000 connections (3,000 with --quick, 200,000 with --long), IBID_RETAIN=0": [
        alone("churn-left", "certificates left when all are closed", Unit.COUNT, "churn", "certificates_left", 0),
        alone("churn-heap", "heap grown since 10,000 (1,000) had come and gone", B, "churn", "grown_heap_bytes", 4096),
    ],
}
