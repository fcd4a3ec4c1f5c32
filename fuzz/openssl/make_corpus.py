#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes seeds for fuzz_openssl: real chains in every scene.

The certificates are those of testbed/pki.py (RSA and P-256, SANs, SCTs, broken ones, CRLs) and a sample of the system's CA
bundle. What is committed in corpus/ is what the fuzzer kept of them:

    fuzz/openssl/make_corpus.py /tmp/seeds
    build/fuzz/bin/fuzz_openssl -merge=1 fuzz/openssl/corpus /tmp/seeds
"""

from __future__ import annotations

import argparse
import hashlib
import ssl
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from testbed.pki import BROKEN_DER, Standard, broken_der  # noqa: E402

SYSTEM_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
DECODING, WRITING, HANDSHAKE, SESSION, TRUST_FILE = range(5)  # scenes.h
RAW = 3  # of handshakes and trust files: the payload is all there is


def certificates(standard: Standard, roots: int) -> Iterator[bytes]:
    for name in ("root", "intermediate", "server", "ec_root", "ec_server", "client", "expired", "wrong_host"):
        yield getattr(standard, name).der_bytes
    for how in BROKEN_DER:
        yield broken_der(standard.ec_server.der_bytes, how)
    if SYSTEM_BUNDLE.exists():
        end = "-----END CERTIFICATE-----\n"
        pems = SYSTEM_BUNDLE.read_text().split(end)[:-1]
        by_size = sorted((ssl.PEM_cert_to_DER_cert(pem.strip() + "\n" + end) for pem in pems), key=len)
        yield from by_size[:: max(1, len(by_size) // roots)][:roots]


def seeds(standard: Standard, roots: int) -> Iterator[bytes]:
    for number, der in enumerate(certificates(standard, roots)):
        for into in range(8):
            yield bytes([DECODING, (number + into) % 8 | into << 3 | (number % 4) << 6]) + der
        yield bytes([WRITING, number % 16 | (number * 7 % 16) << 4]) + der
        for how in (0x00, 0x10, 0x31, 0x12, 0xC0, 0xC1):
            yield bytes([HANDSHAKE, how]) + der
        for how in (0x00, 0x06, 0x40, 0x38):
            yield bytes([SESSION, how]) + der
        for how in (0x00, 0x04, 0x29, 0x3C, 0x70):
            yield bytes([TRUST_FILE, how]) + der
    ec = standard.ec_server
    chain = b"".join(len(d).to_bytes(3, "big") + d for d in (ec.der_bytes, standard.ec_intermediate.der_bytes))
    for listed in (chain, chain[:-1], b"\0\0\0" + chain):
        yield bytes([HANDSHAKE, RAW | 0x10]) + len(listed).to_bytes(3, "big") + listed
    pem = standard.trust.read_bytes()
    for content in (pem, pem[:-40], b"\n" * 3 + pem + ec.key.read_bytes(), pem.replace(b"\n", b"\r\n"), pem + b"\0"):
        for how in (0x00, 0x20, 0x30, 0x80):
            yield bytes([TRUST_FILE, RAW | how]) + content
    for crl in (standard.crl, *standard.other_crls):
        der = crl.der.read_bytes()
        for how in (0x02, 0x46, 0x0A, 0x60, 0xC2):
            yield bytes([TRUST_FILE, how]) + der


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--roots", type=int, default=12, metavar="N", help="of the system's bundle (%(default)s)")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds(Standard(folder), options.roots):
            (options.folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
