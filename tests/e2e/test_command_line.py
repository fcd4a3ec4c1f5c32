# SPDX-License-Identifier: Apache-2.0
"""The words of the command line: mistakes, help, and where the words of a program begin."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import PYTHON, run_to_end


class TestArguments:
    @pytest.mark.parametrize("words", [["--version"], ["--stats"], ["-x", "--", "y"], ["", "a b", "*"]])
    def test_behind_the_program_are_the_programs(self, run: list[str], words: list[str]) -> None:
        done = run_to_end([*run, PYTHON, "-c", "import sys; print(sys.argv[1:])", *words])
        assert done.stdout == f"{words!r}\n"

    def test_need_no_dashes_before_the_program(self, ibid: Path) -> None:
        assert run_to_end([str(ibid), "run", PYTHON, "-c", "import sys; print(sys.argv[1])", "--help"]).stdout == "--help\n"
        assert run_to_end([str(ibid), "run", "--stats", "echo", "-n", "x"]).stdout == "x"

    @pytest.mark.parametrize(
        ("words", "hint"),
        [
            ([], "ibid --help"),
            (["rnu", "curl"], "Did you mean 'ibid run'?"),
            (["curl"], "Did you mean 'ibid run curl'?"),
            (["run"], "no program is given"),
            (["run", "--sats", "curl"], "--sats"),
            (["stat", "nginx"], "'nginx' is not a process id"),
            (["top", "--interval=0"], "from 0.1 to 3600"),
        ],
    )
    def test_that_are_wrong_end_with_2_and_a_hint(self, ibid: Path, words: list[str], hint: str) -> None:
        done = run_to_end([str(ibid), *words])
        assert done.returncode == 2
        assert hint in done.stderr
        assert done.stdout == ""

    @pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["stat", "--help"], ["top", "--help"], ["doctor", "--help"]])
    def test_for_help_print_it(self, ibid: Path, words: list[str]) -> None:
        done = run_to_end([str(ibid), *words])
        assert (done.returncode, done.stderr) == (0, "")
        assert "Usage: ibid" in done.stdout

    def test_for_the_version_print_it(self, ibid: Path) -> None:
        assert run_to_end([str(ibid), "--version"]).stdout.startswith("ibid 0.")
