# SPDX-License-Identifier: Apache-2.0
"""Limits: no sudden growth in time, the memory budget holds with hostile certificates, and a process that lacks a resource works as in stock."""

from __future__ import annotations

import pytest
from harness import DEFAULT, MODES, RETAIN_NOTHING, Case, Mode, Outcome, Stage, crossed

SCARCE = [
    Case("limits/scarce.c", (what,))
    for what in "descriptors descriptors-first file-size file-size-first nobody closed folder all-closed".split()
]
BUDGET = 4 << 20  # IBID_RETAIN's default, for certificates and for trust files, each


@pytest.mark.parametrize("case, mode", crossed(SCARCE), ids=str)
def test_a_process_without_room_works_as_in_stock(case: Case, mode: Mode, stage: Stage) -> None:
    stage.as_stock(case, mode)


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_writes_cost_what_they_cost_in_stock(mode: Mode, stage: Stage) -> None:
    def within(stock: Outcome, ibid: Outcome) -> str | None:
        slow = {
            name: f"{ibid.figures[name][0] / max(values[0], 1e-3):.2f}"
            for name, values in stock.figures.items()
            if ibid.figures[name][0] > 1.5 * values[0] + 0.01
        }
        return f"times stock's CPU: {slow}" if slow else None

    stage.bounded(Case("limits/revocations.c", ("60000", "64"), seconds=60), mode, within)


@pytest.mark.parametrize("mode", (DEFAULT, RETAIN_NOTHING), ids=str)
def test_strangers_with_huge_certificates_fill_no_more_than_the_budget(mode: Mode, stage: Stage) -> None:
    def within(stock: Outcome, ibid: Outcome) -> str | None:
        more = ibid.figures["kept"][0] - stock.figures["kept"][0]
        limit = BUDGET * 1.25 if mode == DEFAULT else 256 << 10
        return f"{more / 2**20:.1f} MiB above stock" if more > limit else None

    stage.bounded(Case("limits/crowd.c", ("300",), seconds=60), mode, within)
