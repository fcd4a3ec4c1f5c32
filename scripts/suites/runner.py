# SPDX-License-Identifier: Apache-2.0
"""Runs one suite: stock, then in each mode, and repeats units with new failures. The result is data for the report."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .comparison import Difference, changes, differences, explained_by, lines
from .modes import STOCK, Mode
from .suite import Suite
from .trial import GOOD, Key, Trial, label

Say = Callable[[str], None]


@dataclass
class Setting:
    preload: Path
    results: Path  # logs of this call
    modes: Sequence[Mode]
    stock_runs: int  # more than one: finds flaky subtests beforehand
    repeats: int  # how often a unit with a new failure is repeated, stock and under ibid
    say: Say


@dataclass
class ModeResult:
    trial: Trial
    new: list[Difference]
    changed: list[str]

    @property
    def unexplained(self) -> list[Difference]:
        return [difference for difference in self.new if not difference.is_explained]


@dataclass
class SuiteResult:
    name: str
    version: str = ""
    least: int = 1  # subtests that must pass in stock
    trouble: str = ""  # why it could not run at all
    stock: list[Trial] = field(default_factory=list)
    flaky: list[str] = field(default_factory=list)  # subtests that differ among the stock runs
    modes: dict[str, ModeResult] = field(default_factory=dict)

    def problems(self) -> list[str]:
        """Each of these makes the exit status 1."""
        if self.trouble:
            return [f"{self.name}: did not run: {self.trouble}"]
        result = []
        passed = sum(outcome in GOOD for outcome in self.stock[0].outcomes.values())
        if passed < self.least:
            result.append(
                f"{self.name}: {passed} subtests pass in stock, {self.least} are expected: {self.stock[0].folder}"
            )
        for name, mode in self.modes.items():
            if not mode.trial.seen_in:
                result.append(f"{self.name}, {name}: the preload was in no process that had libcrypto")
            result += [f"{self.name}, {name}: {line}" for line in lines(mode.unexplained)]
        return result


def run_trial(
    suite: Suite, setting: Setting, mode: Mode, name: str, wanted: Mapping[str, frozenset[str]] | None = None
) -> Trial:
    trial = Trial(mode, setting.preload, setting.results / suite.name / name, wanted)
    for unit in suite.units():
        if trial.wants(unit):
            suite.run_unit(trial, unit)
    return trial


def run_suite(suite: Suite, setting: Setting) -> SuiteResult:
    result = SuiteResult(suite.name, least=suite.least)
    started = time.monotonic()
    result.version = suite.prepare()
    setting.say(f"{suite.name}: {result.version}, prepared in {time.monotonic() - started:.0f} s")
    for number in range(setting.stock_runs):
        trial = run_trial(suite, setting, STOCK, f"stock-{number + 1}")
        result.stock.append(trial)
        setting.say(f"{suite.name}, stock: {len(trial.outcomes)} subtests, {trial.seconds:.0f} s")
    first = result.stock[0]
    flaky: set[Key] = set()
    for other in result.stock[1:]:
        flaky |= {
            key
            for key in {**first.outcomes, **other.outcomes}
            if first.outcomes.get(key) != other.outcomes.get(key)
        }
    result.flaky = sorted(label(key) for key in flaky)
    for mode in setting.modes:
        trial = run_trial(suite, setting, mode, mode.name)
        new = differences(first.outcomes, trial.outcomes)
        for other in result.stock[1:]:
            explained_by(new, other.outcomes, {d.key[0]: other.log(d.key[0]) for d in new})
        _repeat(suite, setting, mode, new)
        result.modes[mode.name] = ModeResult(trial, new, changes(first.outcomes, trial.outcomes))
        setting.say(
            f"{suite.name}, {mode.name}: {len(trial.outcomes)} subtests, {len(new)} new failures, "
            f"{trial.seconds:.0f} s"
        )
    return result


def _repeat(suite: Suite, setting: Setting, mode: Mode, new: list[Difference]) -> None:
    for number in range(1, setting.repeats + 1):
        open_ones = [difference for difference in new if not difference.is_explained]
        if not open_ones:
            return
        units: dict[str, set[str]] = {}
        for difference in open_ones:
            units.setdefault(difference.key[0], set()).add(difference.key[1])
        wanted = {unit: frozenset(subtests) for unit, subtests in units.items()}
        again = run_trial(suite, setting, mode, f"{mode.name}-again-{number}", wanted)
        for difference in open_ones:
            difference.again.append(again.outcomes.get(difference.key, "missing"))
        stock = run_trial(suite, setting, STOCK, f"{mode.name}-stock-{number}", wanted)
        explained_by(open_ones, stock.outcomes, {unit: stock.log(unit) for unit in wanted})
