# SPDX-License-Identifier: Apache-2.0
"""Progress of the demo: one line that is rewritten in place on a terminal, plain lines anywhere else."""

from __future__ import annotations

import os
import shutil
import time
from typing import TextIO


def wants_colour(stream: TextIO) -> bool:
    """A terminal that can, and nobody said NO_COLOR (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


class Progress:
    """`begin` a step, `say` how far it is, `end` it. `left` forgets steps that will not be done."""

    def __init__(self, stream: TextIO, steps: int) -> None:
        self.stream = stream
        self.steps = steps
        self.done = 0
        self.step = ""
        self.started = time.monotonic()
        self.step_started = self.started
        self.in_place = stream.isatty() and os.environ.get("TERM") != "dumb"
        self.last_drawn = 0.0

    def begin(self, step: str) -> None:
        self.step = step
        self.step_started = time.monotonic()
        self.last_drawn = 0.0
        self.say("")

    def say(self, how_far: str) -> None:
        if not self.in_place or time.monotonic() - self.last_drawn < 0.1:
            return
        self.last_drawn = time.monotonic()
        seconds = int(time.monotonic() - self.started)
        filled = 20 * self.done // max(self.steps, 1)
        bar = "█" * filled + "░" * (20 - filled)
        text = f"{bar} {self.done}/{self.steps}  " if self.steps else ""
        text += f"{seconds // 60}:{seconds % 60:02d}  {self.step}"
        text += f", {how_far}" if how_far else ""
        width = shutil.get_terminal_size().columns - 1
        self.stream.write("\r\033[K" + text[:width])
        self.stream.flush()

    def end(self) -> None:
        self.done += 1
        if not self.in_place:
            took = time.monotonic() - self.step_started
            self.stream.write(f"{self.done}/{self.steps}  {self.step}  {took:.1f} s\n")
            self.stream.flush()

    def skip(self, steps: int) -> None:
        """Fewer steps than announced will be done."""
        self.steps -= steps

    def clear(self) -> None:
        """Takes the line away, so that other text can be written."""
        if self.in_place:
            self.stream.write("\r\033[K")
            self.stream.flush()
