# SPDX-License-Identifier: Apache-2.0
"""A program as data: how to start it, how to exercise it, and which output is noise.

Words and files may contain these names between two @: `folder`, `host`, `port`, `url`; for the program's own side `cert` (only the certificate),
`chain`, `above` (the intermediates), `key`, `combined`; `trust`, `crls`, `trust_with_crls`; `python` (Debian's); `built` (see `build`).
"""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field

Patterns = tuple[tuple[bytes, bytes], ...]
Words = tuple[str, ...]

HTTP_REQUEST = b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n"
NUMBERS: Patterns = ((rb"0x[0-9a-fA-F]+|\d+(\.\d+)?", b"<n>"), (rb"[ \t]+", b" "))


@dataclass(frozen=True)
class Server:
    """A server. Clients visit it, with valid and invalid certificates, or with none if it asks for none."""

    name: str
    package: str
    command: Words
    files: Mapping[str, str] = field(default_factory=dict)
    prepare: str = ""  # a shell command that runs before the server, without ibid
    ready: str = ""  # a shell command that succeeds when it is ready; empty: ready when its port listens
    env: Mapping[str, str] = field(default_factory=dict)
    opening: str = ""  # the plain-text conversation before TLS: a name in visit.OPENINGS
    request: bytes = HTTP_REQUEST
    asks: bool = True  # it demands a client's certificate
    checks_crl: bool = True
    visitor: Client | None = None  # a program that visits it, if Python cannot
    compares: int = 60  # how many bytes of the answer are compared; later bytes are random
    stop: signal.Signals = signal.SIGTERM
    logs: Words = ()
    noise: Patterns = ()
    beside: Words = ()  # a program that it needs, on @other@
    versions: Words = ("1.3", "1.2")
    answers: bool = True  # it sends an answer; if not, its log is compared
    holds: bool = True  # it keeps a connection open after the answer, so that memory can be counted
    note: str = ""


@dataclass(frozen=True)
class Client:
    """A client. It visits servers with valid and invalid certificates, and servers that demand a certificate."""

    name: str
    package: str
    command: Words
    files: Mapping[str, str] = field(default_factory=dict)
    with_certificate: Words | None = None  # more words for its own certificate and key; None: it cannot
    with_crl: Words | None = None  # more words; None: it cannot
    env: Mapping[str, str] = field(default_factory=dict)
    env_with_certificate: Mapping[str, str] = field(default_factory=dict)
    input: bytes = b""
    accent: str = "https"  # the server's protocol: a name in peer.ACCENTS
    against: Server | None = None  # a server program for it, if Python's ssl cannot serve it
    noise: Patterns = ()
    output: str = ""  # a file that it writes, which is compared, too
    needs: Words = ()  # further packages
    sources: Mapping[str, str] = field(default_factory=dict)  # files in @built@, a folder below build/
    build: str = ""  # a shell command that makes a program of them, once; it runs in @built@
    note: str = ""


Subject = Client | Server
