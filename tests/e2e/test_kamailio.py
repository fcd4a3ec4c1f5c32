# SPDX-License-Identifier: Apache-2.0
"""Kamailio, as Debian ships it, under ibid and stock: a server with several processes that share OpenSSL's memory.

Kamailio gives OpenSSL an allocator over shared memory: one process accepts a connection, another does its handshake and
requests, and a third ends it. If one process had an object in its private memory, another one would crash. So ibid is disabled
there. The test shows that this has no visible effect: each client gets the same result as in stock, and each process lives
until the end.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from equality import Patterns, Scenario, Stage, Statistics
from tls_client import client_context

from testbed.pki import Credential
from testbed.program import Program

Equal = Callable[[Scenario], Statistics]

# Random parts: the tags of replies, and process ids. The first number of a line is Kamailio's number of the
# process.
SIP_REPLY: Patterns = ((rb"(?m)^(To: .*;tag=)[\w.-]+", rb"\1<tag>"), (rb"( pid=|;rport=|:)\d{4,5}\b", rb"\1<number>"))
KAMAILIO_LOG: Patterns = (
    (rb"(?m)^ ?\d+\(\d+\) ", b"<process> "),
    (rb"127\.0\.0\.1:\d+", b"<address>"),
    (rb"0x[0-9a-f]+", b"<pointer>"),
)
BY_CHANCE = re.compile(rb"receive_fd\(\): EOF on|TLS read:error:|TLS accept:error:03000072:.*decode error")
# The client of another CA comes first: in stock it is refused, and all processes continue.
CLIENTS = ("other_ca_client", "client", "revoked_client", "ec_client", None, "expired_client", "client")
ATTEMPTS = 20
HONEST = ("client", "ec_client")
OPTIONS = (
    b"OPTIONS sip:somebody@localhost SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:5999;branch=z9hG4bKibid\r\n"
    b"From: <sip:alice@localhost>;tag=1\r\nTo: <sip:somebody@localhost>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
    b"Content-Length: 0\r\n\r\n"
)


class Kamailio(Program):
    """Kamailio in the foreground, with two processes for connections. It answers each request with the client's subject."""

    def __init__(
        self, stage: Stage, folder: Path, *, wrap: Sequence[str], env: Mapping[str, str]
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        pki, port = stage.pki, stage.port("tls")
        super().__init__(
            # -Y: its runtime folder; -m, -M: MiB of shared and of private memory
            ["kamailio", "-DD", "-f", folder / "kamailio.cfg", "-Y", folder, "-P", folder / "pid", "-m", "32", "-M", "4"],
            folder=folder,
            ports=[port],
            wrap=wrap,
            env=env,
        )
        (folder / "kamailio.cfg").write_text(f"""#!KAMAILIO
debug=1
log_stderror=yes
children=1
tcp_children=2
enable_tls=yes
listen=tls:127.0.0.1:{port}
loadmodule "tls.so"
loadmodule "sl.so"
loadmodule "pv.so"
modparam("tls", "config", "{folder}/tls.cfg")
request_route {{ sl_send_reply("200", "hello $tls_peer_subject_cn $tls_peer_serial $tls_peer_verified"); exit; }}
""")
        (folder / "tls.cfg").write_text(f"""[server:default]
method = TLSv1.2+
verify_certificate = yes
require_certificate = yes
private_key = {pki.server.key}
certificate = {pki.server.chain}
ca_list = {pki.trust}
crl = {pki.crls}
""")

    @property
    def processes(self) -> list[int]:
        """Kamailio's processes, without the wrapping command."""
        return [p for p in self.pids if Path(f"/proc/{p}/comm").read_text() == "kamailio\n"]


def connect(stage: Stage, credential: Credential | None, version: str) -> ssl.SSLSocket:
    context = client_context(stage.pki.trust, credential, version)
    raw = socket.create_connection(("127.0.0.1", stage.port("tls")), timeout=20)
    try:
        return context.wrap_socket(raw, server_hostname="localhost")
    except BaseException:
        raw.close()
        raise


def reach(stage: Stage, credential: Credential, version: str) -> ssl.SSLSocket:
    """`connect` for an honest client, with several attempts, for the reasons in `call`."""
    for _ in range(ATTEMPTS):
        try:
            return connect(stage, credential, version)
        except OSError as error:
            last = error
    raise last


def ask(connection: ssl.SSLSocket) -> bytes:
    """Sends a request and returns the answer, which has no body; empty if the server has hung up."""
    try:
        connection.sendall(OPTIONS)
        answer = b""
        while b"\r\n\r\n" not in answer:
            chunk = connection.recv(65536)
            if not chunk:
                return b""
            answer += chunk
    except OSError:  # an alert, or a reset that came before it
        return b""
    return answer


def call(stage: Stage, credential: Credential | None, version: str, *, honest: bool) -> bytes:
    """Connects, sends a request, hangs up. Returns the answer, or nothing.

    Kamailio leaves an error of a refused client in the process's OpenSSL queue, and attributes it to the connection that the
    process reads next. Also, OpenSSL's locks do not work between processes, so its processes race in their shared memory.
    For both reasons an honest client may have to try again, in stock, too.
    """
    answer = b""
    for _ in range(ATTEMPTS if honest else 1):
        try:
            with connect(stage, credential, version) as connection:
                answer = ask(connection)
        except OSError:
            pass
        if answer:
            break
    return answer


def log_lines(log: bytes) -> bytes:
    """The set of lines. Their order and number depend on timing: which process takes which connection, whether it has read a
    close_notify, and which side notices the end first."""
    for pattern, replacement in KAMAILIO_LOG:
        log = re.sub(pattern, replacement, log)
    return b"".join(sorted({line for line in log.splitlines(keepends=True) if not BY_CHANCE.search(line)}))


def test_kamailio_judges_every_client_as_stock_and_no_process_dies(equal: Equal) -> None:
    def scenario(stage: Stage) -> None:
        pki = stage.pki
        with Kamailio(stage, stage.folder / "kamailio", wrap=stage.wrap, env=stage.env) as kamailio:
            # The process that accepts connections starts last, so after this all processes exist. If one
            # dies, Kamailio ends.
            stage.record("the first", call(stage, pki.other_ca_client, "1.3", honest=False))
            before = kamailio.processes
            for version in ("1.3", "1.2"):
                for turn in range(2):
                    for index, name in enumerate(CLIENTS):
                        credential = None if name is None else getattr(pki, name)
                        answer = call(stage, credential, version, honest=name in HONEST)
                        stage.record(f"{version} {turn} {index} {name}", answer, SIP_REPLY)
            # These stay open while others come and go, until Kamailio ends. Then the process that frees them
            # is not the one that made them.
            callers = ((pki.client, "1.3"), (pki.ec_client, "1.2"), (pki.client, "1.2"))
            kept = [reach(stage, credential, version) for credential, version in callers]
            for turn in range(2):
                for index, connection in enumerate(kept):
                    answer = ask(connection) or call(stage, pki.client, "1.3", honest=True)
                    stage.record(f"kept {turn} {index}", b"SIP/2.0 200 hello client" in answer)
                stage.record(f"{turn} stranger between", call(stage, pki.other_ca_client, "1.3", honest=False))
            assert kamailio.status is None and kamailio.processes == before, kamailio.story()
        for connection in kept:
            connection.close()
        stage.record("exit status", kamailio.status)
        stage.record("stdout", kamailio.stdout)
        stage.record("stderr", log_lines(kamailio.stderr))
        assert stage.records["the first"] == stage.records["1.3 0 0 other_ca_client"] == b""
        assert b"hello client" in stage.records["1.3 0 1 client"]

    equal(scenario)
