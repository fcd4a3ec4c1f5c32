# SPDX-License-Identifier: Apache-2.0
"""A stock TLS server for clients under test: this Python's ssl, in threads, one port for each certificate. It records what it saw.

Law: the record does not depend on timing. Whether the server sees a client's hang-up as an end or as a reset depends on timing, so both are
"closed".
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from types import TracebackType

from testbed.pki import Credential, Standard

Reader = Callable[[], bytes]
REF = b"0123456789abcdef0123456789abcdef01234567\trefs/heads/main\n"


def lines_of(connection: socket.socket) -> Reader:
    """Reads one line at a time; b"" at the end."""
    held = bytearray()

    def line() -> bytes:
        while b"\n" not in held:
            chunk = connection.recv(4096)
            if not chunk:
                return b""
            held.extend(chunk)
        end = held.index(b"\n") + 1
        found = bytes(held[:end])
        del held[:end]
        return found

    return line


def https(connection: socket.socket) -> str:
    """Answers requests until the client closes; returns their first lines."""
    read, seen = lines_of(connection), []
    while True:
        first = read()
        if not first:
            return " ".join(seen)
        headers = [first]
        while headers[-1] not in (b"\r\n", b"\n", b""):
            headers.append(read())
        path = first.split(b" ")[1] if first.count(b" ") > 1 else b"/"
        body = REF if b"/info/refs" in path else b"ref: refs/heads/main\n" if path.endswith(b"/HEAD") else b"hello\n"
        last = any(h.lower().startswith(b"connection: close") for h in headers) or b"HTTP/1.0" in first
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n" % len(body)
        seen.append(first.strip().decode(errors="replace"))
        connection.sendall(head + (b"Connection: close\r\n" if last else b"") + b"\r\n" + (b"" if first.startswith(b"HEAD") else body))
        if last:
            return " ".join(seen)


def smtp(connection: socket.socket, greet: bool = True, starttls: bool = False) -> str:
    """One conversation. It ends when both sides have agreed on STARTTLS."""
    if greet:
        connection.sendall(b"220 localhost ESMTP\r\n")
    read, seen, text = lines_of(connection), [], False
    while line := read():
        word = line.strip().upper()
        if text:
            if word == b".":
                text = False
                connection.sendall(b"250 taken\r\n")
            continue
        seen.append(word.split(b" ")[0].decode(errors="replace"))
        if word.startswith(b"EHLO"):
            connection.sendall(b"250-localhost\r\n" + (b"250-STARTTLS\r\n" if starttls else b"") + b"250 8BITMIME\r\n")
        elif word == b"STARTTLS":
            connection.sendall(b"220 go ahead\r\n")
            break
        elif word == b"DATA":
            text = True
            connection.sendall(b"354 go on\r\n")
        elif word == b"QUIT":
            connection.sendall(b"221 bye\r\n")
            break
        else:
            connection.sendall(b"250 ok\r\n")
    return " ".join(seen)


def pop3(connection: socket.socket) -> str:
    connection.sendall(b"+OK ready\r\n")
    read, seen = lines_of(connection), []
    while line := read():
        word = line.strip().split(b" ")[0].upper()
        seen.append(word.decode(errors="replace"))
        answers = {b"CAPA": b"+OK\r\nUSER\r\nUIDL\r\n.\r\n", b"STAT": b"+OK 0 0\r\n", b"LIST": b"+OK\r\n.\r\n", b"UIDL": b"+OK\r\n.\r\n"}
        connection.sendall(answers.get(word, b"+OK\r\n"))
        if word == b"QUIT":
            break
    return " ".join(seen)


def imap(connection: socket.socket) -> str:
    connection.sendall(b"* OK [CAPABILITY IMAP4rev1] ready\r\n")
    read, seen = lines_of(connection), []
    while line := read():
        tag, _, rest = line.strip().partition(b" ")
        word = rest.split(b" ")[0].upper()
        seen.append(word.decode(errors="replace"))
        before = {
            b"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n",
            b"LIST": b'* LIST () "/" INBOX\r\n',
            b"NAMESPACE": b'* NAMESPACE (("" "/")) NIL NIL\r\n',
            b"SELECT": b"* 0 EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 1] ok\r\n* OK [UIDNEXT 1] ok\r\n",
            b"SEARCH": b"* SEARCH\r\n",
            b"LOGOUT": b"* BYE\r\n",
        }
        connection.sendall(before.get(word, b"") + tag + b" OK done\r\n")
        if word == b"LOGOUT":
            break
    return " ".join(seen)


def dns(connection: socket.socket) -> str:
    """DNS over TLS: no such name, whatever is asked."""
    head = connection.recv(2)
    if len(head) < 2:
        return ""
    query = b""
    while len(query) < int.from_bytes(head, "big"):
        query += connection.recv(4096)
    end = query.index(b"\0", 12) + 5  # of the question; what follows it (EDNS) is not repeated
    answer = query[:2] + b"\x81\x83\0\1" + b"\0" * 6 + query[12:end]
    connection.sendall(len(answer).to_bytes(2, "big") + answer)
    connection.recv(1)
    return "a question"


# Name: (the conversation before TLS, the conversation within TLS).
Accent = tuple[Callable[[socket.socket], str] | None, Callable[[socket.socket], str]]
ACCENTS: dict[str, Accent] = {
    "https": (None, https),
    "smtps": (None, smtp),
    "smtp": (lambda c: smtp(c, starttls=True), lambda c: smtp(c, greet=False)),
    "pop3s": (None, pop3),
    "imaps": (None, imap),
    "dns": (None, dns),
}


def in_words(error: OSError) -> str:
    if isinstance(error, ssl.SSLError) and error.reason and "EOF" not in error.reason:
        return error.reason
    return "no answer" if isinstance(error, TimeoutError) else "closed"


def hang_up_softly(raw: socket.socket) -> None:
    """Reads all data before closing. With unread data the close would be a reset, and the client might not see the alert before it."""
    with contextlib.suppress(OSError):
        raw.shutdown(socket.SHUT_WR)
        raw.settimeout(3)
        while raw.recv(4096):
            pass


class Peer:
    """ports[NAME] for each of `credentials`, and ports["mutual"], which demands a certificate. With ports["mutual 1.2"] a refusal is part of the
    handshake. With TLS 1.3 it comes after the client's side of the handshake, and what the client has done by then depends on timing."""

    def __init__(self, pki: Standard, accent: str, credentials: dict[str, Credential]) -> None:
        self.accent_ = ACCENTS[accent]
        self.ports: dict[str, int] = {}
        self.listeners_: dict[str, tuple[socket.socket, ssl.SSLContext]] = {}
        self.seen_: list[str] = []
        self.open_ = 0
        self.lock_ = threading.Lock()
        self.threads_: list[threading.Thread] = []
        for name, credential in {**credentials, "mutual": pki.server, "mutual 1.2": pki.server}.items():
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(credential.chain, credential.key)
            context.set_alpn_protocols(["http/1.1"])
            if name == "mutual 1.2":
                context.maximum_version = ssl.TLSVersion.TLSv1_2
            if name.startswith("mutual"):
                context.load_verify_locations(pki.trust_with_crls)
                context.verify_mode = ssl.CERT_REQUIRED
                context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
            listener = socket.create_server(("127.0.0.1", 0), backlog=128)
            self.listeners_[name] = (listener, context)
            self.ports[name] = listener.getsockname()[1]

    def __enter__(self) -> Peer:
        for name in self.listeners_:
            thread = threading.Thread(target=self.accept_, args=(name,), daemon=True)
            thread.start()
            self.threads_.append(thread)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for listener, _ in self.listeners_.values():
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def take_seen(self) -> str:
        """One line for each connection since the last call, sorted, so that the order does not depend on timing."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with self.lock_:
                if self.open_ == 0:
                    break
            time.sleep(0.005)
        with self.lock_:
            seen, self.seen_ = sorted(self.seen_), []
        return "".join(f"{line}\n" for line in seen)

    def accept_(self, name: str) -> None:
        listener, context = self.listeners_[name]
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self.lock_:
                self.open_ += 1
            threading.Thread(target=self.serve_, args=(name, connection, context), daemon=True).start()

    def serve_(self, name: str, raw: socket.socket, context: ssl.SSLContext) -> None:
        story, handshake = [name], False
        raw.settimeout(10)
        try:
            before, within = self.accent_
            if before:
                story.append(before(raw))
            with context.wrap_socket(raw.dup(), server_side=True, do_handshake_on_connect=False) as connection:
                connection.do_handshake()
                peer = connection.getpeercert()
                owner = ",".join(value for rdn in peer.get("subject", ()) for _, value in rdn) if peer else "nobody"
                story.append(f"{connection.version()} {owner}:")
                handshake = True
                story.append(within(connection))
                connection.setblocking(False)
                with contextlib.suppress(OSError):
                    connection.unwrap()  # sends close_notify, and does not wait
            hang_up_softly(raw)
        except OSError as error:
            if not handshake or in_words(error) != "closed":  # after the handshake, how it ends depends on timing
                story.append(in_words(error))
            hang_up_softly(raw)
        finally:
            raw.close()
            with self.lock_:
                self.seen_.append(" ".join(s for s in story if s))
                self.open_ -= 1
