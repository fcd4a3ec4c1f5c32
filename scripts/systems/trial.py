# SPDX-License-Identifier: Apache-2.0
"""Runs the README's commands in one userland and collects the results."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .userland import Userland

# The demo's figures that the table shows: key, heading, factor and unit.
FIGURES = (
    ("client_rsa.heap", "heap of a connection", 1 / 1024, "KiB"),
    ("client_rsa.cpu", "handshake", 1000, "ms"),
    ("python_context.cpu", "SSLContext with CAs", 1000, "ms"),
)


@dataclass
class Outcome:
    system: str
    openssl: str = ""
    compiler: str = ""
    built: bool = False
    demo: bool | None = None  # None: not run
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    tested: bool = False
    suites: bool | None = None  # no new failure; None: not run
    settled: bool | None = None  # a second './dev setup' installs nothing
    features: str = ""
    figures: dict[str, str] = field(default_factory=dict)
    obstacle: str = ""

    @property
    def good(self) -> bool:
        return (
            not self.obstacle
            and self.built
            and self.demo is not False
            and self.suites is not False
            and (not self.tested or (self.failed == 0 and self.passed > 0))
            and self.settled is not False
        )


def tracked_files(tree: Path) -> list[str]:
    listed = subprocess.run(
        ["git", "-C", str(tree), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [name for name in listed.split("\0") if name and (tree / name).is_file()]


def closing_line(text: str) -> tuple[int, int, int] | None:
    """The numbers of the last "N passed, N failed, N skipped"."""
    found = re.findall(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", text, re.MULTILINE)
    return (int(found[-1][0]), int(found[-1][1]), int(found[-1][2] or 0)) if found else None


def read_figures(document: dict[str, Any]) -> dict[str, str]:
    by_key = {f["key"]: f for w in document.get("workloads", []) for f in w["figures"]}
    texts = {}
    for key, heading, factor, unit in FIGURES:
        if figure := by_key.get(key):
            ratio = f" ({figure['ratio']:.1f} ×)" if figure["ratio"] else ""
            texts[heading] = f"{figure['stock'] * factor:.3g} → {figure['ibid'] * factor:.3g} {unit}{ratio}"
    return texts


def features_of(userland: Userland) -> str:
    """The result of doctor for the system's OpenSSL."""
    try:
        found = json.loads(userland.ask("build/release/bin/ibid doctor --json"))
    except ValueError:
        return "?"
    active = sum(1 for f in found["features"] if f["active"])
    bound = ", bound to itself" if found["openssl"]["symbolic"] else ""
    return f"{active} of {len(found['features'])}{bound}"


def try_out(userland: Userland, tree: Path, logs: Path, commands: list[str], test_options: str, suites: str) -> Outcome:
    outcome = Outcome(userland.system.name)
    userland.fresh()
    userland.put(tracked_files(tree), tree)
    log = logs / f"{outcome.system}.log"
    with log.open("w") as out:
        outcome.built = userland.run("./dev build", out) == 0
        outcome.openssl = userland.ask("openssl version").removeprefix("OpenSSL ").split(" ")[0]
        if not outcome.openssl:
            outcome.openssl = userland.ask("pkg-config --modversion libcrypto")
        outcome.compiler = userland.ask("c++ -dumpfullversion -dumpversion")
        if outcome.built:
            outcome.features = features_of(userland)
        if outcome.built and "demo" in commands:
            outcome.demo = userland.run("./dev demo --json demo.json", out) == 0
            if outcome.demo:
                outcome.figures = read_figures(json.loads(userland.ask("cat demo.json")))
        if outcome.built and "test" in commands:
            outcome.tested = True
            before = out.tell()
            status = userland.run(f"./dev test {test_options}", out)
            out.flush()
            numbers = closing_line(log.read_text(errors="replace")[before:] or "")
            numbers = numbers or closing_line(log.read_text(errors="replace"))
            outcome.passed, outcome.failed, outcome.skipped = numbers or (0, 1, 0)
            if status != 0 and outcome.failed == 0:
                outcome.failed = 1
        if outcome.built and "suites" in commands:
            outcome.suites = userland.run(f"./dev suites {suites}", out) == 0
        again = userland.ask(f"./dev setup build {' '.join(commands)} 2>&1") if outcome.built and outcome.tested else ""
        outcome.settled = "installing with apt-get" not in again if again else None
    return outcome
