# SPDX-License-Identifier: Apache-2.0
"""Connections that a host language's collector ends: objects on reference cycles, dropped without being closed.

The collector is the tracker, unmodified, and ibid knows nothing of it: OpenSSL's own counts tell when a certificate's last
user is gone. IBID_TEST_LONG=1 opens 100,000 connections.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from equality import read_statistics
from servers import Backends

from testbed.pki import Standard

PROGRAMS = Path(__file__).parent / "programs"
HOSTS = {
    "cpython": ["/usr/bin/python3", "-I", str(PROGRAMS / "cyclic_client.py")],
    "lua": ["/usr/bin/lua5.4", str(PROGRAMS / "cyclic_client.lua")],
}
COUNT = 100_000 if os.environ.get("IBID_TEST_LONG") == "1" else 400
REACHABLE = 20  # connections at once that the program still refers to
CHAIN = 2  # a leaf and its intermediate: what the server sends


def run(wrap: list[str], host: str, trust: Path, port: int) -> list[tuple[int, int]]:
    """What the program printed: (connections opened, resident KB)."""
    done = subprocess.run(
        [*wrap, *HOSTS[host], str(trust), str(port), str(COUNT), str(REACHABLE)],
        capture_output=True,
        env={"PATH": "/usr/bin:/bin", "IBID_RETAIN": "0"},
        timeout=120 + COUNT / 50,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert not done.stderr, done.stderr.decode()
    return [(int(a), int(b)) for a, b in (line.split() for line in done.stdout.decode().splitlines())]


def figures(lines: list[tuple[int, int]]) -> str:
    return ", ".join(str(kb) for kb in (lines[0][1], max(kb for _, kb in lines), lines[-1][1]))


@pytest.mark.parametrize("host", HOSTS)
def test_connections_on_cycles_end_with_the_hosts_collector(
    host: str, ibid: Path, pki: Standard, backends: Backends, tmp_path: Path
) -> None:
    if shutil.which(HOSTS[host][0]) is None:
        pytest.skip(f"{HOSTS[host][0]} is not installed")
    file = tmp_path / "statistics.json"
    port = backends.ports["no tickets"]  # every handshake sends certificates
    stock = run([], host, pki.trust, port)
    with_ibid = run([str(ibid), "run", f"--stats={file}", "--"], host, pki.trust, port)

    assert [opened for opened, _ in with_ibid] == [opened for opened, _ in stock]
    statistics = read_statistics(file)
    assert (statistics.active, statistics.retained) == (0, 0), "the last collection has ended every entry"
    # What the ring holds keeps both entries alive, so nothing of the chain is parsed twice.
    assert statistics.hits >= CHAIN * (COUNT - 1)

    # Flat: the second half needs no more than the first, but for what a collector's pace leaves over.
    half = len(with_ibid) // 2
    early = max(kb for _, kb in with_ibid[1:half])
    late = max(kb for _, kb in with_ibid[half:])
    print(
        f"\n{host}, {COUNT} connections, resident at the first tenth, at most, at the end:"
        f" stock {figures(stock)} KB, under ibid {figures(with_ibid)} KB;"
        f" {statistics.hits} hits, {statistics.misses} misses, {statistics.active} left"
    )
    assert late < early * 1.25 + 2048, f"memory grew: {with_ibid}"
