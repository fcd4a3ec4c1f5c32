# SPDX-License-Identifier: Apache-2.0
"""Runs a real program in the foreground, on loopback, in a folder of its own, and always stops it.

Law: after the `with` block, no process that the program started is left, and no other process was killed. It waits for
events (a port that listens, a line in a log), never for a length of time.

    with Program(["some-server", "--port", str(port)], folder=tmp, ports=[port], wrap=["ibid", "run", "--"]) as p:
        ...
    p.status, p.stdout, p.stderr

`wrap` is put before the program's own words; `env` is added to this process's environment.
"""

from __future__ import annotations

import ctypes
import errno
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

PACKAGES = {
    "nginx": "nginx",
    "haproxy": "haproxy",
    "kamailio": "kamailio kamailio-tls-modules",
    "apache2": "apache2",
    "socat": "socat",
    "curl": "curl",
    "openssl": "openssl",
    "cc": "gcc",
}
PR_SET_PDEATHSIG = 1
libc_ = ctypes.CDLL(None)


class ProgramError(RuntimeError):
    """A program is missing, did not start, or an expected event did not happen; the message has its logs."""


def require(name: str) -> str:
    """The path of a program, or an error that tells how to install it. Debian keeps servers in /usr/sbin."""
    path = shutil.which(name, path=f"/usr/bin:/usr/sbin:/bin:/sbin:{os.environ.get('PATH', '')}")
    if path is None:
        raise ProgramError(
            f"{name} is not installed; run ./dev setup, or apt-get install {PACKAGES.get(name, name)}"
        )
    return path


used_ports_: set[int] = set()


def free_port() -> int:
    """A free loopback port, below the range from which the kernel takes ports for clients: otherwise a client's
    connection could take it before the server binds it."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for _ in range(1000):
        port = random.randrange(max(1024, lowest - 12000), lowest)
        if port in used_ports_:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        used_ports_.add(port)
        return port
    raise ProgramError("no free port on loopback")


def listening(port: int) -> bool:
    """Whether a process listens on the loopback port. Makes no connection, which a server would see and log.

    With SO_REUSEADDR a port can be bound unless a socket listens on it. (/proc/net/tcp is slow to read on a machine with
    thousands of connections.)
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def wait_until(condition: Callable[[], bool], what: Callable[[], str] | str, seconds: float = 20.0) -> None:
    """Polls until `condition` holds; raises ProgramError(`what`) after `seconds`."""
    deadline = time.monotonic() + seconds
    pause = 0.001
    while not condition():
        if time.monotonic() > deadline:
            raise ProgramError(f"after {seconds:.0f} s: {what() if callable(what) else what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def children(pid: int) -> list[int]:
    """All descendants of a process, children first."""
    found: list[int] = []
    pending = [pid]
    while pending:
        for task in Path(f"/proc/{pending.pop(0)}/task").glob("*/children"):
            try:
                direct = [int(c) for c in task.read_text().split()]
            except OSError:
                continue
            found += direct
            pending += direct
    return found


def die_with_parent_() -> None:
    """The child gets a signal if this process dies, so that nothing survives a killed test run. `ibid run --stats` forwards it."""
    libc_.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Program:
    """One running program. Subclasses have a program's configuration and its signal for an orderly stop."""

    stop_signal: signal.Signals = signal.SIGTERM

    def __init__(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        folder: str | os.PathLike[str],
        ports: Sequence[int] = (),
        wrap: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        interactive: bool = False,
    ) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.argv = [*wrap, require(str(argv[0])), *map(str, argv[1:])]
        self.ports = list(ports)
        self.env = {**os.environ, **(env or {})}
        self.interactive = interactive
        self.process_: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process that was started: the program, or its wrapper."""
        assert self.process_ is not None
        return self.process_.pid

    @property
    def pids(self) -> list[int]:
        """The process that was started and all its descendants, children first."""
        return [self.pid, *children(self.pid)]

    @property
    def status(self) -> int | None:
        """The exit status as in subprocess; None while the program runs."""
        assert self.process_ is not None
        return self.process_.poll()

    @property
    def stdout_path(self) -> Path:
        return self.folder / "stdout"

    @property
    def stderr_path(self) -> Path:
        return self.folder / "stderr"

    @property
    def stdout(self) -> bytes:
        return self.stdout_path.read_bytes()

    @property
    def stderr(self) -> bytes:
        return self.stderr_path.read_bytes()

    def resident_bytes(self) -> int:
        """The sum of RssAnon of all its processes."""
        total = 0
        for pid in self.pids:
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("RssAnon:"):
                    total += int(line.split()[1]) * 1024
        return total

    def start(self) -> None:
        with self.stdout_path.open("wb") as out, self.stderr_path.open("wb") as err:
            self.process_ = subprocess.Popen(
                self.argv,
                stdin=subprocess.PIPE if self.interactive else subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=self.folder,
                env=self.env,
                start_new_session=True,
                preexec_fn=die_with_parent_,
            )
        try:
            self.wait_until_ready()
        except BaseException:
            self.kill_()
            raise

    def wait_until_ready(self) -> None:
        self.wait_for(lambda: all(listening(p) for p in self.ports), f"listens on {self.ports}")

    def wait_for(self, condition: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
        """Waits for an event in the program. Stops waiting if the program exits."""

        def settled() -> bool:
            return condition() or self.status is not None

        wait_until(settled, lambda: f"it is not so that it {what}\n{self.story()}", seconds)
        if not condition():
            raise ProgramError(f"it exited before it {what}\n{self.story()}")

    def wait_for_output(self, text: bytes, count: int = 1, seconds: float = 20.0) -> None:
        """Waits until `text` is in its standard output `count` times."""
        self.wait_for(lambda: self.stdout.count(text) >= count, f"writes {text!r} {count} times", seconds)

    def send(self, text: bytes) -> None:
        """Types into its standard input (only with interactive=True)."""
        stream = self.stdin_()
        stream.write(text)
        stream.flush()

    def close_input(self) -> None:
        self.stdin_().close()

    def wait(self, seconds: float = 20.0) -> int:
        """Waits until it ends by itself. Returns the exit status."""
        assert self.process_ is not None
        try:
            return self.process_.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise ProgramError(f"it did not end within {seconds:.0f} s\n{self.story()}") from error

    def stop(self, how: signal.Signals | None = None) -> int:
        """Sends the stop signal, and waits. Returns the exit status."""
        if self.status is None:
            os.kill(self.pid, how or self.stop_signal)
        return self.wait()

    def logs(self) -> dict[str, Path]:
        """The program's log files."""
        return {"stdout": self.stdout_path, "stderr": self.stderr_path}

    def story(self) -> str:
        """Command, status and the end of each log, for error messages."""
        lines = [
            f"$ {' '.join(self.argv)}",
            f"status: {self.process_.poll() if self.process_ else 'not started'}",
        ]
        for name, path in self.logs().items():
            text = path.read_text(errors="replace")[-3000:] if path.exists() else "(no file)"
            lines.append(f"--- {name}\n{text}")
        return "\n".join(lines)

    def __enter__(self) -> Any:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self.status is None:
                self.stop()
        finally:
            self.kill_()

    def stdin_(self) -> IO[bytes]:
        assert self.process_ is not None and self.process_.stdin is not None
        return self.process_.stdin

    def kill_(self) -> None:
        """Ends all remaining processes. The program has a session of its own, so its group contains only processes that we started.
        Processes that moved to another group are found as descendants, while their parents still live."""
        assert self.process_ is not None
        strays = children(self.process_.pid) if self.process_.poll() is None else []
        for kill, target in [(os.killpg, self.process_.pid), *((os.kill, s) for s in strays)]:
            try:
                kill(target, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
        self.process_.wait()
        if self.process_.stdin:
            try:
                self.process_.stdin.close()
            except BrokenPipeError:
                pass
