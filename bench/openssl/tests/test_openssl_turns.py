# SPDX-License-Identifier: Apache-2.0
"""Two runs never work at the same time, and none outlives the process that started it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.openssl.turns import Run, run_by_turns

# Follows the protocol of bench_openssl (turns.h). argv: a log, a name, and the number of turns.
PROGRAM = """
import sys
log, name, turns = sys.argv[1], sys.argv[2], int(sys.argv[3])
for _ in range(turns):
    print(flush=True)
    if not sys.stdin.readline():
        sys.exit(1)
    with open(log, "a") as file:
        file.write(f"{name} begins\\n")
        file.write(f"{name} ends\\n")
print('{"turns": %d}' % turns)
"""


def run(log: Path, name: str, turns: int) -> Run:
    return Run([sys.executable, "-c", PROGRAM, str(log), name, str(turns)], dict(os.environ))


def test_runs_alternate(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert run_by_turns(run(log, "stock", 3), run(log, "ibid", 3)) == ({"turns": 3}, {"turns": 3})
    turn = ["stock begins", "stock ends", "ibid begins", "ibid ends"]
    assert log.read_text().splitlines() == 3 * turn


def test_a_run_with_fewer_turns_does_not_stop_the_other(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert run_by_turns(run(log, "stock", 1), run(log, "ibid", 4)) == ({"turns": 1}, {"turns": 4})


def test_a_run_that_ends_without_figures_is_an_error_and_the_other_is_ended(tmp_path: Path) -> None:
    good = run(tmp_path / "log", "stock", 5)
    bad = Run([sys.executable, "-c", "raise SystemExit(3)"], dict(os.environ))
    with pytest.raises(subprocess.CalledProcessError) as error:
        run_by_turns(good, bad)
    assert error.value.returncode == 3
    assert good.process_.poll() is not None
