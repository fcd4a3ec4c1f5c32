# SPDX-License-Identifier: Apache-2.0
"""A program's own memory functions, over memory that processes share, or with checks."""

from __future__ import annotations

import pytest
from harness import MODES, Case, Mode, Outcome, Stage, crossed

CASES = [
    *(Case("memory/shared_arena.c", words, shows="done", seconds=40) for words in (("0",), ("3",), ("1", "resume"), ("3", "resume"), ("3", "crowd"))),
    Case("memory/own_functions.c", shows="done"),
]


@pytest.mark.parametrize("case, mode", crossed(CASES), ids=str)
def test_the_programs_own_memory_functions_are_respected(case: Case, mode: Mode, stage: Stage) -> None:
    stage.as_stock(case, mode)


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_the_preload_leaves_the_heap_to_the_program(mode: Mode, stage: Stage) -> None:
    """ibid must not allocate from the heap at start, because that would move all of the program's allocations."""

    def within(stock: Outcome, ibid: Outcome) -> str | None:
        more = ibid.figures["heap"][0] - stock.figures["heap"][0]
        return f"{more:.0f} bytes" if more > 2048 else None

    stage.bounded(Case("memory/heap_at_start.c"), mode, within)


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("how", ["one", "many"])
def test_what_ibid_keeps_for_stores_is_bounded(how: str, mode: Mode, stage: Stage) -> None:
    """For the object that an attacher adds to a store; its session has it, too."""

    def within(stock: Outcome, ibid: Outcome) -> str | None:
        more = ibid.figures["grown"][0] - stock.figures["grown"][0]
        return f"{more:.0f} bytes" if more > 16384 else None

    stage.bounded(Case("memory/stores_come_and_go.c", (how,)), mode, within)
