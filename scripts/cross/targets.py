# SPDX-License-Identifier: Apache-2.0
"""The targets that the core is compiled for, and how this machine runs a program of each."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Target:
    name: str  # as the compiler knows it
    system: str  # linux, windows, macos or freebsd
    runner: tuple[str, ...] | None = None  # the emulator; empty: the machine itself; None: its programs cannot run here
    packages: tuple[str, ...] = ()  # Debian packages that have the runner
    refusal: str = ""  # for a target that the core does not support: the one error that the compiler must print

    def command(self, program: Path) -> list[str] | None:
        """The command that runs the program; None if the runner is not installed."""
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
