# SPDX-License-Identifier: Apache-2.0
"""Ends: cancellation, jumps, exceptions and exits inside OpenSSL affect no other thread and leave no state behind."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from harness import MODES, OWN_OBJECTS, STOCK, Case, Mode, Stage, crossed

WORK = ("file", "store", "default", "chain", "handshake", "folder")
FROM = ("file", "crl", "verify", "server-verify", "verify-whole", "info", "issuer", "io", "key-new")
# key-new: a program with a callback for each new key is not helped (docs/decisions/0008, "Callbacks").
CASES = [
    *(Case("ends/cancelled.c", (what,), shows="cancelled: 1") for what in WORK),
    *(Case("ends/cancelled.c", (what, "sweep"), shows="signals 0, some were cancelled 1", seconds=60) for what in WORK),
    *(
        Case("ends/jumps_out.c", (at,), shows="jumped out", modes=OWN_OBJECTS, helped=() if at == "key-new" else ("certificates",))
        for at in FROM
    ),
    *(Case("ends/jumps_out.c", (at,), name=f"{at}-writes", flags=("-DWRITES",), shows="jumped out") for at in FROM),
    *(
        Case("ends/throws.cpp", (at,), shows="caught", modes=OWN_OBJECTS)
        for at in ("verify", "verify-whole", "info", "certificate", "issuer", "key-new")
    ),
    *(
        Case("ends/exits.c", (how,))
        for how in ("at-exit", "before-openssl", "destructor", "cleanup", "threads", "in-verify", "plain", "openssl-at-exit")
    ),
]


@pytest.mark.parametrize("case, mode", crossed(CASES), ids=str)
def test_what_ends_ends_alone(case: Case, mode: Mode, stage: Stage) -> None:
    stage.as_stock(case, mode)


@pytest.fixture(scope="session")
def session(stage: Stage) -> Path:
    path = stage.programs / "session.der"
    done = stage.run(Case("ends/cancelled.c", ("save", str(path))), STOCK)
    assert done.status == 0, done.visible()
    return path


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("way", ("first-use", "sweep"))
def test_a_thread_cancelled_while_it_reads_a_session_ends_alone(
    way: str, mode: Mode, session: Path, stage: Stage
) -> None:
    arguments = ("session", str(session), *(("sweep",) if way == "sweep" else ()))
    case = Case("ends/cancelled.c", arguments, name=f"session-{way}", shows="cancelled", seconds=60)
    ended = re.compile(r"^ended by signals (\d+)", re.MULTILINE)
    # OpenSSL 3.5 itself crashes if a thread ends at some of its allocations here; with ibid there may be
    # fewer of these.
    if way == "sweep" and (found := ended.search(stage.stock(case).stdout)) and found[1] != "0":
        outcome = stage.run(case, mode)
        assert outcome.status == stage.stock(case).status
        assert (now := ended.search(outcome.stdout)) and int(now[1]) <= int(found[1])
    else:
        stage.as_stock(case, mode)
