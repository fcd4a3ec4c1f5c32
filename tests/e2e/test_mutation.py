# SPDX-License-Identifier: Apache-2.0
"""IBID_ON_MUTATE: what an operator is told of a program that writes to what it shares, and that nothing else changes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from equality import OPENSSL, read_statistics
from servers import Backends
from test_surroundings import PATH, compiled

from testbed.pki import Standard

ALL = ("own", "root", "root", "peer", "peer", "crl", "crl", "revoked", "own")
FIRST = ("root", "peer", "crl")  # of ALL, the writes to what is shared until then: see below for "revoked"
WHAT = {"root": "certificate", "peer": "certificate", "crl": "CRL", "revoked": "CRL"}
LINE = re.compile(rb"ibid: (.+)\+0x([0-9a-f]+) writes to a shared (certificate|CRL); it is shared no longer")

Writer = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("writer"), "writer.c", "-lssl", "-lcrypto")


@pytest.fixture
def writer(program: Path, pki: Standard, backends: Backends) -> Writer:
    """Runs the program with some writes, after `wrap`, with what is added to its environment."""

    def run(
        *writes: str, wrap: tuple[str | Path, ...] = (), stderr: int = subprocess.PIPE, **more: str | Path
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*wrap, program, pki.trust_with_crls, str(backends.ports["server"]), *writes],
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={**PATH, **OPENSSL, **{name: str(value) for name, value in more.items()}},
            timeout=60,
        )

    return run


def preload(ibid: Path) -> Path:
    return ibid.parent.parent / "lib" / "libibid_preload.so"


def function_at(program: Path, offset: int) -> str:
    """Whose code is there, by the program's own list of symbols."""
    listing = subprocess.run(["nm", "-S", "--defined-only", program], check=True, capture_output=True, text=True)
    for line in listing.stdout.splitlines():
        fields = line.split()
        if len(fields) == 4 and int(fields[0], 16) <= offset <= int(fields[0], 16) + int(fields[1], 16):
            return fields[3]
    return "nobody"


def told(done: subprocess.CompletedProcess[bytes], program: Path) -> list[tuple[str, str]]:
    """Who wrote to what, by the lines on standard error; there is nothing else on it."""
    lines = []
    for line in done.stderr.splitlines():
        match = LINE.fullmatch(line)
        assert match, line
        assert match[1] == os.fsencode(program)
        lines.append((function_at(program, int(match[2], 16)), match[3].decode()))
    return lines


def test_a_write_is_logged_once_for_each_shared_object_with_the_place_that_wrote(
    writer: Writer, program: Path, ibid: Path
) -> None:
    stock = writer(*ALL)
    assert stock.returncode == 5 and stock.stdout.count(b": 1\n") == len(ALL), stock.stdout
    done = writer(*ALL, wrap=(ibid, "run", "--"), IBID_ON_MUTATE="log")
    assert told(done, program) == [(f"write_{name}", WHAT[name]) for name in FIRST]
    assert (done.returncode, done.stdout) == (stock.returncode, stock.stdout)


def test_a_write_to_an_entry_of_a_shared_list_is_logged_as_one_to_the_list(
    writer: Writer, program: Path, ibid: Path
) -> None:
    done = writer("revoked", "revoked", wrap=(ibid, "run", "--"), IBID_ON_MUTATE="log")
    assert told(done, program) == [("write_revoked", "CRL")]


@pytest.mark.parametrize("name", WHAT)
def test_abort_says_who_writes_and_ends_the_program_by_SIGABRT_before_the_write(
    writer: Writer, program: Path, ibid: Path, tmp_path: Path, name: str
) -> None:
    file = tmp_path / "statistics.json"
    for wrap in ((ibid, "run", "--"), (ibid, "run", f"--stats={file}", "--")):
        done = writer("own", name, "own", wrap=wrap, IBID_ON_MUTATE="abort")
        assert done.returncode == -signal.SIGABRT
        assert told(done, program) == [(f"write_{name}", WHAT[name])]
        assert done.stdout.endswith(f"own: 1\n{name} is to be written to\n".encode())
    statistics = read_statistics(file)
    assert statistics.of("certificates", "detached") == (1 if WHAT[name] == "certificate" else 0)


def test_a_program_that_writes_to_its_own_alone_is_neither_told_of_nor_ended(writer: Writer, ibid: Path) -> None:
    for value in ("log", "abort"):
        done = writer("own", "own", wrap=(ibid, "run", "--"), IBID_ON_MUTATE=value)
        assert (done.returncode, done.stderr) == (5, b"")


@pytest.mark.parametrize("value", [None, "detach"])
def test_nothing_is_said_unasked(writer: Writer, ibid: Path, tmp_path: Path, value: str | None) -> None:
    stock = writer(*ALL)
    file = tmp_path / "statistics.json"
    chosen = {} if value is None else {"IBID_ON_MUTATE": value}
    done = writer(*ALL, wrap=(ibid, "run", f"--stats={file}", "--"), **chosen)
    assert (done.returncode, done.stdout, done.stderr) == (stock.returncode, stock.stdout, b"")
    assert read_statistics(file).of("certificates", "detached") == 2


def test_a_value_that_is_not_known_is_refused_by_run_and_counts_as_unset_inside_a_program(
    writer: Writer, ibid: Path
) -> None:
    for value in ("panic", "Abort", "log,abort", "1"):
        refused = writer(*ALL, wrap=(ibid, "run", "--"), IBID_ON_MUTATE=value)
        assert refused.returncode == 2 and refused.stdout == b""
        assert f"IBID_ON_MUTATE={value}".encode() in refused.stderr and b"'detach', 'log' or 'abort'" in refused.stderr
        inside = writer(*ALL, LD_PRELOAD=preload(ibid), IBID_ON_MUTATE=value)
        assert inside.returncode == 5 and inside.stdout.count(b": 1\n") == len(ALL)
        assert inside.stderr == b""


def test_a_log_that_nobody_reads_changes_nothing(writer: Writer, ibid: Path) -> None:
    stock = writer(*ALL)
    reading, writing = os.pipe()
    os.close(reading)
    try:
        broken = writer(*ALL, LD_PRELOAD=preload(ibid), IBID_ON_MUTATE="log", stderr=writing)
    finally:
        os.close(writing)
    assert (broken.returncode, broken.stdout) == (stock.returncode, stock.stdout)
    closed = writer(*ALL, wrap=("sh", "-c", 'exec "$@" 2>&-', "sh"), LD_PRELOAD=preload(ibid), IBID_ON_MUTATE="log")
    assert (closed.returncode, closed.stdout) == (stock.returncode, stock.stdout)


def test_a_program_with_a_very_long_name_is_logged_in_one_whole_line(
    writer: Writer, program: Path, ibid: Path, tmp_path: Path
) -> None:
    folder = tmp_path / ("a" * 200) / ("b" * 200) / ("c" * 200)
    folder.mkdir(parents=True)
    long = folder / "writer"
    long.write_bytes(program.read_bytes())
    long.chmod(0o755)
    done = writer("root", wrap=(ibid, "run", "--", "sh", "-c", f'shift; exec "{long}" "$@"', "sh"), IBID_ON_MUTATE="log")
    assert done.returncode == 5
    assert re.fullmatch(
        rb"ibid: \.\.\..*/" + b"c" * 200 + rb"/writer\+0x[0-9a-f]+ writes to a shared certificate; it is shared no longer\n",
        done.stderr,
    ), done.stderr
