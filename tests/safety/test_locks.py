# SPDX-License-Identifier: Apache-2.0
"""Locks: no thread waits inside OpenSSL for another thread's work, or for the dynamic linker."""

from __future__ import annotations

import pytest
from harness import Case, Library, Mode, Stage, crossed

PLUGIN = Library("locks/constructor_plugin.c")
# Where foreign code runs inside OpenSSL, and roughly how often at most in one round of the work.
FOREIGN = (
    ("key-new", 8),
    ("key-free", 4),
    ("certificate-new", 4),
    ("certificate-free", 3),
    ("verify", 2),
    ("issuer", 2),
    ("store-verify", 2),
    ("folder", 2),
    ("io", 4),
    ("fifo", 1),
)
CASES = [
    *(
        Case("locks/constructor.c", (what, "{here}/constructor_plugin.so"), name=what, plugins=(PLUGIN,), shows="done", seconds=10)
        for what in ("init", "first", "later", "iteration")
    ),
    *(
        Case("locks/foreign_code.c", (where, str(n)), shows="done", seconds=10)
        for where, most in FOREIGN
        for n in range(1, most + 1)
    ),
    Case("locks/load_under_lock.c", shows="file: 0"),
    *(Case("locks/stampede.c", (what,), shows="done") for what in ("key", "certificate")),
    *(
        Case("locks/reentered.c", (how,), name=f"{how}-{name}", flags=flags, helped=("certificates",), shows="end")
        for how in ("signal", "child")
        for name, flags in (("attaches", ("-DATTACHES",)), ("reads", ()))
    ),
]


@pytest.mark.parametrize("case, mode", crossed(CASES), ids=str)
def test_nobody_waits_who_would_not_in_stock(case: Case, mode: Mode, stage: Stage) -> None:
    stage.as_stock(case, mode)
