# SPDX-License-Identifier: Apache-2.0
"""On what the figures were measured: the machine, and the versions of everything that took part."""

from __future__ import annotations

import os
import platform
import ssl
from pathlib import Path

from testbed.program import require

from .setting import PYTHON, Setting, first_line


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


def versions(setting: Setting) -> dict[str, str]:
    return {
        "ibid": first_line([str(setting.ibid), "--version"]),
        "OpenSSL": ssl.OPENSSL_VERSION,
        "nginx": first_line([require("nginx"), "-v"]),
        "HAProxy": first_line([require("haproxy"), "-v"]).split(" - ")[0],
        "curl": " ".join(first_line([require("curl"), "--disable", "--version"]).split()[:2]),
        "CPython": first_line([PYTHON, "--version"]),
    }
