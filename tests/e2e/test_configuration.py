# SPDX-License-Identifier: Apache-2.0
"""Settings from files: which ones a program gets, the message for an invalid one, and their sources in `ibid doctor`."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

NAMES = ("IBID_SCOPE", "IBID_RETAIN", "IBID_VERIFY_MEMO", "IBID_PRIVACY", "IBID_EXCLUDE", "IBID_CHILDREN", "IBID_DISABLE")


def shown(path: Path) -> str:
    """As in a message, which has sixty letters of it."""
    return str(path) if len(str(path)) <= 60 else str(path)[:60] + "..."


class Command:
    """The command with its own configuration file."""

    def __init__(self, ibid: Path, file: Path) -> None:
        self.ibid, self.file = ibid, file

    def __call__(self, *words: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.ibid), *map(str, words)],
            env={**os.environ, "IBID_CONFIG": str(self.file), **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def environment(self, *words: object, **environment: str) -> dict[str, str]:
        """The settings that a program gets."""
        done = self("run", *words, **environment)
        assert done.returncode == 0, done.stderr
        return {name: value for name, _, value in (line.partition("=") for line in done.stdout.splitlines()) if name in NAMES}

    def doctor(self, *words: object, **environment: str) -> Any:
        return json.loads(self("doctor", "--json", *words, **environment).stdout)


@pytest.fixture
def command(ibid: Path, tmp_path: Path) -> Command:
    (tmp_path / "ibid.conf").touch()
    return Command(ibid, tmp_path / "ibid.conf")


class TestRun:
    def test_tells_of_a_name_that_resembles_a_setting(self, command: Command) -> None:
        said = "IBID_DISABLED is not a setting of ibid's. Did you mean 'IBID_DISABLE'?"
        assert command("run", "true", IBID_DISABLED="1").stderr == f"ibid: {said}\n"
        assert said in command.doctor("true", IBID_DISABLED="1")["notes"]
        assert command("run", "true", IBID_OF_ANOTHER_PROGRAM="1").stderr == ""
        command.file.write_text("IBID_RETIAN=8M\n")
        assert "Did you mean 'IBID_RETAIN'?" in command("run", "true").stderr

    def test_reads_no_device(self, command: Command) -> None:
        assert "/dev/urandom is not read: it is not a regular file" in command("run", "true", IBID_CONFIG="/dev/urandom").stderr
        assert command("run", "true", IBID_CONFIG="/dev/null").stderr == ""

    def test_gives_a_program_what_is_for_all_and_what_is_for_it(self, command: Command) -> None:
        command.file.write_text("IBID_RETAIN=8M\n[env]\nIBID_PRIVACY=strict\n[nginx]\nIBID_SCOPE=all\n")
        folder = command.file.parent / "ibid.conf.d"
        folder.mkdir()
        (folder / "20.conf").write_text("IBID_RETAIN=2M\n")
        (folder / "10.conf").write_text("IBID_RETAIN=1M\n")
        (folder / "30.conf.off").write_text("IBID_RETAIN=3M\n")
        assert command.environment("env") == {"IBID_RETAIN": "2M", "IBID_PRIVACY": "strict"}
        assert command.environment("/usr/bin/env")["IBID_PRIVACY"] == "strict"
        assert command.environment("--stats", "env")["IBID_RETAIN"] == "2M"

    def test_lets_the_environment_win(self, command: Command) -> None:
        command.file.write_text("IBID_RETAIN=8M\n[env]\nIBID_PRIVACY=strict\n")
        assert command.environment("env", IBID_RETAIN="0", IBID_PRIVACY="off") == {"IBID_RETAIN": "0", "IBID_PRIVACY": "off"}

    def test_knows_a_script_and_its_interpreter(self, command: Command, tmp_path: Path) -> None:
        script = tmp_path / "task"
        script.write_text("#!/bin/sh\nenv\n")
        script.chmod(0o755)
        command.file.write_text("[sh]\nIBID_RETAIN=1M\nIBID_SCOPE=all\n[task]\nIBID_RETAIN=2M\n")
        assert command.environment(script) == {"IBID_RETAIN": "2M", "IBID_SCOPE": "all"}

    def test_leaves_a_disabled_program_alone_as_a_child(self, command: Command) -> None:
        command.file.write_text("[git]\nIBID_DISABLE=1\n")
        assert command.environment("--exclude", "ssh", "env") == {"IBID_EXCLUDE": "git:ssh"}
        assert command.environment("env", IBID_EXCLUDE="a") == {"IBID_EXCLUDE": "a:git"}
        assert command.environment(command.ibid, "run", "env") == {"IBID_EXCLUDE": "git"}, "not twice"
        command.file.write_text("IBID_EXCLUDE=ssh\n[git]\nIBID_DISABLE=1\n")
        assert command.environment("env", IBID_EXCLUDE="a") == {"IBID_EXCLUDE": "a:git"}

    @pytest.mark.parametrize("line", ["IBID_RETAIN=8MB", "IBID_SCOPE=everything", "no sense", "[a/b]", "PATH=/nowhere"])
    def test_says_what_is_wrong_in_one_line_and_runs_the_program(self, command: Command, line: str) -> None:
        command.file.write_text(f"# one\n{line}\n")
        done = command("run", "sh", "-c", "echo runs; exit 7")
        assert (done.returncode, done.stdout) == (7, "runs\n")
        assert done.stderr.count("\n") == 1
        assert f"{command.file}:2: {line}" in done.stderr or line.split("=")[0] in done.stderr

    def test_says_nothing_of_what_concerns_another_program(self, command: Command) -> None:
        command.file.write_text("[nginx]\nIBID_RETAIN=8MB\n")
        assert command("run", "true").stderr == ""
        for subject in ("/usr/sbin/nginx", "nginx.service"):
            assert "IBID_RETAIN=8MB" in command("doctor", subject).stdout

    @pytest.mark.parametrize("setting", ["IBID_RETAIN=8MB", "IBID_SCOPE=everything"])
    def test_takes_a_wrong_variable_as_not_set(self, command: Command, setting: str) -> None:
        name, value = setting.split("=")
        done = command("run", "env", **{name: value})
        assert done.returncode == 0
        assert f"{setting} " in done.stderr and done.stderr.count("\n") == 1
        assert name not in {line.split("=")[0] for line in done.stdout.splitlines()}
        command.file.write_text("IBID_RETAIN=8M\nIBID_SCOPE=all\n")
        assert command.environment("env", **{name: value}) == {"IBID_RETAIN": "8M", "IBID_SCOPE": "all"}

    def test_does_not_wait_for_what_is_no_file(self, command: Command) -> None:
        command.file.unlink()
        os.mkfifo(command.file)
        fifo = command("run", "true")
        assert fifo.returncode == 0 and "not a regular file" in fifo.stderr
        command.file.unlink()
        command.file.mkdir()
        folder = command("run", "true")
        assert folder.returncode == 0 and "not a regular file" in folder.stderr

    def test_says_that_a_file_or_its_folder_cannot_be_read(self, command: Command) -> None:
        assert "/proc/self/mem is not read: Input/output error" in command("run", "true", IBID_CONFIG="/proc/self/mem").stderr
        folder = Path(f"{command.file}.d")
        folder.touch()
        assert "ibid.conf.d is not read: Not a directory" in command("run", "true").stderr
        folder.unlink()
        if os.getuid() != 0:
            folder.mkdir(mode=0)
            assert "ibid.conf.d is not read: Permission denied" in command("run", "true").stderr

    def test_takes_the_null_device_for_nothing(self, command: Command) -> None:
        command.file.unlink()
        command.file.symlink_to("/dev/null")
        done = command("run", "true")
        assert (done.returncode, done.stderr) == (0, "")

    def test_complains_of_a_file_that_is_none_of_its_own_in_few_lines(self, command: Command) -> None:
        command.file.write_text("no setting\n" * 1000)
        done = command("run", "true")
        assert done.returncode == 0 and len(done.stderr.splitlines()) == 21
        assert "980 more" in done.stderr

    def test_passes_over_a_file_that_is_too_large(self, command: Command) -> None:
        command.file.write_text("IBID_RETAIN=8M\n" + "# much\n" * 200000)
        done = command("run", "env")
        assert done.returncode == 0
        assert "too large" in done.stderr and "IBID_RETAIN" not in done.stdout

    def test_needs_no_file(self, command: Command) -> None:
        assert command.environment("env", IBID_CONFIG="") == {}
        assert command("run", "env", IBID_CONFIG="").stderr == ""

    def test_says_that_a_file_which_is_named_is_not_there(self, command: Command) -> None:
        command.file.unlink()
        done = command("run", "env")
        assert (done.returncode, done.stderr) == (0, f"ibid: IBID_CONFIG names {command.file}, which is not there\n".replace(str(command.file), shown(command.file)))
        folder = Path(f"{command.file}.d")
        folder.mkdir()
        (folder / "1.conf").write_text("IBID_RETAIN=8M\n")
        done = command("run", "env")
        assert done.stderr == "" and "IBID_RETAIN=8M" in done.stdout

    def test_says_that_a_section_has_no_folders(self, command: Command) -> None:
        command.file.write_text("[/usr/bin/curl]\nIBID_DISABLE=1\n")
        done = command("run", "env")
        assert "[/usr/bin/curl] is not the name of a program in brackets, without folders" in done.stderr

    def test_is_where_the_preload_does_not_look(self, command: Command, ibid: Path) -> None:
        """Inside a program, ibid opens no configuration file (decision 24)."""
        command.file.write_text("IBID_RETAIN=8M\n")
        preload = ibid.parent.parent / "lib/libibid_preload.so"
        for word in (b"ibid.conf", b"IBID_CONFIG"):
            assert word not in preload.read_bytes()


class TestDoctor:
    def settings(self, found: Any) -> dict[str, tuple[str, str]]:
        assert [one["name"] for one in found["settings"]] == list(NAMES)
        return {one["name"]: (one["value"], one["source"]) for one in found["settings"]}

    def test_shows_each_setting_and_where_it_comes_from(self, command: Command) -> None:
        command.file.write_text("IBID_RETAIN=8M\n[curl]\nIBID_PRIVACY=strict\nIBID_VERIFY_MEMO=0\n")
        found = command.doctor("curl", IBID_SCOPE="all")
        settings = self.settings(found)
        assert settings["IBID_RETAIN"] == ("8M", f"{command.file}:1")
        assert settings["IBID_PRIVACY"] == ("strict", f"{command.file}:3 [curl]")
        assert settings["IBID_SCOPE"] == ("all", "environment")
        assert settings["IBID_CHILDREN"] == ("on", "default")
        active = {feature["name"]: feature["active"] for feature in found["features"]}
        assert [on for name, on in active.items() if "signature" in name] == [False]
        text = command("doctor", "curl").stdout
        assert f"IBID_RETAIN       8M                  {command.file}:1\n" in text

    def test_says_which_file_leaves_a_program_alone(self, command: Command) -> None:
        command.file.write_text("[curl]\nIBID_DISABLE=1\n")
        found = command.doctor("curl")
        assert found["helps"] is False
        assert f"{command.file}:2 [curl]" in str(found["problems"])
        assert not any("IBID_DISABLE" in problem for problem in command.doctor("openssl")["problems"])

    def test_of_a_process_goes_by_its_environment(self, command: Command) -> None:
        command.file.write_text("IBID_RETAIN=8M\n")
        process = subprocess.Popen(
            [str(command.ibid), "run", "sleep", "60"], env={**os.environ, "IBID_CONFIG": str(command.file)}, stdout=subprocess.PIPE
        )
        try:
            while Path(f"/proc/{process.pid}/comm").read_text() != "sleep\n":
                pass
            command.file.write_text("IBID_RETAIN=1M\n")
            assert self.settings(command.doctor(process.pid))["IBID_RETAIN"] == ("8M", "environment")
        finally:
            process.kill()
            process.communicate()

    def test_copes_with_bytes_that_are_no_text(self, command: Command) -> None:
        command.file.write_bytes(b"IBID_EXCLUDE=a\xff\xfe\n\xff\x00=1\n")
        assert self.settings(command.doctor())["IBID_EXCLUDE"][0].startswith("a")
