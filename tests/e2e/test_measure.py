# SPDX-License-Identifier: Apache-2.0
"""`ibid measure`: reports a difference if there is one, and none otherwise; leaves no process behind."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

PYTHON = "/usr/bin/python3"
CONTEXTS = 'import ssl; contexts = [ssl.create_default_context(cafile="/etc/ssl/certs/ca-certificates.crt") for _ in range(10)]'
# A server that makes a context for each connection. It has a descendant that outlives its parent and is in
# another process group.
SERVER = f"""
import os, socket, sys, time
{CONTEXTS.split(';')[0]}
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(1000)
    os._exit(0)
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
contexts = []
while True:
    listener.accept()[0].close()
    {CONTEXTS.split('; ')[1].replace('contexts = ', 'contexts += ').replace('range(10)', 'range(2)')}
"""
LOAD = 'for i in 1 2 3 4 5; do (exec 3<>/dev/tcp/127.0.0.1/PORT && cat <&3) || exit 9; done'


def measure(ibid: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(ibid), "measure", *words], capture_output=True, text=True, timeout=300)


def figures(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    return {figure["name"]: figure for figure in json.loads(done.stdout)["figures"]}


def processes_with(text: str) -> list[int]:
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if text.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(int(pid))
        except OSError:
            pass
    return found


def test_a_program_that_gains_is_said_to(ibid: Path) -> None:
    found = figures(measure(ibid, "--json", "--rounds", "3", "--", PYTHON, "-c", CONTEXTS))
    for name in ("memory", "CPU"):
        assert found[name]["differ"] is True
        assert found[name]["under_ibid"]["median"] < found[name]["stock"]["median"]
        assert len(found[name]["stock"]["values"]) == 3
    assert 2e6 < found["memory"]["stock"]["median"] < 1e8
    text = measure(ibid, "--rounds=3", PYTHON, "-c", CONTEXTS)
    assert text.stdout.count(" x less\n") >= 2


def test_a_program_that_does_not_is_not(ibid: Path) -> None:
    """This program uses no OpenSSL, so the only possible difference is the cost of the preload itself."""
    done = measure(ibid, "--rounds=4", "--", PYTHON, "-c", "x = bytearray(20_000_000); import time; time.sleep(0.2)")
    assert done.returncode == 0
    assert " x less" not in done.stdout.split("CPU")[0] or "1.00 x less" in done.stdout
    assert "memory" in done.stdout


def test_a_server_is_measured_under_a_load_and_ended(ibid: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = str(s.getsockname()[1])
    server = tmp_path / "server.py"
    server.write_text(SERVER)
    load = tmp_path / "load"
    load.write_text("#!/bin/bash\n" + LOAD.replace("PORT", port))
    load.chmod(0o755)
    found = figures(measure(ibid, "--json", "--rounds=3", "--until", port, "--load", str(load), "--", PYTHON, str(server), port))
    assert found["memory"]["differ"] is True
    assert found["memory"]["under_ibid"]["median"] < found["memory"]["stock"]["median"]
    assert found["time"]["what"] == "of the load"
    assert processes_with(str(server)) == []


@pytest.mark.parametrize(
    ("words", "status", "what"),
    [
        (["--", "there-is-no-such-program"], 1, "there is no program there-is-no-such-program in PATH"),
        (["--until=1", "--load=true", "--", "false"], 1, "ended with status 1 before the load began"),
        (["--load=there-is-no-such-load", "--", "sleep", "100"], 1, "the load cannot be run"),
        (["--rounds=2", "--", "sh", "-c", 'exit $(printenv LD_PRELOAD | wc -l)'], 1, "these cannot be compared"),
        ([], 2, "no program is given"),
        (["--rounds=0", "true"], 2, "is not a whole number"),
    ],
)
def test_what_cannot_be_measured_is_said(ibid: Path, words: list[str], status: int, what: str) -> None:
    done = measure(ibid, *words)
    assert (done.returncode, done.stdout) == (status, "")
    assert what in done.stderr


def test_of_a_program_that_fails_each_time_the_status_is_noted(ibid: Path) -> None:
    done = measure(ibid, "--rounds=1", "--", "sh", "-c", "exit 3")
    assert "it ended with status 3 each time" in done.stdout
    assert "with fewer than 3 rounds no difference is reported" in done.stdout
