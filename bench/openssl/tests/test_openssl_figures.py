# SPDX-License-Identifier: Apache-2.0
"""The table prints the measured values, and a goal counts as reached only if it was reached."""

from __future__ import annotations

import pytest

from bench.openssl.figures import FIGURES, Figure, Kind, Source, Unit, against_stock
from bench.openssl.scenarios import SCENARIOS


def result(kind: Kind, stock: list[float], ibid: list[float], *goals: float):
    figure = against_stock("what", Unit.BYTES, kind, "scenario", "key", *goals)
    runs = {"scenario": {"stock": [{"key": v} for v in stock], "ibid": [{"key": v} for v in ibid]}}
    return figure.result(runs)


def test_a_ratio_is_that_of_runs_that_took_turns() -> None:
    # The machine became half as fast in between; each pair has a ratio of 2.
    found = result(Kind.TIMES_LESS, [10, 20, 20], [5, 10, 10], 2)
    assert (found.value.lowest, found.value.median, found.value.highest) == (2, 2, 2)
    assert (found.reference.median, found.measured.median) == (20, 10)


@pytest.mark.parametrize(
    ("kind", "stock", "ibid", "value", "goal", "missed_goal"),
    [
        (Kind.TIMES_LESS, 20, 10, 2, 2, 2.1),
        (Kind.TIMES_MORE, 10, 19, 1.9, 1.8, 2),
        (Kind.TIMES_THE_FLOOR, 100, 250, 2.5, 3, 2),
        (Kind.PERCENT_LESS, 100, 54, 46, 46, 47),
        (Kind.PERCENT_MORE, 100, 103, 3, 3, 2),
        (Kind.BYTES_MORE, 1000, 1400, 400, 400, 399),
    ],
)
def test_a_goal_is_reached_at_its_value_and_not_before(
    kind: Kind, stock: float, ibid: float, value: float, goal: float, missed_goal: float
) -> None:
    found = result(kind, [stock], [ibid], goal, missed_goal)
    assert found.value.median == pytest.approx(value)
    assert found.reached == (True, False)


def test_what_is_left_is_held_against_nothing() -> None:
    figure = Figure("left", "left", Unit.COUNT, Kind.ALONE, Source("churn", "ibid", "left"), None, (0,))
    assert figure.result({"churn": {"ibid": [{"left": 0}]}}).reached == (True,)
    assert figure.result({"churn": {"ibid": [{"left": 1}]}}).reached == (False,)


def test_what_was_not_measured_is_not_shown() -> None:
    figure = against_stock("what", Unit.BYTES, Kind.TIMES_LESS, "scenario", "key")
    assert figure.result({}) is None
    assert figure.result({"scenario": {"stock": [{"key": 1.0}], "ibid": [{}]}}) is None


def test_each_figure_has_a_name_of_its_own_and_a_scenario_that_measures_it() -> None:
    figures = [figure for group in FIGURES.values() for figure in group]
    names = [figure.name for figure in figures]
    assert len(names) == len(set(names))
    scenarios = {scenario.name for scenario in SCENARIOS}
    for figure in figures:
        assert {s.scenario for s in (figure.measured, figure.reference) if s} <= scenarios
