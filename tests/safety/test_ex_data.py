# SPDX-License-Identifier: Apache-2.0
"""ex_data: a connection never finds data that another one attached to a certificate or its key."""

from __future__ import annotations

import pytest
from harness import Case, Mode, Stage, crossed

WHENS = "before before-freed late late-freed late-freed-new before-one-by-one late-one-by-one before-freed-one-by-one".split()
CASES = [
    *(
        Case("ex_data/peers_data.c", (on, when), flags=("-DON_KEY",) if on == "key" else (), shows="end")
        for on in ("certificate", "key", "issuer")
        for when in WHENS
    ),
    Case("ex_data/own_data.c", shows="nothing", helped=("certificates",)),
    *(
        Case("ex_data/own_verification.c", (way,), shows="own store: mine", helped=("trust_stores",))
        for way in ("own", "inside")
    ),
    *(
        Case("ex_data/made_up_index.c", (index, way), flags=("-DATTACHES",) if way in ("attaches", "roots") else ())
        for index in ("1", "2", "999", "1000")
        for way in ("looks", "stores", "sessions", "attaches", "roots", "frees")
    ),
    Case("ex_data/without_object.c", shows="end"),
    *(Case("ex_data/counted_objects.c", (str(number),), shows="end") for number in range(17)),
    *(Case("ex_data/racing.c", (on,), shows="found 0 times; held: nothing") for on in ("certificate", "key")),
]


@pytest.mark.parametrize("case, mode", crossed(CASES), ids=str)
def test_data_stays_with_the_connection_that_attached_it(case: Case, mode: Mode, stage: Stage) -> None:
    stage.as_stock(case, mode)
