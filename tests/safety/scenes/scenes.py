#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The differential driver: plays random scenes stock and with the preload, compares their output, and reduces a difference.

    tests/safety/scenes/scenes.py --scenes 4000 --seed 1                    # all classes and modes, as CI does
    tests/safety/scenes/scenes.py --scenes 1000000                          # the long run
    tests/safety/scenes/scenes.py --class reader --mode default --seed 76 --scenes 500
    tests/safety/scenes/scenes.py --replay scene.txt --class writer         # a script, stock and with the preload: a diff

The player (player/) makes a scene only from its number, so a number always names the same scene. Scenes are played in batches: one
process plays many, and contexts and ibid's caches stay from one to the next. A scene with a difference is first tried alone, then
with the scenes before it in its batch; then lines are left out as long as a difference remains.

One difference is a known limit (docs/safety.md): SHA-1 becomes unavailable between the load of a trust file and its first use. It
is counted, not shown.

Exit status: 0 without a difference, 1 with one.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[2]), str(HERE.parent)]

import pki as certificates  # noqa: E402
from harness import ALL, MODES, STOCK, Library, Mode, Stage, preload  # noqa: E402

CLASSES = {
    "reader": (),
    "leaser": ("-DATTACHES", "-DLEASES"),  # an attacher like nginx: gets peers only by SSL_get1_peer_certificate
    "attacher": ("-DATTACHES",),
    "writer": ("-DWRITES",),
}
BATCH = 250
SECONDS = 120.0


@dataclass(frozen=True)
class Played:
    """What a player printed, and how it ended: an exit status, or "hung"."""

    stdout: str
    status: int | str
    stderr: str = ""


@dataclass
class Found:
    """A difference: the script that shows it, and the two outputs."""

    kind: str
    mode: Mode
    seed: int
    script: str
    stock: Played
    ibid: Played

    def __str__(self) -> str:
        lines = difflib.unified_diff(
            [*self.stock.stdout.splitlines(), f"status {self.stock.status}"],
            [*self.ibid.stdout.splitlines(), f"status {self.ibid.status}"],
            "stock", "ibid", lineterm="", n=2,
        )  # fmt: skip
        shown = "\n".join(line[:240] for line in list(lines)[:60])
        return f"== {self.kind}, {self.mode}, scene {self.seed}\n{self.script}\n{shown}"


# The error that stock reports, only once, for a certificate whose fingerprint it cannot compute; and the
# flag, EXFLAG_NO_FINGERPRINT.
NO_SHA1 = re.compile(r"^queue error digital envelope routines: unsupported: .*Algorithm \(SHA1 : .*\n", re.MULTILINE)
FLAGS = re.compile(r"\bflags ([0-9a-f]+)")
NO_FINGERPRINT = 0x100000


def is_known_limit(found: Found) -> bool:
    """Whether the only difference is a limit in docs/safety.md: SHA-1 that became unavailable between a load and the first use."""

    def without_sha1(played: Played) -> tuple[str, int | str]:
        text = NO_SHA1.sub("", played.stdout)
        return FLAGS.sub(lambda m: f"flags {int(m[1], 16) & ~NO_FINGERPRINT:x}", text), played.status

    operations = {line.split()[0] for line in found.script.splitlines() if line}
    return "provider" in operations and without_sha1(found.stock) == without_sha1(found.ibid)


@dataclass
class Players:
    """The compiled players, and how to run them."""

    stage: Stage
    without: str = ""
    paths: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for plugin in ("touching_plugin", "crypto_plugin"):
            self.stage.library(Library(f"callers/{plugin}.c"))
        for kind, flags in CLASSES.items():
            self.paths[kind] = str(self.stage.build("../scenes/player/player.c", "tls", flags, shared=False))

    def run(self, kind: str, mode: Mode, words: list[str], script: str = "", seconds: float = SECONDS) -> Played:
        env = self.stage.environment()
        if self.without:
            env["SCENES_WITHOUT"] = self.without
        env.update(dict(mode.env))
        if mode.ibid:
            env["LD_PRELOAD"] = str(preload())
        try:
            done = subprocess.run(
                [self.paths[kind], *words], env=env, input=script, capture_output=True, text=True, errors="replace",
                timeout=seconds,
            )  # fmt: skip
        except subprocess.TimeoutExpired as e:
            printed = e.stdout if isinstance(e.stdout, str) else (e.stdout or b"").decode(errors="replace")
            return Played(printed, "hung")
        return Played(done.stdout, done.returncode, done.stderr)

    def play(self, kind: str, mode: Mode, relations: int, script: str) -> Played:
        return self.run(kind, mode, ["play", str(relations)], script, seconds=30)

    def script(self, kind: str, first: int, count: int) -> str:
        return self.run(kind, STOCK, ["print", str(first), str(count), "1"]).stdout


def relations_of(mode: Mode) -> int:
    """With IBID_SCOPE=all two objects that the program parsed may be one."""
    return 0 if mode == ALL else 1


def differs(players: Players, kind: str, mode: Mode, script: str) -> tuple[Played, Played] | None:
    stock = players.play(kind, STOCK, relations_of(mode), script)
    ibid = players.play(kind, mode, relations_of(mode), script)
    same = (stock.stdout, stock.status) == (ibid.stdout, ibid.status)
    return None if same or not script.strip() else (stock, ibid)


def shrink(players: Players, kind: str, mode: Mode, script: str, seconds: float = 90) -> str:
    """Removes lines, first half of them, as long as the difference remains."""
    end = time.monotonic() + seconds
    lines = script.splitlines()
    size = max(len(lines) // 2, 1)
    while size >= 1 and time.monotonic() < end:
        at, shorter = 0, False
        while at < len(lines) and time.monotonic() < end:
            fewer = lines[:at] + lines[at + size :]
            if any(line.startswith("scene") for line in fewer) and differs(players, kind, mode, "\n".join(fewer) + "\n"):
                lines, shorter = fewer, True
            else:
                at += size
        size = size if shorter and size == 1 else size // 2
    return "\n".join(lines) + "\n"


def explain(players: Players, kind: str, mode: Mode, first: int, seed: int, stock: Played, ibid: Played) -> Found:
    """Finds the smallest script that shows the difference at `seed` in the batch that begins with `first`."""
    for begin in (seed, max(first, seed - 8), max(first, seed - 64), first):
        script = players.script(kind, begin, seed - begin + 1)
        if differs(players, kind, mode, script):
            script = shrink(players, kind, mode, script)
            both = differs(players, kind, mode, script) or (stock, ibid)
            return Found(kind, mode, seed, script, *both)
    return Found(kind, mode, seed, f"# not reproduced as a script; the batch: bulk {first} {seed - first + 1}\n", stock, ibid)


def first_difference(first: int, stock: Played, ibid: Played) -> int | None:
    a, b = stock.stdout.splitlines(), ibid.stdout.splitlines()
    for i, line in enumerate(a):
        if i >= len(b) or b[i] != line:
            return first + i
    return None if stock.status == ibid.status else first + max(len(a) - 1, 0)


def compare_batch(players: Players, kind: str, mode: Mode, first: int, count: int) -> tuple[list[Found], str]:
    """All differences in a batch. After each, it continues in a new process with the next scene."""
    found: list[Found] = []
    helped = ""
    end = first + count
    while first < end and len(found) < 3:
        words = ["bulk", str(first), str(end - first), str(relations_of(mode))]
        stock, ibid = players.run(kind, STOCK, words), players.run(kind, mode, words)
        if stock.status != 0:
            raise RuntimeError(f"the player fails in stock: {kind} {words}: {stock.status} {stock.stderr}")
        helped = helped or ibid.stderr
        seed = first_difference(first, stock, ibid)
        if seed is None:
            break
        again = players.run(kind, STOCK, words)
        if again.stdout != stock.stdout:
            raise RuntimeError(f"two runs without ibid differ already: {kind} {words}")
        found.append(explain(players, kind, mode, first, seed, stock, ibid))
        first = seed + 1
    return found, helped


def batches(seed: int, scenes: int, kinds: list[str], modes: list[Mode]) -> Iterator[tuple[str, Mode, int, int]]:
    """Each class and mode plays different scenes; together they are `scenes`."""
    ways = [(kind, mode) for kind in kinds for mode in modes]
    left, number = scenes, 0
    while left > 0:
        kind, mode = ways[number % len(ways)]
        count = min(BATCH, left)
        yield kind, mode, seed * 10_000_000_000 + number * BATCH, count
        left -= count
        number += 1


@dataclass
class Outcome:
    """The results of a run of many scenes."""

    hits: dict[str, int]  # how often ibid helped, by class
    found: list[Found] = field(default_factory=list)
    limits: int = 0  # differences that are a known limit
    played: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        helped = ", ".join(f"{kind} {count}" for kind, count in self.hits.items())
        rate = self.played / max(self.seconds, 1e-9)
        return (
            f"{self.played} scenes, {len(self.found)} differences, {self.limits} of the known limits; "
            f"{rate:.0f} scenes a second; hits: {helped}"
        )


def play_all(
    players: Players, *, seed: int, scenes: int, kinds: list[str], modes: list[Mode], jobs: int, most: int = 5,
    progress: bool = False,
) -> Outcome:  # fmt: skip
    """Each scene twice: stock and with the preload."""
    begin = told_at = time.monotonic()
    outcome = Outcome({kind: 0 for kind in kinds})
    with ThreadPoolExecutor(jobs) as pool:
        todo = batches(seed, scenes, kinds, modes)
        running: dict[object, tuple[str, int]] = {}
        while len(outcome.found) < most:
            while len(running) < jobs:
                batch = next(todo, None)
                if batch is None:
                    break
                running[pool.submit(compare_batch, players, *batch)] = (batch[0], batch[3])
            if not running:
                break
            done = next(iter(running))
            differences, helped = done.result()  # type: ignore[attr-defined]
            kind, count = running.pop(done)
            outcome.hits[kind] += sum(int(line.split()[2]) for line in helped.splitlines() if line.startswith("ibid-hits"))
            outcome.limits += sum(map(is_known_limit, differences))
            outcome.found += [d for d in differences if not is_known_limit(d)]
            outcome.played += count
            outcome.seconds = time.monotonic() - begin
            if progress and time.monotonic() - told_at > 30:
                told_at = time.monotonic()
                print(outcome, file=sys.stderr, flush=True)
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--class", dest="kinds", action="append", choices=list(CLASSES))
    parser.add_argument("--mode", dest="modes", action="append", choices=[str(m) for m in MODES])
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--most", type=int, default=5, help="stop after so many differences")
    parser.add_argument("--without", default="", help="operations with known differences to leave out, such as fork,provider")
    parser.add_argument("--replay", type=Path, help="a script to play instead")
    options = parser.parse_args()
    kinds = options.kinds or list(CLASSES)
    modes = [m for m in MODES if not options.modes or str(m) in options.modes]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        certificates.make(folder / "pki")
        players = Players(Stage(folder, folder / "pki"), options.without)
        if options.replay:
            status = 0
            for kind in kinds:
                for mode in modes:
                    script = options.replay.read_text()
                    both = differs(players, kind, mode, script)
                    if both:
                        print(Found(kind, mode, 0, script, *both))
                        status = 1
            return status
        outcome = play_all(
            players, seed=options.seed, scenes=options.scenes, kinds=kinds, modes=modes, jobs=options.jobs,
            most=options.most, progress=True,
        )  # fmt: skip
    for difference in outcome.found:
        print(difference, end="\n\n")
    print(outcome)
    return 1 if outcome.found else 0


if __name__ == "__main__":
    sys.exit(main())
