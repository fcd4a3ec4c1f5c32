# SPDX-License-Identifier: Apache-2.0
"""A program in which ibid is disabled."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from command import PYTHON, USES_OPENSSL, figures, run_to_end
from this_openssl import LIBCRYPTO

# Sets OpenSSL's memory functions before OpenSSL has allocated anything, and loads certificates.
OWN_MEMORY = f"""
import ctypes, os, sys
c = ctypes.CDLL("{LIBCRYPTO}")
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.realloc.restype = ctypes.c_void_p
M, R, F = (ctypes.CFUNCTYPE(r, *a) for r, a in ((ctypes.c_void_p, (ctypes.c_size_t, ctypes.c_char_p, ctypes.c_int)), (ctypes.c_void_p, (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_int)), (None, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int))))
kept = M(lambda n, f, l: libc.malloc(ctypes.c_size_t(n))), R(lambda p, n, f, l: libc.realloc(ctypes.c_void_p(p), ctypes.c_size_t(n))), F(lambda p, f, l: libc.free(ctypes.c_void_p(p)))
assert c.CRYPTO_set_mem_functions(*kept) == 1
import ssl
ssl.create_default_context(cafile="/etc/ssl/certs/ca-certificates.crt")
print("ready", flush=True)
sys.stdin.read()
os._exit(0)
"""

# Shares for a while. Then it registers a callback for every new certificate, so ibid is disabled.
DISABLED_LATER = f"""
import ctypes, ssl, sys
bundle = "/etc/ssl/certs/ca-certificates.crt"
contexts = [ssl.create_default_context(cafile=bundle) for _ in range(3)]
c = ctypes.CDLL("{LIBCRYPTO}")
NEW = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, ctypes.c_int, ctypes.c_long, ctypes.c_void_p)
told = NEW(lambda *a: None)
assert c.CRYPTO_get_ex_new_index(3, ctypes.c_long(0), None, told, None, None) > 0
print("ready", flush=True)
sys.stdin.read()
"""


class TestDisabled:
    """A program in which ibid is disabled does not count as helped, and every command prints the reason."""

    @pytest.fixture(params=[(OWN_MEMORY, "memory functions"), (DISABLED_LATER, "changes how OpenSSL parses keys")], ids=["memory", "later"])
    def program(self, request: pytest.FixtureRequest) -> tuple[str, str]:
        found: tuple[str, str] = request.param
        return found

    def test_is_in_the_summary(self, ibid: Path, tmp_path: Path, program: tuple[str, str]) -> None:
        code, why = program
        text = run_to_end([str(ibid), "run", "--stats", PYTHON, "-c", code], stdin=subprocess.DEVNULL)
        assert (text.returncode, text.stdout) == (0, "ready\n"), text.stderr
        lines = text.stderr.splitlines()
        assert lines[0].startswith("ibid: not helped: ")
        assert why in lines[0]
        if code == DISABLED_LATER:
            assert lines[1].startswith("ibid: until then: certificates: ")
        run_to_end([str(ibid), "run", f"--stats={tmp_path / 'figures.json'}", PYTHON, "-c", code], stdin=subprocess.DEVNULL)
        found = figures(tmp_path)
        assert (found["helped"], found["processes"], found["disabled"]) == (False, 1, 1)
        assert why in str(found["reason"])
        assert found["libcryptos"][0]["helped"] is False  # type: ignore[index]

    def test_is_said_of_a_running_process(self, ibid: Path, started: Callable[..., subprocess.Popen[str]], program: tuple[str, str]) -> None:
        code, why = program
        process = started([str(ibid), "run", PYTHON, "-c", code])
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        found = json.loads(run_to_end([str(ibid), "stat", str(process.pid), "--json"]).stdout)
        assert found["helped"] is False
        assert why in found["reason"]
        for command in ("stat", "certs"):
            assert "not helped: " in run_to_end([str(ibid), command, str(process.pid)]).stdout
        doctor = run_to_end([str(ibid), "doctor", str(process.pid)])
        assert doctor.returncode == 1
        assert "ibid is disabled in it: " in doctor.stdout and why in doctor.stdout

    def test_of_one_process_is_no_matter_to_another(self, ibid: Path, tmp_path: Path) -> None:
        run_to_end(
            [str(ibid), "run", f"--stats={tmp_path / 'figures.json'}", "sh", "-c", f'{PYTHON} -c "$1"; {PYTHON} -c "$2"', "sh", USES_OPENSSL, DISABLED_LATER],
            stdin=subprocess.DEVNULL,
        )
        found = figures(tmp_path)
        assert (found["helped"], found["reason"], found["processes"], found["disabled"]) == (True, None, 2, 1)
