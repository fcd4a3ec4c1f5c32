# SPDX-License-Identifier: Apache-2.0
"""Mistakes on the command line, for each command: it soon prints one or two lines that tell the fault, without control characters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
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
        (["doctor", "/etc/passwd"], 1, "may not be executed"),
        (["doctor", "/dev/null"], 1, "is not a file that can be executed"),
        (["doctor", HUGE], 1, "..."),
        (["doctor", HOSTILE], 1, "there is no program a??[2J? in PATH"),
        (["doctor", "nowhere.service"], 1, "there is no nowhere.service"),
        (["enable", HOSTILE], 1, "'a??[2J?' is not the name of a service"),
        (["enable", HUGE], 1, "..."),
        (["stat", HUGE], 2, "..."),
        (["stat", HOSTILE], 2, "'a??[2J?' is not a process id"),
        (["measure", ""], 1, "the name of the program is empty"),
        (["measure", "/"], 1, "/ is a folder"),
        (["run", ""], 127, "'': command not found"),
        (["run", "/"], 126, "Permission denied"),
        (["run", HOSTILE], 127, "a??[2J?: command not found"),
        (["run", HUGE], 126, "...: File name too long"),
        (["statt"], 2, "Did you mean 'ibid stat'?"),
        (["curl"], 2, "Did you mean 'ibid run curl'?"),
        (["there-is-no-such-program"], 2, "'ibid --help' lists them"),
        (["-x"], 2, "there is no option -x before a command"),
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
    assert (user["name"], user["under_ibid"]) == ("python3", False)
    assert "running now with OpenSSL's libssl\n" in text and "'ibid doctor NAME.service'" in text
