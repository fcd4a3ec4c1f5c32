# SPDX-License-Identifier: Apache-2.0
"""Describes the machine on which the figures were measured."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("model name", "Model")):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def system_name() -> str:
    for line in Path("/etc/os-release").read_text().splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.split("=", 1)[1].strip('"')
    return platform.system()


def machine() -> dict[str, str]:
    memory = next(int(line.split()[1]) for line in Path("/proc/meminfo").read_text().splitlines() if "MemTotal" in line)
    return {
        "processor": f"{cpu_model()}, {len(os.sched_getaffinity(0))} cores, {platform.machine()}",
        "memory": f"{memory / (1 << 20):.1f} GiB",
        "system": f"{system_name()}, Linux {platform.release()}",
        "C library": " ".join(platform.libc_ver()),
    }
