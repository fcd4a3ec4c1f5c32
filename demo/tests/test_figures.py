# SPDX-License-Identifier: Apache-2.0
"""A figure is the slope over all samples, the median over all runs, and nothing that was not measured."""

from __future__ import annotations

import pytest

from demo.figures import MEMORY, Comparison, Figure, Measurement, Unit, slope, typical


def comparison(stock: list[float], ibid: list[float]) -> Comparison:
    pair = Comparison(Figure("x", MEMORY, "program", "RSS", Unit.BYTES))
    pair.stock += [Measurement(v) for v in stock]
    pair.ibid += [Measurement(v) for v in ibid]
    return pair


def test_a_slope_is_what_one_more_costs_whatever_was_there_before() -> None:
    assert slope([(50, 1_050_000), (100, 2_050_000), (150, 3_050_000)]) == pytest.approx(20_000)


def test_a_slope_is_the_least_squares_line_and_not_the_difference_of_the_ends() -> None:
    # By hand: the means are 1.5 and 2; products 14 - 4 · 1.5 · 2 = 2, squares 14 - 4 · 1.5² = 5.
    points = [(0.0, 1.0), (1.0, 2.0), (2.0, 3.0), (3.0, 2.0)]
    assert slope(points) == pytest.approx(2 / 5)


@pytest.mark.parametrize("points", [[], [(100.0, 5.0)], [(100.0, 5.0), (100.0, 7.0)]])
def test_points_at_one_place_have_no_slope(points: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError):
        slope(points)


def test_growth_starts_at_nothing_and_keeps_its_places() -> None:
    assert Measurement.from_points([(50, 700.0), (150, 900.0)]).growth() == [(50, 0.0), (150, 200.0)]


def test_the_median_is_not_moved_by_one_bad_run() -> None:
    pair = comparison([10, 11, 900], [5, 5.5, 6])
    assert (pair.stock_median, pair.ibid_median, pair.ratio) == (11, 5.5, 2)


def test_a_side_without_a_run_is_not_measured() -> None:
    assert not comparison([10], []).measured
    assert not comparison([], [10]).measured
    assert comparison([10], [10]).measured


@pytest.mark.parametrize("rest", [0.0, -12.0])
def test_there_is_no_ratio_to_a_cost_that_cannot_be_seen(rest: float) -> None:
    assert comparison([800_000], [rest]).ratio is None


def test_the_number_of_runs_is_that_of_the_side_with_fewer() -> None:
    assert comparison([1, 2, 3], [1, 2]).runs == 2


def test_the_typical_run_is_the_one_nearest_the_median() -> None:
    assert typical([Measurement(v) for v in (1, 9, 4)]).value == 4
    assert typical([Measurement(7)]).value == 7


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        (Unit.BYTES, 14_745.6, "14.4 KiB"),
        (Unit.BYTES, 5 * 1024 * 1024, "5.00 MiB"),
        (Unit.BYTES, 883 * 1024, "883 KiB"),
        (Unit.BYTES, 0, "0.00 B"),
        (Unit.BYTES, -2048, "-2.00 KiB"),
        (Unit.SECONDS, 0.000440, "440 µs"),
        (Unit.SECONDS, 0.002473, "2.47 ms"),
        (Unit.SECONDS, 0.0398, "39.8 ms"),
        (Unit.SECONDS, 12.5, "12.5 s"),
    ],
)
def test_values_are_written_with_three_digits_and_the_unit_that_fits(unit: Unit, value: float, text: str) -> None:
    assert unit.text(value) == text
