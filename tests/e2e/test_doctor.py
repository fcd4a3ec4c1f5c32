# SPDX-License-Identifier: Apache-2.0
"""`ibid doctor`: its answer, and what it says about the environment of a program."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from command import PYTHON, examine, ldd, make_embedding, make_program, make_static, make_waiting, run_to_end, wait_until
from terminal import on_a_terminal
from this_openssl import LIBCRYPTO, LIBSSL, SONAME_VERSION, VERSION


class TestDoctor:
    def test_says_that_it_helps_here(self, ibid: Path) -> None:
        done = run_to_end([str(ibid), "doctor"])
        assert done.returncode == 0
        assert done.stdout.splitlines()[-1].startswith("ibid helps here, where certificates")

    def test_ends_with_the_answer(self, ibid: Path, tmp_path: Path, started: Callable[..., subprocess.Popen[str]]) -> None:
        holds = "import ssl, sys; print('ready', flush=True); sys.stdin.read()"
        for words, starts in (([PYTHON, "-c", holds], "ibid would help it, "), ([str(ibid), "run", PYTHON, "-c", holds], "ibid helps here, ")):
            process = started(words)
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            assert run_to_end([str(ibid), "doctor", str(process.pid)]).stdout.splitlines()[-1].startswith(starts)
        process = started([str(make_waiting(tmp_path))])
        wait_until(lambda: "libc.so" in Path(f"/proc/{process.pid}/maps").read_text(), "it is loaded")
        for subject, said in (
            (str(process.pid), "Whether ibid would help it is not known so far."),
            ("sh", "Whether ibid helps is not known from outside."),
            ("openssl", "ibid does not help here."),
            (str(make_static(tmp_path)), "ibid does not help here."),
        ):
            assert run_to_end([str(ibid), "doctor", subject]).stdout.splitlines()[-1] == said

    def test_tells_a_reason_once_that_concerns_every_feature(self, ibid: Path) -> None:
        text = run_to_end([str(ibid), "doctor", "openssl"]).stdout
        assert "\nfeatures   none: the program names functions that write to certificates" in text
        assert text.count("names functions that write to certificates") == 1

    @pytest.mark.skipif(os.getuid() != 0, reason="needs root, to change the root directory")
    def test_in_a_root_directory_without_proc_and_devices(self, ibid: Path, tmp_path: Path) -> None:
        preload = Path(examine(ibid, "curl")["preload"])  # type: ignore[arg-type]
        for file in {str(ibid), str(preload), "/usr/bin/curl", *ldd(str(ibid)), *ldd("/usr/bin/curl")}:
            (tmp_path / file[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, tmp_path / file[1:])

        def there(*words: str) -> subprocess.CompletedProcess[str]:
            return run_to_end(["chroot", str(tmp_path), str(ibid), *words])

        assert json.loads(there("doctor", "--json", "/usr/bin/curl").stdout)["helps"] is True
        for words in (["stat", "1"], ["certs", "1"], ["certs", "--estimate", "1"], ["exporter", "--once"]):
            done = there(*words)
            assert (done.returncode, done.stdout) == (1, "")
            assert "/proc is not mounted here" in done.stderr
        for words in (["top", "--once"], ["doctor"]):
            assert "/proc is not mounted here" in there(*words).stdout

    def test_says_which_openssl_a_program_would_load_and_what_is_active(self, ibid: Path) -> None:
        found = json.loads(run_to_end([str(ibid), "doctor", "curl", "--json"]).stdout)
        assert found["helps"] is True
        assert LIBCRYPTO in found["openssl"]["libcrypto"]
        assert {f["name"]: f["active"] for f in found["features"]}["peer certificates"] is True

    def test_says_why_not_and_what_to_do(self, ibid: Path, tmp_path: Path) -> None:
        done = run_to_end([str(ibid), "doctor", str(make_static(tmp_path))])
        assert done.returncode == 1
        assert "statically linked" in done.stdout
        assert "next " in done.stdout

    def test_does_not_know_about_programs_that_may_load_openssl_later(self, ibid: Path) -> None:
        done = run_to_end([str(ibid), "doctor", "--json", "sh"])
        assert done.returncode == 0
        assert json.loads(done.stdout)["helps"] is None

    @pytest.mark.skipif(os.getuid() != 0, reason="needs root, to give a file away")
    def test_sees_that_a_program_gains_privileges(self, ibid: Path, tmp_path: Path) -> None:
        program = make_program(tmp_path, f"-l:{LIBSSL}", f"-l:{LIBCRYPTO}")
        os.chown(program, 65534, 65534)
        program.chmod(0o4755)
        found = examine(ibid, program)
        assert found["helps"] is False
        assert "the loader then ignores LD_PRELOAD" in str(found["problems"])

    def test_does_not_advise_what_cannot_help_a_process(self, ibid: Path, tmp_path: Path, started: Callable[..., subprocess.Popen[str]]) -> None:
        process = started([str(make_embedding(tmp_path, "LibreSSL 3.8.2"))])
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        assert examine(ibid, process.pid)["next"] == []

    def test_does_not_say_what_a_process_used_without_ibid(
        self, ibid: Path, tmp_path: Path, started: Callable[..., subprocess.Popen[str]]
    ) -> None:
        another = tmp_path / f"libcrypto-ca1fdc2f.so.{SONAME_VERSION}"
        shutil.copy(next(path for path in ldd("/usr/bin/curl") if LIBCRYPTO in path), another)
        process = started([PYTHON, "-c", f"import ctypes, ssl, sys; ssl.create_default_context(); ctypes.CDLL({str(another)!r}); print('ready', flush=True); sys.stdin.read()"])
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        text = run_to_end([str(ibid), "doctor", str(process.pid)]).stdout
        assert "it has 2 of them:" in text and "not used so far" not in text
        assert "preload    not in it\n" in text

    def test_speaks_of_version_managers_only_where_there_is_one(self, ibid: Path, tmp_path: Path) -> None:
        script = tmp_path / "start"
        script.write_text('#!/bin/sh\nexec "$HOME/app" "$@"\n')
        script.chmod(0o755)
        assert "env which" not in str(examine(ibid, script)["next"])

    def test_says_what_was_examined_of_a_version_managers_shim(self, ibid: Path, tmp_path: Path) -> None:
        shim = tmp_path / "python3"
        shim.write_text('#!/usr/bin/env bash\nset -e\nprogram="${0##*/}"\nexec "/opt/pyenv/libexec/pyenv" exec "$program" "$@"\n')
        shim.chmod(0o755)
        found = examine(ibid, shim)
        assert found["helps"] is None
        assert f"{shim} is a shell script" in str(found["notes"])
        assert "pyenv which python3" in str(found["next"])

    def test_follows_a_shell_script_that_only_becomes_another_program(self, ibid: Path, tmp_path: Path) -> None:
        wrapper = tmp_path / "wrapper"
        wrapper.write_text(f'#!/bin/sh\nset -e\nexport MODE=fast\nexec {shutil.which("curl")} "$@"\n')
        wrapper.chmod(0o755)
        found = examine(ibid, wrapper)
        assert found["helps"] is True
        assert found["subject"] == shutil.which("curl")

    def test_says_what_is_not_shared_with_a_program_that_writes_to_certificates(self, ibid: Path) -> None:
        found = examine(ibid, "openssl")
        assert "names functions by which it could write to certificates" in str(found["problems"])
        assert found["helps"] is False
        assert "writes to certificates" not in str(examine(ibid, "curl")["notes"])

    def test_sees_auditors(self, ibid: Path, tmp_path: Path) -> None:
        assert "LD_AUDIT is set" in str(examine(ibid, "curl", env={**os.environ, "LD_AUDIT": "/nowhere/at/all.so"})["problems"])
        found = examine(ibid, make_program(tmp_path, f"-l:{LIBSSL}", f"-l:{LIBCRYPTO}", "-Wl,--audit,/nowhere/at/all.so"))
        assert "DT_AUDIT" in str(found["problems"])

    def test_sees_that_a_program_is_left_alone(self, ibid: Path) -> None:
        assert "IBID_EXCLUDE names curl" in str(examine(ibid, "curl", env={**os.environ, "IBID_EXCLUDE": "git:curl"})["problems"])
        assert examine(ibid, "curl", env={**os.environ, "IBID_EXCLUDE": "git:curly"})["problems"] == []

    @pytest.mark.parametrize(("server", "line"), [("postfix", "postconf -e"), ("dovecot", "$import_environment LD_PRELOAD")])
    def test_knows_the_line_that_servers_with_an_environment_of_their_own_need(self, ibid: Path, tmp_path: Path, server: str, line: str) -> None:
        program = tmp_path / server
        shutil.copy("/usr/bin/true", program)
        assert line in str(examine(ibid, program)["notes"])

    def test_gives_no_advice_about_the_environment_where_the_preload_is(self, ibid: Path, tmp_path: Path, started: Callable[..., subprocess.Popen[str]]) -> None:
        program = make_waiting(tmp_path, "dovecot")
        for words, advised in (([str(ibid), "run", str(program)], False), ([str(program)], True)):
            process = started(words)
            wait_until(lambda pid=process.pid: os.readlink(f"/proc/{pid}/exe") == str(program), "it runs")  # type: ignore[misc]
            wait_until(lambda pid=process.pid: "libc.so" in Path(f"/proc/{pid}/maps").read_text(), "it is loaded")  # type: ignore[misc]
            assert ("import_environment" in str(examine(ibid, process.pid))) == advised

    @pytest.mark.skipif(os.getuid() != 0, reason="needs root, to change the root directory")
    def test_sees_that_a_process_has_another_root_directory(self, ibid: Path, started: Callable[..., subprocess.Popen[str]]) -> None:
        process = started([str(ibid), "run", PYTHON, "-c", "import os, ssl; os.chroot('/sys')\nprint('ready', flush=True)\nimport sys\nsys.stdin.read()"])
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        found = examine(ibid, process.pid)
        assert "its root directory is /sys" in str(found["notes"])
        assert found["openssl"]["version"] == VERSION  # type: ignore[index]

    def test_sees_a_filter_of_system_calls(self, ibid: Path, started: Callable[..., subprocess.Popen[str]]) -> None:
        allow_all = "import ctypes, struct, ssl, sys; code = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0x7fff0000))\n"
        allow_all += "filter = ctypes.create_string_buffer(struct.pack('HxxxxxxP', 1, ctypes.addressof(code)))\n"
        allow_all += "call = ctypes.CDLL(None).prctl; words = [ctypes.c_ulong(n) for n in (1, 0, 0, 0)]\n"
        allow_all += "assert call(38, *words) == 0 and call(22, ctypes.c_ulong(2), filter, ctypes.c_ulong(0), ctypes.c_ulong(0)) == 0\n"
        waits = "print('ready', flush=True); sys.stdin.read()"
        for code, filtered in ((allow_all + waits, True), ("import ssl, sys; " + waits, False)):
            process = started([str(ibid), "run", PYTHON, "-c", code])
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            assert ("it has a system call filter (seccomp)" in str(examine(ibid, process.pid)["notes"])) == filtered

    @pytest.mark.parametrize("name", ["bwrap", "firejail", "flatpak", "docker", "podman"])
    def test_knows_what_starts_programs_in_a_sandbox(self, ibid: Path, tmp_path: Path, name: str) -> None:
        program = tmp_path / name
        shutil.copy("/usr/bin/true", program)
        assert f"put ibid there: '{name} ... ibid run PROGRAM'" in str(examine(ibid, program)["notes"])

    def test_gives_no_advice_against_its_own_answer(self, ibid: Path, tmp_path: Path) -> None:
        program = tmp_path / "systemctl"
        shutil.copy("/usr/bin/true", program)
        notes = str(examine(ibid, program)["notes"])
        assert "'ibid enable SERVICE'" in notes and "put ibid there" not in notes
        source = tmp_path / "writer.c"
        source.write_text("int X509_sign(void); int main(void) { return X509_sign(); }\n")
        subprocess.run(["cc", "-o", str(tmp_path / "writer"), str(source), f"-l:{LIBCRYPTO}"], check=True)
        found = examine(ibid, tmp_path / "writer")
        assert (found["helps"], found["next"]) == (False, [])
        assert "which does no TLS" in str(found["notes"])

    def test_knows_programs_and_processes_that_do_not_exist(self, ibid: Path) -> None:
        assert run_to_end([str(ibid), "doctor", "there-is-no-such-program"]).returncode == 1
        assert run_to_end([str(ibid), "doctor", "999999999"]).returncode == 1

    @pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
    def test_paints_for_terminals_that_want_it(self, ibid: Path, variables: dict[str, str], coloured: bool) -> None:
        text = on_a_terminal([str(ibid), "doctor"], **variables)
        assert (b"\x1b[" in text) == coloured
