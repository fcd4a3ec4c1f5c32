# SPDX-License-Identifier: Apache-2.0
"""The law of a workload: `run` does the same thing whether `wrap` is empty or `ibid run --`, and returns only what it
measured in that run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from demo.figures import Figure, Measurement
from demo.setting import Setting

Tell = Callable[[str], None]  # how far it is, for the progress line


class Workload:
    name: ClassVar[str]  # for --only
    title: str
    how: str  # what is run and what is counted, in a sentence or two, for the report
    figures: Sequence[Figure]
    x_label: ClassVar[str] = "connections"
    extra: bool = False  # left out when the time is short

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.commands: list[str] = []  # of the run under ibid, as a user would type them

    def run(self, wrap: Sequence[str], tell: Tell) -> dict[str, Measurement]:
        """One run. The keys are those of `figures`."""
        raise NotImplementedError

    def show(self, wrap: Sequence[str], *command_lines: Sequence[str]) -> None:
        """Keeps what was run for the report, which shows the runs under ibid."""
        if wrap:
            self.commands = [self.setting.shown(argv) for argv in command_lines]
