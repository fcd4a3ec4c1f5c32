# SPDX-License-Identifier: Apache-2.0
"""Mistakes on the command line, for each command: it soon prints one or two lines that tell the fault, without control characters."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

HOSTILE = b"a\xff\x1b[2J\xc2\x9b"  # an escape sequence, C1, no UTF-8
HUGE = "a" * 100_000


def call(ibid: Path, *words: "str | bytes", **options: object) -> subprocess.CompletedProcess[bytes]:
    settings: dict[str, object] = {"capture_output": True, "timeout": 30, "stdin": subprocess.DEVNULL, **options}
    return subprocess.run([os.fsencode(ibid), *(os.fsencode(w) for w in words)], **settings)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize(
    ("words", "status", "what"),
    [
        (["doctor", ""], 2, "it is empty"),
        (["status", ""], 2, "it is empty"),
        (["disable", "--all", "--root", ""], 2, "--root: it is empty"),  # not the running system
        (["disable", "--all", "nginx"], 2, "not both"),
        (["doctor", "/tmp"], 1, "/tmp is a folder"),
        (["doctor", "."], 1, ". is a folder"),
        (["doctor", "/etc/passwd"], 1, "may not be executed"),
        (["doctor", "/dev/null"], 1, "is not a file that can be executed"),
        (["doctor", HUGE], 1, "..."),
        (["doctor", HOSTILE], 1, "there is no program a??[2J? in PATH"),
        (["doctor", "nowhere.service"], 1, "there is no nowhere.service"),
        (["enable", HOSTILE], 2, "'a??[2J?' is not the name of a service"),
        (["enable", HUGE], 2, "..."),
        (["stat", HUGE], 2, "..."),
        (["stat", HOSTILE], 2, "'a??[2J?' is not a process id"),
        (["measure", ""], 1, "the name of the program is empty"),
        (["measure", "/"], 1, "/ is a folder"),
        (["run", ""], 127, "'': command not found"),
        (["run", "/"], 126, "Permission denied"),
        (["run", "cat /etc/passwd"], 127, "No such file or directory; leave out the quotes"),
        (["run", "cat -n"], 127, "command not found; leave out the quotes"),
        (["measure", "cat -n"], 1, "in PATH; leave out the quotes"),
        (["doctor", "cat /etc/passwd"], 1, "leave out the quotes"),
        (["enable", "/lib/systemd/system/nginx.service"], 2, "is not the name of a service: a name has no folder"),
        (["run", HOSTILE], 127, "a??[2J?: command not found"),
        (["run", HUGE], 126, "...: File name too long"),
        (["statt"], 2, "Did you mean 'ibid stat'?"),
        (["stats"], 2, "Did you mean 'ibid status' or 'ibid stat'?"),
        (["tpo"], 2, "Did you mean 'ibid top'?"),
        (["foo"], 2, "'ibid --help' lists them"),  # not 'top'
        (["curl"], 2, "Did you mean 'ibid run curl'?"),
        (["there-is-no-such-program"], 2, "'ibid --help' lists them"),
        (["-x"], 2, "there is no option -x before a command"),
        (["--verison"], 2, "Did you mean 'ibid --version'?"),
        (["stat", "--jsno", "1"], 2, "stat has no option --jsno\nDid you mean '--json'?"),
        (["top", "--intervall", "5", "--once"], 2, "top has no option --intervall\nDid you mean '--interval'?"),
        (["stat", HUGE, HUGE], 2, "is one word too many"),
        (["doctor", "curl", HOSTILE], 2, "'a??[2J?' is one word too many"),
        (["doctor", b"--" + HOSTILE], 2, "doctor has no option --a??[2J?"),
        (["stat", "--interval"], 2, "--interval needs a value: --interval SECONDS"),
        (["run", "--exclude"], 2, "--exclude needs a value: --exclude NAME"),
        (["run", "--no-children=0", "true"], 2, "--no-children takes no value"),
        (["doctor", "--json=", "curl"], 2, "--json takes no value"),
        (["run", "--stats=", "true"], 2, "--stats: it is empty"),  # a shell variable that is not set
        (["run", "--exclude=", "true"], 2, "--exclude: it is empty"),
        (["run", "--exclude", "", "true"], 2, "--exclude: it is empty"),
        (["status", "--root="], 2, "--root: it is empty"),
        (["top", "--interval="], 2, "--interval: it is empty"),
        (["exporter", "--listen="], 2, "--listen: it is empty"),
        (["status", "--root", "/tmp", "nowhere"], 1, "'systemctl --root=/tmp list-unit-files --type=service' lists"),
        (["enable", "--set", "IBID_RETIAN=0", "nginx"], 2, "Did you mean 'IBID_RETAIN'?"),
    ],
)
def test_are_told_in_a_line(ibid: Path, words: "list[str | bytes]", status: int, what: str) -> None:
    done = call(ibid, *words)
    said = done.stderr.decode()  # well-formed
    assert (done.returncode, done.stdout) == (status, b"")
    assert what in said
    assert said.count("\n") <= 2 and len(said) < 500
    assert all(c.isprintable() or c == "\n" for c in said)


def test_help_is_a_command_to_some(ibid: Path) -> None:
    for words in (["help"], ["help", "doctor"], ["help", "nothing"]):
        done = call(ibid, *words)
        assert (done.returncode, done.stderr) == (0, b"") and b"Usage: ibid" in done.stdout
    assert b"Usage: ibid doctor" in call(ibid, "help", "doctor").stdout


def test_scripts_and_files_that_cannot_run(ibid: Path, tmp_path: Path) -> None:
    lost, damaged = tmp_path / "lost", tmp_path / "damaged"
    lost.write_text("#!/nowhere/python\n")
    damaged.write_bytes(Path(sys.executable).resolve().read_bytes()[:200])
    for file in (lost, damaged):
        file.chmod(0o755)
    assert b"interpreter /nowhere/python is not there" in call(ibid, "doctor", str(lost)).stdout
    assert b"is damaged" in call(ibid, "doctor", str(damaged)).stdout
    done = call(ibid, "run", str(lost))
    assert done.returncode == 127 and b"interpreter /nowhere/python is not there" in done.stderr

    lost.chmod(0o644)  # as execvp says it: not "not found"
    there = {**os.environ, "PATH": f"/nowhere:{tmp_path}"}
    for command in ("doctor", "measure"):
        assert f"{lost} may not be executed ('chmod +x' permits it)" in call(ibid, command, "lost", env=there).stderr.decode()


def test_json_is_json_whatever_the_words_are(ibid: Path, tmp_path: Path) -> None:
    assert json.loads(call(ibid, "measure", "--json", "--rounds=1", "--", "true", HOSTILE).stdout)["command"][0] == "true"
    static = os.fsencode(tmp_path) + b"/" + HOSTILE.replace(b"/", b"")
    Path(os.fsdecode(static)).write_text("#!/bin/sh\nexit 5\n")
    os.chmod(static, 0o755)
    figures = tmp_path / "figures.json"
    done = call(ibid, "run", f"--stats={figures}", static)
    assert done.returncode == 5
    json.loads(figures.read_text())
    json.loads(call(ibid, "doctor", "--json", static).stdout)


@pytest.mark.skipif(os.geteuid() != 0, reason="who is not root is told of sudo")
def test_root_is_not_told_of_sudo(ibid: Path) -> None:
    for words in (["stat", "1"], ["certs", "--estimate", "1"], ["doctor", "1"], ["top", "--once"]):
        done = call(ibid, *words)
        assert b"sudo" not in done.stdout + done.stderr


def test_a_process_that_ends_while_it_is_looked_at(ibid: Path) -> None:
    for _ in range(10):
        with subprocess.Popen(["sleep", "0.01"]) as ends:
            for command in (["stat"], ["certs"], ["certs", "--estimate"], ["doctor"]):
                done = call(ibid, *command, str(ends.pid))
                assert done.returncode in (0, 1), (command, done)


def test_closed_streams_are_no_matter(ibid: Path) -> None:
    for command in ("doctor", "status", "doctor curl", "top --once"):
        done = subprocess.run(["sh", "-c", f'"$0" {command} <&- 2>&-', str(ibid)], capture_output=True, timeout=30)
        assert done.returncode in (0, 1) and done.stdout


def test_the_machine_names_who_uses_openssl_now(ibid: Path) -> None:
    holds = "import ssl, sys; print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen(["/usr/bin/python3", "-c", holds], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        found = json.loads(call(ibid, "doctor", "--json").stdout)["running"]
        text = call(ibid, "doctor").stdout.decode()
        process.communicate()
    [user] = [u for u in found if process.pid in u["pids"]]
    assert len({(u["name"], u["service"], u["under_ibid"]) for u in found}) == len(found)
    assert (user["name"], user["under_ibid"]) == ("python3", False)
    assert "running now with OpenSSL's libssl\n" in text and "'ibid doctor NAME.service'" in text


@contextlib.contextmanager
def held(words: list[str]) -> Iterator[int]:
    """A process that has written a line and waits."""
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        yield process.pid
        process.communicate()


def test_processes_with_and_without_ibid_are_not_one_row(ibid: Path) -> None:
    holds = ["/usr/bin/python3", "-c", "import ssl, sys; print('ready', flush=True); sys.stdin.read()"]
    with held(holds) as stock, held([str(ibid), "run", *holds]) as under:
        found = json.loads(call(ibid, "doctor", "--json").stdout)["running"]
    of = {pid: user["under_ibid"] for user in found for pid in user["pids"]}
    assert (of[stock], of[under]) == (False, True)


def test_a_wheels_libssl_is_one_too(ibid: Path, tmp_path: Path) -> None:
    """As psycopg2-binary has it."""
    libssl = tmp_path / "libssl-8bd944e8.so.3"
    (tmp_path / "empty.c").write_text("int f(void) { return 1; }\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(libssl), str(tmp_path / "empty.c")], check=True)
    code = f"import ctypes, sys; ctypes.CDLL({str(libssl)!r}); print('ready', flush=True); sys.stdin.read()"
    with held(["/usr/bin/python3", "-c", code]) as pid:
        found = json.loads(call(ibid, "doctor", "--json").stdout)["running"]
    assert any(pid in user["pids"] for user in found)


def test_a_process_that_cannot_be_read_is_not_said_to_have_no_openssl(ibid: Path) -> None:
    with subprocess.Popen(["true"]) as ended:
        deadline = time.monotonic() + 10
        while " Z " not in Path(f"/proc/{ended.pid}/stat").read_text():
            assert time.monotonic() < deadline
        text = call(ibid, "doctor", str(ended.pid))
        found = json.loads(call(ibid, "doctor", "--json", str(ended.pid)).stdout)
    assert text.returncode == 1 and b"has ended; its parent has not asked" in text.stdout
    assert b"OpenSSL" not in text.stdout and b"settings" not in text.stdout and b"ibid run" not in text.stdout
    assert found["helps"] is False


def test_names_of_files_cannot_write_to_the_terminal(ibid: Path, tmp_path: Path) -> None:
    for name in (b"new\nline", b"escape\x1b[31m", b"bad\xffbyte"):
        path = os.fsencode(tmp_path) + b"/" + name
        shutil.copy("/usr/bin/curl", path)
        done = call(ibid, "doctor", path)
        lines = done.stdout.decode().splitlines()
        assert lines[1].startswith("about ") and lines[2].startswith("preload "), lines
        assert "\x1b" not in done.stdout.decode()


def test_units_that_are_no_services(ibid: Path) -> None:
    done = call(ibid, "doctor", "ssh.socket")
    assert done.returncode == 1 and b"ssh.socket is a socket unit: name the service that it starts" in done.stderr


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"#!/usr/bin/python3\r", b"the line ends with a carriage return"),
        (b"#!/usr/bin/env perl -w", b"'#!/usr/bin/env -S perl -w' splits it"),
        (b"#!/usr/bin/env -S -u NAME -C / A=1 perl -w", b""),
        (b"#!/usr/bin/env -i", b""),
    ],
)
def test_first_lines_of_scripts_are_read_as_the_kernel_reads_them(ibid: Path, tmp_path: Path, line: bytes, problem: bytes) -> None:
    script = tmp_path / "script"
    script.write_bytes(line + b"\n")
    script.chmod(0o755)
    done = call(ibid, "doctor", str(script))
    assert problem in done.stdout
    assert (b"problem" in done.stdout) == bool(problem), done.stdout


def test_a_file_that_is_no_program_is_not_to_be_made_one(ibid: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello\n")
    (tmp_path / "script").write_text("#!/bin/sh\n")
    assert b"it is no program" in call(ibid, "doctor", str(tmp_path / "text")).stderr
    assert b"chmod +x" in call(ibid, "doctor", str(tmp_path / "script")).stderr
