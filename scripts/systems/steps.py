# SPDX-License-Identifier: Apache-2.0
"""Commands whose exit status and output are checked."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from typing import IO

from .trial import Outcome


class Steps:
    """Commands that must exit with 0 and print what is expected. Each counts as a test."""

    def __init__(self, outcome: Outcome, enter: Callable[[str], list[str]], out: IO[str]) -> None:
        self.outcome = outcome
        self._enter = enter
        self._out = out
        outcome.tested = True

    def must(self, command: str, pattern: str = "", seconds: float = 900) -> str:
        """Runs it and returns its output."""
        try:
            done = subprocess.run(
                self._enter(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds
            )
            status, said = done.returncode, done.stdout
        except subprocess.TimeoutExpired as late:
            status, said = 124, str(late.stdout)
        good = status == 0 and re.search(pattern, said) is not None
        self._out.write(f"{'passed' if good else 'FAILED'}: {command}\n{said}{'' if good else f'status {status}, expected {pattern!r}'}\n")
        self._out.flush()
        self.outcome.passed += good
        self.outcome.failed += not good
        return said

    def answers(self, command: str) -> bool:
        """Whether it exits with 0. Not a test."""
        return subprocess.run(self._enter(command), stdin=subprocess.DEVNULL, capture_output=True).returncode == 0
