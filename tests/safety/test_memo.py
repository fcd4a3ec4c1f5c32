# SPDX-License-Identifier: Apache-2.0
"""The signature memo remembers only pure functions: a method that begins to refuse has an effect at once, and a lax method has an effect only while it is loaded."""

from __future__ import annotations

import pytest
from harness import Case, Mode, Stage, crossed

HOWS = (
    "gate gate-query gate-context gate-context-query gate-no-cache gate-unload plain-properties properties context-properties"
    " fips context-fips unload context-unload switch".split()
)
METHODS = "engine engine-default engine-string engine-all method ec ec-engine rsa".split()
CASES = [
    *(Case("memo/refusing.c", (how,), shows="third, issuer: 1") for how in HOWS),
    *(Case("memo/name_tables.c", name=f"{how}", flags=(f"-DHOW={how}",), shows="before: handshake 1") for how in range(1, 5)),
    *(Case("memo/methods.c", (how,), shows="before, sound: 1") for how in METHODS),
]


@pytest.mark.parametrize("case, mode", crossed(CASES), ids=str)
def test_what_stock_refuses_is_refused(case: Case, mode: Mode, stage: Stage) -> None:
    stage.as_stock(case, mode)
