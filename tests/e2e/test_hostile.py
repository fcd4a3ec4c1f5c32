# SPDX-License-Identifier: Apache-2.0
"""What others chose. Processes that forge ibid's published data (tests/support/hostile): a command that reads them ends soon,
within bounds, and reports it. Names with control characters: none of these reaches the terminal."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from command import PYTHON, USES_OPENSSL
from control_groups import ControlGroups
from test_exporter import Exporter

Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def hostile(ibid: Path, tmp_path: Path) -> Iterator[Start]:
    program = ibid.parent / "hostile_process"
    running = []

    def start(mode: str) -> "subprocess.Popen[str]":
        if not program.exists():
            pytest.skip("hostile_process was not built")
        folder = tmp_path / f"{mode}{len(running)}"
        folder.mkdir()
        process = subprocess.Popen([str(program), str(folder), mode], stdout=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            assert process.wait(10) == 77
            pytest.skip("this system does not let it: userfaultfd, or that much memory")
        return process

    yield start
    for process in running:
        process.kill()
        process.wait(30)


def run(*words: object, memory: int = 1 << 30) -> "tuple[subprocess.CompletedProcess[str], float]":
    """Runs the command with a memory limit of a gigabyte. Also returns how long it took."""
    begin = time.monotonic()
    done = subprocess.run(
        [str(w) for w in words], capture_output=True, text=True, timeout=60, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    )
    return done, time.monotonic() - begin


class TestMemoryThatNeverComes:
    @pytest.mark.parametrize("command", ["stat", "certs", "doctor"])
    def test_is_given_up(self, ibid: Path, hostile: Start, command: str) -> None:
        process = hostile("silent_block")
        done, seconds = run(ibid, command, process.pid)
        assert done.returncode == 1
        assert "could not be read" in done.stdout + done.stderr
        assert seconds < 5

    def test_is_given_up_where_certificates_should_be(self, ibid: Path, hostile: Start) -> None:
        process = hostile("silent_anchor")
        done, seconds = run(ibid, "certs", process.pid)
        assert (done.returncode, done.stdout) == (1, "")
        assert "cannot be read" in done.stderr and "did not finish" in done.stderr
        assert seconds < 10
        done, seconds = run(ibid, "stat", process.pid)
        assert done.returncode == 0, "the counters can be read"

    def test_is_not_read_by_an_estimate(self, ibid: Path, hostile: Start) -> None:
        done, seconds = run(ibid, "certs", "--estimate", "--json", hostile("silent_encoding").pid)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["cut"] is False
        assert seconds < 4

    def test_leaves_no_process_behind(self, ibid: Path, hostile: Start) -> None:
        def readers() -> int:
            names = [Path(f"/proc/{p}/comm") for p in os.listdir("/proc") if p.isdigit()]
            return sum(n.exists() and n.read_text() == "ibid\n" for n in names)

        before = readers()
        run(ibid, "stat", hostile("silent_block").pid)
        end = time.monotonic() + 5
        while readers() > before and time.monotonic() < end:
            time.sleep(0.1)
        assert readers() <= before

    def test_does_not_stop_top(self, ibid: Path, hostile: Start) -> None:
        for _ in range(6):
            hostile("silent_block")
        done, seconds = run(ibid, "top", "--once", "--json")
        assert done.returncode == 0
        assert json.loads(done.stdout)["unreadable"] >= 6
        assert seconds < 10

    def test_does_not_stop_the_exporter(self, ibid: Path, hostile: Start) -> None:
        """Each such process costs time once, and all together cost a scrape at most a few seconds."""
        exporter = Exporter(ibid)
        try:
            for _ in range(10):
                hostile("silent_block")
            most = 0.0
            for _ in range(6):  # one scrape asks some of them, the next one asks others
                begin = time.monotonic()
                text = exporter.get()[2]
                assert time.monotonic() - begin < 8
                [silent] = [line for line in text.splitlines() if line.startswith("ibid_exporter_silent_processes ")]
                most = max(most, float(silent.split()[1]))
                time.sleep(0.3)  # within 0.2 s it sends the same data again
            assert most >= 10
            scans = []
            for _ in range(3):
                begin = time.monotonic()
                exporter.get()
                scans.append(time.monotonic() - begin)
                time.sleep(0.3)
            assert min(scans) < 1, f"processes that did not answer are asked again too soon: {scans}"
        finally:
            exporter.process.terminate()
            assert exporter.process.wait(10) == 0


class TestForgedNumbers:
    def test_of_ten_thousand_libcryptos_are_summed_up(self, ibid: Path, hostile: Start) -> None:
        done, seconds = run(ibid, "stat", "--json", hostile("files").pid)
        assert done.returncode == 0
        assert len(json.loads(done.stdout)["libcryptos"]) <= 64
        assert seconds < 5

    def test_of_certificates_are_cut_and_told(self, ibid: Path, hostile: Start) -> None:
        done, seconds = run(ibid, "certs", "--json", hostile("different").pid)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["cut"] is True
        assert len(done.stdout) < 100 << 20
        assert seconds < 20

    def test_of_certificates_that_are_all_one_are_one(self, ibid: Path, hostile: Start) -> None:
        done, seconds = run(ibid, "certs", hostile("many").pid)
        assert done.returncode == 0, done.stderr
        assert "1 certificate\n" in done.stdout and "not all are shown" in done.stdout
        assert max(map(len, done.stdout.splitlines())) < 5000
        assert seconds < 20

    def test_of_a_heap_that_is_full_of_them_are_cut(self, ibid: Path, hostile: Start) -> None:
        done, seconds = run(ibid, "certs", "--estimate", "--json", hostile("encodings").pid)
        assert done.returncode == 0, done.stderr
        assert seconds < 40
        assert "cut" in json.loads(done.stdout)

    def test_of_a_vast_heap_take_no_time(self, ibid: Path, hostile: Start) -> None:
        """64 TiB of address space, and hardly a page of memory."""
        done, seconds = run(ibid, "certs", "--estimate", "--json", hostile("vast").pid)
        assert done.returncode == 0, done.stderr
        assert seconds < 40


NASTY = "\x1b[31m\x9b\nx"


def obeys(text: str) -> bool:
    """Whether a terminal would do something else than show it, or somebody else's words stand as a line of their own."""
    return any((c < " " and c != "\n") or "\x7f" <= c < "\xa0" or c == "\ufffd" for c in text) or "\nx" in text


class TestNamesWithControlCharacters:
    def shown(self, ibid: Path, *words: str, **environment: str) -> str:
        done = subprocess.run([str(ibid), *words], capture_output=True, timeout=60, env={**os.environ, **environment})
        text = (done.stdout + done.stderr).decode(errors="replace")
        assert "[31m" in text, "it shows the name"
        assert not obeys(text), repr(text)
        return text

    @pytest.mark.parametrize(
        "words",
        [
            ["run", f"--stats=/nowhere/{NASTY}", "true"],
            ["enable", "--root", f"/{NASTY}", "web"],
            ["status", "--root", f"/{NASTY}"],
            ["top", "--sort", NASTY],
        ],
        ids=lambda words: words[0],
    )
    def test_are_shown_as_question_marks(self, ibid: Path, words: list[str]) -> None:
        self.shown(ibid, *words)

    def test_of_a_configuration_file(self, ibid: Path, tmp_path: Path) -> None:
        (tmp_path / "c.conf.d").mkdir()
        (tmp_path / f"c.conf.d/{NASTY}.conf").write_text("bad\n")
        self.shown(ibid, "run", "true", IBID_CONFIG=str(tmp_path / "c.conf"))

    def test_of_the_folder_that_ibid_is_in(self, ibid: Path, tmp_path: Path) -> None:
        folder = tmp_path / f"{NASTY} y"
        (folder / "lib").mkdir(parents=True)
        shutil.copytree(ibid.parent, folder / "bin", ignore=lambda _, names: [n for n in names if n != "ibid"])
        shutil.copy(ibid.parent.parent / "lib/libibid_preload.so", folder / "lib")
        self.shown(folder / "bin/ibid", "run", "true")

    def test_of_another_users_settings(self, ibid: Path, started: Callable[..., "subprocess.Popen[str]"]) -> None:
        process = started([str(ibid), "run", PYTHON, "-c", USES_OPENSSL], env={**os.environ, "IBID_EXCLUDE": NASTY})
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        self.shown(ibid, "doctor", str(process.pid))

    @pytest.mark.parametrize("user", ["", "user.slice/user-1000.slice/user@1000.service/app.slice/"])
    def test_of_a_control_group(self, ibid: Path, control_groups: ControlGroups, user: str) -> None:
        name = b"trial\x1b[31m\xff\"\\.service"
        process = control_groups.start((user or "system.slice/").encode() + name, [str(ibid), "run", PYTHON, "-c", USES_OPENSSL])
        done = subprocess.run([str(ibid), "doctor"], capture_output=True, timeout=60)
        assert not obeys(done.stdout.decode(errors="replace"))
        assert str(process.pid).encode() in done.stdout
        metrics = subprocess.run([str(ibid), "exporter", "--once"], capture_output=True, timeout=60).stdout
        assert not obeys(metrics.decode(errors="replace"))
        assert (b'service="trial?[31m?' in metrics) == (not user), "a user's own service is none of the system's"
        if shutil.which("promtool"):
            checked = subprocess.run(["promtool", "check", "metrics"], input=metrics, capture_output=True, timeout=60)
            assert (checked.returncode, checked.stderr) == (0, b"")
