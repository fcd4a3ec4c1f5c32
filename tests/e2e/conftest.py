# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the end-to-end tests. Run with: /usr/bin/python3 -m pytest tests/e2e   (IBID_BUILD=DIR names the build)"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from control_groups import ControlGroups  # noqa: E402
from equality import DEFAULT, WAYS, Scenario, Statistics, Theatre, Way, ibid_program  # noqa: E402
from servers import Backends  # noqa: E402

from testbed.pki import Standard  # noqa: E402


def pytest_configure() -> None:
    """Resets signals that nohup or a shell made this process ignore. Otherwise its children would ignore them, too, and tests
    that send signals would time out. (Python ignores SIGPIPE and SIGXFSZ itself, and resets them in children.)"""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM, signal.SIGTSTP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Standard:
    """The certificates that all tests share."""
    return Standard(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="session")
def ibid() -> Path:
    """The `ibid` command under test."""
    return ibid_program()


@pytest.fixture(scope="session")
def backends(pki: Standard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backends]:
    """Stock TLS servers, one for each kind of certificate, which run until the tests end."""
    with Backends(tmp_path_factory.mktemp("backends"), pki) as servers:
        yield servers


@pytest.fixture(scope="session")
def theatre(pki: Standard, ibid: Path, tmp_path_factory: pytest.TempPathFactory) -> Theatre:
    return Theatre(tmp_path_factory.mktemp("stage"), pki, ibid)


@pytest.fixture(params=WAYS, ids=lambda way: way.name.replace(" ", "-"))
def way(request: pytest.FixtureRequest) -> Way:
    """Each way in which a program runs under ibid."""
    assert isinstance(request.param, Way)
    return request.param


@pytest.fixture
def equal(theatre: Theatre, way: Way, request: pytest.FixtureRequest) -> Callable[[Scenario], Statistics]:
    """Runs a scenario stock and under ibid, requires the same records from both, and returns ibid's statistics."""
    name = request.node.nodeid.replace(f"[{way.name.replace(' ', '-')}", "[").split("::", 1)[1]
    return lambda scenario: theatre.compare(name, scenario, way)


@pytest.fixture
def same(theatre: Theatre, request: pytest.FixtureRequest) -> Callable[[Scenario], Statistics]:
    """Like `equal`, but only with default settings, for scenarios in which the settings make no difference."""
    return lambda scenario: theatre.compare(request.node.name, scenario, DEFAULT)


@pytest.fixture(params=["exec", "supervised"])
def run(request: pytest.FixtureRequest, ibid: Path, tmp_path: Path) -> list[str]:
    """`ibid run`, without and with --stats: the program must look the same from outside."""
    return [str(ibid), "run", *([f"--stats={tmp_path / 'figures.json'}"] if request.param == "supervised" else []), "--"]


@pytest.fixture
def supervised(ibid: Path, tmp_path: Path) -> list[str]:
    return [str(ibid), "run", f"--stats={tmp_path / 'figures.json'}", "--"]


@pytest.fixture
def control_groups() -> Iterator[ControlGroups]:
    groups = ControlGroups()
    yield groups
    groups.end()


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
