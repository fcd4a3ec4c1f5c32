# SPDX-License-Identifier: Apache-2.0
"""The report's pictures: bars for one cell, lines for the curve. ibid has the accent colour, all others are grey."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from report.picture import FAINT, GRID, IBID, INK, PEERS, inline, plt  # noqa: E402
from figures import Figures, label  # noqa: E402
from programs import Kind  # noqa: E402
from rounds import Row, Spread  # noqa: E402
from tables import short  # noqa: E402


def _bars(name: str, title: str, unit: str, rows: Sequence[Row], value: Callable[[Row], Spread]) -> str:
    """One bar for each row, from zero; the thin line spans the runs. Bars longer than three times the median are cut, with a note."""
    figure, axes = plt.subplots(figsize=(7, 0.8 + 0.31 * len(rows)))
    middle = sorted(value(r).median for r in rows)[len(rows) // 2]
    end = min(max(value(r).high for r in rows), 3 * middle)
    for place, row in enumerate(reversed(rows)):
        spread = value(row)
        colour = {Kind.IBID: IBID, Kind.FLOOR: PEERS[2]}.get(row.program.kind, PEERS[1])
        axes.barh(place, min(spread.median, end), height=0.66, color=colour)
        if spread.low < end:
            axes.plot([spread.low, min(spread.high, end)], [place, place], color=INK, linewidth=1)
        text = short(spread.median) + (" →" if spread.median > end else "")
        axes.annotate(
            text,
            (min(max(spread.median, spread.high), end), place),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            color=IBID if row.program.kind is Kind.IBID else INK,
            weight="bold" if row.program.kind is Kind.IBID else "normal",
        )
    axes.set_yticks(range(len(rows)), [label(r) for r in reversed(rows)])
    for tick, row in zip(axes.get_yticklabels(), reversed(rows)):
        tick.set_color(IBID if row.program.kind is Kind.IBID else INK)
    axes.set_xlim(0, end * 1.14)
    axes.grid(axis="x", linewidth=0.8)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.set_xlabel(unit)
    axes.set_title(title)
    return inline(figure, name, f"{title}, {unit}")


def _curve(figures: Figures) -> str:
    figure, axes = plt.subplots(figsize=(7, 4.2))
    styles = ("-", "--", ":", "-.")
    for number, program in enumerate(figures.programs):
        rows = figures.curve(program.name)
        if len(rows) < 2:
            continue
        ibid = program.kind is Kind.IBID
        axes.plot(
            [r.cell.distinct for r in rows],
            [r.nanoseconds.median for r in rows],
            color=IBID if ibid else PEERS[number % 3],
            linestyle="-" if ibid else styles[number % 4],
            linewidth=2.4 if ibid else 1.4,
            marker="o" if ibid else None,
            markersize=4,
            label=program.title,
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda v, _: f"{v:g}")
    axes.yaxis.set_minor_formatter(lambda v, _: f"{v:g}" if str(f"{v:e}")[0] in "25" else "")
    axes.xaxis.set_major_formatter(lambda v, _: f"{v:,.0f}")
    axes.tick_params(which="both", colors=FAINT)
    axes.grid(axis="y", which="major", color=GRID, linewidth=0.8)
    axes.set_xlabel("entries")
    axes.set_ylabel("ns a hit")
    axes.set_title("A hit over the number of entries, 16-byte keys")
    legend = axes.legend(loc="upper left")
    for text in legend.get_texts():
        text.set_color(INK)
    return inline(figure, "curve", "Nanoseconds of a hit over the number of entries")


def pictures(figures: Figures) -> list[str]:
    found = []

    def bars(title: str, unit: str, rows: Sequence[Row], value: Callable[[Row], Spread]) -> None:
        if len(rows) > 1:
            found.append(_bars(f"bars{len(found)}", title, unit, rows, value))

    def time(row: Row) -> Spread:
        return row.nanoseconds

    def rate(row: Row) -> Spread:
        return row.throughput

    def size(row: Row) -> Spread:
        bytes_each = row.median("bytes_per_entry") or 0.0
        return Spread(bytes_each, bytes_each, bytes_each)

    bars("Hit, 16-byte keys, 1,000 of them, 1 thread", "ns, less is better", figures.at("hit", 16, 1_000), time)
    bars("Hit, 1,200-byte keys, 1,000 of them, 1 thread", "ns, less is better", figures.at("hit", 1200, 1_000), time)
    bars("Hit, the same 16-byte key, 2 threads", "million a second, more is better", figures.at("hit", 16, 1, 2), rate)
    bars("Hit, different 16-byte keys, 2 threads", "million a second, more is better", figures.at("hit", 16, 1_000, 2), rate)
    bars("Churn of one 16-byte key, 1 thread", "ns, less is better", figures.at("churn", 16, 1), time)
    bars("First insert of 1,000,000 keys of 16 bytes", "ns a key, less is better", figures.at("insert", 16, 1_000_000), time)
    sized = [r for r in figures.at("insert", 16, 1_000_000) if r.median("bytes_per_entry") is not None]
    bars("Memory of an entry beyond its 16 bytes of key", "bytes, less is better", sized, size)
    if len(figures.curve("floor")) > 1:
        found.append(_curve(figures))
    return found
