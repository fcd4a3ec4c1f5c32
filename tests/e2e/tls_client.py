# SPDX-License-Identifier: Apache-2.0
"""A TLS client for the tests themselves: this Python's ssl, never under ibid. It describes the result as text."""

from __future__ import annotations

import select
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from testbed.pki import Credential

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def fetch(port: int, path: str) -> bytes:
    """The whole answer to a plain HTTP request."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


@dataclass
class Visit:
    """The result of a connection. `outcome` is for comparison; `connection` is still open if the caller asked for it."""

    outcome: str
    session: ssl.SSLSession | None = None
    connection: ssl.SSLSocket | None = None
    context: ssl.SSLContext | None = None

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def client_context(trust: Path, credential: Credential | None = None, version: str = "1.3") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(trust)
    context.minimum_version = context.maximum_version = VERSIONS[version]
    context.post_handshake_auth = True
    if credential is not None:
        context.load_cert_chain(credential.chain, credential.key)
    return context


def read_response(connection: ssl.SSLSocket) -> bytes:
    """One HTTP response with a Content-Length, or everything until the end."""
    data = b""
    while True:
        head, found, body = data.partition(b"\r\n\r\n")
        if found:
            for line in head.split(b"\r\n"):
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length" and len(body) >= int(value):
                    return data
        chunk = connection.recv(65536)
        if not chunk:
            return data
        data += chunk


def visit(
    port: int,
    trust: Path,
    credential: Credential | None = None,
    *,
    version: str = "1.3",
    context: ssl.SSLContext | None = None,
    session: ssl.SSLSession | None = None,
    keep: bool = False,
    path: str = "/",
) -> Visit:
    """Connects, asks for `path`, reads the answer. `keep` leaves the connection open for the caller to close.

    With TLS 1.3 a server refuses a client's certificate after the client's side of the handshake has ended. So the request
    waits until the server has written something (a ticket, or an alert). Otherwise the request could cause a reset, which
    hides the alert.
    """
    if context is None:
        context = client_context(trust, credential, version)
    raw = socket.create_connection(("127.0.0.1", port), timeout=20)
    try:
        connection = context.wrap_socket(raw, server_hostname="localhost", session=session)
    except OSError as error:
        raw.close()
        return Visit(f"handshake: {type(error).__name__}: {error}\n")
    try:
        if version == "1.3":
            select.select([connection], [], [], 20)
        wish = "keep-alive" if keep else "close"
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: {wish}\r\n\r\n".encode())
        answer = read_response(connection)
    except OSError as error:
        connection.close()
        return Visit(f"data: {type(error).__name__}: {error}\n")
    outcome = f"{connection.version()} {connection.cipher()} reused={connection.session_reused}\n{answer.decode()}\n"
    result = Visit(outcome, connection.session, connection, context)
    if not keep:
        result.close()
    return result
