# SPDX-License-Identifier: Apache-2.0
"""`ibid run`: for other processes it behaves like the program that it runs."""

from __future__ import annotations

import os
import pty
import resource
import select
import signal
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from command import PYTHON, USES_OPENSSL, figures, run_to_end, wait_until

# Says "ready" and then each signal that it gets, once; ends on SIGUSR2.
SAYS_SIGNALS = """
import os, signal, sys
names = [signal.SIGHUP, signal.SIGINT, signal.SIGPIPE, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT, signal.SIGWINCH]
signal.pthread_sigmask(signal.SIG_BLOCK, names)
print("ready", os.getpid(), flush=True)
while True:
    got = signal.sigwait(names)
    print(signal.Signals(got).name, flush=True)
    if got == signal.SIGUSR2:
        sys.exit(5)
"""


def state_of(pid: int) -> str:
    """R, S, T (stopped), Z, ... or "gone"."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "gone"


def kill_holder(supervisor: int) -> None:
    """Kills the process that tells signals to the supervisor's group from signals to the supervisor."""
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    [holder] = [int(pid) for pid in children if Path(f"/proc/{pid}/comm").read_text() == "ibid-holder\n"]
    os.kill(holder, signal.SIGKILL)
    wait_until(lambda: state_of(holder) in ("gone", "Z"), "the holder is dead")


def without_space() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


class TestLimitOfFileSize:
    """RLIMIT_FSIZE: what cannot be written is an error, and not ibid's death by SIGXFSZ."""

    def test_does_not_end_a_command(self, ibid: Path, tmp_path: Path) -> None:
        with open(tmp_path / "out", "w") as out:
            done = subprocess.run([str(ibid), "doctor", "--json"], stdout=out, stderr=subprocess.PIPE, text=True, timeout=60, preexec_fn=without_space)
        assert (done.returncode, done.stderr) == (1, "ibid: standard output could not be written: File too large\n")

    def test_does_not_keep_a_program_from_running(self, run: list[str], tmp_path: Path) -> None:
        with open(tmp_path / "errors", "w") as errors:
            done = subprocess.run(
                [*run, "sh", "-c", "exit 3"], stderr=errors, timeout=60, preexec_fn=without_space, env={**os.environ, "IBID_CONFIG": "/nowhere"}
            )
        assert done.returncode == 3

    def test_still_ends_the_program(self, run: list[str], tmp_path: Path) -> None:
        done = run_to_end([*run, "sh", "-c", f"exec dd if=/dev/zero of={tmp_path / 'big'} bs=1 count=1"], preexec_fn=without_space)
        assert done.returncode == -signal.SIGXFSZ


class TestEnvironmentThatIsFull:
    """The kernel limits the length of one string: what starts without ibid starts under `ibid run`."""

    def test_is_told_once_and_the_program_runs(self, run: list[str], tmp_path: Path) -> None:
        before = "/" + "x" * (32 * resource.getpagesize() - len("LD_PRELOAD=/") - 1)
        done = run_to_end([*run, "sh", "-c", "echo ${#LD_PRELOAD}; exit 3"], env={"PATH": os.environ["PATH"], "LD_PRELOAD": before})
        assert (done.returncode, done.stdout) == (3, f"{len(before)}\n")
        [line] = [line for line in done.stderr.splitlines() if line.startswith("ibid: ")]
        assert "the environment is too large" in line and "the program runs without ibid" in line
        if any("--stats" in word for word in run):
            assert figures(tmp_path)["helped"] is False and "too large" in str(figures(tmp_path)["reason"])


class TestExitStatus:
    @pytest.mark.parametrize("status", [0, 1, 2, 77, 126, 127, 255])
    def test_is_the_programs(self, run: list[str], status: int) -> None:
        assert run_to_end([*run, "sh", "-c", f"exit {status}"]).returncode == status

    @pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL", "SIGINT", "SIGSEGV", "SIGABRT", "SIGPIPE", "SIGUSR1"])
    def test_is_death_by_the_programs_signal(self, run: list[str], name: str) -> None:
        done = run_to_end([*run, "sh", "-c", f"kill -{name[3:]} $$"])
        assert done.returncode == -getattr(signal, name)

    def test_is_127_for_a_program_that_does_not_exist(self, run: list[str]) -> None:
        done = run_to_end([*run, "there-is-no-such-program"])
        assert (done.returncode, done.stderr) == (127, "ibid: there-is-no-such-program: command not found\n")

    def test_is_126_for_a_file_that_cannot_be_executed(self, run: list[str]) -> None:
        done = run_to_end([*run, "/etc/passwd"])
        assert (done.returncode, done.stderr) == (126, "ibid: /etc/passwd: Permission denied\n")


class TestStreams:
    def test_go_through_unchanged(self, run: list[str]) -> None:
        data = bytes(range(256)) * 4096
        done = subprocess.run([*run, "sh", "-c", "cat; echo problem >&2"], input=data, capture_output=True, timeout=60)
        assert done.stdout == data
        assert done.stderr == b"problem\n"

    def test_end_when_the_program_closes_them(self, supervised: list[str], started: Callable[..., subprocess.Popen[str]]) -> None:
        """The supervisor keeps no end of a pipe open: a reader sees the end of output while the program still runs."""
        process = started([*supervised, "sh", "-c", "echo first; exec >&-; read -r line; exit 3"])
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.read() == "first\n"
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.wait(20) == 3

    def test_of_other_descriptors_too(self, supervised: list[str]) -> None:
        ours, theirs = os.pipe()
        process = subprocess.Popen(
            [*supervised, "bash", "-c", f"echo through >&{theirs}; exec {theirs}>&-; exec sleep 20"], pass_fds=[theirs]
        )
        os.close(theirs)
        with os.fdopen(ours) as end:
            assert end.read() == "through\n"  # returns before the sleep ends
        process.terminate()
        assert process.wait(20) == -signal.SIGTERM

    def test_that_are_closed_stay_closed(self, run: list[str], tmp_path: Path) -> None:
        words = ["sh", "-c", 'exec "$@" <&- >&-', "sh"]
        lists = [PYTHON, "-c", "import os; os.write(2, ' '.join(sorted(os.listdir('/proc/self/fd'))).encode())"]
        stock = run_to_end([*words, *lists])
        assert "1" not in stock.stderr.split()
        assert run_to_end([*words, *run, *lists]).stderr == stock.stderr

    def test_that_are_closed_are_no_hindrance_to_counting(self, supervised: list[str], tmp_path: Path) -> None:
        run_to_end(["sh", "-c", 'exec "$@" <&- >&-', "sh", *supervised, PYTHON, "-c", USES_OPENSSL.split("print")[0]])
        assert figures(tmp_path)["helped"] is True


class TestSignals:
    def test_to_the_command_reach_the_program_once(self, run: list[str], started: Callable[..., subprocess.Popen[str]]) -> None:
        process = started([*run, PYTHON, "-c", SAYS_SIGNALS])
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready")
        for name in ["SIGTERM", "SIGHUP", "SIGINT", "SIGUSR1", "SIGWINCH"]:
            process.send_signal(getattr(signal, name))
            assert process.stdout.readline() == f"{name}\n"
        process.send_signal(signal.SIGUSR2)
        assert process.stdout.read() == "SIGUSR2\n"
        assert process.wait(20) == 5

    def test_to_the_whole_process_group_reach_the_program_once(self, run: list[str], started: Callable[..., subprocess.Popen[str]]) -> None:
        process = started([*run, PYTHON, "-c", SAYS_SIGNALS], start_new_session=True)
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready")
        for name in ["SIGTERM", "SIGINT", "SIGHUP"] * 20:
            os.killpg(process.pid, getattr(signal, name))
            assert process.stdout.readline() == f"{name}\n"
        # A signal that came twice would be printed before this.
        os.killpg(process.pid, signal.SIGUSR2)
        assert process.stdout.read() == "SIGUSR2\n"
        assert process.wait(20) == 5

    def test_reach_the_program_as_before_when_the_holder_is_dead(self, supervised: list[str], started: Callable[..., subprocess.Popen[str]]) -> None:
        """It may die at any time (out of memory). Asking it then must raise no SIGPIPE, which would end the program."""
        process = started([*supervised, PYTHON, "-c", SAYS_SIGNALS])
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready")
        kill_holder(process.pid)
        for name in ["SIGTERM", "SIGHUP", "SIGINT"] * 3:
            process.send_signal(getattr(signal, name))
            assert process.stdout.readline() == f"{name}\n"
        process.send_signal(signal.SIGUSR2)
        assert process.stdout.read() == "SIGUSR2\n"
        assert process.wait(20) == 5

    def test_that_the_supervisor_causes_itself_do_not_reach_the_program(self, supervised: list[str], started: Callable[..., subprocess.Popen[str]]) -> None:
        """exec keeps timers. One of CPU time measures the supervisor. An alarm is the program's: `perl -e 'alarm 5; exec @ARGV'`."""
        script = "import signal; print('ready', flush=True); input(); print(sorted(s.name for s in signal.sigpending()))"

        def with_timers() -> None:
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM, signal.SIGPROF])
            signal.setitimer(signal.ITIMER_REAL, 0.25)
            signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)

        process = started([*supervised, PYTHON, "-c", script], preexec_fn=with_timers)
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == "ready\n"
        kill_holder(process.pid)  # then a signal costs the supervisor nothing but CPU time
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            process.send_signal(signal.SIGWINCH)
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.read() == "['SIGALRM']\n"
        assert process.wait(20) == 0

    def test_that_are_ignored_stay_ignored(self, run: list[str]) -> None:
        script = "import signal; print(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN, signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL, signal.pthread_sigmask(signal.SIG_BLOCK, []))"
        words = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh"]
        stock = run_to_end([*words, PYTHON, "-c", script]).stdout
        assert run_to_end([*words, *run, PYTHON, "-c", script]).stdout == stock
        assert stock.startswith("True True")

    def test_that_stop_and_continue_the_program_stop_and_continue_the_command(
        self, supervised: list[str], started: Callable[..., subprocess.Popen[str]]
    ) -> None:
        process = started([*supervised, PYTHON, "-c", SAYS_SIGNALS], start_new_session=True)
        assert process.stdout is not None
        program = int(process.stdout.readline().split()[1])
        os.kill(program, signal.SIGSTOP)
        wait_until(lambda: state_of(process.pid) == "T", "the command stops as its program did")
        os.kill(process.pid, signal.SIGCONT)
        assert process.stdout.readline() == "SIGCONT\n"
        wait_until(lambda: state_of(program) != "T" and state_of(process.pid) != "T", "both run again")
        os.kill(process.pid, signal.SIGUSR2)
        assert process.wait(20) == 5

    def test_that_kill_the_command_kill_the_program(self, supervised: list[str], started: Callable[..., subprocess.Popen[str]]) -> None:
        process = started([*supervised, PYTHON, "-c", SAYS_SIGNALS])
        assert process.stdout is not None
        program = int(process.stdout.readline().split()[1])
        process.kill()
        process.wait(20)
        wait_until(lambda: state_of(program) in ("gone", "Z"), "the program is killed too")


def converse(words: list[str], script: list[tuple[bytes, bytes]]) -> bytes:
    """Runs an interactive shell's command line on a terminal of its own: waits for each text, then types the answer."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["PS1"] = "PROMPT> "
        os.execvp(words[0], words)
    seen = b""
    try:
        for text, answer in script:
            end = time.monotonic() + 20
            at = len(seen) if not text else 0
            while text not in seen[at:]:
                ready = select.select([terminal], [], [], max(0.0, end - time.monotonic()))[0]
                assert ready, f"waited for {text!r}, saw {seen!r}"
                seen += os.read(terminal, 65536)
            seen = b""
            os.write(terminal, answer)
        while True:
            try:
                part = os.read(terminal, 65536)
            except OSError:
                break
            if not part:
                break
            seen += part
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)
    return seen


class TestTerminal:
    """An interactive shell with job control runs a program that reads the terminal."""

    SHELL = ["bash", "--norc", "--noprofile", "--noediting", "-i"]

    @pytest.mark.parametrize("way", ["stock", "exec", "supervised"])
    def test_job_control_works_as_without_ibid(self, ibid: Path, tmp_path: Path, way: str) -> None:
        program = tmp_path / "reads.py"
        program.write_text("import sys\nprint('asks', flush=True)\nline = sys.stdin.readline()\nprint('got', line.strip().upper(), flush=True)\nsys.exit(6)\n")
        prefix = {"stock": "", "exec": f"{ibid} run -- ", "supervised": f"{ibid} run --stats={tmp_path / 'figures.json'} -- "}[way]
        command = f"{prefix}{PYTHON} {program}\n".encode()
        end = converse(
            self.SHELL,
            [
                (b"PROMPT> ", command),
                (b"asks\r\n", b"\x1a"),  # Ctrl-Z
                (b"PROMPT> ", b"jobs\n"),
                (b"Stopped", b"fg\n"),
                (b"reads.py\r\n", b"hello\n"),
                (b"got HELLO\r\n", b"echo status=$?\n"),
                (b"status=6\r\n", b"exit\n"),
            ],
        )
        assert b"rror" not in end

    @pytest.mark.parametrize("way", ["stock", "exec", "supervised"])
    def test_an_interrupt_from_the_keyboard_ends_the_program_and_is_seen_by_the_shell(self, ibid: Path, tmp_path: Path, way: str) -> None:
        prefix = {"stock": "", "exec": f"{ibid} run -- ", "supervised": f"{ibid} run --stats={tmp_path / 'figures.json'} -- "}[way]
        converse(
            self.SHELL,
            [
                (b"PROMPT> ", f"{prefix}sh -c 'echo asks; exec sleep 60'\n".encode()),
                (b"asks\r\n", b"\x03"),  # Ctrl-C
                (b"PROMPT> ", b"echo status=$?\n"),
                (b"status=130\r\n", b"exit\n"),
            ],
        )

    def test_a_pipeline_keeps_the_terminal(self, ibid: Path, tmp_path: Path) -> None:
        """The reader of a pipeline is in the same process group, and may read the terminal."""
        command = f"{ibid} run --stats={tmp_path / 'figures.json'} -- echo from-ibid | (cat; echo asks; read -r x </dev/tty; echo got-$x)\n"
        converse(
            self.SHELL,
            [(b"PROMPT> ", command.encode()), (b"asks\r\n", b"hello\n"), (b"got-hello\r\n", b"exit\n")],
        )


class TestStartCost:
    def test_is_that_of_one_more_start(self, ibid: Path) -> None:
        """CPU time, compared with a program that is started with LD_PRELOAD: about twice. An `ibid` that loads many libraries
        or parses with CLI11 costs more than 4 times, so such a build fails."""
        preload = str(ibid.parent.parent / "lib" / "libibid_preload.so")

        def cost(words: list[str], environment: dict[str, str]) -> float:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            for _ in range(20):
                os.waitpid(os.posix_spawnp(words[0], words, environment), 0)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / 20 * 1000

        plain, ours = [], []
        for _ in range(15):
            plain.append(cost(["true"], {**os.environ, "LD_PRELOAD": preload}))
            ours.append(cost([str(ibid), "run", "true"], dict(os.environ)))
        assert statistics.median(ours) < 3 * statistics.median(plain)
        assert "libstdc++" not in run_to_end(["ldd", str(ibid)]).stdout
