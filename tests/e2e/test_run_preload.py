# SPDX-License-Identifier: Apache-2.0
"""`ibid run`: which programs get the preload, and that the others run as without ibid."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
from pathlib import Path

import pytest
from command import PYTHON, USES_OPENSSL, figures, ldd, make_static, run_to_end


class TestPreload:
    def test_that_is_there_already_is_kept_behind_ours(self, run: list[str], tmp_path: Path, ibid: Path) -> None:
        source = tmp_path / "other.c"
        source.write_text('#include <stdio.h>\n__attribute__((constructor)) static void hello(void) { fputs("other was here\\n", stderr); }\n')
        other = tmp_path / "other.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", str(other), str(source)], check=True)
        done = run_to_end([*run, "printenv", "LD_PRELOAD"], env={**os.environ, "LD_PRELOAD": str(other)})
        ours = (ibid.parent.parent / "lib").resolve() / "ibid/before-libasan.so/$LIB/libibid_preload.so"
        assert done.stdout == f"{ours}:{other}\n"
        assert "other was here" in done.stderr

    def test_is_set_once_however_often_ibid_runs_ibid(self, ibid: Path) -> None:
        once = run_to_end([str(ibid), "run", "printenv", "LD_PRELOAD"]).stdout
        assert run_to_end([str(ibid), "run", str(ibid), "run", "printenv", "LD_PRELOAD"]).stdout == once

    def test_is_all_that_changes_in_the_environment(self, ibid: Path) -> None:
        stock = set(run_to_end(["env", "-0"]).stdout.split("\0"))
        under = set(run_to_end([str(ibid), "run", "env", "-0"]).stdout.split("\0"))
        assert {line.split("=")[0] for line in under ^ stock} == {"LD_PRELOAD"}

    def test_that_was_lost_is_said_and_the_program_runs(self, ibid: Path, tmp_path: Path) -> None:
        lonely = tmp_path / "ibid"
        lonely.write_bytes(ibid.read_bytes())
        lonely.chmod(0o755)
        done = run_to_end([str(lonely), "run", "echo", "runs"])
        assert (done.returncode, done.stdout) == (0, "runs\n")
        assert "libibid_preload.so was not found" in done.stderr

    def test_in_a_folder_with_a_space_is_said_and_the_program_runs(self, ibid: Path, tmp_path: Path) -> None:
        for part in ("bin/ibid", "lib/libibid_preload.so"):
            copy = tmp_path / "a b" / part
            copy.parent.mkdir(parents=True)
            copy.write_bytes((ibid.parent.parent / part).read_bytes())
            copy.chmod(0o755)
        done = run_to_end([str(tmp_path / "a b/bin/ibid"), "run", "echo", "runs"])
        assert (done.returncode, done.stdout) == (0, "runs\n")
        assert "a space, a colon" in done.stderr

    def test_is_found_without_proc(self, ibid: Path) -> None:
        """As in a chroot without /proc: the command uses the path with which it was executed."""
        hidden = ["unshare", "--mount", "sh", "-c", 'umount -l /proc && exec "$@"', "sh"]
        if os.getuid() != 0:
            pytest.skip("needs root, to take /proc away")
        stock = run_to_end([str(ibid), "run", "printenv", "LD_PRELOAD"]).stdout
        done = run_to_end([*hidden, str(ibid), "run", "printenv", "LD_PRELOAD"])
        assert (done.stdout, done.stderr) == (stock, "")
        relative = run_to_end([*hidden, "./ibid", "run", "--stats", PYTHON, "-c", USES_OPENSSL], cwd=ibid.parent, stdin=subprocess.DEVNULL)
        assert relative.stderr.startswith("ibid: certificates: ")


HELLO = '#include <stdio.h>\nint main(void) { puts("child: hello"); return 0; }\n'


# How to build programs of other kinds. "cc" is always there; the others may not be installed.
KINDS = {
    "musl": ["musl-gcc"],
    "musl, static": ["musl-gcc", "-static"],
    "static": ["cc", "-static"],
    "32-bit": ["cc", "-m32"],
    "address sanitizer of GCC": ["gcc", "-fsanitize=address"],
    "address sanitizer of GCC, static": ["gcc", "-fsanitize=address", "-static-libasan"],
    "address sanitizer of GCC, 32-bit": ["gcc", "-m32", "-fsanitize=address"],
    "address sanitizer of Clang": ["clang-14", "-fsanitize=address"],
    "address sanitizer of Clang, shared": ["clang-14", "-fsanitize=address", "-shared-libasan"],
    "thread sanitizer": ["gcc", "-fsanitize=thread"],
    "thread sanitizer, static": ["gcc", "-fsanitize=thread", "-static-libtsan"],
    "thread sanitizer of Clang": ["clang-14", "-fsanitize=thread"],
    "memory sanitizer of Clang": ["clang-14", "-fsanitize=memory"],
    "undefined behaviour sanitizer": ["gcc", "-fsanitize=undefined"],
}


@pytest.fixture(scope="module", params=list(KINDS))
def program_of_another_kind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kind")
    source, program = folder / "hello.c", folder / "hello"
    source.write_text(HELLO)
    words = list(KINDS[request.param])
    if "-shared-libasan" in words and shutil.which(words[0]):
        words.append("-Wl,-rpath," + os.path.dirname(run_to_end([words[0], "-print-file-name=libclang_rt.asan-x86_64.so"]).stdout.strip()))
    if shutil.which(words[0]) is None or run_to_end([*words, "-o", str(program), str(source)]).returncode != 0:
        pytest.skip(f"{' '.join(words)} does not work here")
    return program


class TestProgramsOfAnotherKind:
    """They run as without ibid, and nothing is printed, whether started directly or by a program under ibid."""

    def test_start_directly(self, run: list[str], program_of_another_kind: Path) -> None:
        done = run_to_end([*run, str(program_of_another_kind)])
        assert (done.returncode, done.stdout, done.stderr) == (0, "child: hello\n", "")

    def test_start_as_children(self, run: list[str], program_of_another_kind: Path) -> None:
        done = run_to_end([*run, "sh", "-c", f"{program_of_another_kind}; {program_of_another_kind}"])
        assert (done.returncode, done.stdout, done.stderr) == (0, "child: hello\n" * 2, "")

    @pytest.mark.skipif(os.getuid() != 0, reason="needs root, to change the root directory")
    def test_start_in_another_root_directory(self, run: list[str], tmp_path: Path) -> None:
        """The preload is not in that root, and the loader would print an error for each program."""
        root = tmp_path / "root"
        for file in {"/bin/sh", "/bin/echo", *ldd("/bin/sh"), *ldd("/bin/echo")}:
            (root / file[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, root / file[1:])
        done = run_to_end([*run, "chroot", str(root), "/bin/sh", "-c", "/bin/echo hello"])
        assert (done.returncode, done.stdout, done.stderr) == (0, "hello\n", "")

    @pytest.mark.skipif(os.getuid() != 0, reason="needs root, to become another user")
    def test_start_as_another_user(self, run: list[str]) -> None:
        done = run_to_end([*run, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", "/bin/echo hello"])
        assert (done.returncode, done.stdout, done.stderr) == (0, "hello\n", "")

    def test_are_said_beforehand_to_a_person(self, ibid: Path, tmp_path: Path) -> None:
        """Only on a terminal; elsewhere nothing is added to the program's output."""
        program = make_static(tmp_path)
        assert run_to_end([str(ibid), "run", str(program)]).stderr == ""
        ours, theirs = pty.openpty()
        subprocess.run([str(ibid), "run", str(program)], stderr=theirs, timeout=60)
        os.close(theirs)
        assert b"ibid: static is statically linked: nothing can be preloaded into it; it runs without ibid" in os.read(ours, 65536)
        os.close(ours)


class TestPrograms:
    """Programs without ibid on purpose."""

    def test_by_name_are_not_helped_and_their_children_are(self, ibid: Path, tmp_path: Path) -> None:
        counts = [str(ibid), "run", f"--stats={tmp_path / 'figures.json'}"]
        done = run_to_end([*counts, "--exclude", "python3", "--", PYTHON, "-c", USES_OPENSSL], stdin=subprocess.DEVNULL)
        assert (done.returncode, done.stdout) == (0, "ready\n")
        assert figures(tmp_path)["helped"] is False
        assert "IBID_EXCLUDE" in str(figures(tmp_path)["reason"])
        run_to_end([*counts, "--exclude=sh", "--", "sh", "-c", f"{PYTHON} -c '{USES_OPENSSL}'; true"], stdin=subprocess.DEVNULL)
        assert figures(tmp_path)["helped"] is True

    def test_by_name_are_in_the_environment(self, ibid: Path) -> None:
        words = [str(ibid), "run", "--exclude", "git", "--exclude=ssh", "printenv", "IBID_EXCLUDE"]
        assert run_to_end(words).stdout == "git:ssh\n"
        assert run_to_end(words, env={**os.environ, "IBID_EXCLUDE": "curl"}).stdout == "curl:git:ssh\n"
        wrong = run_to_end([str(ibid), "run", "--exclude", "/usr/bin/git", "true"])
        assert wrong.returncode == 2
        assert "'/usr/bin/git' is not the name of a program" in wrong.stderr

    def test_because_another_one_starts_them_run_without_ibid(self, ibid: Path, tmp_path: Path) -> None:
        counts = [str(ibid), "run", f"--stats={tmp_path / 'figures.json'}", "--no-children", "--"]
        done = run_to_end([*counts, "sh", "-c", "/usr/bin/printenv LD_PRELOAD; true"])
        assert (done.returncode, done.stdout) == (0, "")
        kept = run_to_end([*counts, "sh", "-c", "/usr/bin/printenv LD_PRELOAD; true"], env={**os.environ, "LD_PRELOAD": "libm.so.6"})
        assert kept.stdout == "libm.so.6\n"
        run_to_end([*counts, "sh", "-c", f"{PYTHON} -c '{USES_OPENSSL}'; true"], stdin=subprocess.DEVNULL)
        assert figures(tmp_path)["helped"] is False
        run_to_end([*counts, PYTHON, "-c", USES_OPENSSL], stdin=subprocess.DEVNULL)
        assert figures(tmp_path)["helped"] is True
        run_to_end([*counts, "/usr/bin/env", PYTHON, "-c", USES_OPENSSL], stdin=subprocess.DEVNULL)
        assert figures(tmp_path)["helped"] is True
