# SPDX-License-Identifier: Apache-2.0
"""Standard output that cannot be written, and terminals without colours."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from terminal import on_a_terminal

PYTHON = "/usr/bin/python3"
USES_OPENSSL = 'import ssl, sys; c = ssl.create_default_context(); print("ready", flush=True); sys.stdin.read()'


@pytest.fixture(scope="module")
def process(ibid: Path) -> "Iterator[subprocess.Popen[str]]":
    p = subprocess.Popen([str(ibid), "run", PYTHON, "-c", USES_OPENSSL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert p.stdout is not None and p.stdout.readline() == "ready\n"
    yield p
    p.communicate()


COMMANDS = [
    ["--help"],
    ["--version"],
    ["top", "--help"],
    ["stat", "PID"],
    ["stat", "--json", "PID"],
    ["stat", "--watch", "PID"],
    ["stat", "--watch", "--json", "PID"],
    ["top", "--once"],
    ["top", "--json"],
    ["top"],
    ["certs", "PID"],
    ["certs", "--json", "PID"],
    ["certs", "--estimate", "PID"],
    ["doctor"],
    ["doctor", "--json"],
    ["doctor", "PID"],
    ["exporter", "--once"],
    ["status"],
]


def arguments(ibid: Path, words: list[str], process: "subprocess.Popen[str]") -> list[str]:
    return [str(ibid), *(str(process.pid) if w == "PID" else w for w in words)]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_full_disk_is_an_error(ibid: Path, process: "subprocess.Popen[str]", words: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(arguments(ibid, words, process), stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "ibid: standard output could not be written: No space left on device"
    assert done.stderr.count("could not be written") == 1


@pytest.mark.parametrize("words", [["stat", "PID"], ["top", "--once"], ["top", "--json"], ["--help"]], ids=" ".join)
def test_a_pipe_that_nobody_reads_is_an_error_where_no_signal_comes(ibid: Path, process: "subprocess.Popen[str]", words: list[str]) -> None:
    there, here = os.pipe()
    os.close(there)
    ignored = [sys.executable, "-c", "import os, signal, sys; signal.signal(signal.SIGPIPE, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"]
    done = subprocess.run([*ignored, *arguments(ibid, words, process)], stdout=here, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(here)
    assert (done.returncode, done.stderr) == (1, "ibid: standard output could not be written: Broken pipe\n")


@pytest.mark.parametrize("words", [["stat", "PID"], ["top", "--once"], ["doctor"], ["--version"]], ids=" ".join)
def test_no_standard_output_is_an_error(ibid: Path, process: "subprocess.Popen[str]", words: list[str]) -> None:
    done = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *arguments(ibid, words, process)], stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr == "ibid: standard output could not be written: Bad file descriptor\n"


@pytest.mark.parametrize("words", [["doctor"], ["top", "--once"], ["certs", "PID"], ["status"]], ids=" ".join)
@pytest.mark.parametrize("environment", [{"TERM": ""}, {"TERM": None}, {"TERM": "dumb"}, {"NO_COLOR": "1"}], ids=str)
def test_has_no_colours_where_none_are_wanted(ibid: Path, process: "subprocess.Popen[str]", words: list[str], environment: "dict[str, str | None]") -> None:
    output = on_a_terminal(arguments(ibid, words, process), **environment)
    assert output and b"\x1b" not in output


@pytest.mark.parametrize("words", [["doctor"], ["top", "--once"], ["certs", "PID"]], ids=" ".join)
def test_has_colours_on_a_terminal(ibid: Path, process: "subprocess.Popen[str]", words: list[str]) -> None:
    assert b"\x1b[" in on_a_terminal(arguments(ibid, words, process))
