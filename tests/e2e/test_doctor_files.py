# SPDX-License-Identifier: Apache-2.0
"""`ibid doctor`, where files are not what they usually are: replaced, closed, or no regular files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command import PYTHON, USES_OPENSSL, examine, ldd, make_program, run_to_end
from this_openssl import LIBCRYPTO, LIBSSL, VERSION

as_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root, to read files that have no name, or to become another user")


def copy_openssl(folder: Path) -> list[Path]:
    folder.mkdir()
    return [Path(shutil.copy(path, folder)) for path in ldd("/usr/bin/curl") if LIBSSL in path or LIBCRYPTO in path]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Others may enter pytest's folders only here."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def ibid_for_all(ibid: Path, open_folder: Path) -> Path:
    """An installation where other users may read it."""
    built = ibid.parent.parent
    for part in ("bin/ibid", "lib/libibid_preload.so", "lib/ibid"):
        (open_folder / part).parent.mkdir(exist_ok=True)
        if (built / part).is_dir():
            shutil.copytree(built / part, open_folder / part)
        else:
            shutil.copy(built / part, open_folder / part)
    return open_folder / "bin/ibid"


@as_root
class TestOfLibrariesThatWereReplaced:
    @pytest.mark.parametrize("under_ibid", [True, False])
    @pytest.mark.parametrize("removed", [True, False])
    def test_a_process_is_judged_by_what_it_has(
        self, ibid: Path, tmp_path: Path, started: Callable[..., subprocess.Popen[str]], under_ibid: bool, removed: bool
    ) -> None:
        libraries = copy_openssl(tmp_path / "openssl")
        start = [str(ibid), "run"] if under_ibid else []
        process = started([*start, PYTHON, "-c", USES_OPENSSL], env={**os.environ, "LD_LIBRARY_PATH": str(tmp_path / "openssl")})
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        for library in libraries:
            library.unlink()
            if not removed:
                library.write_text("another one")
        found = examine(ibid, process.pid)
        assert (found["openssl"]["version"], found["helps"]) == (VERSION, under_ibid)  # type: ignore[index]
        assert [one["path"] for one in found["libcryptos"]] == [str(tmp_path / "openssl" / LIBCRYPTO)]  # type: ignore[attr-defined]
        assert str(found).count("was replaced or removed since the process started") == 2
        assert "(deleted)" not in str(found)
        end = "ibid helps here, " if under_ibid else "ibid would help it, "
        assert run_to_end([str(ibid), "doctor", str(process.pid)]).stdout.splitlines()[-1].startswith(end)

    def test_a_line_feed_in_a_path_is_no_replacement(self, ibid: Path, tmp_path: Path, started: Callable[..., subprocess.Popen[str]]) -> None:
        copy_openssl(tmp_path / "a\nb")
        process = started([PYTHON, "-c", USES_OPENSSL], env={**os.environ, "LD_LIBRARY_PATH": str(tmp_path / "a\nb")})
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        assert examine(ibid, process.pid)["openssl"]["version"] == VERSION  # type: ignore[index]


class TestOfFifos:
    def test_one_in_place_of_a_library_is_not_waited_for(self, ibid: Path, tmp_path: Path) -> None:
        program = make_program(tmp_path, f"-l:{LIBSSL}", f"-l:{LIBCRYPTO}")
        os.mkfifo(tmp_path / LIBSSL)
        for found in (examine(ibid, program), json.loads(run_to_end([str(ibid), "doctor", "--json"], env={**os.environ, "LD_LIBRARY_PATH": str(tmp_path)}).stdout)):
            assert found["helps"] is False
            assert "does not get to the end of its libraries: one of them may be a FIFO" in str(found["problems"])


def as_nobody(*words: object) -> list[str]:
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *map(str, words)]


@as_root
class TestOfFilesThatMayNotBeRead:
    def test_a_program_that_may_only_be_executed_is_not_judged(self, ibid_for_all: Path, open_folder: Path) -> None:
        program = Path(shutil.copy("/usr/bin/curl", open_folder))
        for mode, helps, said in ((0o711, None, "may not be read (Permission denied)"), (0o4711, False, "runs with privileges of its own")):
            program.chmod(mode)
            found = json.loads(run_to_end(as_nobody(ibid_for_all, "doctor", "--json", program)).stdout)
            assert found["helps"] is helps
            assert said in str(found) and "neither ELF" not in str(found)

    def test_a_preload_that_this_user_may_not_read_is_not_set(self, ibid_for_all: Path, open_folder: Path) -> None:
        (open_folder / "lib/libibid_preload.so").chmod(0o600)
        done = run_to_end(as_nobody(ibid_for_all, "run", "sh", "-c", "/bin/true; echo ${LD_PRELOAD-none}"))
        assert (done.returncode, done.stdout) == (0, "none\n")
        assert done.stderr.count("\n") == 1 and "you may not read" in done.stderr
        found = json.loads(run_to_end(as_nobody(ibid_for_all, "doctor", "--json", "/usr/bin/curl")).stdout)
        assert found["helps"] is False
        assert "no program of yours can load it" in str(found["problems"])


class TestOfScripts:
    def test_the_reason_is_told_why_one_cannot_run(self, ibid: Path, tmp_path: Path) -> None:
        first, second = tmp_path / "first", tmp_path / "second"
        for text, said in (
            ("#!/etc/passwd\n", "whose interpreter /etc/passwd is nothing that can be executed"),
            ("#!/nowhere/at/all\n", "whose interpreter /nowhere/at/all is not there"),
            (f"#!/bin/sh\nexec {second}\n", f"{first} starts itself again and again"),
        ):
            first.write_text(text)
            second.write_text(f"#!/bin/sh\nexec {first}\n")
            for script in (first, second):
                script.chmod(0o755)
            assert said in str(examine(ibid, first)["problems"])
