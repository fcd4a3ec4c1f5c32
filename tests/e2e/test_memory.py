# SPDX-License-Identifier: Apache-2.0
"""Memory is freed: certificates live while they are used, and afterwards only within the retention budget.

Programs are killed, or exit without any clean-up, so that ibid's counters show the state at that moment.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from equality import Statistics, read_statistics
from servers import Backends
from tls_client import visit

from testbed.nginx import Nginx, tls_server
from testbed.pki import Credential, Standard
from testbed.program import Program, free_port

TRUSTED = 2  # certificates in pki.trust
CHAIN = 2  # a peer sends a leaf and its intermediate


@pytest.mark.parametrize("when, active", [("open", TRUSTED + CHAIN), ("closed", TRUSTED), ("gone", 0)])
def test_a_client_holds_one_copy_for_all_its_connections_and_none_after_them(
    ibid: Path, pki: Standard, backends: Backends, tmp_path: Path, when: str, active: int
) -> None:
    file = tmp_path / "statistics.json"
    count = 50
    subprocess.run(
        [
            *(ibid, "run", f"--stats={file}", "--", "/usr/bin/python3", "-I"),
            *(Path(__file__).parent / "programs" / "holding_client.py", pki.trust),
            *(str(backends.ports["server"]), str(count), when),
        ],
        check=True,
        env={"PATH": "/usr/bin:/bin", "IBID_RETAIN": "0"},
    )
    statistics = read_statistics(file)
    assert (statistics.active, statistics.retained) == (active, 0)
    assert statistics.hits == CHAIN * (count - 1)


def test_what_is_retained_is_told_apart_from_what_is_in_use(
    ibid: Path, pki: Standard, backends: Backends, tmp_path: Path
) -> None:
    file = tmp_path / "statistics.json"
    program = str(Path(__file__).parent / "programs" / "holding_client.py")
    arguments = [
        "/usr/bin/python3",
        "-I",
        program,
        str(pki.trust),
        str(backends.ports["server"]),
        "3",
        "gone",
    ]
    subprocess.run(
        [ibid, "run", f"--stats={file}", "--", *arguments], check=True, env={"PATH": "/usr/bin:/bin"}
    )
    statistics = read_statistics(file)
    assert (statistics.active, statistics.retained) == (0, TRUSTED + CHAIN)


Server = Callable[[Path, list[str], dict[str, str], Standard, int], Program]


def nginx_server(folder: Path, wrap: list[str], env: dict[str, str], pki: Standard, port: int) -> Program:
    server = tls_server(
        port, pki.server, verify="on", trust=pki.trust, extra="ssl_verify_depth 3; ssl_session_tickets off;"
    )
    return Nginx(folder, server, master=False, wrap=wrap, env=env)


def killed_after(
    visits: list[Credential],
    server: Server,
    ibid: Path,
    pki: Standard,
    folder: Path,
    retain: str,
    *,
    at_once: bool = True,
) -> Statistics:
    """The statistics of a server that was killed after all clients had left. The clients come at once, or one by one."""
    folder.mkdir()
    file = folder / "statistics.json"
    port = free_port()
    program = server(
        folder / "server", [str(ibid), "run", f"--stats={file}", "--"], {"IBID_RETAIN": retain}, pki, port
    )
    with program, ExitStack() as stack:
        for credential in visits:
            seen = visit(port, pki.trust, credential, keep=at_once)
            assert "hello" in seen.outcome
            stack.callback(seen.close)
        stack.close()
        server_pid = program.pids[-1]
        program.wait_for(lambda: not established(port), "closes its connections")
        program.wait_for(lambda: idle(server_pid), "is idle")
        os.kill(server_pid, signal.SIGKILL)
        program.wait()
    assert program.status == -signal.SIGKILL
    return read_statistics(file)


def established(port: int) -> bool:
    """Whether a connection to the port is still open on the server's side."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].rsplit(":", 1)[1], 16) == port and fields[3] not in (
            "0A",
            "06",
        ):  # LISTEN, TIME_WAIT
            return True
    return False


def idle(pid: int) -> bool:
    """Whether all threads of a process wait for events."""
    return all("epoll" in path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/wchan"))


@pytest.mark.parametrize("server", [nginx_server])
def test_a_server_without_retention_holds_no_certificate_of_clients_that_are_gone(
    server: Server, ibid: Path, pki: Standard, tmp_path: Path
) -> None:
    fresh = killed_after([], server, ibid, pki, tmp_path / "fresh", "0")
    clients = list(pki.pki.clients(20, issuer=pki.intermediate, key="p256", prefix="crowd"))
    used = killed_after(clients * 3, server, ibid, pki, tmp_path / "used", "0")
    assert used.active == fresh.active
    assert used.retained == 0
    # All connections were open at the same time: each leaf was missed once, and the intermediate once.
    assert used.misses - fresh.misses == len(clients) + 1
    assert used.hits - fresh.hits == 3 * len(clients) * CHAIN - (len(clients) + 1)


@pytest.mark.parametrize("server", [nginx_server])
def test_the_retention_budget_bounds_what_a_server_keeps(
    server: Server, ibid: Path, pki: Standard, tmp_path: Path
) -> None:
    entries = 16
    clients = list(pki.pki.clients(60, issuer=pki.intermediate, key="p256", prefix="crowd"))
    statistics = killed_after(clients, server, ibid, pki, tmp_path / "used", f"1M:{entries}", at_once=False)
    assert 0 < statistics.retained <= entries
    assert statistics.evictions >= len(clients) - entries
    # The intermediate is in every chain: every client after the first one finds it.
    assert statistics.hits >= len(clients) - 1
