# SPDX-License-Identifier: Apache-2.0
"""The differences between a trial under ibid and the stock trial, and whether they also occur in stock runs.

Law: only a stock run explains a new failure. A failure that did not occur again under ibid is still not explained.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from .trial import GOOD, Key, Outcomes, label

MISSING = "missing"


@dataclass
class Difference:
    """A subtest that passes in stock and not under ibid."""

    key: Key
    stock: str
    ibid: str
    again: list[str] = field(default_factory=list)  # under ibid, when the unit was repeated
    stock_again: list[str] = field(default_factory=list)
    evidence: Path | None = None  # the log of a stock run with the same failure

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


MANY = 6  # this many missing subtests of one unit are not listed: it ended early, and the unit's own line tells how


def lines(found: Iterable[Difference]) -> list[str]:
    """One line for each. If many subtests of a unit are missing, because its program died, only their number."""
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
    """New failures. A subtest that fails in stock may fail differently; one that stock skips may run and pass."""
    result = []
    for key in {**stock, **ibid}:  # in the order of the run
        before, after = stock.get(key, MISSING), ibid.get(key, MISSING)
        if before == after or after in GOOD:
            continue
        if before in GOOD:
            result.append(Difference(key, before, after))  # failed, skipped, gone
        elif after != MISSING and after != "skip" and before in (MISSING, "skip"):
            result.append(Difference(key, before, after))  # a failure where stock has no result
    return result


def changes(stock: Outcomes, ibid: Outcomes) -> list[str]:
    """Differences that are no new failures; for information, such as an expected failure that passes."""
    new = {difference.key for difference in differences(stock, ibid)}
    keys = [key for key in {**stock, **ibid} if key not in new and stock.get(key) != ibid.get(key)]
    return [f"{label(key)}: stock {stock.get(key, MISSING)}, ibid {ibid.get(key, MISSING)}" for key in keys]


def explained_by(open_ones: Iterable[Difference], rerun: Outcomes, log_of: dict[str, Path]) -> None:
    """Records for each difference what a repeated stock run had.

    A unit that ends early (a server was not ready) loses its later subtests. Such a stock run explains a
    missing subtest only if it is missing under ibid as well.
    """
    for difference in open_ones:
        outcome = rerun.get(difference.key, MISSING)
        difference.stock_again.append(outcome)
        is_alike = outcome not in GOOD and (outcome != MISSING or difference.ibid == MISSING)
        if difference.stock == MISSING and outcome == MISSING:
            is_alike = False
        if is_alike and outcome != difference.stock:
            difference.evidence = log_of[difference.key[0]]
