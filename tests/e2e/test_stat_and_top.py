# SPDX-License-Identifier: Apache-2.0
"""`ibid stat`, `ibid top` and `ibid doctor` about a running program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from command import PYTHON, USES_OPENSSL, make_waiting, run_to_end
from this_openssl import VERSION


class TestStatAndTop:
    @pytest.fixture(params=["exec", "supervised"])
    def program(self, request: pytest.FixtureRequest, ibid: Path, tmp_path: Path, started: Callable[..., subprocess.Popen[str]]) -> int:
        """The PID of a program under ibid that has loaded certificates and waits."""
        options = [f"--stats={tmp_path / 'figures.json'}"] if request.param == "supervised" else []
        process = started([str(ibid), "run", *options, "--", PYTHON, "-c", "import os; print(os.getpid(), flush=True)\n" + USES_OPENSSL])
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert process.stdout.readline() == "ready\n"
        return pid

    def test_stat_shows_the_counters_of_a_running_program(self, ibid: Path, program: int) -> None:
        text = run_to_end([str(ibid), "stat", str(program)])
        assert text.returncode == 0, text.stderr
        assert text.stdout.startswith(f"{program} (python3)\ncertificates: ")
        found = json.loads(run_to_end([str(ibid), "stat", str(program), "--json"]).stdout)
        assert found["pid"] == program
        assert found["helped"] is True
        assert found["certificates"]["misses"] > 50

    def test_top_lists_it(self, ibid: Path, program: int) -> None:
        text = run_to_end([str(ibid), "top", "--once"])
        assert any(line.split()[:2] == [str(program), "python3"] for line in text.stdout.splitlines())
        found = json.loads(run_to_end([str(ibid), "top", "--once", "--json"]).stdout)
        assert program in [p["pid"] for p in found["processes"]]

    def test_top_shows_view_after_view_until_it_is_interrupted(self, ibid: Path, program: int, started: Callable[..., subprocess.Popen[str]]) -> None:
        top = started([str(ibid), "top", "--interval=0.1"])
        assert top.stdout is not None
        views = 0
        while views < 3:
            views += top.stdout.readline().lstrip().startswith("PID")
        top.send_signal(signal.SIGINT)
        assert top.wait(20) == 0

    def test_doctor_examines_a_running_program(self, ibid: Path, program: int) -> None:
        found = json.loads(run_to_end([str(ibid), "doctor", "--json", str(program)]).stdout)
        assert found["helps"] is True
        assert found["preload"].endswith("libibid_preload.so")
        assert found["openssl"]["version"] == VERSION

    def test_a_process_that_is_gone_is_an_error(self, ibid: Path) -> None:
        gone = subprocess.Popen(["true"])
        gone.wait()
        done = run_to_end([str(ibid), "stat", str(gone.pid)])
        assert (done.returncode, done.stderr) == (1, f"ibid: there is no process {gone.pid}\n")

    def test_a_process_not_under_ibid_is_an_error(self, ibid: Path, tmp_path: Path, started: Callable[..., subprocess.Popen[str]]) -> None:
        process = started([str(make_waiting(tmp_path))])
        done = run_to_end([str(ibid), "stat", str(process.pid)])
        assert done.returncode == 1
        assert "does not run under ibid" in done.stderr

    @pytest.mark.skipif(os.getuid() != 0, reason="needs root, to become another user")
    def test_another_users_process_is_not_read(self, ibid: Path, program: int, tmp_path: Path) -> None:
        done = run_to_end([str(ibid), "stat", str(program)], user=65534, group=65534, extra_groups=[])
        assert done.returncode == 1
        assert "may not be read" in done.stderr
