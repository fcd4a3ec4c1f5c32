# SPDX-License-Identifier: Apache-2.0
"""Processes in control groups of any name, as services and users have them. Needs root."""

from __future__ import annotations

import os
import subprocess

import pytest

HIERARCHIES = (b"/sys/fs/cgroup/unified", b"/sys/fs/cgroup")


class ControlGroups:
    def __init__(self) -> None:
        self.top = next((h for h in HIERARCHIES if os.path.exists(h + b"/cgroup.procs")), b"")
        self.made: list[bytes] = []
        self.running: list[subprocess.Popen[str]] = []

    def start(self, group: "bytes | str", words: list[str], **options: object) -> "subprocess.Popen[str]":
        """Starts a program in this group, and waits for its first line."""
        folder = self.top
        try:
            for part in os.fsencode(group).split(b"/"):
                folder += b"/" + part
                if not os.path.exists(folder):
                    os.mkdir(folder)
                    self.made.append(folder)
            with open(folder + b"/cgroup.procs", "w") as entrance:
                settings: dict[str, object] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, **options}
                process: subprocess.Popen[str] = subprocess.Popen(words, **settings)  # type: ignore[call-overload]
                self.running.append(process)
                assert process.stdout is not None and process.stdout.readline() == "ready\n"
                entrance.write(str(process.pid))
        except OSError as error:
            pytest.skip(f"no control group can be made here: {error}")
        return process

    def end(self) -> None:
        for process in self.running:
            process.kill()
            process.communicate()
        for folder in reversed(self.made):
            os.rmdir(folder)
