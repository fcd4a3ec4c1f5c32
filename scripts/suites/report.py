# SPDX-License-Identifier: Apache-2.0
"""The results of a run, for people and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .comparison import failures
from .runner import SuiteResult
from .trial import label


def table(results: Sequence[SuiteResult]) -> str:
    rows = [("suite", "mode", "subtests", "stock fails", "new failures", "of them explained", "seconds")]
    for result in results:
        if result.trouble:
            rows.append((result.name, "", "did not run", "", "", "", ""))
            continue
        first = result.stock[0]
        bad = str(len(failures(first.outcomes)))
        for trial in result.stock:
            rows.append(
                (
                    result.name,
                    "stock",
                    str(len(trial.outcomes)),
                    str(len(failures(trial.outcomes))),
                    "",
                    "",
                    f"{trial.seconds:.0f}",
                )
            )
        for name, mode in result.modes.items():
            explained = len(mode.new) - len(mode.unexplained)
            rows.append(
                (
                    result.name,
                    name,
                    str(len(mode.trial.outcomes)),
                    bad,
                    str(len(mode.new)),
                    str(explained),
                    f"{mode.trial.seconds:.0f}",
                )
            )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows
    )


def closing_line(results: Sequence[SuiteResult], problems: Sequence[str]) -> str:
    trials = [mode for result in results for mode in result.modes.values()]
    compared = sum(len(mode.trial.outcomes) for mode in trials)
    new = sum(len(mode.new) for mode in trials)
    return f"{compared} subtests compared, {new} new failures, {len(problems)} problems"


def explained(results: Sequence[SuiteResult]) -> list[str]:
    """New failures that a stock run explains."""
    return [
        f"{result.name}, {name}: {difference.line()}"
        for result in results
        for name, mode in result.modes.items()
        for difference in mode.new
        if difference.is_explained
    ]


def as_json(results: Sequence[SuiteResult], preload: Path, problems: Sequence[str]) -> dict[str, Any]:
    return {
        "preload": str(preload),
        "problems": list(problems),
        "suites": [
            {
                "name": result.name,
                "version": result.version,
                "trouble": result.trouble,
                "stock": [
                    {
                        "seconds": round(trial.seconds, 1),
                        "subtests": len(trial.outcomes),
                        "failures": [label(key) for key in failures(trial.outcomes)],
                        "outcomes": {label(key): outcome for key, outcome in trial.outcomes.items()},
                        "unit_seconds": {
                            unit: round(seconds, 1) for unit, seconds in trial.unit_seconds.items()
                        },
                        "logs": str(trial.folder),
                    }
                    for trial in result.stock
                ],
                "flaky_in_stock": result.flaky,
                "modes": {
                    name: {
                        "seconds": round(mode.trial.seconds, 1),
                        "subtests": len(mode.trial.outcomes),
                        "seen_in": mode.trial.seen_in,
                        "new_failures": [
                            {
                                "name": label(difference.key),
                                "stock": difference.stock,
                                "ibid": difference.ibid,
                                "again": difference.again,
                                "stock_again": difference.stock_again,
                                "explained_by": str(difference.evidence) if difference.evidence else None,
                            }
                            for difference in mode.new
                        ],
                        "other_changes": mode.changed,
                        "logs": str(mode.trial.folder),
                    }
                    for name, mode in result.modes.items()
                },
            }
            for result in results
        ],
    }


def write_json(path: Path, data: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=1, sort_keys=False) + "\n")
