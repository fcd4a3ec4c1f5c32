# SPDX-License-Identifier: Apache-2.0
"""A stock TLS client for servers under test: this Python's ssl. It describes the result of a visit in words."""

from __future__ import annotations

import re
import select
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

from testbed.pki import Credential

from .peer import in_words, lines_of

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def postgres(raw: socket.socket) -> None:
    raw.sendall(b"\0\0\0\x08\x04\xd2\x16\x2f")
    raw.recv(1)


def smtp(raw: socket.socket) -> None:
    read = lines_of(raw)
    read()
    raw.sendall(b"EHLO localhost\r\n")
    while read()[3:4] == b"-":
        pass
    raw.sendall(b"STARTTLS\r\n")
    read()


def ftp(raw: socket.socket) -> None:
    read = lines_of(raw)
    while read()[3:4] == b"-":
        pass
    raw.sendall(b"AUTH TLS\r\n")
    read()


def xmpp(raw: socket.socket) -> None:
    raw.sendall(b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>")
    said = b""
    while b"</stream:features>" not in said:
        said += raw.recv(4096)
    raw.sendall(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    raw.recv(4096)


OPENINGS: dict[str, Callable[[socket.socket], None]] = {"postgres": postgres, "smtp": smtp, "ftp": ftp, "xmpp": xmpp}


def connect(port: int, trust: Path, credential: Credential | None, version: str, opening: str) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(trust)
    context.minimum_version = context.maximum_version = VERSIONS[version]
    if credential is not None:
        context.load_cert_chain(credential.chain, credential.key)
    raw = socket.create_connection(("127.0.0.1", port), timeout=10)
    try:
        if opening:
            OPENINGS[opening](raw)
        return context.wrap_socket(raw, server_hostname="localhost")
    except BaseException:
        raw.close()
        raise


def ask(connection: ssl.SSLSocket, request: bytes, *, patient: bool) -> bytes:
    """The beginning of the answer. With TLS 1.3 a refusal comes after the handshake; with `patient`, waits for it, or for a ticket."""
    if patient and select.select([connection], [], [], 1)[0]:
        connection.setblocking(False)
        try:
            early = connection.recv(200)
        except ssl.SSLWantReadError:
            early = b""
        connection.settimeout(10)
        if early:
            return early
    connection.sendall(request)
    return connection.recv(200)


def visit(port: int, trust: Path, credential: Credential | None, version: str, opening: str, request: bytes, compares: int, answers: bool) -> str:
    try:
        with connect(port, trust, credential, version, opening) as connection:
            if not answers:
                connection.sendall(request)
                return f"{connection.version()} {connection.cipher()[0]}"  # type: ignore[index]
            answer = ask(connection, request, patient=version == "1.3")
            said = re.sub(rb"\d+", b"<n>", answer[:compares]).decode(errors="backslashreplace")
            return f"{connection.version()} {connection.cipher()[0]} {said!r}"  # type: ignore[index]
    except OSError as error:
        # With TLS 1.3, whether the alert is read before the end depends on timing.
        return "refused" if version == "1.3" else in_words(error)
