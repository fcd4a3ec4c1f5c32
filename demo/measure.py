# SPDX-License-Identifier: Apache-2.0
"""Memory and CPU time of other processes, as the kernel counts them."""

from __future__ import annotations

import ctypes
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)


def resident_bytes(pid: int) -> int:
    """RSS. From smaps_rollup, which walks the page tables: newer kernels keep the counter of /proc/PID/status per CPU
    and may be some hundred KiB off."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/{pid}/smaps_rollup has no Rss")


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads so far, in nanosecond steps (clock_getcpuclockid(3))."""
    clock = ctypes.c_int()
    error = _libc.clock_getcpuclockid(ctypes.c_int(pid), ctypes.byref(clock))
    if error != 0:
        raise ProcessLookupError(error, os.strerror(error))
    return time.clock_gettime(clock.value)


def run_to_end(argv: Sequence[str], cwd: Path) -> tuple[str, float]:
    """Runs a command to its end; its standard output, and its CPU time in seconds."""
    with subprocess.Popen(argv, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            output = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"exit status {process.returncode}: {' '.join(argv)}")
    return output, usage.ru_utime + usage.ru_stime
