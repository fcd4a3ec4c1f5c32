# SPDX-License-Identifier: Apache-2.0
"""Stock TLS servers for programs that are clients: one port for each kind of certificate, valid and invalid; and clients for
programs that are servers."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import TracebackType

from equality import HTTP_DATE, Stage
from tls_client import fetch

from testbed.nginx import CLIENT_FACTS, Nginx, backend_servers, tls_server
from testbed.pki import Credential, Standard, broken_der
from testbed.program import free_port
from testbed.raw_tls import RawServer

# By the names of testbed.pki.Standard.
SOUND = ("server", "ec_server")
UNSOUND = ("expired", "not_yet_valid", "wrong_host", "unknown_ca", "missing_intermediate", "revoked")
CLIENTS = (
    "client",
    "ec_client",
    "expired_client",
    "revoked_client",
    "wrong_usage_client",
    "other_ca_client",
    "missing_intermediate_client",
)
BROKEN = ("truncated", "inner length", "wrong tag", "empty", "trailing byte", "lying lengths")


def backend_visits(version: str) -> list[tuple[str, str]]:
    """(server, how it is verified) for a proxy: all servers with verification required, and those for which other settings differ."""
    visits = [(name, "required") for name in (*SOUND, *UNSOUND, *(f"{how} {version}" for how in BROKEN))]
    visits += [(name, "crl") for name in ("server", "ec_server", "revoked")]
    visits += [(name, "none") for name in ("expired", "unknown_ca", f"truncated {version}")]
    return visits


def record_visits(stage: Stage, visits: list[tuple[str, str]], rounds: int) -> None:
    """A proxy's answer for each backend. The proxy has a path /SERVER-HOW for each visit, and /mutual."""
    for turn in range(rounds):
        for name, kind in visits:
            seen = fetch(stage.port("http"), f"/{name.replace(' ', '-')}-{kind}")
            stage.record(f"{turn} {name} {kind}", seen, HTTP_DATE)
        stage.record(f"{turn} mutual", fetch(stage.port("http"), "/mutual"), HTTP_DATE)


class Backends:
    """ports["server"], ports["expired"], …: servers with these certificates; the answer has the name.
    ports["mutual"]: a server that demands a client's certificate and answers with what it saw.
    ports["truncated 1.3"], …: servers that send DER that cannot be parsed, in that version of TLS."""

    def __init__(self, folder: Path, pki: Standard) -> None:
        credentials: dict[str, Credential] = {name: getattr(pki, name) for name in SOUND + UNSOUND}
        self.ports = {name: free_port() for name in (*credentials, "mutual", "no tickets")}
        config = backend_servers(self.ports, credentials)
        config += tls_server(
            self.ports["mutual"],
            pki.server,
            verify="on",
            trust=pki.trust,
            crl=pki.crls,
            body=CLIENT_FACTS,
            extra="ssl_verify_depth 3; ssl_session_cache off; ssl_session_tickets off;",
        )
        config += tls_server(
            self.ports["no tickets"],
            pki.server,
            body="never resumed\\n",
            extra="ssl_session_cache off; ssl_session_tickets off;",
        )
        self.nginx_ = Nginx(folder, config)
        self.raw: dict[str, RawServer] = {}
        for version in ("1.2", "1.3"):
            for how in BROKEN:
                chain = None
                if how != "lying lengths":
                    chain = [broken_der(pki.server.der_bytes, how), pki.intermediate.der_bytes]
                server = RawServer(chain, version=version, port=free_port())
                self.raw[f"{how} {version}"] = server
                self.ports[f"{how} {version}"] = server.port
        self.stack_ = contextlib.ExitStack()

    def __enter__(self) -> Backends:
        with self.stack_:
            self.stack_.enter_context(self.nginx_)
            for server in self.raw.values():
                self.stack_.enter_context(server)
            self.stack_ = self.stack_.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stack_.__exit__(kind, error, trace)

    def take_alerts(self) -> str:
        """The alerts that clients have sent to the servers with broken DER since the last call."""
        lines = []
        for name, server in self.raw.items():
            seen = server.take_alerts()
            if seen:
                lines.append(f"{name}: {' '.join(seen)}\n")
        return "".join(lines)
