# SPDX-License-Identifier: Apache-2.0
"""Instructions and cache misses of a hit from valgrind's cachegrind, for machines without hardware counters.

Law: a count is the difference between two runs of one program that differ only in the length of the measurement, so the
set-up is not included. The caches are not this machine's: a first level of 32 KiB with 8 ways, and a last one of 2 MiB
with 16, both with lines of 64 bytes.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence

from cells import Cell
from programs import Kind
from rounds import Row

CACHES = ("--D1=32768,8,64", "--LL=2097152,16,64")
LARGEST = 1_000_000  # ten times as many would take ten times as long: a quarter of an hour for each program
COUNTS = {"instructions": r"I +refs", "l1_misses": r"D1 +misses", "cache_misses": r"LLd +misses"}


def _run(program: str, cell: Cell, hash_name: str, window_ms: int) -> tuple[int, dict[str, int]]:
    command = ["valgrind", "--tool=cachegrind", "--cache-sim=yes", *CACHES, "--cachegrind-out-file=/dev/null", program]
    command += [cell.workload, str(cell.key_bytes), str(cell.distinct), "1", hash_name, str(window_ms), "1"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900, check=True)
    found = {
        name: int(re.search(rf"== {pattern}: +([0-9,]+)", done.stderr)[1].replace(",", "")) for name, pattern in COUNTS.items()
    }
    return json.loads(done.stdout)["operations"], found


def simulate(rows: Sequence[Row], tell: Callable[[str], None]) -> bool:
    """Adds counts to the rows of the curve without counts, for ibid and the floor. False: valgrind is not installed."""
    if shutil.which("valgrind") is None:
        return False
    for row in rows:
        cell = row.cell
        wanted = row.program.kind in (Kind.IBID, Kind.FLOOR) and (cell.workload, cell.key_bytes, cell.threads) == ("hit", 16, 1)
        if not wanted or not row.runs or row.runs[0].get("counted") or not 1 < cell.distinct <= LARGEST:
            continue
        tell(f"cachegrind: {row.program.title}, {cell.distinct:,} entries")
        short = _run(row.program.command[0], cell, row.hash, 1)
        long = _run(row.program.command[0], cell, row.hash, 200)
        operations = long[0] - short[0]
        for run in row.runs:
            run["counted"] = {name: (long[1][name] - short[1][name]) / operations for name in COUNTS}
    return True
