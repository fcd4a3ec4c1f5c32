# SPDX-License-Identifier: Apache-2.0
"""`ibid top` and `ibid stat --watch` on a terminal: an emulator (pyte) gives the screen's contents."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyte
import pytest

PYTHON = "/usr/bin/python3"
# Loads several trust files that differ only in their last line, so that each certificate has many hits.
LOADS = """
import ssl, sys
text = open("/etc/ssl/certs/ca-certificates.crt").read()
contexts = []
for number in range(int(sys.argv[1])):
    with open(f"{sys.argv[2]}/{number}.pem", "w") as file:
        file.write(text + f"{number}\\n")
    contexts.append(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    contexts[-1].load_verify_locations(f"{sys.argv[2]}/{number}.pem")
print("ready", flush=True)
sys.stdin.read()
"""


class Terminal:
    """A command on its own terminal."""

    def __init__(self, words: list[str], rows: int = 20, columns: int = 100) -> None:
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update({"TERM": "xterm", "LC_ALL": "C.UTF-8"})
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execv(words[0], words)
        self.bytes = b""

    def read(self, seconds: float) -> bool:
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        try:
            got = os.read(self.fd, 65536)
        except OSError:
            return False
        self.bytes += got
        self.stream.feed(got)
        return bool(got)

    def wait_for(self, is_so: Callable[[list[str]], bool]) -> list[str]:
        end = time.monotonic() + 20
        while not is_so(self.screen.display):
            assert time.monotonic() < end, "\n".join(self.screen.display)
            self.read(0.2)
        return list(self.screen.display)

    def type(self, keys: str) -> None:
        os.write(self.fd, keys.encode())

    def resize(self, rows: int, columns: int) -> None:
        self.screen.resize(rows, columns)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.kill(self.pid, signal.SIGWINCH)

    def status(self) -> int:
        """Waits for its end and returns all its output."""
        while self.read(5):
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.fixture(scope="module")
def programs(ibid: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[int]]:
    """Two programs under ibid: the second one has more hits."""
    all_ = []
    for number in (2, 6):
        process = subprocess.Popen([str(ibid), "run", PYTHON, "-c", LOADS, str(number), str(tmp_path_factory.mktemp("trust"))], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        all_.append(process)
    yield [process.pid for process in all_]
    for process in all_:
        process.kill()
        process.communicate()


def order(lines: list[str], pids: list[int]) -> list[int]:
    return [int(line.split()[0]) for line in lines[1:-1] if line.split() and line.split()[0] in map(str, pids)]


def test_has_keys_for_order_and_filter_and_says_which(ibid: Path, programs: list[int]) -> None:
    terminal = Terminal([str(ibid), "top", "--interval", "0.3", "--sort", "hits"])
    lines = terminal.wait_for(
        lambda display: len(order(display, programs)) == 2 and "/ filter" in display[-1]
    )
    assert order(lines, programs) == programs[::-1]
    assert lines[0].split()[:2] == ["PID", "NAME"]
    assert lines[-1].startswith("q quit  < > sort: hits  r reverse  / filter")
    marked = "".join(lines[0][at] for at in range(100) if terminal.screen.buffer[0][at].reverse)
    assert marked.strip() == "HITS"  # the sort column
    terminal.type("r")
    terminal.wait_for(lambda display: order(display, programs) == programs)
    terminal.type("r\x1bOD")  # the arrow to the left
    terminal.wait_for(lambda display: "sort: retained" in display[-1])
    terminal.type(f"/{programs[0]}")
    terminal.wait_for(lambda display: display[-1].startswith(f"filter: {programs[0]}_") and order(display, programs) == programs[:1])
    terminal.type("\r")
    terminal.wait_for(lambda display: f"/ filter: {programs[0]} (Esc: none)" in display[-1])
    terminal.type("\x1b")
    terminal.wait_for(lambda display: len(order(display, programs)) == 2)
    terminal.type("q")
    assert terminal.status() == 0


def test_follows_the_size_of_the_terminal(ibid: Path, programs: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINES", "24")  # as GNU readline exports them
    monkeypatch.setenv("COLUMNS", "80")
    terminal = Terminal([str(ibid), "top", "--interval", "60"])
    terminal.wait_for(lambda display: display[-1].startswith("q quit"))
    terminal.resize(8, 40)
    terminal.wait_for(lambda display: display[0].split()[:3] == ["PID", "NAME", "ACTIVE"] and display[7].startswith("q quit"))
    assert len(terminal.screen.display[0].rstrip()) <= 40
    terminal.resize(30, 120)
    terminal.wait_for(lambda display: display[29].startswith("q quit") and "NOT PARSED" in display[0])
    terminal.type("q")
    assert terminal.status() == 0


@pytest.mark.parametrize("ending", ["\x03", signal.SIGTERM, signal.SIGHUP], ids=["keyboard", "SIGTERM", "SIGHUP"])
def test_gives_the_terminal_back(ibid: Path, programs: list[int], ending: str | signal.Signals) -> None:
    terminal = Terminal([str(ibid), "top", "--interval", "60"])
    before = termios.tcgetattr(terminal.fd)
    terminal.wait_for(lambda display: display[-1].startswith("q quit"))
    assert b"\x1b[?1049h" in terminal.bytes  # the other screen
    if isinstance(ending, str):
        terminal.type(ending)
    else:
        os.kill(terminal.pid, ending)
    assert terminal.status() == 0
    assert b"\x1b[?1049l" in terminal.bytes.rpartition(b"\x1b[?1049h")[2]
    assert before is not None


@pytest.mark.parametrize("before", [(), ("sh", "-c", "trap '' HUP; exec \"$@\"", "sh")], ids=["hangup", "hangup-ignored"])
def test_ends_when_its_terminal_goes(ibid: Path, before: tuple[str, ...]) -> None:
    words = ["/usr/bin/env", *before, str(ibid), "top", "--interval", "60"]
    terminal = Terminal(words)
    terminal.wait_for(lambda lines: any("q" in line for line in lines[-2:]))
    os.close(terminal.fd)
    end = time.monotonic() + 20
    while os.waitpid(terminal.pid, os.WNOHANG)[0] == 0:
        if time.monotonic() > end:
            os.kill(terminal.pid, signal.SIGKILL)
            os.waitpid(terminal.pid, 0)
            pytest.fail("it runs on without a terminal")
        time.sleep(0.05)


def test_needs_no_terminal_that_it_knows(ibid: Path, programs: list[int]) -> None:
    done = subprocess.run(
        ["script", "-qec", f"TERM=no-such-terminal {ibid} top --once", "/dev/null"], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
    )
    assert str(programs[0]) in done.stdout


def test_of_one_view_takes_order_and_filter_too(ibid: Path, programs: list[int]) -> None:
    def top(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(ibid), "top", "--once", *words], capture_output=True, text=True, timeout=60)

    assert order(top("--sort", "pid").stdout.splitlines() + [""], programs) == sorted(programs)
    assert order(top("--filter", str(programs[1])).stdout.splitlines() + [""], programs) == programs[1:]
    assert "The filter hides " in top("--filter", "no such name").stdout
    wrong = top("--sort", "size")
    assert wrong.returncode == 2 and "pid, name, active, retained, hits, misses, rate, saved" in wrong.stderr


class TestStat:
    def test_watches_until_the_process_ends(self, ibid: Path, tmp_path: Path) -> None:
        process = subprocess.Popen([str(ibid), "run", PYTHON, "-c", LOADS, "2", str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        terminal = Terminal([str(ibid), "stat", str(process.pid), "--watch", "--interval", "0.2"])
        # Waits for the whole screen, which arrives in parts.
        terminal.wait_for(
            lambda lines: lines[0].startswith(f"{process.pid} (python3)")
            and "certificates" in lines[1]
            and lines[-1].startswith("q quit")
        )
        process.communicate()
        assert terminal.status() == 0

    def test_prints_one_object_a_line(self, ibid: Path, programs: list[int]) -> None:
        process = subprocess.Popen([str(ibid), "stat", str(programs[0]), "--watch", "--interval", "0.1", "--json"], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert all(process.stdout.readline().startswith('{"ibid"') for _ in range(3))
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
