# SPDX-License-Identifier: Apache-2.0
"""What a trial under ibid did otherwise than the stock trial, and whether stock does so, too, at times.

Law: only a stock run explains a new failure. That it did not happen again under ibid explains nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from .trial import GOOD, Key, Outcomes, label

MISSING = "missing"


@dataclass
class Difference:
    """A subtest that is good in stock and not so under ibid."""

    key: Key
    stock: str
    ibid: str
    again: list[str] = field(default_factory=list)  # under ibid, when the unit was repeated
    stock_again: list[str] = field(default_factory=list)
    evidence: Path | None = None  # the log of a stock run that has it, too

    @property
    def is_explained(self) -> bool:
        return self.evidence is not None

    def line(self) -> str:
        words = f"{label(self.key)}: stock {self.stock}, ibid {self.ibid}"
        if self.again:
            repeated = sum(outcome not in GOOD for outcome in self.again)
            words += f"; again under ibid {repeated} of {len(self.again)}"
        if self.stock_again:
            repeated = sum(outcome not in GOOD for outcome in self.stock_again)
            words += f", stock {repeated} of {len(self.stock_again)}"
        return words + (f"; stock fails so at times: {self.evidence}" if self.evidence else "")


MANY = 6  # missing subtests of one unit: it ended early, and its own line says how


def lines(found: Iterable[Difference]) -> list[str]:
    """One line each; what is missing because a program died is counted."""
    missing: dict[str, int] = {}
    result = []
    for difference in (found := list(found)):
        if difference.ibid == MISSING:
            missing[difference.key[0]] = missing.get(difference.key[0], 0) + 1
    for difference in found:
        unit = difference.key[0]
        if difference.ibid != MISSING or missing[unit] < MANY:
            result.append(difference.line())
    result += [f"{unit}: {count} subtests are missing" for unit, count in missing.items() if count >= MANY]
    return result


def failures(outcomes: Outcomes) -> list[Key]:
    return [key for key, outcome in outcomes.items() if outcome not in GOOD and outcome != "skip"]


def differences(stock: Outcomes, ibid: Outcomes) -> list[Difference]:
    """New failures. What stock fails may fail in another way; what stock skips may run and pass."""
    result = []
    for key in {**stock, **ibid}:  # in the order of the run
        before, after = stock.get(key, MISSING), ibid.get(key, MISSING)
        if before == after or after in GOOD:
            continue
        if before in GOOD:
            result.append(Difference(key, before, after))  # failed, skipped, gone
        elif after != MISSING and after != "skip" and before in (MISSING, "skip"):
            result.append(Difference(key, before, after))  # a failure where stock has nothing to show
    return result


def changes(stock: Outcomes, ibid: Outcomes) -> list[str]:
    """What differs and is no new failure. For the reader: an expected failure that passes is worth a look."""
    new = {difference.key for difference in differences(stock, ibid)}
    keys = [key for key in {**stock, **ibid} if key not in new and stock.get(key) != ibid.get(key)]
    return [f"{label(key)}: stock {stock.get(key, MISSING)}, ibid {ibid.get(key, MISSING)}" for key in keys]


def explained_by(open_ones: Iterable[Difference], rerun: Outcomes, log_of: dict[str, Path]) -> None:
    """Notes what a repeated stock run says about each.

    A unit that ends early (a server was not ready) loses its later subtests. Such a stock run explains only what is
    missing under ibid as well.
    """
    for difference in open_ones:
        outcome = rerun.get(difference.key, MISSING)
        difference.stock_again.append(outcome)
        is_alike = outcome not in GOOD and (outcome != MISSING or difference.ibid == MISSING)
        if difference.stock == MISSING and outcome == MISSING:
            is_alike = False
        if is_alike and outcome != difference.stock:
            difference.evidence = log_of[difference.key[0]]
