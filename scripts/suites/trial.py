# SPDX-License-Identifier: Apache-2.0
"""One run of a suite in one mode: starts its programs, keeps their output, collects the outcomes.

Laws: a program that exceeds its time limit is ended with all its children, and that is an outcome. Under ibid, the
runner checks that a process had both the preload and libcrypto: without such a process, stock would be compared with
stock.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .modes import Mode

PASS, FAIL, SKIP, TIMEOUT = "pass", "fail", "skip", "timeout"
GOOD = frozenset({PASS})

Key = tuple[str, str]  # unit, subtest; the subtest '' is the unit's own end
Outcomes = dict[Key, str]


def label(key: Key) -> str:
    return " :: ".join(key) if key[1] else key[0]


# Parts of a subtest's name that differ from run to run and have no meaning.
VOLATILE = (
    (re.compile(r"0x[0-9a-fA-F]{6,}"), "<address>"),
    (re.compile(r"/tmp/[\w./-]+"), "<file>"),
    (re.compile(r"\b\d{4,}\b"), "<number>"),
)


def without_volatile(name: str) -> str:
    for pattern, replacement in VOLATILE:
        name = pattern.sub(replacement, name)
    return name.strip()


@dataclass
class Trial:
    mode: Mode
    preload: Path
    folder: Path  # logs, and files that the programs write
    wanted: Mapping[str, frozenset[str]] | None = (
        None  # units, and their subtests of interest; None: everything
    )
    outcomes: Outcomes = field(default_factory=dict)
    unit_seconds: dict[str, float] = field(default_factory=dict)
    seen_in: str = ""  # a program in which the preload and libcrypto were seen together

    @property
    def seconds(self) -> float:
        return sum(self.unit_seconds.values())

    def wants(self, unit: str) -> bool:
        return self.wanted is None or unit in self.wanted

    def only(self, unit: str) -> frozenset[str]:
        """The subtests of interest; empty: all."""
        return frozenset() if self.wanted is None else self.wanted[unit] - {""}

    def log(self, unit: str) -> Path:
        return self.folder / (re.sub(r"[^\w.+-]", "_", unit) + ".log")

    def record(self, unit: str, subtest: str, outcome: str) -> None:
        """Numbers subtests of the same name."""
        name = without_volatile(subtest)
        key, count = (unit, name), 1
        while key in self.outcomes:
            count += 1
            key = (unit, f"{name} ({count})")
        self.outcomes[key] = outcome

    def execute(
        self,
        unit: str,
        command: Sequence[str | Path],
        folder: Path,
        *,
        env: Mapping[str, str] | None = None,
        limit: float = 600,
        good: Sequence[int] = (0,),
    ) -> str:
        """Runs the unit's program, records the unit's own outcome, and returns all output."""
        self.folder.mkdir(parents=True, exist_ok=True)
        environment = {**self.mode.environment(self.preload, self.folder), **(env or {})}
        path = self.log(unit)
        started = time.monotonic()
        with path.open("wb") as log:
            program = subprocess.Popen(
                [str(word) for word in command],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            status = self._wait(program, started + limit)
        self.unit_seconds[unit] = time.monotonic() - started
        if status is None:
            self.outcomes[unit, ""] = TIMEOUT
        else:
            self.outcomes[unit, ""] = PASS if status in good else f"{FAIL} ({_describe(status)})"
        return path.read_text(errors="replace")

    def _wait(self, program: subprocess.Popen[bytes], deadline: float) -> int | None:
        watch = threading.Event()
        watcher = threading.Thread(target=self._look_for_preload, args=(program.pid, watch), daemon=True)
        if self.mode.ibid and not self.seen_in:
            watcher.start()
        try:
            return program.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return None
        finally:
            watch.set()
            _end(program)

    def _look_for_preload(self, first: int, end: threading.Event) -> None:
        """Looks at all processes from the id `first` on; frequently at the beginning, because some units take 50 ms."""
        mark = str(self.preload)
        looks = 0
        while not end.wait(0.004 if looks < 50 else 0.1):
            looks += 1
            for process in [name for name in os.listdir("/proc") if name.isdecimal() and int(name) >= first]:
                try:
                    maps = Path(f"/proc/{process}/maps").read_text(errors="replace")
                    if mark in maps and "libcrypto" in maps and _is_descendant(int(process)):
                        self.seen_in = os.readlink(f"/proc/{process}/exe")
                        return
                except OSError:
                    pass  # it has ended


def _is_descendant(process: int) -> bool:
    """Whether this process is its ancestor: another call may be running with the same preload."""
    while process > 1:
        if process == os.getpid():
            return True
        # "PID (NAME) STATE PARENT ..."; the name may contain anything.
        process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    return False


def adopt_orphans() -> None:
    """Makes this process the parent of orphans among its descendants, daemons included."""
    pr_set_child_subreaper = 36
    ctypes.CDLL(None, use_errno=True).prctl(pr_set_child_subreaper, 1, 0, 0, 0)


def _end(program: subprocess.Popen[bytes]) -> None:
    """Ends the program and the servers that it left running, which would disturb the next."""
    try:
        os.killpg(program.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    program.wait()
    while children := Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        for child in children:  # all belong to that program: one unit runs at a time
            os.kill(int(child), signal.SIGKILL)
            os.waitpid(int(child), 0)


def _describe(status: int) -> str:
    return f"exit status {status}" if status >= 0 else signal.Signals(-status).name
