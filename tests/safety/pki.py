# SPDX-License-Identifier: Apache-2.0
"""The certificates for the programs of tests/safety, all made in advance: a program that references functions that write to
certificates gets no shared objects, and would test nothing.

    make(folder)    writes them; P-256 keys, because the programs do many handshakes

    root → mid → server, client, other, expired (server), rsa (server)        mid.crl.pem revokes `revoked`
    stranger-root → stranger                                                  in no trust file
    root384 → mid384 → server384, client384, other384                         for tests that compare times
"""

from __future__ import annotations

import base64
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder
from cryptography.x509.oid import NameOID, ObjectIdentifier

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from testbed.pki import Credential, Pki  # noqa: E402

CERTIFICATE_POLICIES = ObjectIdentifier("2.5.29.32")
NAME_CONSTRAINTS = ObjectIdentifier("2.5.29.30")
EMPTY_SEQUENCE_OF_NUMBERS = bytes.fromhex("3003020105")  # instead of a SEQUENCE of SEQUENCEs


def tlv(tag: int, content: bytes) -> bytes:
    """One DER element."""
    size = len(content)
    length = bytes([size]) if size < 128 else b""
    if not length:
        digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
        length = bytes([0x80 | len(digits)]) + digits
    return bytes([tag]) + length + content


def elements(der: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """The elements one after another: tag, content, whole."""
    while der:
        size, header = der[1], 2
        if size & 0x80:
            digits = size & 0x7F
            size, header = int.from_bytes(der[2 : 2 + digits], "big"), 2 + digits
        yield der[0], der[header : header + size], der[: header + size]
        der = der[header + size :]


def pem(der: bytes, label: str = "CERTIFICATE") -> bytes:
    text = base64.b64encode(der)
    lines = [text[i : i + 64] for i in range(0, len(text), 64)]
    return b"\n".join([f"-----BEGIN {label}-----".encode(), *lines, f"-----END {label}-----".encode(), b""])


def crowded(template: bytes, serial: int, most: int = 8190) -> bytes:
    """`template` with a different serial number, and as many seven-byte extensions as fit into `most` bytes. Its signature is wrong."""
    (_, tbs, _), (_, _, algorithm), (_, _, signature) = elements(next(elements(template))[1])
    fields = list(elements(tbs))
    one = bytes.fromhex("300506012a0400")

    def built(count: int) -> bytes:
        body = fields[0][2] + tlv(2, serial.to_bytes(4, "big"))
        body += b"".join(whole for _, _, whole in fields[2:7]) + tlv(0xA3, tlv(0x30, one * count))
        return tlv(0x30, tlv(0x30, body) + algorithm + signature)

    count = most // len(one)
    while len(built(count)) > most:
        count -= 1
    return built(count)


def write_request(pki: Pki, who: Credential) -> None:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, who.name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(who.private_key, hashes.SHA256())
    (pki.folder / f"{who.name}.req.der").write_bytes(request.public_bytes(serialization.Encoding.DER))


def write_private_keys(pki: Pki, who: Credential) -> None:
    """The private key in its traditional form, DER; and encrypted, PEM."""
    key = who.private_key
    traditional = serialization.PrivateFormat.TraditionalOpenSSL
    plain, secret = serialization.NoEncryption(), serialization.BestAvailableEncryption(b"secret")
    (pki.folder / f"{who.name}.key.der").write_bytes(
        key.private_bytes(serialization.Encoding.DER, traditional, plain)
    )
    (pki.folder / f"{who.name}.encrypted.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, secret)
    )
    (pki.folder / f"{who.name}.traditional.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, traditional, plain)
    )


def leaf_with(pki: Pki, name: str, issuer: Credential, extra: ObjectIdentifier, value: bytes) -> Credential:
    """A server's certificate with one extension that OpenSSL cannot decode."""
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (x509.SubjectAlternativeName([x509.DNSName("localhost")]), False),
        (x509.UnrecognizedExtension(extra, value), False),
    ]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return pki.issue_(name, issuer, "p256", (-10, 80), extensions, subject=subject)


def leaf_with_structures(pki: Pki) -> None:
    """A certificate whose algorithms have parameters, and whose issuer is named in an extension."""
    root = pki.root("rsa-root", key="rsa2048")
    issuer = x509.AuthorityKeyIdentifier(None, [x509.DirectoryName(root.x509.subject)], root.x509.serial_number)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "structures")])
    pki.issue_("structures", root, "p256", (-10, 80), [(issuer, False)], subject=subject)


def second_crl_issuer(pki: Pki, root: Credential, mid: Credential) -> None:
    """`mid` has another key, too, which signs its CRLs; that certificate's own key identifier is not the CRLs' identifier of the issuer."""
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=True, path_length=None), True),
        (x509.SubjectKeyIdentifier(b"\x01" * 20), False),
    ]
    second = pki.issue_("second-mid", root, "p256", (-10, 80), extensions, subject=mid.x509.subject)
    pki.bundle("second-crl", [root, mid, pki.crl("second", issuer=second, entries=2)])


def late_algorithm(pki: Pki, root: Credential) -> None:
    """late-mid is signed with an algorithm that OpenSSL does not know: ECDSA with SHA-256 under the name 1.3.6.1.4.1.9999.1."""
    mid = pki.intermediate("late-mid", issuer=root, key="p256")
    pki.leaf("late", issuer=mid, key="p256", send_intermediates=False)
    known, late = bytes.fromhex("300a06082a8648ce3d040302"), bytes.fromhex("300a06082b06010401ce0f01")
    body = mid.x509.tbs_certificate_bytes.replace(known, late)
    signature = root.private_key.sign(body, ec.ECDSA(hashes.SHA256()))
    der = tlv(0x30, body + late + tlv(3, b"\0" + signature))
    (pki.folder / "late.bundle.pem").write_bytes(root.pem_bytes + pem(der))


def write_message(pki: Pki, signer: Credential) -> None:
    """A signed PKCS #7 message with the signer's chain."""
    message = PKCS7SignatureBuilder().set_data(b"hello")
    message = message.add_signer(signer.x509, signer.private_key, hashes.SHA256())
    for above in signer.intermediates:
        message = message.add_certificate(above.x509)
    options = [PKCS7Options.Binary, PKCS7Options.NoCapabilities]
    (pki.folder / "message.p7.der").write_bytes(message.sign(serialization.Encoding.DER, options))


def make(folder: Path) -> Path:
    pki = Pki(folder)
    root = pki.root("root", key="p256")
    mid = pki.intermediate("mid", issuer=root, key="p256")
    server = pki.leaf("server", issuer=mid, key="p256")
    client = pki.client("client", issuer=mid, key="p256")
    pki.client("other", issuer=mid, key="p256")
    rsa = pki.leaf("rsa", issuer=mid, key="rsa2048")
    pki.leaf("expired", issuer=mid, key="p256", days=(-30, -1))
    revoked = pki.leaf("revoked", issuer=mid, key="p256")
    stranger_root = pki.root("stranger-root", key="p256")
    pki.leaf("stranger", issuer=stranger_root, key="p256")
    leaf_with(pki, "bad-policies", root, CERTIFICATE_POLICIES, EMPTY_SEQUENCE_OF_NUMBERS)
    leaf_with(pki, "bad-constraints", root, NAME_CONSTRAINTS, EMPTY_SEQUENCE_OF_NUMBERS)

    mid_crl = pki.crl("mid", issuer=mid, revoked=[revoked], entries=20)
    root_crl = pki.crl("root", issuer=root, entries=5)
    pki.crl("stale", issuer=mid, days=(-20, -1), revoked=[revoked])
    pki.bundle("trust", [root])
    pki.bundle("roots", [root, stranger_root])
    pki.bundle("chain", [root, mid])
    pki.bundle("crls", [root, mid, mid_crl, root_crl])
    pki.bundle("twice", [root, mid, root, mid_crl, mid_crl])
    pki.directory("trust.d", [root, mid, mid_crl, root_crl])
    for who in (client, rsa):
        write_private_keys(pki, who)
    write_request(pki, client)
    write_message(pki, server)
    leaf_with_structures(pki)
    second_crl_issuer(pki, root, mid)
    late_algorithm(pki, root)
    key = client.key.read_bytes()
    (folder / "key-last.pem").write_bytes(root.pem_bytes + key)
    (folder / "key-first.pem").write_bytes(key + root.pem_bytes)
    (folder / "key-between.pem").write_bytes(root.pem_bytes + key + mid.pem_bytes)
    traditional = (folder / "rsa.traditional.pem").read_bytes()
    (folder / "rsa-key-last.pem").write_bytes(root.pem_bytes + traditional)

    bad = bytearray(mid.der_bytes)
    bad[-3] ^= 1  # the root's signature on it is wrong
    (folder / "forged-mid.pem").write_bytes(pem(bytes(bad)))

    p384(pki)
    crowd = folder / "crowd"
    crowd.mkdir()
    for i in range(300):
        (crowd / f"{i}.der").write_bytes(crowded(client.der_bytes, 0x20000000 + i))
    shutil.copy(server.cert, folder / "plain.pem")
    return folder


def p384(pki: Pki) -> None:
    root = pki.root("root384", key="p384")
    mid = pki.intermediate("mid384", issuer=root, key="p384")
    pki.leaf("server384", issuer=mid, key="p384")
    for name in ("client384", "other384"):
        pki.client(name, issuer=mid, key="p384")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
