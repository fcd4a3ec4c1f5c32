# SPDX-License-Identifier: Apache-2.0
"""Which differences are new failures, and which stock runs explain them."""

from __future__ import annotations

from pathlib import Path

from scripts.suites.comparison import MISSING, changes, differences, explained_by, lines
from scripts.suites.trial import FAIL, PASS, SKIP, TIMEOUT

LOGS = {"u": Path("u.log")}


def keys(stock: dict[str, str], ibid: dict[str, str]) -> list[tuple[str, str, str]]:
    found = differences({("u", k): v for k, v in stock.items()}, {("u", k): v for k, v in ibid.items()})
    return [(difference.key[1], difference.stock, difference.ibid) for difference in found]


def test_equal_outcomes_are_no_difference() -> None:
    assert keys({"a": PASS, "b": FAIL, "c": SKIP}, {"a": PASS, "b": FAIL, "c": SKIP}) == []


def test_what_fails_skips_hangs_or_is_gone_is_new() -> None:
    stock = {name: PASS for name in "abcd"}
    assert keys(stock, {"a": FAIL, "b": SKIP, "c": TIMEOUT}) == [
        ("a", PASS, FAIL),
        ("b", PASS, SKIP),
        ("c", PASS, TIMEOUT),
        ("d", PASS, MISSING),
    ]


def test_a_failure_that_stock_does_not_know_is_new() -> None:
    assert keys({"b": SKIP}, {"a": FAIL, "b": FAIL}) == [("b", SKIP, FAIL), ("a", MISSING, FAIL)]


def test_what_stock_fails_is_not_new_but_told() -> None:
    stock, ibid = {("u", "a"): FAIL, ("u", "b"): FAIL}, {("u", "a"): PASS, ("u", "b"): SKIP}
    assert differences(stock, ibid) == []
    assert changes(stock, ibid) == ["u :: a: stock fail, ibid pass", "u :: b: stock fail, ibid skip"]


def test_a_stock_run_that_fails_alike_explains() -> None:
    (difference,) = differences({("u", "a"): PASS}, {("u", "a"): FAIL})
    explained_by([difference], {("u", "a"): PASS}, LOGS)
    assert not difference.is_explained
    explained_by([difference], {("u", "a"): FAIL}, LOGS)
    assert difference.evidence == LOGS["u"]
    assert difference.stock_again == [PASS, FAIL]


def test_a_stock_run_that_has_lost_the_subtest_does_not_explain_a_failure() -> None:
    (difference,) = differences({("u", "a"): PASS}, {("u", "a"): FAIL})
    explained_by([difference], {}, LOGS)
    assert not difference.is_explained


def test_a_stock_run_without_the_subtest_explains_that_it_is_missing() -> None:
    (difference,) = differences({("u", "a"): PASS}, {})
    explained_by([difference], {}, LOGS)
    assert difference.is_explained


def test_what_stock_never_has_is_not_explained_by_its_absence() -> None:
    (difference,) = differences({}, {("u", "a"): FAIL})
    explained_by([difference], {}, LOGS)
    assert not difference.is_explained
    explained_by([difference], {("u", "a"): FAIL}, LOGS)
    assert difference.is_explained


def test_what_stock_skips_is_not_explained_by_skipping() -> None:
    (difference,) = differences({("u", "a"): SKIP}, {("u", "a"): FAIL})
    explained_by([difference], {("u", "a"): SKIP}, LOGS)
    assert not difference.is_explained


def test_what_is_missing_since_a_program_died_is_counted_in_one_line() -> None:
    stock = {("u", str(number)): PASS for number in range(9)} | {("u", ""): PASS}
    told = lines(differences(stock, {("u", "0"): PASS, ("u", ""): "fail (SIGSEGV)"}))
    assert told == ["u: stock pass, ibid fail (SIGSEGV)", "u: 8 subtests are missing"]
