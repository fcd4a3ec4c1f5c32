# SPDX-License-Identifier: Apache-2.0
"""The pictures of the demo's report: memory over connections, and bars of CPU."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from report.picture import GRID, IBID, INK, STOCK, inline, plt

from .figures import Comparison, Unit, typical
from .table import ratio_text


def _ticks(largest: float, count: int) -> Sequence[float]:
    return list(MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]).tick_values(0, largest))


def memory_plot(comparison: Comparison, x_label: str) -> str:
    """Growth of memory over connections (or contexts): every run thin, the typical one of each side strong."""
    figure = comparison.figure
    canvas, axes = plt.subplots(figsize=(5.6, 3.5))
    ends: list[tuple[float, float, str, str]] = []
    for runs, colour, side in ((comparison.stock, STOCK, "stock"), (comparison.ibid, IBID, "ibid")):
        for run in runs:
            x, y = zip(*run.growth())
            axes.plot(x, [v / (1 << 20) for v in y], color=colour, linewidth=0.8, alpha=0.35, clip_on=False)
        x, y = zip(*typical(runs).growth())
        axes.plot(x, [v / (1 << 20) for v in y], color=colour, linewidth=2.2, solid_capstyle="round", clip_on=False)
        middle = comparison.stock_median if side == "stock" else comparison.ibid_median
        ends.append((x[-1], y[-1] / (1 << 20), f"{side}\n{figure.unit.text(middle)} each", colour))
    right = max(x for x, _, _, _ in ends)
    top = max(y for _, y, _, _ in ends) * 1.06
    # Two labels of two lines need a fifth of the height between them.
    low, high = sorted(y for _, y, _, _ in ends)
    push = max(0.0, 0.2 * top - (high - low)) / 2
    for x, y, text, colour in ends:
        at = y + push if y == high else max(y - push, 0.08 * top)
        place = {"xytext": (8, 0), "textcoords": "offset points", "va": "center"}
        axes.annotate(text, (x, at), color=colour, weight="bold", **place)
    axes.set_xlim(0, right * 1.36)
    axes.set_ylim(0, top)
    axes.set_xticks([t for t in _ticks(right, 5) if t <= right])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}"))
    axes.set_yticks([t for t in _ticks(top, 5) if t <= top])
    # The grid ends where the lines end, so that it does not cross their labels.
    axes.hlines(axes.get_yticks(), 0, right, color=GRID, linewidth=0.8, zorder=0)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.set_xlabel(x_label)
    axes.set_ylabel(f"growth of {figure.what}, MiB")
    axes.set_title(figure.program)
    return inline(canvas, f"m-{figure.key.replace('.', '-')}", f"{figure.program}: {figure.what} over {x_label}")


def _bars(axes: Axes, comparison: Comparison, at: float, scale: float) -> None:
    unit = comparison.figure.unit
    for offset, runs, middle, colour, side in (
        (0.19, comparison.stock, comparison.stock_median, STOCK, "stock"),
        (-0.19, comparison.ibid, comparison.ibid_median, IBID, "ibid"),
    ):
        axes.barh(at + offset, middle / scale, height=0.34, color=colour)
        spread = [m.value / scale for m in runs]
        if len(spread) > 1:
            axes.plot([min(spread), max(spread)], [at + offset] * 2, color=INK, linewidth=1)
        text = f"{side} {unit.text(middle)}"
        if side == "ibid" and comparison.ratio is not None:
            text += f"   ({ratio_text(comparison.ratio)} less)"
        axes.annotate(
            text,
            (max([middle / scale, *spread]), at + offset),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            weight="bold",
        )


def bar_plot(name: str, comparisons: Sequence[Comparison], label: str) -> str:
    """Pairs of bars from zero, one pair a figure; the thin line in a bar spans its runs."""
    unit = comparisons[0].figure.unit
    largest = max(c.stock_median for c in comparisons)
    if unit is Unit.SECONDS:
        scale, unit_name = (1e-3, "milliseconds") if largest >= 1e-3 else (1e-6, "microseconds")
    else:
        scale, unit_name = (1 << 10, "KiB")
    canvas, axes = plt.subplots(figsize=(8.4, 0.75 + 0.72 * len(comparisons)))
    for place, comparison in enumerate(reversed(comparisons)):
        _bars(axes, comparison, place, scale)
    axes.set_yticks(range(len(comparisons)), [c.figure.program for c in reversed(comparisons)])
    for tick in axes.get_yticklabels():
        tick.set_color(INK)
    axes.set_xlim(0, largest / scale * 1.3)
    axes.set_xticks([t for t in _ticks(largest / scale, 6) if t <= largest / scale])
    axes.grid(axis="x", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.set_xlabel(f"{label}, {unit_name}")
    return inline(canvas, name, label)
