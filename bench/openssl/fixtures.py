# SPDX-License-Identifier: Apache-2.0
"""The certificates that the benchmarks use, made once and kept in the build folder.

    rsa/ ecdsa/    root (P-256), intermediate, server and client; RSA 2048 below the root, or P-256 throughout
    churn/         64 chains, each with an intermediate of its own
    distinct.der   certificates, all different, one after another
    large.crl.pem  a CRL of 4 MB
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from testbed.pki import Pki  # noqa: E402

DISTINCT = 4200
CHAINS = 64
CRL_ENTRIES = 110_000
STALE_AFTER = 20 * 24 * 3600  # seconds; some certificates are valid for 80 days, the CRL for 30


def make_chain(folder: Path, kind: str) -> None:
    pki = Pki(folder)
    root = pki.root("root", key="p256")
    intermediate = pki.intermediate("intermediate", issuer=root, key=kind)
    pki.leaf("server", issuer=intermediate, key=kind)
    pki.client("client", issuer=intermediate, key=kind)


def make_churn(folder: Path) -> None:
    pki = Pki(folder)
    root = pki.root("root", key="p256")
    for i in range(CHAINS):
        intermediate = pki.intermediate(f"intermediate-{i}", issuer=root, key="p256")
        pki.leaf(f"server-{i}", issuer=intermediate, key="p256")


def make_distinct(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        pki = Pki(folder)
        root = pki.root("root", key="p256")
        path.write_bytes(b"".join(c.der_bytes for c in pki.clients(DISTINCT, issuer=root, key="p256")))


def make_crl(folder: Path) -> None:
    pki = Pki(folder)
    pki.crl("large", issuer=pki.root("crl-issuer", key="p256"), entries=CRL_ENTRIES)


def fixtures(folder: Path) -> Path:
    """Makes files that are missing or too old. Returns `folder`."""
    stamp = folder / "complete"
    if stamp.exists() and time.time() - stamp.stat().st_mtime < STALE_AFTER:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    print("making certificates …", file=sys.stderr)
    make_chain(folder / "rsa", "rsa2048")
    make_chain(folder / "ecdsa", "p256")
    make_churn(folder / "churn")
    make_distinct(folder / "distinct.der")
    make_crl(folder)
    stamp.touch()
    return folder
