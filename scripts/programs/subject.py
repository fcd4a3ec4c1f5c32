# SPDX-License-Identifier: Apache-2.0
"""A program as data: how it is started, how it is exercised, what is noise in what it says.

Words and files may name these between two @: `folder`, `host`, `port`, `url`; of the program's own side `cert` (the certificate alone), `chain`,
`above` (the intermediates), `key`, `combined`; `trust`, `crls`, `trust_with_crls`; `python` (Debian's).
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
    """A server: clients with sound and broken certificates visit it, or without one where it asks for none."""

    name: str
    package: str
    command: Words
    files: Mapping[str, str] = field(default_factory=dict)
    prepare: str = ""  # a shell command, run before it in stock
    ready: str = ""  # a shell command that succeeds when it is ready; without: its port listens
    env: Mapping[str, str] = field(default_factory=dict)
    opening: str = ""  # what is said in plain text before TLS: a name in visit.OPENINGS
    request: bytes = HTTP_REQUEST
    asks: bool = True  # it demands a client's certificate
    checks_crl: bool = True
    visitor: Client | None = None  # a program that visits it, where Python cannot
    compares: int = 60  # bytes of the answer; what is behind them is chance
    stop: signal.Signals = signal.SIGTERM
    logs: Words = ()
    noise: Patterns = ()
    beside: Words = ()  # a program that it needs, on @other@
    versions: Words = ("1.3", "1.2")
    answers: bool = True  # something comes back; where not, its log is what is compared
    holds: bool = True  # it keeps a connection open after the answer, so that memory can be counted
    note: str = ""


@dataclass(frozen=True)
class Client:
    """A client: it visits servers with sound and broken certificates, and such as demand one of it."""

    name: str
    package: str
    command: Words
    files: Mapping[str, str] = field(default_factory=dict)
    with_certificate: Words | None = None  # more words, or its own certificate and key; None: it cannot
    with_crl: Words | None = None  # more words; None: it cannot
    env: Mapping[str, str] = field(default_factory=dict)
    env_with_certificate: Mapping[str, str] = field(default_factory=dict)
    input: bytes = b""
    accent: str = "https"  # what the server speaks: a name in peer.ACCENTS
    against: Server | None = None  # a server of its own kind, where Python cannot speak to it
    noise: Patterns = ()
    output: str = ""  # a file that it writes
    note: str = ""


Subject = Client | Server
