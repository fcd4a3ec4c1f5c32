# SPDX-License-Identifier: Apache-2.0
"""The table shows what was measured, aligned, in its sections, and with colour only when asked."""

from __future__ import annotations

import re

import pytest

from demo.figures import CONTEXT, CPU, MEMORY, Comparison, Figure, Measurement, Unit
from demo.table import ratio_text, table


def comparison(section: str, program: str, unit: Unit, stock: float, ibid: float | None) -> Comparison:
    pair = Comparison(Figure(program, section, program, "RSS" if unit is Unit.BYTES else "CPU", unit))
    pair.stock.append(Measurement(stock))
    if ibid is not None:
        pair.ibid.append(Measurement(ibid))
    return pair


SOME = [
    comparison(CPU, "nginx worker", Unit.SECONDS, 0.0024, 0.0016),
    comparison(MEMORY, "client", Unit.BYTES, 27_648, 13_824),
]


def test_sections_come_in_their_order_with_rows_below_them() -> None:
    assert table(SOME) == (
        "Memory per connection     stock      ibid   ratio\n"
        "  client: RSS          27.0 KiB  13.5 KiB  2.00 ×\n"
        "\n"
        "CPU per handshake         stock      ibid   ratio\n"
        "  nginx worker: CPU     2.40 ms   1.60 ms  1.50 ×\n"
    )


def test_what_was_not_measured_on_both_sides_is_left_out() -> None:
    text = table([*SOME, comparison(CONTEXT, "python", Unit.SECONDS, 0.04, None)])
    assert "python" not in text
    assert CONTEXT not in text
    assert text == table(SOME)


def test_a_cost_that_vanished_has_no_ratio() -> None:
    assert table([comparison(CONTEXT, "python", Unit.BYTES, 800_000, 0)]).rstrip().endswith("–")


def test_colour_changes_no_character_and_is_off_unless_asked_for() -> None:
    assert "\033" not in table(SOME)
    coloured = table(SOME, colour=True)
    assert "\033" in coloured
    assert re.sub(r"\033\[\d+m", "", coloured) == table(SOME)


def test_nothing_measured_is_an_empty_table() -> None:
    assert table([]) == ""


@pytest.mark.parametrize(("ratio", "text"), [(1.845, "1.84 ×"), (11.04, "11.0 ×"), (321.4, "321 ×"), (None, "–")])
def test_ratios_have_as_many_digits_as_they_deserve(ratio: float | None, text: str) -> None:
    assert ratio_text(ratio) == text
