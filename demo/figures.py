# SPDX-License-Identifier: Apache-2.0
"""What a figure is: measured runs of one quantity, stock and under ibid, and what follows from them.

Law: every figure was measured. A figure without a measured run on both sides is not shown, and a ratio that the
measurement cannot carry is None.

    memory = Figure("nginx.memory", MEMORY, "nginx worker, mTLS", "RSS", Unit.BYTES)
    pair = Comparison(memory)
    pair.stock.append(Measurement.from_points([(50, 9e6), (100, 10.3e6)]))     # 26 KB for each connection
    pair.ibid.append(Measurement(14_400.0))
    pair.ratio                                                                # 1.8
"""

from __future__ import annotations

import enum
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

Point = tuple[float, float]

MEMORY = "Memory per connection"
CPU = "CPU per handshake"
CONTEXT = "Cost of a context"
SECTIONS = (MEMORY, CPU, CONTEXT)


class Unit(enum.Enum):
    """What a value is counted in."""

    BYTES = "bytes"
    SECONDS = "seconds"

    def text(self, value: float) -> str:
        """`value` as people read it: KiB or MiB, µs or ms, three digits that mean something."""
        if self is Unit.BYTES:
            return _scaled(value, [(1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")])
        return _scaled(value, [(1.0, "s"), (1e-3, "ms"), (1e-6, "µs")])


def _scaled(value: float, units: Sequence[tuple[float, str]]) -> str:
    size, name = next((u for u in units if abs(value) >= u[0]), units[-1])
    scaled = value / size
    digits = 0 if abs(scaled) >= 100 else 1 if abs(scaled) >= 10 else 2
    return f"{scaled:,.{digits}f} {name}"


def slope(points: Sequence[Point]) -> float:
    """How much y grows for each x: the least-squares line through all points, not the difference of two."""
    if len({x for x, _ in points}) < 2:
        raise ValueError("a slope needs points at two places")
    return statistics.linear_regression([x for x, _ in points], [y for _, y in points]).slope


@dataclass(frozen=True)
class Measurement:
    """One run's value, and the points that it is the slope of, if it is one."""

    value: float
    points: tuple[Point, ...] = ()

    @classmethod
    def from_points(cls, points: Sequence[Point]) -> Measurement:
        return cls(slope(points), tuple(points))

    def growth(self) -> list[Point]:
        """The points, y as growth over the first."""
        return [(x, y - self.points[0][1]) for x, y in self.points]


@dataclass(frozen=True)
class Figure:
    """A quantity that is measured: a row of the table."""

    key: str  # unique, for --json
    section: str  # one of SECTIONS
    program: str
    what: str
    unit: Unit


@dataclass
class Comparison:
    """The runs of one figure. All properties need a run on each side."""

    figure: Figure
    stock: list[Measurement] = field(default_factory=list)
    ibid: list[Measurement] = field(default_factory=list)

    @property
    def measured(self) -> bool:
        return bool(self.stock and self.ibid)

    @property
    def stock_median(self) -> float:
        return statistics.median(m.value for m in self.stock)

    @property
    def ibid_median(self) -> float:
        return statistics.median(m.value for m in self.ibid)

    @property
    def ratio(self) -> float | None:
        """Stock for one of ibid. None: under ibid there was no cost left that the measurement could see."""
        return self.stock_median / self.ibid_median if self.ibid_median > 0 else None

    @property
    def runs(self) -> int:
        return min(len(self.stock), len(self.ibid))


def typical(runs: Sequence[Measurement]) -> Measurement:
    """The run whose value is nearest the median: the one to draw."""
    middle = statistics.median(m.value for m in runs)
    return min(runs, key=lambda m: abs(m.value - middle))
