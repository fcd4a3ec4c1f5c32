# SPDX-License-Identifier: Apache-2.0
"""What the core is compiled for, and how a program of each target runs on this machine."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Target:
    name: str  # as the compiler knows it
    system: str  # linux, windows, macos or freebsd
    runner: tuple[str, ...] | None = None  # what runs its programs; empty: the machine itself; None: nothing does
    packages: tuple[str, ...] = ()  # Debian's, for the runner
    refusal: str = ""  # the one thing that the compiler must say, where the core is not for

    def command(self, program: Path) -> list[str] | None:
        """What runs the program; None if that is not installed."""
        if self.runner is None or (self.runner and shutil.which(self.runner[0]) is None):
            return None
        return [*self.runner, str(program)]

    def environment(self, folder: Path) -> dict[str, str]:
        return {**os.environ, "WINEPREFIX": str(folder / "wine"), "WINEDEBUG": "-all", "DISPLAY": ""}


def qemu(processor: str, *options: str) -> tuple[str, ...]:
    return (f"qemu-{processor}", *options)


def musl(name: str, processor: str) -> Target:
    machine = os.uname().machine
    runner = () if processor == machine else qemu(processor)
    return Target(name, "linux", runner, ("qemu-user",) if runner else ())


TARGETS = (
    musl("x86_64-linux-musl", "x86_64"),
    Target(
        "aarch64-linux-gnu",
        "linux",
        qemu("aarch64", "-L", "/usr/aarch64-linux-gnu"),
        ("qemu-user", "libc6-arm64-cross"),
    ),
    musl("s390x-linux-musl", "s390x"),
    Target("x86_64-windows-gnu", "windows", ("wine",), ("wine64", "wine")),
    musl("aarch64-linux-musl", "aarch64"),
    musl("riscv64-linux-musl", "riscv64"),
    musl("powerpc64le-linux-musl", "ppc64le"),
    Target("aarch64-macos", "macos"),
    Target("x86_64-freebsd", "freebsd"),
    Target("x86-linux-musl", "linux", refusal="ibid needs a 64-bit system"),
)
