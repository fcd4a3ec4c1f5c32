# SPDX-License-Identifier: Apache-2.0
"""The programs that are measured: one for each interner, all with the same arguments and the same line of JSON.

Law: programs are built into the build directory, never beside the sources. A program that is not available is no error: it
has a reason (`missing`) instead of a command, and its rows show the reason.
"""

from __future__ import annotations

import enum
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cells import Cell

PEERS = Path(__file__).resolve().parents[1] / "peers"


class Kind(enum.Enum):
    FLOOR = "the least that interning costs"
    IBID = "ibid"
    CPP = "a C++ peer that evicts exactly"
    EXACT = "a peer that evicts exactly"
    COLLECTED = "a peer whose entries wait for a garbage collector"


@dataclass(frozen=True)
class Program:
    name: str
    title: str
    kind: Kind
    hashes: tuple[str, ...]  # some of "xxh3", which all programs share, and "own"; the first is the usual one
    command: tuple[str, ...] = ()
    missing: str = ""

    def hashes_for(self, cell: Cell) -> tuple[str, ...]:
        """The hashes with which this program runs a cell: none, its usual one, or all."""
        if self.missing:
            return ()
        if cell.curve and self.kind not in (Kind.FLOOR, Kind.IBID, Kind.CPP):
            return ()
        if self.kind is Kind.FLOOR and cell.threads > 1 and cell.workload not in ("hit", "clone"):
            return ()  # no concurrency control
        if self.kind is Kind.COLLECTED and cell.workload == "clone":
            return ()  # a plain reference, without a count
        both = cell.workload == "hit" and cell.threads == 1 and not cell.curve
        if both and (cell.key_bytes == 1200 or cell.distinct == 1_000):
            return self.hashes
        if cell.key_bytes == 1200 and "xxh3" in self.hashes:
            return ("xxh3",)
        return self.hashes[:1]


_CPP = (
    ("floor", "floor", Kind.FLOOR, ("xxh3",), ""),
    ("ibid", "ibid", Kind.IBID, ("xxh3",), ""),
    ("mutex", "mutex + unordered_map", Kind.CPP, ("xxh3", "own"), ""),
    ("tbb", "oneTBB concurrent_hash_map", Kind.CPP, ("xxh3", "own"), "oneTBB"),
    ("abseil", "mutex + Abseil flat_hash_map", Kind.CPP, ("xxh3", "own"), "Abseil"),
    ("flyweight", "Boost.Flyweight, default", Kind.CPP, ("own",), "Boost"),
    ("flyweight_tuned", "Boost.Flyweight, tuned", Kind.CPP, ("xxh3", "own"), "Boost"),
)


def cpp_programs(build: Path) -> list[Program]:
    found = []
    for name, title, kind, hashes, library in _CPP:
        path = build / "bin" / f"bench_core_{name}"
        missing = "" if path.exists() else (f"{library} was not found when this was built" if library else "not built")
        found.append(Program(name, title, kind, hashes, (str(path),), missing))
    return found


def _build(tool: str, command: Sequence[str], environment: dict[str, str]) -> str:
    """Builds; returns the reason of a failure, or an empty string."""
    if shutil.which(tool) is None:
        return f"no {tool} here"
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
        )
    except subprocess.TimeoutExpired:
        return f"{tool} did not end within 10 minutes"
    if done.returncode == 0:
        return ""
    said = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    errors = [line for line in said if "error" in line.lower()] or said[-1:]
    return f"{tool} failed: {errors[0][:100] if errors else f'status {done.returncode}'}"


def _rust(into: Path) -> Program:
    manifest = str(PEERS / "rust" / "Cargo.toml")
    command = ("cargo", "build", "--release", "--locked", "--manifest-path", manifest, "--target-dir", str(into))
    missing = _build("cargo", command, {})
    program = (str(into / "release" / "ibid-bench-peer"),)
    return Program("rust", "Rust internment::ArcIntern", Kind.EXACT, ("own", "xxh3"), program, missing)


def _go(into: Path) -> Program:
    program = into / "peer"
    # -mod=readonly: go.mod stays as it is.  GOTOOLCHAIN=local: no other Go is fetched.
    command = ("go", "build", "-C", str(PEERS / "go"), "-mod=readonly", "-o", str(program), ".")
    missing = _build("go", command, {"GOTOOLCHAIN": "local", "GOFLAGS": ""})
    return Program("go", "Go unique.Make", Kind.COLLECTED, ("own",), (str(program),), missing)


def _guava(into: Path) -> Program:
    command = (
        "mvn", "-B", "-q", "-f", str(PEERS / "guava" / "pom.xml"), f"-Dibid.build={into}",
        "compiler:compile", "dependency:copy-dependencies",
    )  # fmt: skip
    missing = _build("mvn", command, {}) or ("" if shutil.which("java") else "no java here")
    half_of_memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    heap = min(8 << 30, half_of_memory) >> 20
    classes = f"{into / 'classes'}:{into / 'dependency'}/*"
    program = ("java", f"-Xmx{heap}m", "-cp", classes, "ibid.bench.Peer")
    return Program("guava", "Guava weak interner", Kind.COLLECTED, ("own", "xxh3"), program, missing)


def programs(build: Path) -> list[Program]:
    into = build / "peers"
    into.mkdir(parents=True, exist_ok=True)
    return [*cpp_programs(build), _rust(into / "rust"), _go(into / "go"), _guava(into / "guava")]
