# SPDX-License-Identifier: Apache-2.0
"""The table that the demo prints: a block for each section, a row for each figure."""

from __future__ import annotations

from collections.abc import Sequence

from .figures import SECTIONS, Comparison

BOLD, STOCK, IBID, PLAIN = "\033[1m", "\033[90m", "\033[36m", "\033[0m"  # stock is grey, ibid the accent, everywhere


def ratio_text(ratio: float | None) -> str:
    """How many times less: two digits after the point below 10, none from 100 on."""
    if ratio is None:
        return "–"
    return f"{ratio:.2f} ×" if ratio < 10 else f"{ratio:.1f} ×" if ratio < 100 else f"{ratio:.0f} ×"


def rows_of(comparison: Comparison) -> tuple[str, str, str, str]:
    """Label, stock, ibid, ratio."""
    unit = comparison.figure.unit
    return (
        f"{comparison.figure.program}: {comparison.figure.what}",
        unit.text(comparison.stock_median),
        unit.text(comparison.ibid_median),
        ratio_text(comparison.ratio),
    )


def table(comparisons: Sequence[Comparison], *, colour: bool = False) -> str:
    """Text, ends with a newline. Figures that were not measured on both sides are left out."""
    measured = [c for c in comparisons if c.measured]
    rows = [rows_of(c) for c in measured]
    heads = ("", "stock", "ibid", "ratio")
    widths = [max([len(r[i]) for r in rows] + [len(heads[i])]) for i in range(4)]
    widths[0] = max([widths[0], *(len(s) - 2 for s in SECTIONS)]) + 2  # rows are indented below their section

    def line(cells: Sequence[str], colours: Sequence[str]) -> str:
        aligned = [cells[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells[1:], widths[1:]))]
        if colour:
            aligned = [f"{c}{a}{PLAIN}" if c else a for c, a in zip(colours, aligned)]
        return "  ".join(aligned) + "\n"

    text = ""
    for section in SECTIONS:
        inside = [r for c, r in zip(measured, rows) if c.figure.section == section]
        if inside:
            text += ("\n" if text else "") + line((section, *heads[1:]), [BOLD] * 4)
            text += "".join(line(("  " + r[0], *r[1:]), ["", STOCK, IBID, ""]) for r in inside)
    return text
