# SPDX-License-Identifier: Apache-2.0
"""ibid together with other things in a process: other preloads, no OpenSSL, static code, privileges, shells,
forks, libraries that come and go."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from equality import PYTHON_OUTPUT, Scenario, Stage, Statistics
from servers import Backends
from this_openssl import LIBSSL

from testbed.pki import Standard
from testbed.program import ProgramError, require

PROGRAMS = Path(__file__).parent / "programs"
PATH = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
Compare = Callable[[Scenario], Statistics]


def run(stage: Stage, *words: str | Path, what: str = "", **more: str) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        [*stage.wrap, *words],
        capture_output=True,
        cwd=stage.folder,
        env={**PATH, **stage.env, **more},
        timeout=120,
    )
    stage.record(f"{what}exit status", done.returncode)
    stage.record(f"{what}stdout", done.stdout, PYTHON_OUTPUT)
    stage.record(f"{what}stderr", done.stderr)
    return done


def compiled(folder: Path, source: str, *flags: str) -> Path:
    """A C program, compiled."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / Path(source).stem
    command = [require("cc"), "-O1", "-o", str(program), str(PROGRAMS / source), *flags]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise ProgramError(f"{source} does not compile:\n{done.stderr}")
    return program


def library(name: str, package: str) -> Path:
    """A shared library of the system, by its soname."""
    for line in subprocess.run(
        ["/sbin/ldconfig", "-p"], check=True, capture_output=True, text=True
    ).stdout.splitlines():
        if line.strip().startswith(f"{name} "):
            return Path(line.rsplit("=> ", 1)[1])
    raise ProgramError(f"{name} is not installed; run ./dev setup, or apt-get install {package}")


@pytest.mark.parametrize(
    "name, package",
    [("libjemalloc.so.2", "libjemalloc2"), ("libtcmalloc_minimal.so.4", "libtcmalloc-minimal4")],
)
def test_an_allocator_that_is_preloaded_already_keeps_working(
    same: Compare, backends: Backends, name: str, package: str
) -> None:
    allocator = library(name, package)

    def scenario(stage: Stage) -> None:
        trust, port = stage.pki.trust, str(backends.ports["server"])
        done = run(
            stage,
            "/usr/bin/python3",
            "-I",
            PROGRAMS / "threaded_client.py",
            trust,
            port,
            name,
            LD_PRELOAD=str(allocator),
        )
        assert b"allocator is loaded: True" in done.stdout

    assert same(scenario).hits > 100


def test_a_program_without_openssl_runs_as_ever_and_the_reason_is_said(same: Compare) -> None:
    def scenario(stage: Stage) -> None:
        run(stage, "/bin/sh", "-c", "exit 0", what="true: ")
        run(stage, "/bin/sh", "-c", "exit 1", what="false: ")
        run(stage, "/bin/sed", "", "/etc/passwd", what="sed: ")

    statistics = same(scenario)
    assert not statistics.helped
    assert statistics.reason


def test_a_statically_linked_program_runs_as_ever_and_the_reason_is_said(
    same: Compare, tmp_path: Path
) -> None:
    program = compiled(tmp_path, "plain.c", "-static")

    def scenario(stage: Stage) -> None:
        done = run(stage, program, "one", "two")
        assert done.returncode == 7

    statistics = same(scenario)
    assert not statistics.helped
    assert statistics.reason


def test_a_setuid_program_runs_as_ever_and_the_reason_is_said(same: Compare, tmp_path: Path) -> None:
    """The dynamic linker ignores preloads in programs that gain privileges; nothing is printed, nothing fails."""
    words: list[str | Path]
    if os.geteuid() == 0:
        program = tmp_path / "openssl"
        shutil.copy(require("openssl"), program)
        os.chown(program, pwd.getpwnam("nobody").pw_uid, -1)
        program.chmod(0o4755)
        for folder in [tmp_path, *tmp_path.parents][:-2]:
            folder.chmod(folder.stat().st_mode | 0o011)
        words = [program, "version"]
    else:
        words = ["/bin/su", "--version"]

    def scenario(stage: Stage) -> None:
        assert run(stage, *words).returncode == 0

    statistics = same(scenario)
    assert not statistics.helped
    assert statistics.reason


def test_a_shell_and_everything_that_it_starts_are_helped(same: Compare, backends: Backends) -> None:
    def scenario(stage: Stage) -> None:
        port = backends.ports["server"]
        fetch = f"curl -sS --no-sessionid -H Connection:close --cacert {stage.pki.trust}"
        script = f"""
            {fetch} https://localhost:{port}/ &
            wait
            (exec env {fetch} https://localhost:{port}/ https://localhost:{port}/)
            {fetch} https://localhost:{backends.ports["expired"]}/ || echo "failed with $?"
            nice sh -c '{fetch} https://localhost:{port}/ | tr a-z A-Z'
            exit 3
        """
        done = run(stage, "/bin/sh", "-c", script)
        assert done.returncode == 3

    statistics = same(scenario)
    assert statistics.helped
    assert statistics.processes >= 4  # each curl
    assert statistics.misses >= 4 * 2  # no process shares with another
    assert statistics.hits >= 2  # the two transfers of one


def test_a_program_that_clears_its_environment_leaves_ibid_behind(same: Compare, backends: Backends) -> None:
    def scenario(stage: Stage) -> None:
        address = f"https://localhost:{backends.ports['server']}/"
        done = run(
            stage, "/bin/bash", "-c", 'exec -c "$@"', "bash", require("curl"), "-sS", "--cacert", stage.pki.trust, address, address
        )
        assert done.stdout == b"this is server\n" * 2

    assert not same(scenario).helped


def test_ibid_under_ibid_is_ibid(same: Compare, ibid: Path, backends: Backends) -> None:
    def scenario(stage: Stage) -> None:
        address = f"https://localhost:{backends.ports['server']}/"
        inner = [str(ibid), "run", "--"] if stage.way.ibid else []
        options = ("-sS", "--no-sessionid", "-H", "Connection: close", "--cacert", stage.pki.trust)
        run(stage, *inner, require("curl"), *options, address, address)

    assert same(scenario).hits >= 2


def test_ibid_does_nothing_when_it_is_disabled(same: Compare, backends: Backends) -> None:
    def scenario(stage: Stage) -> None:
        address = f"https://localhost:{backends.ports['server']}/"
        curl = (
            require("curl"),
            "-sS",
            "--no-sessionid",
            "-H",
            "Connection: close",
            "--cacert",
            stage.pki.trust,
        )
        run(stage, *curl, address, address, address, IBID_DISABLE="1")

    statistics = same(scenario)
    assert (statistics.hits, statistics.misses) == (0, 0)


def test_a_program_that_loads_openssl_at_run_time_for_itself_alone_is_helped(
    same: Compare, backends: Backends, tmp_path: Path
) -> None:
    """dlopen(RTLD_LOCAL), use, dlclose, and again: from C, with function pointers from dlsym."""
    program = compiled(tmp_path, "dlopen_client.c", f'-DLIBSSL="{LIBSSL}"', "-ldl")

    def scenario(stage: Stage) -> None:
        words = [str(backends.ports[name]) for name in ("server", "expired", "unknown_ca", "ec_server")]
        done = run(stage, program, stage.pki.trust, *words)
        assert done.returncode == 0, done.stderr

    assert same(scenario).hits >= 4


def test_a_process_that_forks_while_its_threads_are_in_handshakes_goes_on(
    same: Compare, backends: Backends
) -> None:
    """Children of a process whose threads are inside OpenSSL, and perhaps inside ibid, complete their own handshakes."""

    def scenario(stage: Stage) -> None:
        done = run(
            stage,
            "/usr/bin/python3",
            *("-I", "-W", "ignore::DeprecationWarning"),  # Python 3.12 warns of fork() beside threads
            PROGRAMS / "forking_client.py",
            stage.pki.trust,
            str(backends.ports["server"]),
        )
        assert done.returncode == 0, done.stderr

    statistics = same(scenario)
    assert statistics.processes >= 20
    assert statistics.hits > 100


def test_a_program_may_become_another_one(same: Compare, backends: Backends) -> None:
    """A process that has used OpenSSL executes itself: ibid counts before and after the exec."""

    def scenario(stage: Stage) -> None:
        arguments = (stage.pki.trust, str(backends.ports["server"]), "3")
        run(stage, "/usr/bin/python3", "-I", PROGRAMS / "reborn_client.py", *arguments)

    statistics = same(scenario)
    assert statistics.misses >= 3 * 2
    assert statistics.hits >= 3 * 2


def test_nothing_of_ibid_is_seen_without_stats(
    ibid: Path, pki: Standard, backends: Backends, tmp_path: Path
) -> None:
    """`ibid run` executes the program: same process, same parent, same streams."""
    curl = [
        require("curl"),
        "-sS",
        "--cacert",
        str(pki.trust),
        f"https://localhost:{backends.ports['server']}/",
    ]
    stock = subprocess.run(curl, capture_output=True, env=PATH)
    under = subprocess.run([ibid, "run", *curl], capture_output=True, env=PATH)
    assert (under.returncode, under.stdout, under.stderr) == (stock.returncode, stock.stdout, stock.stderr)
    shell = subprocess.run([ibid, "run", "--", "/bin/sh", "-c", "echo $PPID"], capture_output=True, env=PATH)
    assert int(shell.stdout) == os.getpid()
