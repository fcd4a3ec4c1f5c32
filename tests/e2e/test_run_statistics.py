# SPDX-License-Identifier: Apache-2.0
"""`ibid run --stats`: what was helped and counted, or why nothing was."""

from __future__ import annotations

import os
import platform
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from command import PYTHON, USES_OPENSSL, figures, make_static, make_waiting, run_to_end


@pytest.mark.parametrize(("program", "status"), [("there-is-no-such-program", 127), ("/etc/passwd", 126)])
def test_the_file_is_json_also_if_the_program_could_not_be_run(ibid: Path, tmp_path: Path, program: str, status: int) -> None:
    assert run_to_end([str(ibid), "run", f"--stats={tmp_path / 'figures.json'}", program]).returncode == status
    found = figures(tmp_path)
    assert (found["helped"], found["processes"]) == (False, 0)
    assert "the program could not be run" in str(found["reason"])


class TestHelp:
    """Programs that cannot be helped run normally; with --stats the reason is printed."""

    def test_for_a_static_program_there_is_none(self, supervised: list[str], ibid: Path, tmp_path: Path) -> None:
        program = make_static(tmp_path)
        assert run_to_end([*supervised, str(program)]).returncode == 4
        assert figures(tmp_path)["helped"] is False
        assert figures(tmp_path)["reason"] == "static is statically linked: nothing can be preloaded into it"
        text = run_to_end([str(ibid), "run", "--stats", str(program)])
        assert text.stderr == "ibid: not helped: static is statically linked: nothing can be preloaded into it\n"

    def test_for_a_script_for_a_static_interpreter_there_is_none(self, supervised: list[str], tmp_path: Path) -> None:
        script = tmp_path / "script"
        script.write_text(f"#!{make_static(tmp_path)}\n")
        script.chmod(0o755)
        assert run_to_end([*supervised, str(script)]).returncode == 4
        assert "statically linked" in str(figures(tmp_path)["reason"])

    def test_for_a_program_without_openssl_there_is_none(self, supervised: list[str], tmp_path: Path) -> None:
        assert run_to_end([*supervised, "sh", "-c", ":"]).returncode == 0
        assert figures(tmp_path)["helped"] is False
        assert "OpenSSL 3" in str(figures(tmp_path)["reason"])

    @pytest.mark.skipif(os.getuid() != 0, reason="needs root, to give a file to another user and become a third one")
    def test_for_a_setuid_program_there_is_none(self, ibid: Path, tmp_path: Path) -> None:
        program = make_waiting(tmp_path, "setuid")
        os.chown(program, 65534, 65534)
        program.chmod(stat.S_ISUID | 0o755)
        done = run_to_end([str(ibid), "run", "--stats", str(program)], stdin=subprocess.DEVNULL)
        assert done.returncode == 0
        assert "setuid" in done.stderr

    def test_is_off_when_it_is_disabled(self, supervised: list[str], tmp_path: Path) -> None:
        run_to_end([*supervised, PYTHON, "-c", USES_OPENSSL], stdin=subprocess.DEVNULL, env={**os.environ, "IBID_DISABLE": "1"})
        assert figures(tmp_path)["helped"] is False
        assert "IBID_DISABLE" in str(figures(tmp_path)["reason"])

    def test_for_openssl_inside_the_executable_there_is_none(
        self, supervised: list[str], ibid: Path, tmp_path: Path, started: Callable[..., subprocess.Popen[str]]
    ) -> None:
        """As Node has it, which exports OpenSSL's functions for its modules."""
        source, program = tmp_path / "context.c", tmp_path / "context"
        source.write_text(
            "#include <openssl/ssl.h>\n#include <unistd.h>\nint main(int n, char** words) { SSL_CTX* c = SSL_CTX_new(TLS_client_method());\n"
            'SSL_CTX_load_verify_locations(c, "/etc/ssl/certs/ca-certificates.crt", 0);\n'
            'if (n > 1) { write(1, "ready\\n", 6); pause(); }\nreturn c == 0; }\n'
        )
        whole = ["-Wl,--whole-archive", "-l:libssl.a", "-l:libcrypto.a", "-Wl,--no-whole-archive", "-ldl", "-lpthread"]
        builds = [["cc", "-rdynamic", "-o", str(program), str(source), *whole, *more] for more in ([], ["-lz"], ["-lz", "-lzstd"])]
        if all(subprocess.run(build, capture_output=True).returncode != 0 for build in builds):
            pytest.skip("there are no static libraries of OpenSSL here")
        assert run_to_end([*supervised, str(program)]).returncode == 0
        found = figures(tmp_path)
        assert found["helped"] is False
        assert "shared library" in str(found["reason"])
        process = started([str(ibid), "run", str(program), "hold"])
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        text = run_to_end([str(ibid), "stat", str(process.pid)])
        assert "not helped: OpenSSL is inside the executable" in text.stdout, text
        assert "ibid helps here" not in run_to_end([str(ibid), "doctor", str(process.pid)]).stdout

    def test_comes_to_a_script_through_its_interpreter(self, supervised: list[str], tmp_path: Path) -> None:
        script = tmp_path / "script"
        script.write_text(f"#!{PYTHON}\n{USES_OPENSSL}")
        script.chmod(0o755)
        assert run_to_end([*supervised, str(script)], stdin=subprocess.DEVNULL).returncode == 0
        assert figures(tmp_path)["helped"] is True

    def test_comes_to_what_a_shell_starts_and_is_summed_up(self, supervised: list[str], tmp_path: Path) -> None:
        done = run_to_end([*supervised, "sh", "-c", f"{PYTHON} -c '{USES_OPENSSL}' & {PYTHON} -c '{USES_OPENSSL}' & wait"], stdin=subprocess.DEVNULL)
        assert (done.returncode, done.stderr) == (0, "")
        found = figures(tmp_path)
        assert found["helped"] is True
        assert found["processes"] == 2
        assert found["running"] == []

    def test_that_goes_on_in_the_background_is_noted(self, supervised: list[str], tmp_path: Path) -> None:
        told = tmp_path / "told"
        os.mkfifo(told)
        waits = USES_OPENSSL.replace("sys.stdin.read()", f"open({str(told)!r}).read()")
        done = run_to_end([*supervised, "sh", "-c", f'{PYTHON} -c "$1" >"$2" 2>&1 & while ! grep -q ready "$2"; do sleep 0.05; done', "sh", waits, str(tmp_path / "log")])
        assert done.returncode == 0
        running = figures(tmp_path)["running"]
        assert isinstance(running, list) and len(running) == 1
        told.write_text("go")  # it ends


class TestSummary:
    def test_is_one_short_text_on_standard_error(self, ibid: Path) -> None:
        done = run_to_end([str(ibid), "run", "--stats", PYTHON, "-c", USES_OPENSSL], stdin=subprocess.DEVNULL)
        assert done.returncode == 0
        assert done.stdout == "ready\n"
        lines = done.stderr.splitlines()
        assert 1 <= len(lines) <= 4
        assert lines[0].startswith("ibid: certificates: ")
        assert all(line.startswith("ibid: ") for line in lines)

    def test_as_json_counts_what_was_shared(self, supervised: list[str], tmp_path: Path) -> None:
        run_to_end([*supervised, PYTHON, "-c", USES_OPENSSL], stdin=subprocess.DEVNULL)
        found = figures(tmp_path)
        assert found["reason"] is None
        certificates = found["certificates"]
        assert isinstance(certificates, dict)
        assert certificates["misses"] > 50  # the system's bundle, once
        assert set(certificates) == {"active", "retained", "hits", "misses", "evictions", "detached", "bytes_not_parsed"}

    def test_into_a_file_that_cannot_be_written_is_an_error_before_the_program_runs(self, ibid: Path, tmp_path: Path) -> None:
        done = run_to_end([str(ibid), "run", "--stats=/nowhere/at/all", "touch", str(tmp_path / "ran")])
        assert done.returncode == 2
        assert "/nowhere/at/all" in done.stderr
        assert not (tmp_path / "ran").exists()


# Runs a command like a sandbox does: the system calls with the numbers in the first argument are not
# permitted.
FORBIDS = """
import ctypes, os, struct, sys
numbers = [int(n) for n in sys.argv[1].split(",")]
kills = sys.argv[2] == "kill"
code = struct.pack("HBBI", 0x20, 0, 0, 0)
for n in numbers:
    code += struct.pack("HBBI", 0x15, 0, 1, n) + struct.pack("HBBI", 0x06, 0, 0, 0x80000000 if kills else 0x00050001)
code += struct.pack("HBBI", 0x06, 0, 0, 0x7FFF0000)
place = ctypes.create_string_buffer(code)
program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(place))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program) == 0
os.execv(sys.argv[3], sys.argv[3:])
"""

# shmget, shmat, shmctl and memfd_create on x86-64
SHARED_MEMORY = "29,30,31,319"


class TestCounting:
    """A program that runs without --stats also runs with it."""

    @pytest.mark.skipif(platform.machine() != "x86_64", reason="the system calls' numbers are those of x86-64")
    @pytest.mark.parametrize("way", ["refuse", "kill"])
    @pytest.mark.parametrize("as_json", [False, True])
    def test_is_given_up_where_shared_memory_is_not_permitted(self, ibid: Path, tmp_path: Path, way: str, as_json: bool) -> None:
        out = f"--stats={tmp_path / 'figures.json'}" if as_json else "--stats"
        # The programs that it starts inherit the sandbox, so they must not even try these calls.
        done = run_to_end([PYTHON, "-c", FORBIDS, SHARED_MEMORY, way, str(ibid), "run", out, "sh", "-c", "echo runs; exit 3"])
        assert (done.returncode, done.stdout) == (3, "runs\n")
        if as_json:
            found = figures(tmp_path)
            assert (found["helped"], found["counted"]) == (None, False)
            assert "shared memory" in str(found["reason"])
        else:
            assert done.stderr.startswith("ibid: not counted: ")
            assert "shared memory" in done.stderr

    @pytest.mark.parametrize("as_json", [False, True])
    def test_needs_no_room_in_files(self, ibid: Path, tmp_path: Path, as_json: bool) -> None:
        out = f"--stats={tmp_path / 'figures.json'}" if as_json else "--stats"
        done = run_to_end(["prlimit", "--fsize=0", str(ibid), "run", out, PYTHON, "-c", USES_OPENSSL], stdin=subprocess.DEVNULL)
        assert (done.returncode, done.stdout) == (0, "ready\n")
        assert ("cannot write the statistics" if as_json else "ibid: certificates: 0 active") in done.stderr

    @pytest.mark.skipif(os.getuid() != 0, reason="needs root: another user may have processes already")
    def test_is_given_up_where_no_process_can_be_made(self, ibid: Path) -> None:
        limited = ["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups", "prlimit", "--nproc=1"]
        done = run_to_end([*limited, str(ibid), "run", "--stats", "echo", "runs"])
        assert (done.returncode, done.stdout) == (0, "runs\n")
        assert "not counted: no further process" in done.stderr

    @pytest.mark.skipif(os.getuid() != 0, reason="needs root, to become another user")
    def test_is_done_of_programs_that_another_user_runs(self, supervised: list[str], tmp_path: Path) -> None:
        words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", PYTHON, "-c", USES_OPENSSL]
        assert run_to_end([*supervised, *words], stdin=subprocess.DEVNULL).returncode == 0
        assert figures(tmp_path)["helped"] is True

    @pytest.mark.skipif(os.getuid() != 0, reason="needs root, to drop privileges")
    def test_is_done_of_programs_that_drop_their_privileges(self, supervised: list[str], tmp_path: Path) -> None:
        assert run_to_end([*supervised, PYTHON, "-c", f"import os; os.setgid(65534); os.setuid(65534)\n{USES_OPENSSL}"], stdin=subprocess.DEVNULL).returncode == 0
        assert figures(tmp_path)["helped"] is True

    @pytest.mark.skipif(os.getuid() != 0, reason="needs root, to make a PID namespace")
    def test_is_done_in_another_pid_namespace(self, supervised: list[str], tmp_path: Path) -> None:
        words = ["unshare", "--pid", "--fork", "--mount-proc", PYTHON, "-c", USES_OPENSSL]
        assert run_to_end([*supervised, *words], stdin=subprocess.DEVNULL).returncode == 0
        assert figures(tmp_path)["helped"] is True

    @pytest.mark.skipif(os.getuid() != 0, reason="needs root, to make an IPC namespace")
    def test_that_could_not_reach_the_counters_is_not_called_no_help(self, ibid: Path) -> None:
        words = ["unshare", "--ipc", PYTHON, "-c", USES_OPENSSL]
        after = run_to_end([str(ibid), "run", "--stats", *words], stdin=subprocess.DEVNULL)
        assert (after.returncode, after.stdout) == (0, "ready\n")
        assert after.stderr.startswith("ibid: nothing to count: no process that could be counted")
        before = run_to_end(["unshare", "--ipc", str(ibid), "run", "--stats", *words[2:]], stdin=subprocess.DEVNULL)
        assert before.stderr.startswith("ibid: certificates: ")

    def test_of_forked_children_counts_each_event_once(self, supervised: list[str], tmp_path: Path) -> None:
        forks = """
import os, ssl
bundle = "/etc/ssl/certs/ca-certificates.crt"
ssl.create_default_context(cafile=bundle)
for _ in range(4):
    if os.fork() == 0:
        ssl.create_default_context(cafile=bundle)
        raise SystemExit(0)
    os.wait()
"""
        assert run_to_end([*supervised, PYTHON, "-c", forks]).returncode == 0
        found = figures(tmp_path)
        assert found["processes"] == 5
        stores = found["trust_stores"]
        assert isinstance(stores, dict)
        assert (stores["misses"], stores["hits"]) == (1, 4)

    def test_lists_libcryptos(self, supervised: list[str], tmp_path: Path) -> None:
        run_to_end([*supervised, PYTHON, "-c", USES_OPENSSL], stdin=subprocess.DEVNULL)
        libcryptos = figures(tmp_path)["libcryptos"]
        assert isinstance(libcryptos, list) and len(libcryptos) == 1
        assert libcryptos[0]["helped"] is True
        assert libcryptos[0]["certificates"] == figures(tmp_path)["certificates"]
