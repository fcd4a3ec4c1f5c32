# SPDX-License-Identifier: Apache-2.0
"""Stack: never more than 4 KiB above stock, on any path."""

from __future__ import annotations

import pytest
from harness import MODES, STOCK, Case, Mode, Outcome, Stage, crossed

SMALL = [
    Case("stack/small_threads.c", words, shows="done" if words[0] != "fiber" else "handshake 1")
    for words in (
        *(("file",), ("list",), ("folder",), ("verify",), ("parse",), ("fiber",)),
        *(("file", "cold"), ("list", "cold"), ("folder", "cold"), ("verify", "cold"), ("parse", "cold")),
    )
]
MOST = 4096
# Of the smallest stack, which ibid may need more than stock (docs/limits.md).
MARGIN = (("SAFETY_STACK_USED", "1024"),)


@pytest.mark.parametrize("case, mode", crossed(SMALL), ids=str)
def test_small_stacks_are_enough_if_they_are_in_stock(case: Case, mode: Mode, stage: Stage) -> None:
    case = Case(case.program, case.arguments)  # which operations succeed in 16 KiB differs between OpenSSL versions
    if stage.run(Case(case.program, case.arguments, env=MARGIN), STOCK).status != 0:
        pytest.skip("stock leaves less than 1 KiB of this stack")
    stage.as_stock(case, mode)


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_no_operation_takes_much_more_stack_than_in_stock(mode: Mode, stage: Stage) -> None:
    def within(stock: Outcome, ibid: Outcome) -> str | None:
        more = {
            f"{name}, {time} time": int(b - a)
            for name, depths in stock.figures.items()
            for time, a, b in zip(("1st", "2nd", "5th"), depths, ibid.figures[name])
            if b - a > MOST
        }
        return f"bytes of stack above stock: {more}" if more else None

    stage.bounded(Case("stack/depth.c"), mode, within)
