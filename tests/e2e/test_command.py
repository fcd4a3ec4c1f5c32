# SPDX-License-Identifier: Apache-2.0
"""The `ibid` command: for other processes it behaves like the program that it runs."""

from __future__ import annotations

import json
import os
import platform
import pty
import resource
import select
import shutil
import signal
import stat
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from terminal import on_a_terminal
from this_openssl import LIBCRYPTO, LIBSSL, SONAME_VERSION, VERSION

PYTHON = "/usr/bin/python3"

# Says "ready" and then each signal that it gets, once; ends on SIGUSR2.
SAYS_SIGNALS = """
import os, signal, sys
names = [signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT, signal.SIGWINCH]
signal.pthread_sigmask(signal.SIG_BLOCK, names)
print("ready", os.getpid(), flush=True)
while True:
    got = signal.sigwait(names)
    print(signal.Signals(got).name, flush=True)
    if got == signal.SIGUSR2:
        sys.exit(5)
"""

# Uses OpenSSL for certificates, says "ready", and waits for the end of its standard input.
USES_OPENSSL = """
import ssl, sys
contexts = [ssl.create_default_context(cafile="/etc/ssl/certs/ca-certificates.crt") for _ in range(3)]
print("ready", flush=True)
sys.stdin.read()
"""


def run_to_end(words: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    """Runs a command and returns its output as text."""
    settings: dict[str, object] = {"capture_output": True, "text": True, "timeout": 60, **options}
    return subprocess.run(words, **settings)  # type: ignore[call-overload, no-any-return]


@pytest.fixture(params=["exec", "supervised"])
def run(request: pytest.FixtureRequest, ibid: Path, tmp_path: Path) -> list[str]:
    """`ibid run`, without and with --stats: the program must look the same from outside."""
    return [str(ibid), "run", *([f"--stats={tmp_path / 'figures.json'}"] if request.param == "supervised" else []), "--"]


@pytest.fixture
def supervised(ibid: Path, tmp_path: Path) -> list[str]:
    return [str(ibid), "run", f"--stats={tmp_path / 'figures.json'}", "--"]


def figures(tmp_path: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((tmp_path / "figures.json").read_text())
    return found


@pytest.fixture
def started() -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Starts programs with which a test communicates; none outlives the test."""
    all_: list[subprocess.Popen[str]] = []

    def start(words: list[str], **options: object) -> subprocess.Popen[str]:
        settings: dict[str, object] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, **options}
        process: subprocess.Popen[str] = subprocess.Popen(words, **settings)  # type: ignore[call-overload]
        all_.append(process)
        return process

    yield start
    for process in all_:
        if process.poll() is None:
            process.kill()
        process.communicate()


def wait_until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, f"not within 20 s: {what}"
        time.sleep(0.01)


def state_of(pid: int) -> str:
    """R, S, T (stopped), Z, ... or "gone"."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "gone"


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


class TestArguments:
    @pytest.mark.parametrize("words", [["--version"], ["--stats"], ["-x", "--", "y"], ["", "a b", "*"]])
    def test_behind_the_program_are_the_programs(self, run: list[str], words: list[str]) -> None:
        done = run_to_end([*run, PYTHON, "-c", "import sys; print(sys.argv[1:])", *words])
        assert done.stdout == f"{words!r}\n"

    def test_need_no_dashes_before_the_program(self, ibid: Path) -> None:
        assert run_to_end([str(ibid), "run", "printf", "%s", "--help"]).stdout == "--help"
        assert run_to_end([str(ibid), "run", "--stats", "echo", "-n", "x"]).stdout == "x"

    @pytest.mark.parametrize(
        ("words", "hint"),
        [
            ([], "ibid --help"),
            (["rnu", "curl"], "Did you mean 'ibid run'?"),
            (["curl"], "Did you mean 'ibid run curl'?"),
            (["run"], "no program is given"),
            (["run", "--sats", "curl"], "--sats"),
            (["stat", "nginx"], "'nginx' is not a process id"),
            (["top", "--interval=0"], "from 0.1 to 3600"),
        ],
    )
    def test_that_are_wrong_end_with_2_and_a_hint(self, ibid: Path, words: list[str], hint: str) -> None:
        done = run_to_end([str(ibid), *words])
        assert done.returncode == 2
        assert hint in done.stderr
        assert done.stdout == ""

    @pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["stat", "--help"], ["top", "--help"], ["doctor", "--help"]])
    def test_for_help_print_it(self, ibid: Path, words: list[str]) -> None:
        done = run_to_end([str(ibid), *words])
        assert (done.returncode, done.stderr) == (0, "")
        assert "Usage: ibid" in done.stdout

    def test_for_the_version_print_it(self, ibid: Path) -> None:
        assert run_to_end([str(ibid), "--version"]).stdout.startswith("ibid 0.")


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


def ldd(program: str) -> list[str]:
    """The libraries and the loader of a program."""
    words = run_to_end(["ldd", program]).stdout.split()
    return [word for word in words if word.startswith("/")]


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


def make_static(folder: Path) -> Path:
    source = folder / "static.c"
    source.write_text("int main(void) { return 4; }\n")
    program = folder / "static"
    subprocess.run(["cc", "-static", "-o", str(program), str(source)], check=True)
    return program


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
        program = tmp_path / "setuid"
        program.write_bytes(Path("/usr/bin/true").read_bytes())
        os.chown(program, 65534, 65534)
        program.chmod(stat.S_ISUID | 0o755)
        done = run_to_end([str(ibid), "run", "--stats", str(program)])
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


# Sets OpenSSL's memory functions before OpenSSL has allocated anything, and loads certificates.
OWN_MEMORY = """
import ctypes, os, sys
c = ctypes.CDLL("libcrypto.so.3")
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.realloc.restype = ctypes.c_void_p
M, R, F = (ctypes.CFUNCTYPE(r, *a) for r, a in ((ctypes.c_void_p, (ctypes.c_size_t, ctypes.c_char_p, ctypes.c_int)), (ctypes.c_void_p, (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_int)), (None, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int))))
kept = M(lambda n, f, l: libc.malloc(ctypes.c_size_t(n))), R(lambda p, n, f, l: libc.realloc(ctypes.c_void_p(p), ctypes.c_size_t(n))), F(lambda p, f, l: libc.free(ctypes.c_void_p(p)))
assert c.CRYPTO_set_mem_functions(*kept) == 1
c.X509_STORE_new.restype = ctypes.c_void_p
store = c.X509_STORE_new()
assert c.X509_STORE_load_file(ctypes.c_void_p(store), b"/etc/ssl/certs/ca-certificates.crt") == 1
print("ready", flush=True)
sys.stdin.read()
os._exit(0)
"""

# Shares for a while. Then it registers a callback for every new certificate, so ibid is disabled.
DISABLED_LATER = """
import ctypes, ssl, sys
bundle = "/etc/ssl/certs/ca-certificates.crt"
contexts = [ssl.create_default_context(cafile=bundle) for _ in range(3)]
c = ctypes.CDLL("libcrypto.so.3")
NEW = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, ctypes.c_int, ctypes.c_long, ctypes.c_void_p)
told = NEW(lambda *a: None)
assert c.CRYPTO_get_ex_new_index(3, ctypes.c_long(0), None, told, None, None) > 0
print("ready", flush=True)
sys.stdin.read()
"""


class TestStandingAside:
    """A program in which ibid is disabled does not count as helped, and every command prints the reason."""

    @pytest.fixture(params=[(OWN_MEMORY, "memory functions"), (DISABLED_LATER, "changes how OpenSSL parses keys")], ids=["memory", "later"])
    def program(self, request: pytest.FixtureRequest) -> tuple[str, str]:
        found: tuple[str, str] = request.param
        return found

    def test_is_in_the_summary(self, ibid: Path, tmp_path: Path, program: tuple[str, str]) -> None:
        code, why = program
        text = run_to_end([str(ibid), "run", "--stats", PYTHON, "-c", code], stdin=subprocess.DEVNULL)
        assert (text.returncode, text.stdout) == (0, "ready\n"), text.stderr
        lines = text.stderr.splitlines()
        assert lines[0].startswith("ibid: not helped: ")
        assert why in lines[0]
        if code == DISABLED_LATER:
            assert lines[1].startswith("ibid: until then: certificates: ")
        run_to_end([str(ibid), "run", f"--stats={tmp_path / 'figures.json'}", PYTHON, "-c", code], stdin=subprocess.DEVNULL)
        found = figures(tmp_path)
        assert (found["helped"], found["processes"], found["disabled"]) == (False, 1, 1)
        assert why in str(found["reason"])
        assert found["libcryptos"][0]["helped"] is False  # type: ignore[index]

    def test_is_said_of_a_running_process(self, ibid: Path, started: Callable[..., subprocess.Popen[str]], program: tuple[str, str]) -> None:
        code, why = program
        process = started([str(ibid), "run", PYTHON, "-c", code])
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        found = json.loads(run_to_end([str(ibid), "stat", str(process.pid), "--json"]).stdout)
        assert found["helped"] is False
        assert why in found["reason"]
        for command in ("stat", "certs"):
            assert "not helped: " in run_to_end([str(ibid), command, str(process.pid)]).stdout
        doctor = run_to_end([str(ibid), "doctor", str(process.pid)])
        assert doctor.returncode == 1
        assert "ibid is disabled in it: " in doctor.stdout and why in doctor.stdout

    def test_of_one_process_is_no_matter_to_another(self, ibid: Path, tmp_path: Path) -> None:
        run_to_end(
            [str(ibid), "run", f"--stats={tmp_path / 'figures.json'}", "sh", "-c", f'{PYTHON} -c "$1"; {PYTHON} -c "$2"', "sh", USES_OPENSSL, DISABLED_LATER],
            stdin=subprocess.DEVNULL,
        )
        found = figures(tmp_path)
        assert (found["helped"], found["reason"], found["processes"], found["disabled"]) == (True, None, 2, 1)


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


class TestStatAndTop:
    @pytest.fixture(params=["exec", "supervised"])
    def program(self, request: pytest.FixtureRequest, ibid: Path, tmp_path: Path, started: Callable[..., subprocess.Popen[str]]) -> int:
        """The PID of a program under ibid that has loaded certificates and waits."""
        options = [f"--stats={tmp_path / 'figures.json'}"] if request.param == "supervised" else []
        process = started([str(ibid), "run", *options, "--", PYTHON, "-c", "import os; print(os.getpid(), flush=True)\n" + USES_OPENSSL])
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert process.stdout.readline() == "ready\n"
        return pid

    def test_stat_shows_the_counters_of_a_running_program(self, ibid: Path, program: int) -> None:
        text = run_to_end([str(ibid), "stat", str(program)])
        assert text.returncode == 0, text.stderr
        assert text.stdout.startswith(f"{program} (python3)\ncertificates: ")
        found = json.loads(run_to_end([str(ibid), "stat", str(program), "--json"]).stdout)
        assert found["pid"] == program
        assert found["helped"] is True
        assert found["certificates"]["misses"] > 50

    def test_top_lists_it(self, ibid: Path, program: int) -> None:
        text = run_to_end([str(ibid), "top", "--once"])
        assert any(line.split()[:2] == [str(program), "python3"] for line in text.stdout.splitlines())
        found = json.loads(run_to_end([str(ibid), "top", "--once", "--json"]).stdout)
        assert program in [p["pid"] for p in found["processes"]]

    def test_top_shows_view_after_view_until_it_is_interrupted(self, ibid: Path, program: int, started: Callable[..., subprocess.Popen[str]]) -> None:
        top = started([str(ibid), "top", "--interval=0.1"])
        assert top.stdout is not None
        views = 0
        while views < 3:
            views += top.stdout.readline().lstrip().startswith("PID")
        top.send_signal(signal.SIGINT)
        assert top.wait(20) == 0

    def test_doctor_examines_a_running_program(self, ibid: Path, program: int) -> None:
        found = json.loads(run_to_end([str(ibid), "doctor", "--json", str(program)]).stdout)
        assert found["helps"] is True
        assert found["preload"].endswith("libibid_preload.so")
        assert found["openssl"]["version"] == VERSION

    def test_a_process_that_is_gone_is_an_error(self, ibid: Path) -> None:
        gone = subprocess.Popen(["true"])
        gone.wait()
        done = run_to_end([str(ibid), "stat", str(gone.pid)])
        assert (done.returncode, done.stderr) == (1, f"ibid: there is no process {gone.pid}\n")

    def test_a_process_not_under_ibid_is_an_error(self, ibid: Path, started: Callable[..., subprocess.Popen[str]]) -> None:
        process = started(["cat"])
        done = run_to_end([str(ibid), "stat", str(process.pid)])
        assert done.returncode == 1
        assert "does not run under ibid" in done.stderr

    @pytest.mark.skipif(os.getuid() != 0, reason="needs root, to become another user")
    def test_another_users_process_is_not_read(self, ibid: Path, program: int, tmp_path: Path) -> None:
        done = run_to_end([str(ibid), "stat", str(program)], user=65534, group=65534, extra_groups=[])
        assert done.returncode == 1
        assert "may not be read" in done.stderr


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
        process = started(["cat"])
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
        preload = Path(self.examine(ibid, "curl")["preload"])  # type: ignore[arg-type]
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

    def library(self, folder: Path, name: str, code: str = "int f(void) { return 1; }") -> Path:
        source = folder / f"{name}.c"
        source.write_text(code)
        subprocess.run(["cc", "-shared", "-fPIC", f"-Wl,-soname,{name}", "-o", str(folder / name), str(source)], check=True)
        return folder / name

    def program(self, folder: Path, *options: str) -> Path:
        source, program = folder / "program.c", folder / "program"
        source.write_text("int main(void) { return 0; }\n")
        subprocess.run(["cc", "-o", str(program), str(source), "-Wl,--no-as-needed", f"-Wl,-rpath,{folder}", *options], check=True)
        return program

    def examine(self, ibid: Path, subject: object, **options: object) -> dict[str, object]:
        found: dict[str, object] = json.loads(run_to_end([str(ibid), "doctor", "--json", str(subject)], **options).stdout)
        return found

    def test_says_whose_tls_it_is_when_it_is_not_openssls(self, ibid: Path, tmp_path: Path) -> None:
        gnutls = self.library(tmp_path, "libgnutls.so.30")
        for others in ([], [f"-l:{LIBCRYPTO}"]):
            found = self.examine(ibid, self.program(tmp_path, str(gnutls), *others))
            assert found["helps"] is False
            assert f"its TLS is GnuTLS ({gnutls}); ibid helps programs whose TLS is OpenSSL" in found["problems"]
        # One of its libraries loads OpenSSL, so it is unknown which TLS library the program uses.
        library = self.library(tmp_path, "libuses.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(tmp_path / "libuses.so.c"), "-Wl,--no-as-needed", f"-l:{LIBSSL}", f"-l:{LIBCRYPTO}"], check=True)
        found = self.examine(ibid, self.program(tmp_path, str(gnutls), str(library)))
        assert found["helps"] is None
        assert "its own TLS is GnuTLS" in str(found["notes"])

    @pytest.mark.parametrize("name", ["wget", "aria2c", "lynx", "weechat-headless"])
    def test_says_so_of_real_programs(self, ibid: Path, name: str) -> None:
        path = shutil.which(name)
        if path is None or "libgnutls" not in run_to_end(["ldd", path]).stdout:
            pytest.skip(f"there is no {name} with GnuTLS here")
        done = run_to_end([str(ibid), "doctor", name])
        assert done.returncode == 1
        assert "its TLS is GnuTLS" in done.stdout
        assert "ibid helps here" not in done.stdout

    def test_does_not_say_that_it_helps_a_program_with_libcrypto_alone(self, ibid: Path, tmp_path: Path) -> None:
        program = self.program(tmp_path, f"-l:{LIBCRYPTO}")
        assert self.examine(ibid, program)["helps"] is None
        text = run_to_end([str(ibid), "doctor", str(program)]).stdout
        assert "only with OpenSSL's libcrypto, which does no TLS" in text
        assert "ibid helps here" not in text

    def test_says_that_ibid_is_disabled_where_a_program_has_memory_of_its_own(self, ibid: Path, tmp_path: Path) -> None:
        code = "int CRYPTO_set_mem_functions(void*, void*, void*); int f(void) { return CRYPTO_set_mem_functions(0, 0, 0); }"
        library = self.library(tmp_path, "libmemory.so", code)
        found = self.examine(ibid, self.program(tmp_path, str(library), f"-l:{LIBSSL}", f"-l:{LIBCRYPTO}"))
        assert found["helps"] is False
        assert f"{library} sets OpenSSL's memory functions" in str(found["problems"])
        assert not any(feature["active"] for feature in found["features"])

    @pytest.mark.parametrize(
        ("names", "when"),
        [
            (("CRYPTO_get_ex_new_index", "EC_KEY_set_ex_data"), "it has a callback for each key that is copied or freed"),
            (("OSSL_LIB_CTX_set0_default",), "it gives a thread a default library context of its own"),
            (("SSL_CTX_add_custom_ext", "X509_set_ex_data"), "it adds a TLS extension, which gets certificates"),
            (("CRYPTO_get_ex_new_index", "X509_set_ex_data"), None),  # as nginx
            (("SSL_CTX_add_custom_ext",), None),
        ],
    )
    def test_knows_what_it_does_not_know_before_a_program_runs(self, ibid: Path, tmp_path: Path, names: tuple[str, ...], when: str | None) -> None:
        code = "".join(f"int {name}(void*);" for name in names) + f"int f(void) {{ return {' + '.join(f'{name}(0)' for name in names)}; }}"
        library = self.library(tmp_path, "libcalls.so", code)
        found = self.examine(ibid, self.program(tmp_path, str(library), f"-l:{LIBSSL}", f"-l:{LIBCRYPTO}"))
        assert found["helps"] is (None if when else True)
        assert ("ibid is disabled in that process" in str(found["notes"])) == bool(when)
        if when:
            assert any(note.startswith(f"{library} names {names[0]}") and when in note for note in found["notes"])

    def test_does_not_say_that_it_helps_openvpn(self, ibid: Path) -> None:
        """Its library for tokens registers a callback for each key (docs/operators/programs.md)."""
        if shutil.which("openvpn") is None:
            pytest.skip("there is no openvpn here")
        found = json.loads(run_to_end([str(ibid), "doctor", "--json", "openvpn"]).stdout)
        assert found["helps"] is not True

    def test_sees_openssl_inside_an_executable(self, ibid: Path, tmp_path: Path) -> None:
        source = tmp_path / "inside.c"
        source.write_text("int SSL_CTX_new(void) { return 0; }\nint main(void) { return 0; }\n")
        program = tmp_path / "inside"
        subprocess.run(["cc", "-rdynamic", "-o", str(program), str(source)], check=True)
        found = self.examine(ibid, program)
        assert found["helps"] is False
        assert "OpenSSL is inside the executable (it exports SSL_CTX_new itself): ibid cannot help" in found["problems"]

    def embedding(self, folder: Path, text: str) -> Path:
        """A program that waits and contains this text, as if a library was linked in statically."""
        source, program = folder / "embeds.c", folder / "embeds"
        source.write_text(f'#include <unistd.h>\nconst char text[] = "{text}";\nint main(void) {{ write(1, "ready\\n", 6); pause(); return text[0]; }}\n')
        subprocess.run(["cc", "-o", str(program), str(source)], check=True)
        return program

    @pytest.mark.parametrize(
        ("text", "what"),
        [
            ("OpenSSL 3.0.15 3 Sep 2024", 'OpenSSL is inside the executable (the text "OpenSSL 3.0.15" is in it): ibid cannot help'),
            ("OpenSSL 1.1.1 (compatible; BoringSSL)", "its TLS is BoringSSL; ibid helps programs whose TLS is OpenSSL"),
            ("OpenSSL 1.1.1 (compatible; AWS-LC 1.40.0)", "its TLS is AWS-LC; ibid helps programs whose TLS is OpenSSL"),
            ("LibreSSL 3.8.2", "its TLS is LibreSSL; ibid helps programs whose TLS is OpenSSL"),
        ],
    )
    def test_sees_what_is_linked_in_statically(self, ibid: Path, tmp_path: Path, started: Callable[..., subprocess.Popen[str]], text: str, what: str) -> None:
        """Like Node and Envoy: doctor on the program, and on a process of it."""
        program = self.embedding(tmp_path, text)
        process = started([str(ibid), "run", str(program)])
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        for subject in (program, process.pid):
            found = self.examine(ibid, subject)
            assert found["helps"] is False
            assert what in found["problems"]  # type: ignore[operator]

    @pytest.mark.parametrize(
        ("text", "what"),
        [
            ("OpenSSL 1.1.1w  11 Sep 2023", "is neither OpenSSL 3 nor 4 (version 1.1.1w)"),
            ("OpenSSL 1.1.1 (compatible; BoringSSL)", "its TLS is BoringSSL"),
            ("LibreSSL 4.0.0", "its TLS is LibreSSL"),
            ("OpenSSL 4.0.1 9 Jun 2026", "4.0.3 or newer"),
        ],
    )
    def test_sees_libraries_that_only_have_the_names(self, ibid: Path, tmp_path: Path, text: str, what: str) -> None:
        code = f'const char text[] = "{text}"; int f(void) {{ return 1; }}'
        libraries = [str(self.library(tmp_path, name, code)) for name in ("libssl.so.9", "libcrypto.so.9")]
        found = self.examine(ibid, self.program(tmp_path, *libraries))
        assert found["helps"] is False
        assert what in str(found["problems"]) + str(found["next"])
        assert not any(feature["active"] for feature in found["features"])  # type: ignore[attr-defined]

    def test_sees_openssl_that_a_wheel_brings(self, ibid: Path, tmp_path: Path) -> None:
        """With a name as from auditwheel."""
        theirs = []
        for path in ldd("/usr/bin/curl"):
            for name in ("libssl", "libcrypto"):
                if f"/{name}.so" in path:
                    theirs.append(tmp_path / f"{name}-0d2d4e85.so.{SONAME_VERSION}")
                    shutil.copy(path, theirs[-1])
        module = self.library(tmp_path, "module.so")
        subprocess.run(["cc", "-shared", "-o", str(module), "-Wl,--no-as-needed", f"-Wl,-rpath,{tmp_path}", f"-L{tmp_path}", *[f"-l:{one.name}" for one in theirs]], check=True)
        found = self.examine(ibid, self.program(tmp_path, str(module)))
        assert found["openssl"]["version"] == VERSION  # type: ignore[index]

    @pytest.mark.skipif(os.getuid() != 0, reason="needs root, to give a file away")
    def test_sees_that_a_program_gains_privileges(self, ibid: Path, tmp_path: Path) -> None:
        program = self.program(tmp_path, f"-l:{LIBSSL}", f"-l:{LIBCRYPTO}")
        os.chown(program, 65534, 65534)
        program.chmod(0o4755)
        found = self.examine(ibid, program)
        assert found["helps"] is False
        assert "the loader then ignores LD_PRELOAD" in str(found["problems"])

    def test_sees_nss(self, ibid: Path, tmp_path: Path) -> None:
        found = self.examine(ibid, self.program(tmp_path, str(self.library(tmp_path, "libssl3.so"))))
        assert found["helps"] is False
        assert "its TLS is NSS" in str(found["problems"])

    @pytest.mark.parametrize(("name", "whose"), [("prometheus", "Go's own (crypto/tls)"), ("rustup", "rustls")])
    def test_sees_other_tls_inside_an_executable(self, ibid: Path, name: str, whose: str) -> None:
        if shutil.which(name) is None:
            pytest.skip(f"there is no {name} here")
        found = self.examine(ibid, name)
        assert found["helps"] is False
        assert f"its TLS is {whose}; ibid helps programs whose TLS is OpenSSL" in str(found["problems"])

    def golike(self, folder: Path, *options: str, mark: str = r"\377 Go buildinf:\010\002", names: str = "crypto/tls.(*Conn).Handshake") -> Path:
        """A program with what Go's linker writes (debug/buildinfo) and with these names of functions."""
        source, program = folder / "golike.c", folder / "golike"
        source.write_text(
            f'__attribute__((aligned(16), used)) const char mark[] = "{mark}";\n__attribute__((used)) const char names[] = "{names}";\n'
            "int main(void) { return mark[0] + names[0]; }\n"
        )
        subprocess.run(["cc", "-o", str(program), str(source), "-Wl,--no-as-needed", *options], check=True)
        return program

    def test_knows_a_go_program_that_has_no_tls(self, ibid: Path, tmp_path: Path) -> None:
        """The name of the package is in each Go program, in the table of Go's settings."""
        assert "its TLS is Go's own (crypto/tls)" in str(self.examine(ibid, self.golike(tmp_path))["problems"])
        found = self.examine(ibid, self.golike(tmp_path, names="crypto/tls tlsmaxrsasize"))
        assert (found["helps"], found["problems"]) == (None, [])
        # A program that looks for Go programs contains the mark, too.
        found = self.examine(ibid, self.golike(tmp_path, mark=r"x\377 Go buildinf:\010\002"))
        assert (found["helps"], found["problems"]) == (None, [])

    def test_does_not_advise_another_build_of_a_static_go_program(self, ibid: Path, tmp_path: Path) -> None:
        found = self.examine(ibid, self.golike(tmp_path, "-static"))
        assert "its TLS is Go's own (crypto/tls)" in str(found["problems"])
        assert found["next"] == []
        assert self.examine(ibid, self.golike(tmp_path, "-static", names="net"))["next"] == []

    def test_does_not_know_of_a_go_program_with_cgo_and_tls_of_its_own(self, ibid: Path, tmp_path: Path) -> None:
        found = self.examine(ibid, self.golike(tmp_path, f"-l:{LIBSSL}", f"-l:{LIBCRYPTO}"))
        assert found["helps"] is None
        assert "has TLS of its own, too (Go's own (crypto/tls))" in str(found["notes"])
        assert "ibid run --stats" in str(found["next"])
        assert self.examine(ibid, self.golike(tmp_path, f"-l:{LIBSSL}", f"-l:{LIBCRYPTO}", names="net"))["helps"] is True

    def test_is_not_deceived_by_what_it_looks_for(self, ibid: Path) -> None:
        found = self.examine(ibid, ibid)
        assert (found["helps"], found["problems"]) == (None, [])

    def test_sees_openssl_that_does_not_name_its_version(
        self, ibid: Path, tmp_path: Path, started: Callable[..., subprocess.Popen[str]]
    ) -> None:
        """The linker leaves out the text of the version where nothing refers to it."""
        source, program = tmp_path / "context.c", tmp_path / "context"
        source.write_text(
            "#include <openssl/ssl.h>\n#include <unistd.h>\n"
            'int main(void) { SSL_CTX* c = SSL_CTX_new(TLS_client_method()); write(1, "ready\\n", 6); pause(); return c == 0; }\n'
        )
        built = subprocess.run(["cc", "-s", "-o", str(program), str(source), "-l:libssl.a", "-l:libcrypto.a", "-lz", "-ldl", "-lpthread"], capture_output=True)
        if built.returncode != 0:
            built = subprocess.run(["cc", "-s", "-o", str(program), str(source), "-l:libssl.a", "-l:libcrypto.a", "-ldl", "-lpthread"], capture_output=True)
        if built.returncode != 0:
            pytest.skip("there are no static libraries of OpenSSL here")
        process = started([str(program)])
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        for subject in (program, process.pid):
            found = self.examine(ibid, subject)
            assert found["helps"] is False
            assert "OpenSSL is inside the executable" in str(found["problems"])
            assert "ibid run" not in str(found["next"])

    def test_does_not_advise_what_cannot_help_a_process(self, ibid: Path, tmp_path: Path, started: Callable[..., subprocess.Popen[str]]) -> None:
        process = started([str(self.embedding(tmp_path, "LibreSSL 3.8.2"))])
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        assert self.examine(ibid, process.pid)["next"] == []

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

    def test_sees_openssl_inside_a_module(self, ibid: Path, tmp_path: Path, started: Callable[..., subprocess.Popen[str]]) -> None:
        """As in the wheel of cryptography."""
        code = 'char big[2 << 20] = {1}; const char* f(void) { return "tls_process_server_hello"; }'
        module = self.library(tmp_path, "module.so", code)
        process = started([str(ibid), "run", PYTHON, "-c", f"import ctypes, ssl, sys; ctypes.CDLL({str(module)!r}); print('ready', flush=True); sys.stdin.read()"])
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        found = self.examine(ibid, process.pid)
        assert f"{module} contains an OpenSSL of its own: what that one parses is not shared" in found["notes"]  # type: ignore[operator]

    def test_knows_java(self, ibid: Path, tmp_path: Path) -> None:
        found = self.examine(ibid, self.program(tmp_path, str(self.library(tmp_path, "libjli.so"))))
        assert found["helps"] is None
        assert "starts Java, which has TLS of its own (JSSE)" in str(found["notes"])

    def test_speaks_of_version_managers_only_where_there_is_one(self, ibid: Path, tmp_path: Path) -> None:
        script = tmp_path / "start"
        script.write_text('#!/bin/sh\nexec "$HOME/app" "$@"\n')
        script.chmod(0o755)
        assert "env which" not in str(self.examine(ibid, script)["next"])

    def test_says_what_was_examined_of_a_version_managers_shim(self, ibid: Path, tmp_path: Path) -> None:
        shim = tmp_path / "python3"
        shim.write_text('#!/usr/bin/env bash\nset -e\nprogram="${0##*/}"\nexec "/opt/pyenv/libexec/pyenv" exec "$program" "$@"\n')
        shim.chmod(0o755)
        found = self.examine(ibid, shim)
        assert found["helps"] is None
        assert f"{shim} is a shell script" in str(found["notes"])
        assert "pyenv which python3" in str(found["next"])

    def test_follows_a_shell_script_that_only_becomes_another_program(self, ibid: Path, tmp_path: Path) -> None:
        wrapper = tmp_path / "wrapper"
        wrapper.write_text(f'#!/bin/sh\nset -e\nexport MODE=fast\nexec {shutil.which("curl")} "$@"\n')
        wrapper.chmod(0o755)
        found = self.examine(ibid, wrapper)
        assert found["helps"] is True
        assert found["subject"] == shutil.which("curl")

    def test_says_what_is_not_shared_with_a_program_that_writes_to_certificates(self, ibid: Path) -> None:
        found = self.examine(ibid, "openssl")
        assert "names functions by which it could write to certificates" in str(found["problems"])
        assert found["helps"] is False
        assert "writes to certificates" not in str(self.examine(ibid, "curl")["notes"])

    def test_sees_auditors(self, ibid: Path, tmp_path: Path) -> None:
        assert "LD_AUDIT is set" in str(self.examine(ibid, "curl", env={**os.environ, "LD_AUDIT": "/nowhere/at/all.so"})["problems"])
        found = self.examine(ibid, self.program(tmp_path, f"-l:{LIBSSL}", f"-l:{LIBCRYPTO}", "-Wl,--audit,/nowhere/at/all.so"))
        assert "DT_AUDIT" in str(found["problems"])

    def test_sees_that_a_program_is_left_alone(self, ibid: Path) -> None:
        assert "IBID_EXCLUDE names curl" in str(self.examine(ibid, "curl", env={**os.environ, "IBID_EXCLUDE": "git:curl"})["problems"])
        assert self.examine(ibid, "curl", env={**os.environ, "IBID_EXCLUDE": "git:curly"})["problems"] == []

    @pytest.mark.parametrize(("server", "line"), [("postfix", "postconf -e"), ("dovecot", "$import_environment LD_PRELOAD")])
    def test_knows_the_line_that_servers_with_an_environment_of_their_own_need(self, ibid: Path, tmp_path: Path, server: str, line: str) -> None:
        program = tmp_path / server
        shutil.copy("/usr/bin/true", program)
        assert line in str(self.examine(ibid, program)["notes"])

    def test_gives_no_advice_about_the_environment_where_the_preload_is(self, ibid: Path, tmp_path: Path, started: Callable[..., subprocess.Popen[str]]) -> None:
        program = tmp_path / "dovecot"
        shutil.copy("/usr/bin/cat", program)
        for words, advised in (([str(ibid), "run", str(program)], False), ([str(program)], True)):
            process = started(words)
            wait_until(lambda pid=process.pid: os.readlink(f"/proc/{pid}/exe") == str(program), "it runs")  # type: ignore[misc]
            wait_until(lambda pid=process.pid: "libc.so" in Path(f"/proc/{pid}/maps").read_text(), "it is loaded")  # type: ignore[misc]
            assert ("import_environment" in str(self.examine(ibid, process.pid))) == advised

    @pytest.mark.skipif(os.getuid() != 0, reason="needs root, to change the root directory")
    def test_sees_that_a_process_has_another_root_directory(self, ibid: Path, started: Callable[..., subprocess.Popen[str]]) -> None:
        process = started([str(ibid), "run", PYTHON, "-c", "import os, ssl; os.chroot('/sys')\nprint('ready', flush=True)\nimport sys\nsys.stdin.read()"])
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        found = self.examine(ibid, process.pid)
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
            assert ("it has a system call filter (seccomp)" in str(self.examine(ibid, process.pid)["notes"])) == filtered

    @pytest.mark.parametrize("name", ["bwrap", "firejail", "flatpak", "docker", "podman"])
    def test_knows_what_starts_programs_in_a_sandbox(self, ibid: Path, tmp_path: Path, name: str) -> None:
        program = tmp_path / name
        shutil.copy("/usr/bin/true", program)
        assert f"put ibid there: '{name} ... ibid run PROGRAM'" in str(self.examine(ibid, program)["notes"])

    def test_gives_no_advice_against_its_own_answer(self, ibid: Path, tmp_path: Path) -> None:
        program = tmp_path / "systemctl"
        shutil.copy("/usr/bin/true", program)
        notes = str(self.examine(ibid, program)["notes"])
        assert "'ibid enable SERVICE'" in notes and "put ibid there" not in notes
        source = tmp_path / "writer.c"
        source.write_text("int X509_sign(void); int main(void) { return X509_sign(); }\n")
        subprocess.run(["cc", "-o", str(tmp_path / "writer"), str(source), f"-l:{LIBCRYPTO}"], check=True)
        found = self.examine(ibid, tmp_path / "writer")
        assert (found["helps"], found["next"]) == (False, [])
        assert "which does no TLS" in str(found["notes"])

    def test_lists_the_libcryptos_of_a_process(self, ibid: Path, tmp_path: Path, started: Callable[..., subprocess.Popen[str]]) -> None:
        """As with psycopg2-binary, which contains an OpenSSL of its own."""
        ours = next(path for path in ldd("/usr/bin/curl") if LIBCRYPTO in path)
        another = tmp_path / f"libcrypto-ca1fdc2f.so.{SONAME_VERSION}"
        shutil.copy(ours, another)
        loads = f"import ctypes, _ssl, os; ctypes.CDLL({str(another)!r}); print('ready', flush=True)\nimport sys\nsys.stdin.read()"
        process = started([str(ibid), "run", PYTHON, "-c", loads])
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        paths = [one["path"] for one in self.examine(ibid, process.pid)["libcryptos"]]  # type: ignore[attr-defined]
        assert len(paths) == 2
        assert str(another) in paths
        text = run_to_end([str(ibid), "doctor", str(process.pid)]).stdout
        assert "it has 2 of them:" in text

    def test_knows_programs_and_processes_that_do_not_exist(self, ibid: Path) -> None:
        assert run_to_end([str(ibid), "doctor", "there-is-no-such-program"]).returncode == 1
        assert run_to_end([str(ibid), "doctor", "999999999"]).returncode == 1

    @pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
    def test_paints_for_terminals_that_want_it(self, ibid: Path, variables: dict[str, str], coloured: bool) -> None:
        text = on_a_terminal([str(ibid), "doctor"], **variables)
        assert (b"\x1b[" in text) == coloured


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
