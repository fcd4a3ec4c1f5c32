# SPDX-License-Identifier: Apache-2.0
"""Rounds, with programs of a few lines of shell."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from cells import Cell, Plan
from programs import Kind, Program
from rounds import Mismatch, Row, Spread
from rounds import measure as measure_until

HIT = Cell("hit", 16, 1_000)
PLAN = Plan((HIT,), rounds=3, most_rounds=5, window_ms=1, windows=1, seconds=60)


def program(folder: Path, name: str, says: str, kind: Kind = Kind.CPP) -> Program:
    script = folder / name
    script.write_text(f"#!/bin/sh\necho {name} >> {folder}/order\n{says}\n")
    script.chmod(0o755)
    return Program(name, name, kind, ("xxh3",), (str(script),))


def prints(rate: int, fingerprint: int = 7) -> str:
    return f"""echo '{{"rates": [{rate}], "operations": 1, "fingerprint": {fingerprint}}}'"""


def silent(_: str) -> None:
    pass


def measure(plan: Plan, programs: list[Program], tell: Callable[[str], None], busy: bool) -> list[Row]:
    return measure_until(plan, programs, tell, busy, lambda _: set())


def test_programs_take_turns_and_each_round_begins_with_another(tmp_path: Path) -> None:
    measure(PLAN, [program(tmp_path, n, prints(1)) for n in "abc"], silent, busy=False)
    assert (tmp_path / "order").read_text().split() == list("abc" "bca" "cab")


def test_a_row_is_the_median_of_its_processes() -> None:
    row = Row(HIT, Program("p", "p", Kind.CPP, ("xxh3",)), "xxh3", runs=[{"rates": [r]} for r in (1e6, 4e6, 2e6)])
    assert (row.throughput.median, row.throughput.low, row.throughput.high) == (2, 1, 4)
    assert row.nanoseconds.median == 500


def test_nanoseconds_are_those_of_one_thread() -> None:
    two = dataclasses.replace(HIT, threads=2)
    assert Row(two, Program("p", "p", Kind.CPP, ("xxh3",)), "xxh3", runs=[{"rates": [2e6]}]).nanoseconds.median == 1_000


def test_a_program_that_fails_is_not_run_again_and_says_why(tmp_path: Path) -> None:
    (row,) = measure(PLAN, [program(tmp_path, "p", "echo 'two values for one key' >&2; exit 1")], silent, busy=False)
    assert row.failed == "two values for one key"
    assert (tmp_path / "order").read_text().split() == ["p"]


def test_programs_that_used_other_keys_are_not_compared(tmp_path: Path) -> None:
    pair = [program(tmp_path, "a", prints(1, 7)), program(tmp_path, "b", prints(1, 8))]
    with pytest.raises(Mismatch, match="b and a used other keys"):
        measure(PLAN, pair, silent, busy=False)


def test_a_missing_program_has_no_rows(tmp_path: Path) -> None:
    assert measure(PLAN, [Program("p", "p", Kind.CPP, ("xxh3",), missing="no p here")], silent, busy=False) == []


def test_after_its_time_is_up_only_the_first_round_goes_on(tmp_path: Path) -> None:
    measure(dataclasses.replace(PLAN, seconds=0), [program(tmp_path, n, prints(1)) for n in "ab"], silent, busy=False)
    assert (tmp_path / "order").read_text().split() == ["a", "b"]


def test_cells_that_are_not_settled_get_more_rounds(tmp_path: Path) -> None:
    other = Cell("churn", 16, 1)
    plan = dataclasses.replace(PLAN, cells=(HIT, other))
    rows = measure_until(plan, [program(tmp_path, "a", prints(1))], silent, False, lambda _: {other})
    assert [len(row.runs) for row in rows] == [3, 5]


def test_the_interval_of_a_median_shrinks_with_more_values() -> None:
    """Known values: order statistics 1 and 5 of 5, 2 and 9 of 10, 8 and 18 of 25."""
    assert Spread.of_median(range(1, 6)) == Spread(3, 1, 5)
    assert Spread.of_median(range(1, 11)) == Spread(5.5, 2, 9)
    assert Spread.of_median(range(1, 26)) == Spread(13, 8, 18)
