# SPDX-License-Identifier: Apache-2.0
"""The files that are made from the definition of the command line: help, the manual page, completions. Each is tested with the program that
uses it on a user's machine."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from terminal import on_a_terminal

DOCUMENTS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def share(ibid: Path) -> Path:
    """The folder of generated files."""
    return ibid.parent.parent / "share"


def output(words: list[str], **options: object) -> str:
    settings: dict[str, object] = {"capture_output": True, "text": True, "timeout": 60, "check": True, **options}
    done = subprocess.run(words, **settings)  # type: ignore[call-overload]
    return str(done.stdout) + str(done.stderr)


def help_of(ibid: Path, *command: str) -> str:
    return output([str(ibid), *command, "--help"])


def commands(ibid: Path) -> list[str]:
    section = help_of(ibid).split("Commands:\n")[1].split("\n\n")[0]
    return [line.split()[0] for line in section.splitlines() if line[2] != " "]


def options(ibid: Path, command: str) -> list[str]:
    section = help_of(ibid, command).split("Options:\n")[1].split("\n\n")[0]
    return re.findall(r"^  (?:-h, )?(--[a-z-]+)", section, re.MULTILINE)


def page(share: Path) -> str:
    return output(["man", "--warnings", "-l", str(share / "ibid.1")], env={**os.environ, "MANWIDTH": "200", "MAN_KEEP_FORMATTING": ""})


@pytest.mark.parametrize("columns", [60, 80])
def test_text_fits_the_terminal(ibid: Path, columns: int) -> None:
    for words in ([], *([command] for command in commands(ibid))):
        lines = on_a_terminal([str(ibid), *words, "--help"], columns=columns).decode().splitlines()
        assert [line for line in lines if len(line) > columns and not line.startswith("  ibid ")] == []  # examples are commands
    lines = on_a_terminal([str(ibid), "doctor", "openssl"], columns=columns, NO_COLOR="1").decode().splitlines()
    assert [line for line in lines if len(line) > columns and not line.startswith(("preload", "next"))] == []


class TestManualPage:
    def test_has_no_warnings(self, share: Path) -> None:
        done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(share / "ibid.1")], capture_output=True, timeout=60, check=True)
        assert done.stderr == b""
        assert len(done.stdout) > 1000

    def test_has_every_command_and_option(self, ibid: Path, share: Path) -> None:
        text = page(share)
        for command in commands(ibid):
            assert f"ibid {command}" in text
            for option in options(ibid, command):
                assert option == "--help" or option in text

    def test_has_a_name_that_apropos_finds(self, share: Path) -> None:
        if shutil.which("lexgrog") is None:
            pytest.skip("there is no lexgrog here")
        assert "ibid - keep one copy of each certificate" in output(["lexgrog", str(share / "ibid.1")])


class TestDocuments:
    def test_have_every_command_option_and_variable(self, ibid: Path, share: Path) -> None:
        """docs/command.md is written by hand, and has more text."""
        text = (DOCUMENTS / "command.md").read_text()
        for command in commands(ibid):
            assert f"ibid {command}" in text
            for option in options(ibid, command):
                assert option in text, f"{command} {option}"
        for name in re.findall(r"^\\fB([A-Z_]+)\\fR=", (share / "ibid.1").read_text(), re.MULTILINE):
            assert f"`{name}`" in text


def type_into(shell: list[str], prompt: bytes, lines: list[bytes], typed: bytes, wanted: bytes) -> None:
    """Types into an interactive shell until it shows the expected text."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update({"TERM": "dumb", "PS1": "PROMPT> ", "INPUTRC": "/dev/null", "COLUMNS": "200"})
        os.execvp(shell[0], shell)
    seen = b""

    def wait_for(text: bytes) -> None:
        nonlocal seen
        end = time.monotonic() + 20
        while text not in seen:
            assert select.select([terminal], [], [], max(0.0, end - time.monotonic()))[0], f"waited for {text!r}, saw {seen!r}"
            seen += os.read(terminal, 65536)

    try:
        wait_for(prompt)
        for number, line in enumerate(lines):
            seen = b""
            os.write(terminal, line + f"; echo 'done'{number}\n".encode())
            wait_for(f"\ndone{number}".encode())
            wait_for(prompt)
        seen = b""
        os.write(terminal, typed)
        wait_for(wanted)
    finally:
        os.kill(pid, 9)
        os.close(terminal)
        os.waitpid(pid, 0)


class TestBash:
    def test_takes_the_file(self, share: Path) -> None:
        assert output(["bash", "-n", str(share / "ibid.bash")]) == ""

    def test_has_nothing_that_a_linter_finds(self, share: Path) -> None:
        if shutil.which("shellcheck") is None:
            pytest.skip("there is no shellcheck here")
        assert output(["shellcheck", "-s", "bash", str(share / "ibid.bash")]) == ""

    def complete(self, share: Path, *words: str) -> list[str]:
        script = f'source {share}/ibid.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); $(complete -p ibid | sed -E "s/.*-F ([^ ]+).*/\\1/"); printf "%s\\n" "${{COMPREPLY[@]}}"'
        return output(["bash", "-c", script, "bash", *words]).split()

    def test_completes_commands_and_options(self, ibid: Path, share: Path) -> None:
        assert self.complete(share, "ibid", "") == [*commands(ibid), "--help", "--version"]
        for command in commands(ibid):
            assert sorted(self.complete(share, "ibid", command, "--")) == sorted(options(ibid, command))

    def test_completes_operands_and_values(self, share: Path, tmp_path: Path) -> None:
        (tmp_path / "figures.json").touch()
        assert self.complete(share, "ibid", "run", "--stats", "=", f"{tmp_path}/fig") == [f"{tmp_path}/figures.json"]
        assert "printf" in self.complete(share, "ibid", "run", "--exclude", "printf")
        assert "printf" in self.complete(share, "ibid", "run", "--stats", "--", "print")
        assert self.complete(share, "ibid", "run", "cat", f"{tmp_path}/fig") == [f"{tmp_path}/figures.json"]
        assert str(os.getpid()) in self.complete(share, "ibid", "stat", str(os.getpid()))
        assert self.complete(share, "ibid", "top", "--interval", "") == []

    def test_completes_at_the_keyboard(self, share: Path) -> None:
        type_into(["bash", "--norc", "--noprofile", "-i"], b"PROMPT> ", [f"source {share}/ibid.bash".encode()], b"ibid doc\t--js\t", b"ibid doctor --json ")


@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh here")
class TestZsh:
    def test_takes_the_file(self, share: Path) -> None:
        assert output(["zsh", "-n", str(share / "_ibid")]) == ""

    def test_completes_at_the_keyboard(self, share: Path) -> None:
        lines = [f"fpath=({share} $fpath); autoload -Uz compinit; compinit -D -u".encode()]
        type_into(["zsh", "-f", "-i"], b"PROMPT> ", lines, b"ibid doc\t--js\t", b"--json ")


@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish here")
class TestFish:
    def complete(self, share: Path, line: str, folder: Path) -> list[str]:
        text = output(["fish", "--no-config", "-c", f"source {share}/ibid.fish; complete -C {line!r}"], env={**os.environ, "HOME": str(folder)})
        return [word.split("\t")[0] for word in text.splitlines()]

    def test_completes_commands_options_and_programs(self, ibid: Path, share: Path, tmp_path: Path) -> None:
        assert sorted(self.complete(share, "ibid ", tmp_path)) == sorted(commands(ibid))
        assert self.complete(share, "ibid run --st", tmp_path) == ["--stats"]
        assert "printf" in self.complete(share, "ibid run print", tmp_path)
        assert str(os.getpid()) in self.complete(share, "ibid stat ", tmp_path)
