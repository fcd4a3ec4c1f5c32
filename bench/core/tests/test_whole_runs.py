# SPDX-License-Identifier: Apache-2.0
"""Whole programs' work: the conclusions from invented rounds."""

from __future__ import annotations

from rounds import Spread
from whole_runs import Rival, table, verdict


def test_ranges_that_touch_give_no_conclusion() -> None:
    assert verdict(Spread(10, 9, 12), Spread(20, 12, 30)) == "no conclusion"
    assert verdict(Spread(10, 9, 12), Spread(20, 13, 30)) == "2.00 ×"
    assert verdict(Spread(20, 13, 30), Spread(10, 9, 12)) == "0.50 ×"


def test_a_table_has_a_verdict_for_all_but_the_first() -> None:
    run = {"count": 2, "distinct": 1, "bytes": 80.0}
    runs = [{**run, "make_ns": n, "again_ns": n, "end_ns": n} for n in (1.0, 2.0)]
    slow = [{**run, "make_ns": n, "again_ns": 1.5, "end_ns": n} for n in (4.0, 6.0)]
    shown = table("symbols", [Rival("ibid", runs), Rival("other", slow, {"make": 100.0, "again": 50.0})])
    assert [e.text for e in shown.rows[0]] == ["ibid", "1.5", "", "1.5", "", "1.5", "", "80", "", ""]
    assert [e.text for e in shown.rows[1]] == ["other", "5.0", "3.33 ×", "1.5", "no conclusion", "5.0", "3.33 ×", "80", "100", "50"]
