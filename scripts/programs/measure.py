# SPDX-License-Identifier: Apache-2.0
"""Memory and CPU of a program, in alternating runs, stock and under ibid.

A server: its private memory (Private_Dirty of all its processes) while it holds connections, and the CPU that their handshakes took. A client:
the CPU of one run, and its peak of resident memory. If the values of stock and ibid overlap, the result is "no difference seen".
"""

from __future__ import annotations

import os
import re
import shutil
import ssl
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.pki import Standard
from testbed.program import children, free_port

from .exchange import run_client, running
from .peer import Peer
from .subject import Client, Server, Subject
from .visit import ask, connect

TICK = 1 / os.sysconf("SC_CLK_TCK")
HELD = 100
ROUNDS = 3
CLIENT_ROUNDS = 5


@dataclass
class Ratio:
    """Ratio of ibid to stock, by medians. `told`: the runs do not overlap."""

    stock: float
    ibid: float
    told: bool

    @property
    def value(self) -> float:
        return self.ibid / self.stock if self.stock else 1.0


def ratio(stock: Sequence[float], ibid: Sequence[float], noise: float) -> Ratio:
    """A difference up to `noise` counts as none."""
    a, b = statistics.median(stock), statistics.median(ibid)
    apart = max(ibid) < min(stock) or min(ibid) > max(stock)
    return Ratio(a, b, apart and abs(a - b) > noise)


def private_kib(pids: Sequence[int]) -> float:
    total = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += int(re.search(r"Private_Dirty: +(\d+)", text)[1])  # type: ignore[index]
    return total


def cpu_seconds(pids: Sequence[int]) -> float:
    """CPU seconds, including those of children that have ended."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(x) for x in fields[11:15])
    return total * TICK


def held_server(server: Server, pki: Standard, folder: Path, wrap: Sequence[str]) -> tuple[float, float]:
    """KiB and CPU seconds."""
    shutil.rmtree(folder, ignore_errors=True)
    port = free_port()
    own = pki.client if server.asks else None
    with running(server, pki, folder, pki.server, port, wrap) as program:
        pids = [program.pid, *children(program.pid)]
        before = cpu_seconds(pids)
        held: list[ssl.SSLSocket] = []
        try:
            for _ in range(HELD if server.visitor is None else 10):
                if server.visitor is not None:
                    run_client(server.visitor, pki, folder, port, own=own)
                    continue
                connection = connect(port, pki.trust, own, server.versions[0], server.opening)
                if not server.holds:
                    connection.close()
                    continue
                ask(connection, server.request, patient=False)
                held.append(connection)
            pids = [program.pid, *children(program.pid)]
            return private_kib(pids), cpu_seconds(pids) - before
        finally:
            for connection in held:
                connection.close()


def one_client(client: Client, pki: Standard, folder: Path, port: int, wrap: Sequence[str]) -> tuple[float, float]:
    """Peak of resident KiB, and CPU seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / "time"
    own = pki.client if client.against and client.against.asks else None
    # `time` is a process in between: a process's peak includes its memory before exec, which here would be
    # ours.
    before = os.times()
    run_client(client, pki, folder, port, own=own, wrap=["/usr/bin/time", "-q", "-f", "%M", "-o", str(note), *wrap])
    after = os.times()
    return float(note.read_text().split()[-1]), after.children_user + after.children_system - before.children_user - before.children_system


def by_turns(run: Callable[[Sequence[str]], tuple[float, float]], wrap: Sequence[str], rounds: int) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    stock, ibid = [], []
    for _ in range(rounds):
        stock.append(run(()))
        ibid.append(run(wrap))
    return stock, ibid


def measured(subject: Subject, pki: Standard, folder: Path, ibid: Path) -> tuple[Ratio, Ratio] | None:
    """(memory, CPU); None where there is nothing to measure with."""
    wrap = [str(ibid), "run", "--"]
    if isinstance(subject, Server):
        stock, helped = by_turns(lambda w: held_server(subject, pki, folder, w), wrap, ROUNDS)
        return ratio([m for m, _ in stock], [m for m, _ in helped], 64), ratio([c for _, c in stock], [c for _, c in helped], 2 * TICK)
    if not Path("/usr/bin/time").exists():
        return None
    if subject.against:
        port = free_port()
        with running(subject.against, pki, folder / "server", pki.server, port):
            stock, helped = by_turns(lambda w: one_client(subject, pki, folder, port, w), wrap, CLIENT_ROUNDS)
    else:
        with Peer(pki, subject.accent, {"server": pki.server}) as peer:
            stock, helped = by_turns(lambda w: one_client(subject, pki, folder, peer.ports["server"], w), wrap, CLIENT_ROUNDS)
    return ratio([m for m, _ in stock], [m for m, _ in helped], 64), ratio([c for _, c in stock], [c for _, c in helped], 0.0002)


