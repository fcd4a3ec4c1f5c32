# SPDX-License-Identifier: Apache-2.0
"""Privacy: the time of an attacker's attempt does not reveal whether the owner of the certificate was connected before, except for the parse."""

from __future__ import annotations

import statistics

import pytest
from harness import MODES, Case, Mode, Outcome, Stage


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("how", ("tls12", "tls13", "later"))
def test_a_leafs_signature_is_verified_each_time(how: str, mode: Mode, stage: Stage) -> None:
    """The medians differ by less than half the cost of the leaf's signature, so it was verified. (The parse costs a tenth of it.)"""

    def within(stock: Outcome, ibid: Outcome) -> str | None:
        signature = statistics.median(ibid.figures["signature"])
        saved = statistics.median(ibid.figures["unknown"]) - statistics.median(ibid.figures["known"])
        noise = abs(statistics.median(stock.figures["unknown"]) - statistics.median(stock.figures["known"]))
        if saved - noise > signature / 2:
            return f"a known certificate saves {saved:.0f} µs; its signature costs {signature:.0f}, stock's noise is {noise:.0f}"
        return None

    stage.bounded(Case("privacy/oracle.c", (how,), seconds=60), mode, within)
