#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A realistic PKI in a folder: certificates as a public or company CA issues them today, and broken ones.

Certificates look like real ones, because ibid's savings depend on their size and on the number of their extensions: a leaf
has several SANs, AIA, CRL distribution points, policies, SKI, AKI, key usages, and two SCTs.

    from testbed.pki import Pki
    pki = Pki("/tmp/x")
    root = pki.root("root", key="rsa4096")                    # key: rsa2048 | rsa3072 | rsa4096 | p256 | p384
    mid = pki.intermediate("mid", issuer=root)                # default key: rsa2048
    server = pki.leaf("server", issuer=mid, key="p256", names=["localhost"], addresses=["127.0.0.1"])
    alice = pki.client("alice", issuer=mid)
    many = pki.clients(1000, issuer=mid)                      # distinct certificates; keys from a small pool
    small = pki.crl("small", issuer=mid, revoked=[alice])
    large = pki.crl("large", issuer=mid, entries=110_000)     # about 4 MB of DER
    trust = pki.bundle("trust", [root])                       # a CA file
    folder = pki.directory("trust.d", [root, small])          # a hashed CA directory (X509_LOOKUP_hash_dir)

Each of root/intermediate/leaf/client returns a `Credential`; its paths are PEM files unless they say otherwise:

    server.cert      only the certificate                     server.key       the private key
    server.chain     the certificate, then its intermediates  server.combined  chain and key in one file (HAProxy)
    server.above     only the intermediates, may be empty     server.x509      cryptography's object
    server.der       only the certificate, DER

Broken on purpose (`leaf` or `client` with other arguments; `Standard` has one of each):

    pki.leaf("old", issuer=mid, days=(-30, -1))               # expired; days = (not before, not after) from now
    pki.leaf("early", issuer=mid, days=(+5, +30))             # not yet valid
    pki.leaf("elsewhere", issuer=mid, names=["elsewhere.example"], addresses=[])
    pki.leaf("short", issuer=mid, send_intermediates=False)   # chain lacks the intermediate
    pki.client("mallory", issuer=mid, usage="server")         # wrong extended key usage
    broken_der(server.der_bytes, "truncated")                 # bytes that a parser must refuse; see BROKEN_DER

`Standard(folder)` is the usual set. Each member is made at its first use:

    s = Standard("/tmp/x"); s.server.chain; s.client.key; s.trust; s.expired; s.revoked; s.crl; …

As a command, for programs in other languages: `testbed/pki.py FOLDER [--clients N] [--crl-entries N]` writes the
usual set.
"""

from __future__ import annotations

import argparse
import datetime
import functools
import ipaddress
import os
import secrets
import subprocess
import struct
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import (
    AuthorityInformationAccessOID,
    ExtendedKeyUsageOID,
    NameOID,
    ObjectIdentifier,
)

PrivateKey = Any  # rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
SCT_LIST = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
DOMAIN_VALIDATED = ObjectIdentifier("2.23.140.1.2.1")
BROKEN_DER = ("truncated", "outer length", "garbage", "empty", "trailing byte", "wrong tag", "inner length")
NAMES = ("localhost", "www.ibid.test", "ibid.test", "*.api.ibid.test", "static.ibid.test")
ADDRESSES = ("127.0.0.1", "::1")


def new_key(kind: str) -> PrivateKey:
    """A new private key: rsa2048, rsa3072, rsa4096, p256 or p384."""
    if kind.startswith("rsa"):
        return rsa.generate_private_key(public_exponent=65537, key_size=int(kind[3:]))
    curves = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1()}
    if kind not in curves:
        raise ValueError(f"no such kind of key: {kind}")
    return ec.generate_private_key(curves[kind])


def sct_list() -> bytes:
    """The value of an SCT list extension with two well-formed SCTs (RFC 6962, section 3.3), about 245 bytes."""
    scts = b""
    for _ in range(2):
        signature = b"\x30\x45\x02\x20" + bytes([secrets.randbelow(127)]) + secrets.token_bytes(31)
        signature += b"\x02\x21\x00" + bytes([128 + secrets.randbelow(127)]) + secrets.token_bytes(31)
        milliseconds = int(datetime.datetime.now().timestamp() * 1000)
        sct = b"\0" + secrets.token_bytes(32) + struct.pack(">QH", milliseconds, 0)
        sct += b"\x04\x03" + struct.pack(">H", len(signature)) + signature  # SHA-256 with ECDSA
        scts += struct.pack(">H", len(sct)) + sct
    content = struct.pack(">H", len(scts)) + scts
    return b"\x04\x81" + bytes([len(content)]) + content  # OCTET STRING around the TLS list


def broken_der(der: bytes, how: str) -> bytes:
    """`der`, broken in one of the ways of BROKEN_DER. `trailing byte` is a valid certificate and one more byte."""
    if how == "truncated":
        return der[: len(der) // 2]
    if how == "outer length":  # a length beyond the end
        return der[:2] + struct.pack(">H", len(der) + 100) + der[4:]
    if how == "garbage":
        return bytes(range(256)) * 2
    if how == "empty":
        return b""
    if how == "trailing byte":
        return der + b"\0"
    if how == "wrong tag":  # a SET instead of the SEQUENCE
        return b"\x31" + der[1:]
    if how == "inner length":  # the outer header is correct, the header of the TBSCertificate is not
        return der[:6] + struct.pack(">H", len(der)) + der[8:]
    raise ValueError(f"no such way to break DER: {how}")


@dataclass(frozen=True)
class Credential:
    """A certificate, its private key, and the paths of its files."""

    name: str
    folder: Path
    x509: x509.Certificate
    private_key: PrivateKey
    issuer: Credential | None = field(repr=False)
    intermediates: tuple[Credential, ...] = field(default=(), repr=False)

    @property
    def cert(self) -> Path:
        return self.folder / f"{self.name}.cert.pem"

    @property
    def der(self) -> Path:
        return self.folder / f"{self.name}.cert.der"

    @property
    def chain(self) -> Path:
        return self.folder / f"{self.name}.chain.pem"

    @property
    def above(self) -> Path:
        return self.folder / f"{self.name}.above.pem"

    @property
    def key(self) -> Path:
        return self.folder / f"{self.name}.key.pem"

    @property
    def combined(self) -> Path:
        return self.folder / f"{self.name}.combined.pem"

    @property
    def pem_bytes(self) -> bytes:
        return self.x509.public_bytes(serialization.Encoding.PEM)

    @property
    def der_bytes(self) -> bytes:
        return self.x509.public_bytes(serialization.Encoding.DER)

    @property
    def chain_der(self) -> list[bytes]:
        """What a server sends: this certificate and its intermediates, each DER."""
        return [self.der_bytes, *(c.der_bytes for c in self.intermediates)]

    def write(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        key = self.private_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        above = b"".join(c.pem_bytes for c in self.intermediates)
        chain = self.pem_bytes + above
        self.cert.write_bytes(self.pem_bytes)
        self.der.write_bytes(self.der_bytes)
        self.above.write_bytes(above)
        self.chain.write_bytes(chain)
        self.key.write_bytes(key)
        self.combined.write_bytes(chain + key)
        # Workers of nginx and HAProxy change to another user. They read files before that, but OpenSSL reads
        # directories later. These keys protect nothing.
        for path in (self.cert, self.der, self.above, self.chain, self.key, self.combined):
            path.chmod(0o644)


@dataclass(frozen=True)
class Crl:
    """A certificate revocation list; `path` is PEM, `der` is DER."""

    name: str
    folder: Path
    x509: x509.CertificateRevocationList = field(repr=False)

    @property
    def path(self) -> Path:
        return self.folder / f"{self.name}.crl.pem"

    @property
    def der(self) -> Path:
        return self.folder / f"{self.name}.crl.der"

    @property
    def pem_bytes(self) -> bytes:
        return self.x509.public_bytes(serialization.Encoding.PEM)


class Pki:
    """Issues certificates and CRLs into a folder. Not thread-safe."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0, tzinfo=None)
        self.client_keys_: dict[str, list[PrivateKey]] = {}

    def root(
        self, name: str, *, key: str | PrivateKey = "rsa2048", days: tuple[float, float] = (-365, 3650)
    ) -> Credential:
        """A self-signed CA."""
        return self.issue_(
            name, None, key, days, self.authority_extensions_(None), subject=self.authority_name_(name)
        )

    def intermediate(
        self,
        name: str,
        *,
        issuer: Credential,
        key: str | PrivateKey = "rsa2048",
        days: tuple[float, float] = (-180, 1800),
        path_length: int | None = None,
    ) -> Credential:
        """A CA below another. With `path_length` None, further intermediates are allowed."""
        extensions = self.authority_extensions_(path_length)
        extensions += self.locations_(issuer)
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        extensions.append((x509.ExtendedKeyUsage(usages), False))
        return self.issue_(name, issuer, key, days, extensions, subject=self.authority_name_(name))

    def leaf(
        self,
        name: str,
        *,
        issuer: Credential,
        key: str | PrivateKey = "rsa2048",
        names: Sequence[str] = NAMES,
        addresses: Sequence[str] = ADDRESSES,
        days: tuple[float, float] = (-10, 80),
        usage: str = "server",
        send_intermediates: bool = True,
        scts: bool = True,
    ) -> Credential:
        """A server's certificate. `usage` is server, client or both; the common name is the first of `names`."""
        extensions = self.leaf_extensions_(issuer, usage)
        alternatives: list[x509.GeneralName] = [x509.DNSName(n) for n in names]
        alternatives += [x509.IPAddress(ipaddress.ip_address(a)) for a in addresses]
        if alternatives:
            extensions.append((x509.SubjectAlternativeName(alternatives), False))
        if scts:
            extensions.append((x509.UnrecognizedExtension(SCT_LIST, sct_list()), False))
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0] if names else name)])
        return self.issue_(
            name, issuer, key, days, extensions, subject=subject, send_intermediates=send_intermediates
        )

    def client(
        self,
        name: str,
        *,
        issuer: Credential,
        key: str | PrivateKey = "rsa2048",
        days: tuple[float, float] = (-10, 355),
        usage: str = "client",
        send_intermediates: bool = True,
    ) -> Credential:
        """A client's certificate, as a company CA issues it to a person or a service."""
        extensions = self.leaf_extensions_(issuer, usage)
        extensions.append(
            (
                x509.SubjectAlternativeName(
                    [
                        x509.RFC822Name(f"{name}@ibid.test"),
                        x509.UniformResourceIdentifier(f"spiffe://ibid.test/service/{name}"),
                    ]
                ),
                False,
            )
        )
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "AT"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Ibid Test"),
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Services"),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        return self.issue_(
            name, issuer, key, days, extensions, subject=subject, send_intermediates=send_intermediates
        )

    def clients(
        self,
        count: int,
        *,
        issuer: Credential,
        key: str = "rsa2048",
        prefix: str = "client",
        distinct_keys: int = 4,
    ) -> Iterator[Credential]:
        """`count` distinct client certificates, PREFIX-0, PREFIX-1, …; their keys are from a pool of `distinct_keys` keys."""
        pool = self.client_keys_.setdefault(key, [])
        while len(pool) < min(distinct_keys, count):
            pool.append(new_key(key))
        for i in range(count):
            yield self.client(f"{prefix}-{i}", issuer=issuer, key=pool[i % distinct_keys])

    def crl(
        self,
        name: str,
        *,
        issuer: Credential,
        revoked: Iterable[Credential] = (),
        entries: int = 0,
        days: tuple[float, float] = (-1, 30),
        number: int = 1,
    ) -> Crl:
        """A CRL that revokes `revoked` and `entries` unused serial numbers (36 bytes of DER each)."""
        when = self.now - datetime.timedelta(days=2)
        serials = [c.x509.serial_number for c in revoked]
        serials += [(1 << 126) + secrets.randbits(125) for _ in range(entries)]
        # add_revoked_certificate copies the whole list at each call (quadratic), so the list goes to the
        # constructor.
        listed = [x509.RevokedCertificateBuilder(s, when).build() for s in serials]
        builder = x509.CertificateRevocationListBuilder(
            issuer.x509.subject, self.at_(days[0]), self.at_(days[1]), [], listed
        )
        builder = builder.add_extension(x509.CRLNumber(number), critical=False)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.private_key.public_key()),
            critical=False,
        )
        crl = Crl(name, self.folder, builder.sign(issuer.private_key, hashes.SHA256()))
        crl.path.write_bytes(crl.pem_bytes)
        crl.der.write_bytes(crl.x509.public_bytes(serialization.Encoding.DER))
        return crl

    def bundle(self, name: str, members: Iterable[Credential | Crl]) -> Path:
        """One PEM file with all `members`, each with a comment line above it, as CA bundles have."""
        path = self.folder / f"{name}.bundle.pem"
        path.write_bytes(b"".join(f"# {m.name}\n".encode() + m.pem_bytes for m in members))
        return path

    def directory(self, name: str, members: Iterable[Credential | Crl]) -> Path:
        """A hashed directory, as `openssl rehash` makes it."""
        path = self.folder / name
        path.mkdir(exist_ok=True)
        for member in members:
            suffix = "crl.pem" if isinstance(member, Crl) else "pem"
            (path / f"{member.name}.{suffix}").write_bytes(member.pem_bytes)
        subprocess.run(["openssl", "rehash", path], check=True, capture_output=True)
        return path

    def at_(self, days: float) -> datetime.datetime:
        return self.now + datetime.timedelta(days=days)

    @staticmethod
    def authority_name_(name: str) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "AT"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Ibid Test Certification Services"),
                x509.NameAttribute(NameOID.COMMON_NAME, f"Ibid Test CA {name}"),
            ]
        )

    @staticmethod
    def key_usage_(authority: bool) -> x509.KeyUsage:
        return x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=not authority,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=authority,
            crl_sign=authority,
            encipher_only=False,
            decipher_only=False,
        )

    def authority_extensions_(self, path_length: int | None) -> list[tuple[x509.ExtensionType, bool]]:
        return [
            (x509.BasicConstraints(ca=True, path_length=path_length), True),
            (self.key_usage_(True), True),
        ]

    @staticmethod
    def locations_(issuer: Credential) -> list[tuple[x509.ExtensionType, bool]]:
        """AIA, CRL distribution point and policies with the issuer's name. Nothing fetches the URLs."""
        base = f"http://{issuer.name.replace(' ', '-')}.pki.ibid.test"
        uri = x509.UniformResourceIdentifier
        access = [
            x509.AccessDescription(AuthorityInformationAccessOID.OCSP, uri(f"{base}/ocsp")),
            x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, uri(f"{base}/ca.der")),
        ]
        point = x509.DistributionPoint([uri(f"{base}/ca.crl")], None, None, None)
        policies = [
            x509.PolicyInformation(DOMAIN_VALIDATED, None),
            x509.PolicyInformation(ObjectIdentifier("1.3.6.1.4.1.44947.1.1.1"), ["http://cps.pki.ibid.test"]),
        ]
        return [
            (x509.AuthorityInformationAccess(access), False),
            (x509.CRLDistributionPoints([point]), False),
            (x509.CertificatePolicies(policies), False),
        ]

    def leaf_extensions_(self, issuer: Credential, usage: str) -> list[tuple[x509.ExtensionType, bool]]:
        usages = {
            "server": [ExtendedKeyUsageOID.SERVER_AUTH],
            "client": [ExtendedKeyUsageOID.CLIENT_AUTH],
            "both": [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH],
        }[usage]
        return [
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (self.key_usage_(False), True),
            (x509.ExtendedKeyUsage(usages), False),
            *self.locations_(issuer),
        ]

    def issue_(
        self,
        name: str,
        issuer: Credential | None,
        key: str | PrivateKey,
        days: tuple[float, float],
        extensions: list[tuple[x509.ExtensionType, bool]],
        *,
        subject: x509.Name,
        send_intermediates: bool = True,
    ) -> Credential:
        private = new_key(key) if isinstance(key, str) else key
        signer = issuer.private_key if issuer else private

        def has(kind: type[x509.ExtensionType]) -> bool:
            return any(isinstance(extension, kind) for extension, _ in extensions)

        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.x509.subject if issuer else subject)
            .public_key(private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.at_(days[0]))
            .not_valid_after(self.at_(days[1]))
        )
        if not has(x509.SubjectKeyIdentifier):
            key_identifier = x509.SubjectKeyIdentifier.from_public_key(private.public_key())
            builder = builder.add_extension(key_identifier, critical=False)
        if issuer and not has(x509.AuthorityKeyIdentifier):
            identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
            builder = builder.add_extension(identifier, critical=False)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        certificate = builder.sign(signer, hashes.SHA256())
        above: tuple[Credential, ...] = ()
        if issuer and issuer.issuer and send_intermediates:
            above = (issuer, *issuer.intermediates)
        credential = Credential(name, self.folder, certificate, private, issuer, above)
        credential.write()
        return credential


class Standard:
    """The usual set. Each member is made at its first use, so a test waits only for the members that it uses."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.pki = Pki(folder)

    # Authorities: `root` (RSA 4096) → `intermediate` (RSA 2048); `ec_root` (P-256) → `ec_intermediate`
    # (P-256).
    @functools.cached_property
    def root(self) -> Credential:
        return self.pki.root("root", key="rsa4096")

    @functools.cached_property
    def intermediate(self) -> Credential:
        return self.pki.intermediate("intermediate", issuer=self.root, path_length=0)

    @functools.cached_property
    def ec_root(self) -> Credential:
        return self.pki.root("ec-root", key="p256")

    @functools.cached_property
    def ec_intermediate(self) -> Credential:
        return self.pki.intermediate("ec-intermediate", issuer=self.ec_root, key="p256", path_length=0)

    @functools.cached_property
    def other_root(self) -> Credential:
        """A root that is in no trust file."""
        return self.pki.root("other-root", key="p256")

    @functools.cached_property
    def other_intermediate(self) -> Credential:
        return self.pki.intermediate("other-intermediate", issuer=self.other_root, key="p256", path_length=0)

    @functools.cached_property
    def trust(self) -> Path:
        """The trust file of a verifier: both good roots."""
        return self.pki.bundle("trust", [self.root, self.ec_root])

    # Valid servers and clients.
    @functools.cached_property
    def server(self) -> Credential:
        return self.pki.leaf("server", issuer=self.intermediate)

    @functools.cached_property
    def ec_server(self) -> Credential:
        return self.pki.leaf("ec-server", issuer=self.ec_intermediate, key="p256")

    @functools.cached_property
    def client(self) -> Credential:
        return self.pki.client("client", issuer=self.intermediate)

    @functools.cached_property
    def ec_client(self) -> Credential:
        return self.pki.client("ec-client", issuer=self.ec_intermediate, key="p256")

    # Broken servers.
    @functools.cached_property
    def expired(self) -> Credential:
        return self.pki.leaf("expired", issuer=self.intermediate, days=(-90, -1))

    @functools.cached_property
    def not_yet_valid(self) -> Credential:
        return self.pki.leaf("not-yet-valid", issuer=self.intermediate, days=(30, 90))

    @functools.cached_property
    def wrong_host(self) -> Credential:
        return self.pki.leaf(
            "wrong-host", issuer=self.intermediate, names=["elsewhere.example"], addresses=["192.0.2.1"]
        )

    @functools.cached_property
    def unknown_ca(self) -> Credential:
        return self.pki.leaf("unknown-ca", issuer=self.other_intermediate)

    @functools.cached_property
    def missing_intermediate(self) -> Credential:
        return self.pki.leaf("missing-intermediate", issuer=self.intermediate, send_intermediates=False)

    @functools.cached_property
    def revoked(self) -> Credential:
        return self.pki.leaf("revoked", issuer=self.intermediate)

    # Broken clients.
    @functools.cached_property
    def expired_client(self) -> Credential:
        return self.pki.client("expired-client", issuer=self.intermediate, days=(-90, -1))

    @functools.cached_property
    def revoked_client(self) -> Credential:
        return self.pki.client("revoked-client", issuer=self.intermediate)

    @functools.cached_property
    def wrong_usage_client(self) -> Credential:
        return self.pki.client("wrong-usage-client", issuer=self.intermediate, usage="server")

    @functools.cached_property
    def other_ca_client(self) -> Credential:
        return self.pki.client("other-ca-client", issuer=self.other_intermediate)

    @functools.cached_property
    def missing_intermediate_client(self) -> Credential:
        return self.pki.client(
            "missing-intermediate-client", issuer=self.intermediate, send_intermediates=False
        )

    # Revocation. A verifier with crl_check_all needs a CRL of every CA in the chain: `crls` has all of them.
    @functools.cached_property
    def crl(self) -> Crl:
        """The CRL of `intermediate`; it revokes `revoked` and `revoked_client`."""
        return self.pki.crl(
            "intermediate", issuer=self.intermediate, revoked=[self.revoked, self.revoked_client]
        )

    @functools.cached_property
    def other_crls(self) -> tuple[Crl, ...]:
        """The CRLs of the other good CAs; they are empty."""
        return tuple(self.pki.crl(c.name, issuer=c) for c in (self.root, self.ec_root, self.ec_intermediate))

    @functools.cached_property
    def crls(self) -> Path:
        """The CRLs of all good CAs in one file."""
        return self.pki.bundle("crls", [self.crl, *self.other_crls])

    @functools.cached_property
    def trust_with_crls(self) -> Path:
        """The good roots and all CRLs in one CA file, as s_client, HAProxy and Python read them."""
        path = self.pki.folder / "trust-with-crls.bundle.pem"
        path.write_bytes(self.trust.read_bytes() + self.crls.read_bytes())
        return path

    def large_crl(self, entries: int = 110_000) -> Crl:
        """Like `crl`, with many more entries; 110,000 are 4 MB."""
        revoked = [self.revoked, self.revoked_client]
        return self.pki.crl(f"large-{entries}", issuer=self.intermediate, revoked=revoked, entries=entries)

    def write_all(self) -> None:
        """Makes every member."""
        for member, value in vars(type(self)).items():
            if isinstance(value, functools.cached_property):
                getattr(self, member)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        description="Write the usual PKI into FOLDER: roots, chains, clients, CRLs, and broken ones."
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--clients", type=int, default=0, metavar="N", help="also N client certificates, client-0 …"
    )
    parser.add_argument(
        "--client-key", default="rsa2048", metavar="KIND", help="their kind of key (%(default)s)"
    )
    parser.add_argument(
        "--crl-entries", type=int, default=0, metavar="N", help="also large-N.crl.pem with N entries"
    )
    options = parser.parse_args(arguments)
    standard = Standard(options.folder)
    standard.write_all()
    for how in BROKEN_DER:
        path = options.folder / f"broken-{how.replace(' ', '-')}.der"
        path.write_bytes(broken_der(standard.server.der_bytes, how))
    for _ in standard.pki.clients(options.clients, issuer=standard.intermediate, key=options.client_key):
        pass
    if options.crl_entries:
        standard.large_crl(options.crl_entries)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
