# SPDX-License-Identifier: Apache-2.0
"""Servers of one process for each connection, as Debian ships them: what ibid adds to a child that has served one connection.

Such a child ends before anything is shared in it, so all that ibid could do is to make it heavier: by what it writes after
the fork, and by moving what the program writes to other pages.
"""

from __future__ import annotations

import socket
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tls_client import client_context

from testbed.pki import Standard
from testbed.program import Program, children, free_port, wait_until

# socat has 4 to 12 more, Apache between 4 less and 16 more, in medians of seven: the heap's layout. It was 22 and 65.
MOST_KIB = 20
RUNS = 7  # each with another layout of the heap, which alone takes three pages more or less
ATTEMPTS = 3


def socat(folder: Path, wrap: Sequence[str], pki: Standard, port: int, shift: int) -> Program:
    listen = f"OPENSSL-LISTEN:{port},reuseaddr,fork,bind=127.0.0.1,cert={pki.server.combined},cafile={pki.trust},verify=1"
    return Program(["socat", listen, "EXEC:cat" + ",keepalive" * (10 * shift)], folder=folder, ports=[port], wrap=wrap)


def apache(folder: Path, wrap: Sequence[str], pki: Standard, port: int, shift: int) -> Program:
    defines = "".join(f"Define nothing{i} {'x' * 100}\n" for i in range(5 * shift))
    (folder / "index.html").write_text("hello\n")
    modules = "".join(
        f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"
        for name in ("mpm_prefork", "authz_core", "dir", "socache_shmcb", "ssl")
    )
    (folder / "apache.conf").write_text(f"""ServerRoot {folder}
ServerName localhost
PidFile {folder}/pid
ErrorLog {folder}/error.log
{modules}{defines}Mutex sem
User www-data
Group www-data
StartServers 1
MinSpareServers 1
MaxSpareServers 1
Listen 127.0.0.1:{port}
DocumentRoot {folder}
SSLSessionCache none
<VirtualHost 127.0.0.1:{port}>
SSLEngine on
SSLCertificateFile {pki.server.chain}
SSLCertificateKeyFile {pki.server.key}
SSLCACertificateFile {pki.trust}
SSLVerifyClient require
SSLVerifyDepth 4
</VirtualHost>
""")
    return Program(
        ["apache2", "-f", folder / "apache.conf", "-DFOREGROUND"], folder=folder, ports=[port], wrap=wrap
    )


def private_dirty(pid: int) -> int:
    """In KiB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Private_Dirty:"):
            return int(line.split()[1])
    raise AssertionError("this kernel does not tell")


Server = Callable[[Path, Sequence[str], Standard, int, int], Program]


def child_that_served(
    server: Server, name: str, folder: Path, wrap: Sequence[str], pki: Standard, shift: int
) -> int:
    folder.mkdir()
    port = free_port()

    def serving(program: Program) -> list[int]:
        """The server's children of its own name, without the command around it."""
        own = [p for p in children(program.pids[0]) if Path(f"/proc/{p}/comm").read_text().strip() == name]
        return [p for p in own if not set(children(p)) & set(own)]

    with server(folder, wrap, pki, port, shift) as program:
        raw = socket.create_connection(("127.0.0.1", port), timeout=20)
        with client_context(pki.trust, pki.client, "1.3").wrap_socket(raw, server_hostname="localhost") as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n" if name == "apache2" else b"hello\n")
            assert connection.recv(4096)
            wait_until(lambda: len(serving(program)) >= 1, "no child serves")
            return max(private_dirty(pid) for pid in serving(program))


@pytest.mark.parametrize("server, name", [(socat, "socat"), (apache, "apache2")], ids=["socat", "apache-prefork"])
def test_a_child_that_served_one_connection_is_no_heavier(
    server: Server, name: str, ibid: Path, pki: Standard, tmp_path: Path
) -> None:
    seen: list[tuple[float, float]] = []
    for attempt in range(ATTEMPTS):
        stock, helped = (
            statistics.median(
                child_that_served(server, name, tmp_path / f"{kind}{attempt}-{run}", wrap, pki, run) for run in range(RUNS)
            )
            for kind, wrap in (("stock", ()), ("ibid", (str(ibid), "run", "--")))
        )
        seen.append((stock, helped))
        if helped - stock <= MOST_KIB:
            return
    pytest.fail(f"KiB of private dirty memory, stock and ibid: {seen}")
