# SPDX-License-Identifier: Apache-2.0
"""Goals, with invented figures."""

from __future__ import annotations

from cells import Cell
from figures import Figures
from goals import Goal, goals, unsettled
from programs import Kind, Program
from rounds import Row

FLOOR = Program("floor", "floor", Kind.FLOOR, ("xxh3",))
IBID = Program("ibid", "ibid", Kind.IBID, ("xxh3",))
MUTEX = Program("mutex", "mutex", Kind.CPP, ("xxh3", "own"))
GO = Program("go", "Go", Kind.COLLECTED, ("own",))
HIT = Cell("hit", 16, 1_000)


def row(program: Program, cell: Cell, nanoseconds: float, hash_name: str = "", **more: object) -> Row:
    rate = 1e9 * cell.threads / nanoseconds
    return Row(cell, program, hash_name or program.hashes[0], runs=[{"rates": [rate], **more}])


def judged(*rows: Row, what: str, target: str) -> Goal:
    found = goals(Figures(rows, (FLOOR, IBID, MUTEX, GO), {}))
    (goal,) = [g for g in found if g.what == what and target in g.target]
    return goal


def test_a_goal_at_its_limit_is_reached() -> None:
    what = "hit, 1 thread, 16-byte keys, 1,000 keys"
    assert judged(row(FLOOR, HIT, 10), row(IBID, HIT, 13.99), what=what, target="1.4 ×").reached is True
    assert judged(row(FLOOR, HIT, 10), row(IBID, HIT, 14.1), what=what, target="1.4 ×").reached is False


def test_what_was_not_measured_is_neither_reached_nor_missed() -> None:
    goal = judged(row(IBID, HIT, 10), what="hit, 1 thread, 16-byte keys, 1,000 keys", target="1.4 ×")
    assert (goal.reached, goal.found) == (None, "not measured")


def test_ahead_means_faster_not_as_fast() -> None:
    churn = Cell("churn", 16, 1)
    what = "churn of one key, 16 bytes"
    assert judged(row(IBID, churn, 50), row(MUTEX, churn, 50), what=what, target="evicts").reached is False
    assert judged(row(IBID, churn, 50), row(MUTEX, churn, 51), what=what, target="evicts").reached is True


def test_the_peer_that_came_closest_is_named() -> None:
    long_keys = Cell("hit", 1200, 1_000)
    goal = judged(
        row(IBID, long_keys, 100),
        row(MUTEX, long_keys, 150, "own"),
        row(GO, long_keys, 120),
        what="hit, 1 thread, 1,200-byte keys, 1,000 keys",
        target="as it comes",
    )
    assert (goal.found, goal.reached) == ("1.20 × (Go)", True)


def test_two_threads_are_compared_by_throughput() -> None:
    two = Cell("hit", 16, 1_000, 2)
    what = "hit, 2 threads, different keys, 1,000 keys"
    assert judged(row(IBID, HIT, 20), row(IBID, two, 21), what=what, target="1.9").found == "1.90 ×"


def test_bytes_are_compared_as_bytes() -> None:
    insert = Cell("insert", 16, 1_000_000)
    goal = judged(
        row(IBID, insert, 100, bytes_per_entry=80.0),
        row(MUTEX, insert, 200, bytes_per_entry=61.0),
        what="bytes an entry beyond key and value, 16-byte keys",
        target="smaller",
    )
    assert (goal.found, goal.reached) == ("80 against 61 (mutex, XXH3)", False)


def test_the_curve_may_grow_by_misses_but_not_by_instructions() -> None:
    few, many = Cell("hit", 16, 1_000), Cell("hit", 16, 10_000_000)
    what = "hit from 1,000 to 10,000,000 entries"
    first = row(IBID, few, 10, counted={"instructions": 100.0})
    assert judged(first, row(IBID, many, 400, counted={"instructions": 103.0}), what=what, target="grows").reached is True
    assert judged(first, row(IBID, many, 400, counted={"instructions": 120.0}), what=what, target="grows").reached is False
    assert judged(row(IBID, few, 10), row(IBID, many, 400), what=what, target="grows").reached is None


def rounds(program: Program, *nanoseconds: float) -> Row:
    return Row(HIT, program, "xxh3", runs=[{"rates": [1e9 / n]} for n in nanoseconds])


def test_rounds_that_contradict_each_other_give_no_conclusion_and_get_more_rounds() -> None:
    what = "hit, 1 thread, 16-byte keys, 1,000 keys"
    rows = rounds(FLOOR, 10, 10, 10), rounds(IBID, 12, 13, 16)
    goal = judged(*rows, what=what, target="1.4 ×")
    assert (goal.reached, goal.found) == (None, "1.30 ×, of 1.20 to 1.60")
    assert unsettled(Figures(rows, (FLOOR, IBID), {})) == {HIT}
    assert judged(rounds(FLOOR, 10, 10, 10), rounds(IBID, 12, 13, 14), what=what, target="1.4 ×").reached is True
    agreeing = rounds(FLOOR, 10, 10, 10, 10, 10), rounds(IBID, 12, 13, 14, 13, 13)
    assert unsettled(Figures(agreeing, (FLOOR, IBID), {})) == set()
    rows[1].is_slow = True
    assert unsettled(Figures(rows, (FLOOR, IBID), {})) == set()
    assert judged(rounds(FLOOR, 10, 10, 10), rounds(IBID, 20, 21, 25), what=what, target="1.4 ×").reached is False


def test_rows_are_compared_round_by_round() -> None:
    """In the last round the whole machine was slower."""
    what = "hit, 1 thread, 16-byte keys, 1,000 keys"
    goal = judged(rounds(FLOOR, 10, 10, 20), rounds(IBID, 12, 13, 26), what=what, target="1.4 ×")
    assert (goal.reached, goal.found) == (True, "1.30 ×")
