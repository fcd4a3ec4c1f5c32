# SPDX-License-Identifier: Apache-2.0
"""./dev programs must detect a difference. Here `ibid` is replaced by a command that preloads a library in which every chain verifies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ACCEPTS_ALL = """
typedef struct x509_store_ctx_st context;
void X509_STORE_CTX_set_error(context*, int);
int X509_verify_cert(context* c) { X509_STORE_CTX_set_error(c, 0); return 1; }
"""
NOT_IBID = """#!/bin/bash
statistics=${2#--stats=}
shift 3
echo '{"helped": true, "reason": null, "processes": 1, "certificates": {"hits": 0, "misses": 0}}' >"$statistics"
LD_PRELOAD=@folder@/accepts_all.so exec "$@"
"""


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A build folder with this fake `ibid` in it."""
    (tmp_path / "accepts_all.c").write_text(ACCEPTS_ALL)
    # Without a symbol version, it is found before any libcrypto's.
    subprocess.run(["cc", "-shared", "-fPIC", "-o", "accepts_all.so", "accepts_all.c"], cwd=tmp_path, check=True)
    command = tmp_path / "bin/ibid"
    command.parent.mkdir()
    command.write_text(NOT_IBID.replace("@folder@", str(tmp_path)))
    command.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("name", ["nginx", "openssl s_client"])
def test_a_program_that_verifies_otherwise_is_reported(build: Path, name: str) -> None:
    results = build / "results.json"
    done = subprocess.run(
        [sys.executable, "-m", "scripts.programs", "--no-figures", "--json", str(results), name],
        cwd=ROOT,
        env={**os.environ, "IBID_BUILD": str(build)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    (result,) = json.loads(results.read_text())
    assert "differs from stock" in result["difference"], done.stdout
