# SPDX-License-Identifier: Apache-2.0
"""Sandboxes: after warm-up ibid makes no system call that stock does not make in the same call; and a refused call at most disables a feature."""

from __future__ import annotations

import re
import shutil
from collections import Counter

import pytest
from harness import MODES, STOCK, Case, Mode, Stage, crossed

CONFINED = [
    Case("sandbox/confined.c", ("warm", "kill"), shows="session 1", helped=("certificates", "trust_stores")),
    Case("sandbox/confined.c", ("warm", "refuse"), shows="session 1", helped=("certificates", "trust_stores")),
    Case("sandbox/confined.c", ("first", "refuse"), shows="entering"),
]
TRACER = shutil.which("strace")


@pytest.mark.parametrize("case, mode", crossed(CONFINED), ids=str)
def test_a_sandbox_that_lets_stock_work_lets_ibid_work(case: Case, mode: Mode, stage: Stage) -> None:
    stage.as_stock(case, mode)


def traced(stage: Stage, mode: Mode) -> dict[str, Counter[str]]:
    """For each marked call, its system calls in the last two rounds: the larger number of the two."""
    path = stage.folder_ / f"trace-{mode}"
    case = Case("sandbox/marked.c", wrapper=("strace", "-qq", "-o", str(path)))
    outcome = stage.run(case, mode)
    if outcome.status != 0:
        pytest.skip(f"no tracing here: {outcome.stderr}")
    within: dict[str, Counter[str]] = {}
    current: Counter[str] | None = None
    for line in path.read_text(errors="replace").splitlines():
        mark = re.match(r'write\(-1, "mark (\w+) (\d+)"', line)
        if mark:
            current = Counter() if mark.group(1) not in ("between", "end") and int(mark.group(2)) >= 3 else None
            if current is not None:
                within[f"{mark.group(1)} {mark.group(2)}"] = current
            continue
        call = re.match(r"(\w+)\(", line)
        if call and current is not None:
            current[call.group(1)] += 1
    most: dict[str, Counter[str]] = {}
    for name, calls in within.items():
        most[name.split()[0]] = most.get(name.split()[0], Counter()) | calls
    assert most["trust_file"] or mode != STOCK
    return most


@pytest.mark.skipif(TRACER is None, reason="strace is not installed")
@pytest.mark.parametrize("mode", MODES, ids=str)
def test_warm_calls_make_no_system_call_that_stock_does_not_make(mode: Mode, stage: Stage) -> None:
    stock, ibid = traced(stage, STOCK), traced(stage, mode)
    # The allocator may get more memory from the kernel at any time, in stock and under ibid.
    memory = {"brk", "mmap", "munmap", "madvise"}
    extra = {name: sorted(set(calls) - set(stock[name]) - memory) for name, calls in ibid.items()}
    assert not any(extra.values()), {name: calls for name, calls in extra.items() if calls}
