# SPDX-License-Identifier: Apache-2.0
"""Connections that a garbage collector ends: objects on reference cycles, dropped without being closed.

CPython's collector is unmodified and independent of ibid: OpenSSL's own reference counts show when a certificate has no user. Boehm's collector
finds tokens unreachable (examples/gc/connections.cpp). The figures in docs/collectors.md come from:
./dev test --e2e --long -- -k collected -s (100,000 connections each).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from equality import ibid_program, read_statistics
from servers import Backends

from testbed.pki import Standard

PROGRAMS = Path(__file__).parent / "programs"
HOSTS = {
    "cpython": ["/usr/bin/python3", "-I", str(PROGRAMS / "cyclic_client.py")],
}
LONG = os.environ.get("IBID_TEST_LONG") == "1"
COUNT = 100_000 if LONG else 400
STOCK_COUNT = COUNT // 10 if LONG else COUNT  # for comparison; its memory does not grow either
REACHABLE = 20  # connections that the program refers to at the same time
CHAIN = 2  # a leaf and its intermediate: what the server sends


def run(wrap: list[str], host: str, trust: Path, port: int, count: int) -> list[tuple[int, int]]:
    """What the program printed: (connections opened, resident KB)."""
    done = subprocess.run(
        [*wrap, *HOSTS[host], str(trust), str(port), str(count), str(REACHABLE)],
        capture_output=True,
        env={"PATH": "/usr/bin:/bin", "IBID_RETAIN": "0"},
        timeout=120 + count / 50,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert not done.stderr, done.stderr.decode()
    return [(int(a), int(b)) for a, b in (line.split() for line in done.stdout.decode().splitlines())]


def figures(lines: list[tuple[int, int]]) -> str:
    return " / ".join(str(kb) for kb in (lines[0][1], max(kb for _, kb in lines), lines[-1][1]))


def assert_flat(lines: list[tuple[int, int]]) -> None:
    """The second half uses no more memory than the first, with a margin for the collector's timing."""
    half = len(lines) // 2
    early = max(kb for _, kb in lines[1:half])
    late = max(kb for _, kb in lines[half:])
    assert late < early * 1.25 + 2048, f"memory grew: {lines}"


@pytest.mark.parametrize("host", HOSTS)
def test_connections_on_cycles_end_with_the_hosts_collector(
    host: str, ibid: Path, pki: Standard, backends: Backends, tmp_path: Path
) -> None:
    if shutil.which(HOSTS[host][0]) is None:
        pytest.skip(f"{HOSTS[host][0]} is not installed")
    file = tmp_path / "statistics.json"
    port = backends.ports["no tickets"]  # every handshake sends certificates
    stock = run([], host, pki.trust, port, STOCK_COUNT)
    with_ibid = run([str(ibid), "run", f"--stats={file}", "--"], host, pki.trust, port, COUNT)

    assert len(with_ibid) == len(stock) == 11
    statistics = read_statistics(file)
    print(
        f"\n{host}: {COUNT} connections; KB resident at the first tenth / at most / at the end:"
        f" under ibid {figures(with_ibid)}, stock ({STOCK_COUNT} connections) {figures(stock)};"
        f" {statistics.hits} hits, {statistics.misses} misses, {statistics.active} left"
    )
    assert (statistics.active, statistics.retained) == (0, 0), "the last collection has ended every entry"
    # The connections in the ring keep both entries alive, so no certificate of the chain is parsed twice.
    assert statistics.hits >= CHAIN * (COUNT - 1)
    assert_flat(with_ibid)


def test_connections_that_hold_tokens_end_with_boehms_collector() -> None:
    program = ibid_program().with_name("example_gc_connections")
    if not program.exists():
        pytest.skip("built without libgc")
    count = max(COUNT, 2000)
    done = subprocess.run([program, str(count)], capture_output=True, text=True, timeout=120 + count / 50)
    print(f"\nBoehm: {count} connections\n{done.stdout}")
    assert done.returncode == 0, done.stderr  # the program checks that memory is constant and that nothing is left
    if LONG:  # in a short run, resident memory is still growing to its size at the first collections
        rows = [line.split() for line in done.stdout.splitlines()[1:-1]]
        assert_flat([(int(row[0]), int(float(row[-1]) * 1000)) for row in rows])
