# SPDX-License-Identifier: Apache-2.0
"""TLS peers that send arbitrary bytes as their certificates, which TLS libraries do not allow.

Implements TLS 1.2 (RFC 5246) and TLS 1.3 (RFC 8446) up to the certificate message, and reads the alert with which the
other side answers. There are no signatures, Finished messages or data: the other side must have refused before.

    with RawServer([der, …], version="1.3") as s:      # each connection gets these certificates
        … a client connects to s.port …
        s.take_alerts()                                # what each client answered: ["bad_certificate", …]

    alert = raw_client(port, [der, …], version="1.2")  # a client that answers a CertificateRequest with these

An entry of the chain is valid or invalid DER. `None` instead of a chain sends a certificate message with wrong lengths.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ALERT, HANDSHAKE, CHANGE_CIPHER_SPEC, APPLICATION_DATA = 21, 22, 20, 23
CLIENT_HELLO, SERVER_HELLO, ENCRYPTED_EXTENSIONS = 1, 2, 8
CERTIFICATE, CERTIFICATE_REQUEST, SERVER_HELLO_DONE, FINISHED = 11, 13, 14, 20
TLS12, TLS13 = 0x0303, 0x0304
AES128_GCM_SHA256 = 0x1301
ECDHE_SUITES = (0xC02F, 0xC02B, 0xC030, 0xC02C)  # RSA and ECDSA, AES-GCM
X25519_GROUP = 29
ALERTS = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    22: "record_overflow",
    40: "handshake_failure",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    50: "decode_error",
    51: "decrypt_error",
    80: "internal_error",
    116: "certificate_required",
}


def vector(length_bytes: int, content: bytes) -> bytes:
    """A vector with its length in front."""
    return len(content).to_bytes(length_bytes, "big") + content


def message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + vector(3, body)


def extension(kind: int, body: bytes) -> bytes:
    return struct.pack(">H", kind) + vector(2, body)


def certificate_message(chain: Sequence[bytes] | None, version: int) -> bytes:
    if chain is None:  # one certificate with a length beyond the end of its list
        body = b"\0\0\x06" + b"\0\0\x64" + b"abc"
        return message(CERTIFICATE, b"\0" + body if version == TLS13 else body)
    if version == TLS13:
        return message(CERTIFICATE, b"\0" + vector(3, b"".join(vector(3, c) + b"\0\0" for c in chain)))
    return message(CERTIFICATE, vector(3, b"".join(vector(3, c) for c in chain)))


class Closed_(Exception):
    """The other side closed without an alert."""


@dataclass
class Keys_:
    """One direction of a protected record layer (RFC 8446, 5.2)."""

    aead: AESGCM
    iv: bytes
    sequence: int = 0

    def nonce(self) -> bytes:
        number = int.from_bytes(self.iv, "big") ^ self.sequence
        self.sequence += 1
        return number.to_bytes(12, "big")


class Records_:
    """The record layer on a socket: clear until keys are set."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection_ = connection
        self.reading_: Keys_ | None = None
        self.writing_: Keys_ | None = None
        self.messages_ = b""
        self.transcript = b""
        self.secret_ = b""

    def read_exactly_(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            try:
                chunk = self.connection_.recv(size - len(data))
            except ConnectionResetError as error:
                raise Closed_ from error
            if not chunk:
                raise Closed_
            data += chunk
        return data

    def read_record(self) -> tuple[int, bytes]:
        while True:
            header = self.read_exactly_(5)
            kind, _, size = struct.unpack(">BHH", header)
            body = self.read_exactly_(size)
            if kind == CHANGE_CIPHER_SPEC:
                continue
            if self.reading_ and kind == APPLICATION_DATA:
                plain = self.reading_.aead.decrypt(self.reading_.nonce(), body, header).rstrip(b"\0")
                return plain[-1], plain[:-1]
            return kind, body

    def write(self, kind: int, body: bytes) -> None:
        while body:
            part, body = body[:16000], body[16000:]
            if self.writing_:
                header = struct.pack(">BHH", APPLICATION_DATA, TLS12, len(part) + 1 + 16)
                part = self.writing_.aead.encrypt(self.writing_.nonce(), part + bytes([kind]), header)
            else:
                header = struct.pack(">BHH", kind, TLS12, len(part))
            self.connection_.sendall(header + part)

    def write_message(self, handshake: bytes) -> None:
        self.transcript += handshake
        self.write(HANDSHAKE, handshake)

    def finish_sending_unless_answered(self) -> None:
        """An answer may never come: then the other side waits for more, and sees the end. But one that sees message and end
        together may close without an answer."""
        if not self.messages_ and not select.select([self.connection_], [], [], 0.3)[0]:
            self.finish_sending_()

    def finish_sending_(self) -> None:
        try:
            self.connection_.shutdown(socket.SHUT_WR)
        except OSError:  # the other side has already closed; its alert can still be read
            pass

    def read_message(self) -> tuple[int, bytes]:
        """The next handshake message. An alert raises an exception."""
        while len(self.messages_) < 4 or len(self.messages_) < 4 + int.from_bytes(self.messages_[1:4], "big"):
            kind, body = self.read_record()
            if kind == ALERT:
                raise Alert_(body)
            self.messages_ += body
        size = 4 + int.from_bytes(self.messages_[1:4], "big")
        whole, self.messages_ = self.messages_[:size], self.messages_[size:]
        self.transcript += whole
        return whole[0], whole[4:]

    def protect(self, shared: bytes, *, client: bool) -> None:
        """Handshake traffic keys of TLS_AES_128_GCM_SHA256 from the transcript so far (RFC 8446, 7.1)."""
        empty = sha256(b"")
        early = extract(b"\0" * 32, b"\0" * 32)
        self.secret_ = extract(expand_label(early, b"derived", empty, 32), shared)
        context = sha256(self.transcript)
        server, client_ = (
            traffic_keys(expand_label(self.secret_, label, context, 32))
            for label in (b"s hs traffic", b"c hs traffic")
        )
        self.reading_, self.writing_ = (server, client_) if client else (client_, server)

    def read_application_data(self) -> None:
        """After its Finished message, a server writes with its application traffic key."""
        master = extract(expand_label(self.secret_, b"derived", sha256(b""), 32), b"\0" * 32)
        self.reading_ = traffic_keys(expand_label(master, b"s ap traffic", sha256(self.transcript), 32))


class Alert_(Exception):
    def __init__(self, body: bytes) -> None:
        super().__init__(ALERTS.get(body[1], str(body[1])))


def sha256(data: bytes) -> bytes:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(data)
    return digest.finalize()


def extract(salt: bytes, secret: bytes) -> bytes:
    code = hmac.HMAC(salt, hashes.SHA256())
    code.update(secret)
    return code.finalize()


def expand_label(secret: bytes, label: bytes, context: bytes, size: int) -> bytes:
    info = struct.pack(">H", size) + vector(1, b"tls13 " + label) + vector(1, context)
    return HKDFExpand(hashes.SHA256(), size, info).derive(secret)


def traffic_keys(secret: bytes) -> Keys_:
    return Keys_(AESGCM(expand_label(secret, b"key", b"", 16)), expand_label(secret, b"iv", b"", 12))


def public_bytes_(key: X25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def extensions_(body: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while body:
        kind, size = struct.unpack(">HH", body[:4])
        found[kind] = body[4 : 4 + size]
        body = body[4 + size :]
    return found


def conversation_end_(records: Records_) -> str:
    """Reads until the other side sends an alert. Also returns "closed", or the message with which it continued."""
    try:
        while True:
            records.finish_sending_unless_answered()
            kind, _ = records.read_message()
            if kind == FINISHED:
                return "accepted"
    except Alert_ as alert:
        return str(alert)
    except Closed_:
        return "closed"


class RawServer:
    """A TLS server on a loopback port that sends `chain` to each client. One thread, one connection at a time."""

    def __init__(self, chain: Sequence[bytes] | None, *, version: str = "1.3", port: int = 0) -> None:
        self.chain_ = chain
        self.version_ = {"1.2": TLS12, "1.3": TLS13}[version]
        self.alerts_: list[str] = []
        self.talking_ = threading.Lock()  # held during a conversation; protects alerts_
        self.listener_ = socket.create_server(("127.0.0.1", port))
        self.port: int = self.listener_.getsockname()[1]
        self.thread_ = threading.Thread(target=self.serve_, daemon=True)

    def __enter__(self) -> RawServer:
        self.thread_.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.listener_.shutdown(socket.SHUT_RDWR)  # wakes accept
        self.thread_.join(20)
        self.listener_.close()

    def take_alerts(self) -> list[str]:
        """The answers of the clients since the last call. Waits for a current conversation."""
        with self.talking_:
            taken, self.alerts_ = self.alerts_, []
            return taken

    def serve_(self) -> None:
        while True:
            try:
                connection, _ = self.listener_.accept()
            except OSError:
                return
            with connection, self.talking_:
                connection.settimeout(20)
                try:
                    self.alerts_.append(self.converse_(Records_(connection)))
                except (OSError, Closed_, Alert_) as error:
                    self.alerts_.append(f"{type(error).__name__} {error}")

    def converse_(self, records: Records_) -> str:
        kind, hello = records.read_message()
        assert kind == CLIENT_HELLO
        position = 2 + 32
        session_id = hello[position + 1 : position + 1 + hello[position]]
        position += 1 + len(session_id)
        (suites_size,) = struct.unpack(">H", hello[position : position + 2])
        suites = struct.unpack(f">{suites_size // 2}H", hello[position + 2 : position + 2 + suites_size])
        position += 2 + suites_size
        position += 1 + hello[position]
        extensions = extensions_(hello[position + 2 :])
        start = struct.pack(">H", TLS12) + os.urandom(32)
        if self.version_ == TLS12:
            suite = next(s for s in ECDHE_SUITES if s in suites)
            hello_extensions = extension(0xFF01, b"\0")
            if 0x17 in extensions:  # extended master secret
                hello_extensions += extension(0x17, b"")
            body = (
                start + vector(1, os.urandom(32)) + struct.pack(">HB", suite, 0) + vector(2, hello_extensions)
            )
            records.write_message(message(SERVER_HELLO, body))
        else:
            shares = extensions[51][2:]
            peer = b""
            while shares:
                group, size = struct.unpack(">HH", shares[:4])
                if group == X25519_GROUP:
                    peer = shares[4 : 4 + size]
                shares = shares[4 + size :]
            key = X25519PrivateKey.generate()
            hello_extensions = extension(43, struct.pack(">H", TLS13))
            hello_extensions += extension(51, struct.pack(">H", X25519_GROUP) + vector(2, public_bytes_(key)))
            body = (
                start
                + vector(1, session_id)
                + struct.pack(">HB", AES128_GCM_SHA256, 0)
                + vector(2, hello_extensions)
            )
            records.write_message(message(SERVER_HELLO, body))
            records.protect(key.exchange(X25519PublicKey.from_public_bytes(peer)), client=False)
            records.write_message(message(ENCRYPTED_EXTENSIONS, vector(2, b"")))
        records.write_message(certificate_message(self.chain_, self.version_))
        return conversation_end_(records)


def raw_client(port: int, chain: Sequence[bytes] | None, *, version: str = "1.3") -> str:
    """Connects, answers the server's CertificateRequest with `chain`, and returns the server's alert."""
    number = {"1.2": TLS12, "1.3": TLS13}[version]
    key = X25519PrivateKey.generate()
    algorithms = struct.pack(">6H", 0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501)
    extensions = extension(10, vector(2, struct.pack(">H", X25519_GROUP)))
    extensions += extension(11, vector(1, b"\0"))
    extensions += extension(13, vector(2, algorithms))
    extensions += extension(0, vector(2, b"\0" + vector(2, b"localhost")))
    if number == TLS13:
        extensions += extension(43, vector(1, struct.pack(">H", TLS13)))
        extensions += extension(
            51, vector(2, struct.pack(">H", X25519_GROUP) + vector(2, public_bytes_(key)))
        )
        suites = struct.pack(">H", AES128_GCM_SHA256)
    else:
        extensions += extension(0xFF01, b"\0") + extension(0x17, b"")
        suites = struct.pack(f">{len(ECDHE_SUITES)}H", *ECDHE_SUITES)
    hello = struct.pack(">H", TLS12) + os.urandom(32) + vector(1, os.urandom(32))
    hello += vector(2, suites) + vector(1, b"\0") + vector(2, extensions)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        records = Records_(connection)
        try:
            records.write_message(message(CLIENT_HELLO, hello))
            requested = False
            while True:
                kind, body = records.read_message()
                if kind == SERVER_HELLO and number == TLS13:
                    session = body[34]
                    peer = extensions_(body[2 + 32 + 1 + session + 2 + 1 + 2 :])[51][4:]
                    records.protect(key.exchange(X25519PublicKey.from_public_bytes(peer)), client=True)
                elif kind == CERTIFICATE_REQUEST:
                    requested = True
                elif kind == (FINISHED if number == TLS13 else SERVER_HELLO_DONE):
                    break
            if number == TLS13:
                records.read_application_data()
            if not requested:
                return "no certificate requested"
            records.write_message(certificate_message(chain, number))
            return conversation_end_(records)
        except Alert_ as alert:
            return f"early {alert}"
        except Closed_:
            return "closed"
