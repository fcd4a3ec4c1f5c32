# SPDX-License-Identifier: Apache-2.0
"""Drives testbed/tls/tls_hold_client: opens connections step by step and keeps them until the end of the `with` block.

with HoldClient([...]) as client:
    for sample in client.samples():  # one for the warm-up, one for each step; the client waits in between
        ...
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

Sample = dict[str, Any]


class HoldClient:
    def __init__(self, argv: Sequence[str], folder: Path) -> None:
        self.argv = [*argv, "--paced"]
        self.folder = folder

    def __enter__(self) -> HoldClient:
        self.process_ = subprocess.Popen(
            self.argv, cwd=self.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def samples(self) -> Iterator[Sample]:
        """Asks for the next step when the caller has done with a sample."""
        assert self.process_.stdin is not None and self.process_.stdout is not None
        while True:
            line = self.process_.stdout.readline()
            if not line:
                raise RuntimeError(f"exit status {self.process_.wait()}: {' '.join(self.argv)}")
            sample = json.loads(line)
            yield sample
            if sample["event"] == "held":
                return
            self.process_.stdin.write("\n")
            self.process_.stdin.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The end of its standard input is its sign to close all connections and go."""
        assert self.process_.stdin is not None and self.process_.stdout is not None
        if kind is not None:
            self.process_.kill()
        try:
            self.process_.stdin.close()
        except BrokenPipeError:
            pass
        self.process_.stdout.read()
        self.process_.stdout.close()
        self.process_.wait()
