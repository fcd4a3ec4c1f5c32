# SPDX-License-Identifier: Apache-2.0
"""Runs one program, or two that take turns: turns.h explains why, and the protocol."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from types import TracebackType

Figures = dict[str, float]


class Run:
    """A bench_openssl with the option for turns. It never outlives the `with` block."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        self.command = command
        self.env = env
        self.figures: Figures | None = None

    def __enter__(self) -> Run:
        self.process_ = subprocess.Popen(
            self.command, env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.wait_()
        return self

    def take_turn(self) -> None:
        """The program's figures end its last turn."""
        if self.figures is None:
            assert self.process_.stdin is not None
            self.process_.stdin.write("\n")
            self.process_.stdin.flush()
            self.wait_()

    def wait_(self) -> None:
        assert self.process_.stdout is not None
        line = self.process_.stdout.readline()
        if not line:
            raise subprocess.CalledProcessError(self.process_.wait(), self.command)
        if line.strip():
            self.figures = json.loads(line)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.process_.kill()
        self.process_.communicate()


def run_by_turns(first: Run, second: Run) -> tuple[Figures, Figures]:
    with first, second:
        while first.figures is None or second.figures is None:
            first.take_turn()
            second.take_turn()
    return first.figures, second.figures


def run_alone(command: Sequence[str], env: Mapping[str, str]) -> Figures:
    result = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
    figures: Figures = json.loads(result.stdout)
    return figures
