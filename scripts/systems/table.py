# SPDX-License-Identifier: Apache-2.0
"""The table, as Markdown, so that it can be put into a document."""

from __future__ import annotations

from collections.abc import Sequence

from .trial import FIGURES, Outcome


def _yes(answer: bool | None) -> str:
    return {True: "yes", False: "no", None: ""}[answer]


def _row(o: Outcome) -> list[str]:
    tests = f"{o.passed} passed, {o.failed} failed, {o.skipped} skipped" if o.tested else ""
    return [
        o.system,
        o.openssl,
        o.compiler,
        o.obstacle or _yes(o.built),
        _yes(o.demo),
        tests,
        _yes(o.suites),
        _yes(o.settled),
        o.features,
        *(o.figures.get(heading, "") for _, heading, _, _ in FIGURES),
    ]


def table(outcomes: Sequence[Outcome]) -> str:
    head = ["system", "OpenSSL", "GCC", "built", "demo", "tests", "suites", "settled", "features", *(h for _, h, _, _ in FIGURES)]
    rows = [head, *map(_row, outcomes)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "| " + " | ".join("-" * w for w in widths) + " |")
    return "\n".join(lines)
