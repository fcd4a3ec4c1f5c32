# SPDX-License-Identifier: Apache-2.0
"""The scenarios: each is one program in a process of its own, once stock and once under ibid.

Law: both sides have the same command and the same environment. Under ibid, `ibid run --` comes before the command, and the
scenario's IBID_SCOPE or IBID_RETAIN is set.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from bench.openssl.turns import Figures, Run, run_alone, run_by_turns  # noqa: E402
from demo.setting import SYSTEM_BUNDLE, Setting, raise_open_files  # noqa: E402
from demo.workloads.nginx import NginxMutualTls  # noqa: E402

# Freed chunks in malloc's cache of a thread count as used. Without that cache, the figure for the heap is
# exact.
EXACT_HEAP = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}
SHARE_ALL = {"IBID_SCOPE": "all"}
RETAIN_NOTHING = {"IBID_RETAIN": "0"}

Arguments = list[str | Path | int]


@dataclass(frozen=True)
class Bench:
    """The paths, and how much to measure."""

    bin: Path
    fixtures: Path
    ibid: tuple[str, ...]  # the words before a command that run it under ibid; empty: both sides are stock
    quick: bool = False
    long: bool = False

    def size(self, usual: int, quick: int) -> int:
        return quick if self.quick else usual


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """Our environment and `more`, without variables that would change a side."""
    settings = ("LD_PRELOAD", "GLIBC_TUNABLES")
    ours = {k: v for k, v in os.environ.items() if k not in settings and not k.startswith("IBID_")}
    return {**ours, **more}


@dataclass(frozen=True)
class Scenario:
    name: str
    group: str  # the name for --only
    pairs: int  # how often each side runs

    def run(self, bench: Bench, first: str) -> dict[str, Figures]:
        """One run of each side; `first` is the side that goes first."""
        raise NotImplementedError


@dataclass(frozen=True)
class Program(Scenario):
    """bench_openssl, the two sides in alternating turns."""

    arguments: Callable[[Bench], Arguments]
    env: Mapping[str, str] = field(default_factory=dict)
    ibid_env: Mapping[str, str] = field(default_factory=dict)

    def run(self, bench: Bench, first: str) -> dict[str, Figures]:
        command = [str(bench.bin / "bench_openssl"), "--turns", *map(str, self.arguments(bench))]
        sides = {
            "stock": Run(command, environment(self.env)),
            "ibid": Run([*bench.ibid, *command], environment({**self.env, **self.ibid_env})),
        }
        second = "ibid" if first == "stock" else "stock"
        return dict(zip((first, second), run_by_turns(sides[first], sides[second])))


@dataclass(frozen=True)
class Churn(Scenario):
    """Only under ibid, because stock has no such figure: what is left in the cache at the end."""

    def run(self, bench: Bench, first: str) -> dict[str, Figures]:
        count, early = (200_000, 10_000) if bench.long else (bench.size(30_000, 3_000), bench.size(10_000, 1_000))
        command = [
            *(str(bench.bin / "bench_openssl"), "churn", "--fixtures", str(bench.fixtures)),
            *("--count", str(count), "--early", str(early)),
        ]
        env = environment({**EXACT_HEAP, **RETAIN_NOTHING})
        if "run" not in bench.ibid:  # without the command there are no statistics
            return {"ibid": run_alone([*bench.ibid, *command], env)}
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "statistics.json"
            figures = run_alone([bench.ibid[0], "run", f"--stats={report}", "--", *command], env)
            statistics = json.loads(report.read_text())
        if not statistics["helped"]:
            raise RuntimeError(f"ibid did not help: {statistics['reason']}")
        left = statistics["certificates"]
        figures["certificates_left"] = left["active"] + left["retained"]
        return {"ibid": figures}


@dataclass(frozen=True)
class Nginx(Scenario):
    """The demo's workload: one worker, and clients that each make a request and stay connected."""

    def run(self, bench: Bench, first: str) -> dict[str, Figures]:
        connections = bench.size(2000, 400)
        raise_open_files(connections + 64)
        figures = {}
        with tempfile.TemporaryDirectory() as folder:
            workload = NginxMutualTls(Setting.make(Path(folder), bench.bin, connections))
            for side in (first, "ibid" if first == "stock" else "stock"):
                measured = workload.run(bench.ibid if side == "ibid" else (), lambda _: None)
                figures[side] = {"rss_bytes": measured["nginx.rss"].value, "cpu_us": measured["nginx.cpu"].value * 1e6}
        return figures


def handshakes(*peers: str) -> Callable[[Bench], Arguments]:
    return lambda b: ["handshakes", *peers, "--fixtures", b.fixtures, "--count", b.size(300, 100)]


def idle(*peers: str) -> Callable[[Bench], Arguments]:
    return lambda b: ["idle", *peers, "--fixtures", b.fixtures, "--count", b.size(300, 100)]


def contexts(b: Bench) -> Arguments:
    return ["contexts", "--bundle", SYSTEM_BUNDLE, "--count", b.size(80, 20)]


def bare_contexts(b: Bench) -> Arguments:
    return ["contexts", "--count", b.size(100, 20)]


def crl(b: Bench) -> Arguments:
    return ["crl", b.fixtures / "large.crl.pem", "--count", 50]


def first_sight(b: Bench) -> Arguments:
    return ["first-sight", b.fixtures / "distinct.der"]


def hits(b: Bench) -> Arguments:
    certificates = [b.fixtures / "rsa" / f"{who}.cert.der" for who in ("client", "server")]
    return ["hits", *certificates, "--count", b.size(9, 3)]


SCENARIOS: tuple[Scenario, ...] = (
    Program("handshake-rsa", "handshake", 7, handshakes("--by", "rsa")),
    Program("handshake-ecdsa", "handshake", 7, handshakes("--by", "ecdsa")),
    Program("handshake-psk", "handshake", 5, handshakes("--by", "psk")),
    Program("handshake-mutual", "handshake", 5, handshakes("--by", "rsa", "--mutual")),
    Program("idle-rsa", "idle", 3, idle("--by", "rsa"), EXACT_HEAP),
    Program("idle-ecdsa", "idle", 3, idle("--by", "ecdsa"), EXACT_HEAP),
    Program("idle-psk", "idle", 3, idle("--by", "psk"), EXACT_HEAP),
    Program("idle-mutual", "idle", 3, idle("--by", "rsa", "--mutual"), EXACT_HEAP),
    Program("context", "context", 7, contexts),
    Program("context-heap", "context", 3, contexts, EXACT_HEAP),
    Program("context-bare", "context", 5, bare_contexts),
    Program("context-bare-heap", "context", 3, bare_contexts, EXACT_HEAP),
    Program("resumption", "resumption", 7, handshakes("--by", "rsa", "--mutual", "--resumed")),
    Program("resumption-heap", "resumption", 3, idle("--by", "rsa", "--mutual", "--resumed"), EXACT_HEAP),
    Program("crl", "crl", 3, crl),
    Program("miss", "miss", 101, first_sight, ibid_env=SHARE_ALL),  # each has a different layout: layout.h
    # Without retention: its evictions in the meantime would make the new connections look smaller.
    Program("miss-heap", "miss", 3, first_sight, EXACT_HEAP, {**SHARE_ALL, **RETAIN_NOTHING}),
    Program("hit", "hit", 5, hits, ibid_env=SHARE_ALL),
    Nginx("nginx", "nginx", 3),
    Churn("churn", "churn", 1),
)
