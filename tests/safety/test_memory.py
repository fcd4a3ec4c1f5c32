# SPDX-License-Identifier: Apache-2.0
"""Memory functions of the program's own, over memory that processes share or that is checked."""

from __future__ import annotations

import pytest
from harness import Case, Mode, Stage, crossed

CASES = [
    *(Case("memory/shared_arena.c", words, shows="done", seconds=40) for words in (("0",), ("3",), ("1", "resume"), ("3", "resume"), ("3", "crowd"))),
    Case("memory/own_functions.c", shows="done"),
]


@pytest.mark.parametrize("case, mode", crossed(CASES), ids=str)
def test_the_programs_own_memory_functions_are_respected(case: Case, mode: Mode, stage: Stage) -> None:
    stage.as_stock(case, mode)
