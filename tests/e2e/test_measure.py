# SPDX-License-Identifier: Apache-2.0
"""`ibid measure`: reports a difference if there is one, and none otherwise; leaves no process behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from command import run_to_end

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
        (["--load=echo no route; exit 127", "--", "sleep", "100"], 1, "the load cannot be run; it said: no route"),
        (["--load=true", "--", "true"], 1, "--until PORT"),
        (["--load= ", "--", "sleep", "100"], 2, "--load: it is empty"),
        (["--until=1", "--", "sleep", "100"], 2, "--until needs --load"),
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
    assert "the program ended with status 3 each time" in done.stdout
    assert "a comparison needs 3 rounds or more" in done.stdout
    assert "too few runs to compare" in done.stdout and "no difference seen" not in done.stdout


def test_of_a_program_that_ends_at_once_the_time_is_not_zero(ibid: Path) -> None:
    time = figures(measure(ibid, "--json", "--rounds=3", "--", "true"))["time"]
    assert all(0.0001 < seconds < 1 for kind in ("stock", "under_ibid") for seconds in time[kind]["values"])


@pytest.mark.parametrize("status", [126, 127])
def test_a_program_may_end_as_if_it_could_not_be_run(ibid: Path, status: int) -> None:
    done = measure(ibid, "--rounds=1", "--", "sh", "-c", f"exit {status}")
    assert done.returncode == 0
    assert f"the program ended with status {status} each time" in done.stdout


def test_a_program_that_cannot_be_run_is_named_with_the_reason(ibid: Path, tmp_path: Path) -> None:
    program = tmp_path / "broken"
    program.write_text("#!/nowhere/at/all\n")
    program.chmod(0o755)
    done = measure(ibid, "--rounds=1", "--", str(program))
    assert done.returncode == 1
    assert f"{program} cannot be run: No such file or directory" in done.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to hide /proc")
def test_without_proc_nothing_is_measured(ibid: Path) -> None:
    done = run_to_end(["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /proc; exec "$0" measure --rounds=1 -- true', str(ibid)])
    assert (done.returncode, done.stdout) == (1, "")
    assert "/proc is not mounted here" in done.stderr


LISTENER = "import socket, sys, time; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); time.sleep(1000)"


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as s:
        return str(s.getsockname()[1])


def test_a_port_that_another_program_has_is_not_measured(ibid: Path) -> None:
    """The load would reach that other program."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = measure(ibid, "--rounds=1", "--until", port, "--load=true", "--", PYTHON, "-c", LISTENER, port)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"another program listens on port {port} already" in done.stderr


@pytest.mark.parametrize("address", ["::1", "127.0.0.2"])
def test_a_server_is_ready_on_whatever_address_it_listens(ibid: Path, address: str) -> None:
    port = free_port()
    family = "socket.AF_INET6" if ":" in address else "socket.AF_INET"
    server = LISTENER.replace("'127.0.0.1', int(sys.argv[1]))", f"'{address}', int(sys.argv[1])), family={family}")
    done = measure(ibid, "--rounds=1", "--until", port, "--load=true", "--", PYTHON, "-c", server, port)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
@pytest.mark.parametrize("with_load", [False, True])
def test_a_signal_leaves_no_process_behind(ibid: Path, how: signal.Signals, with_load: bool) -> None:
    mark = f"left-behind-{os.getpid()}-{how}-{with_load}"
    words = ["--load", f": {mark}; sleep 1000"] if with_load else []
    command = [str(ibid), "measure", *words, "--", PYTHON, "-c", "import time; time.sleep(1000)", mark]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while len(processes_with(mark)) < (3 if with_load else 2):
            assert time.monotonic() < deadline, processes_with(mark)
            time.sleep(0.01)
        process.send_signal(how)
        assert process.wait(30) == -how
        while processes_with(mark):
            assert time.monotonic() < deadline, processes_with(mark)
            time.sleep(0.01)
    finally:
        process.kill()


def test_latencies_that_the_load_prints_are_compared(ibid: Path) -> None:
    load = "echo 'Latency distribution:'; echo '  50% in 0.0012 secs'; echo '  99% in 0.0100 secs'"
    done = measure(ibid, "--rounds=3", "--json", "--load", load, "--", "sleep", "100")
    found = figures(done)
    assert found["latency, 50 %"]["stock"]["values"] == pytest.approx([0.0012] * 3)
    assert found["latency, 99 %"]["under_ibid"]["median"] == pytest.approx(0.01)
    text = measure(ibid, "--rounds=1", "--load", load, "--", "sleep", "100").stdout
    assert "latency, 50 % (as the load prints it)\n  stock       1.20 ms (1.20 ms to 1.20 ms)" in text


def test_a_load_without_latencies_is_said_to_have_none(ibid: Path) -> None:
    done = measure(ibid, "--rounds=1", "--load=echo 50% of it", "--", "sleep", "100")
    assert "no latencies: its output has no percentiles" in done.stdout


def test_connections_are_counted(ibid: Path) -> None:
    port = free_port()
    server = LISTENER.replace("time.sleep", "c = [s.accept() for _ in range(20)]; x = b'x' * 20_000_000; time.sleep")
    load = f"{PYTHON} -c 'import socket, time; s = [socket.create_connection((\"127.0.0.1\", {port})) for _ in range(20)]; time.sleep(1)'"
    found = figures(measure(ibid, "--json", "--rounds=1", "--until", port, "--load", load, "--", PYTHON, "-c", server, port))
    assert "20 at once" in found["memory per connection"]["what"]
    assert 5e5 < found["memory per connection"]["stock"]["median"] < 2e6


def test_a_program_that_ibid_cannot_help_is_named(ibid: Path) -> None:
    done = measure(ibid, "--rounds=1", "--json", "--", "wget", "--version")
    assert any("ibid does not help wget" in note and "GnuTLS" in note for note in json.loads(done.stdout)["notes"])
