# SPDX-License-Identifier: Apache-2.0
"""Trials of real programs: outcomes, time limits, leftovers, and whether the preload was seen."""

from __future__ import annotations

import ctypes.util
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from scripts.suites.comparison import Difference
from scripts.suites.modes import MODES, STOCK, Mode
from scripts.suites.runner import Setting, run_suite
from scripts.suites.suite import Suite
from scripts.suites.trial import FAIL, PASS, TIMEOUT, Trial, without_volatile


def trial(folder: Path, mode: Mode = STOCK, preload: Path = Path("/nothing")) -> Trial:
    return Trial(mode, preload, folder)


def library(folder: Path) -> Path:
    """A preload; any library will do. It is a copy, so that no other process has mapped it."""
    found = next(Path("/lib").glob("*-linux-gnu/libutil.so.1"), None) or next(
        Path("/usr/lib").glob("*-linux-gnu/libutil.so.1")
    )
    return Path(shutil.copy(found, folder / "libpreload.so"))


def test_subtests_of_the_same_name_are_numbered(tmp_path: Path) -> None:
    one = trial(tmp_path)
    for outcome in (PASS, FAIL):
        one.record("u", "connected", outcome)
    assert one.outcomes == {("u", "connected"): PASS, ("u", "connected (2)"): FAIL}


def test_what_is_random_in_a_name_is_left_out() -> None:
    assert without_volatile("wrote /tmp/x_1/y.pem at 0x7f0012345678 to port 40123, 12 bytes") == (
        "wrote <file> at <address> to port <number>, 12 bytes"
    )


def test_exit_status_and_signal_are_the_units_outcome(tmp_path: Path) -> None:
    one = trial(tmp_path)
    one.execute("good", ["true"], tmp_path)
    one.execute("bad", ["sh", "-c", "exit 3"], tmp_path)
    one.execute("dead", ["sh", "-c", "kill -SEGV $$"], tmp_path)
    assert one.outcomes == {
        ("good", ""): PASS,
        ("bad", ""): "fail (exit status 3)",
        ("dead", ""): "fail (SIGSEGV)",
    }


def test_a_unit_that_hangs_is_ended_and_told(tmp_path: Path) -> None:
    one = trial(tmp_path)
    assert one.execute("slow", ["sh", "-c", "echo begun; sleep 60"], tmp_path, limit=0.5) == "begun\n"
    assert one.outcomes == {("slow", ""): TIMEOUT}


def test_servers_that_a_unit_leaves_are_ended_even_as_daemons(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from scripts.suites.modes import STOCK\n"
        "from scripts.suites.trial import Trial, adopt_orphans\n"
        "adopt_orphans()\n"
        "Trial(STOCK, Path('/nothing'), Path(sys.argv[2])).execute('u',\n"
        "    ['sh', '-c', 'setsid -f sh -c \"echo $$ >pid; exec sleep 60\"; sleep 0.5; cat pid'], Path(sys.argv[2]))\n"
    )
    root = Path(__file__).resolve().parents[3]
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", code, str(root), str(tmp_path)], check=True)
    assert time.monotonic() - started < 30
    waiting = [p for p in Path("/proc").glob("[0-9]*") if _cwd(p) == str(tmp_path)]
    assert waiting == []


def _cwd(process: Path) -> str:
    try:
        return os.readlink(process / "cwd")
    except OSError:
        return ""


def test_nothing_of_the_callers_environment_reaches_a_unit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/somewhere")
    monkeypatch.setenv("IBID_SCOPE", "all")
    printed = trial(tmp_path, MODES["retain0"], library(tmp_path)).execute("u", ["env"], tmp_path)
    assert "SSL_CERT_FILE" not in printed and "IBID_SCOPE" not in printed
    assert f"LD_PRELOAD={tmp_path}/libpreload.so" in printed and "IBID_RETAIN=0" in printed
    assert "LD_PRELOAD" not in trial(tmp_path).execute("u", ["env"], tmp_path)


def sleeps(seconds: float) -> list[str]:
    """A program without libcrypto; Ubuntu's sleep of 2026 has one."""
    return ["/usr/bin/python3", "-c", f"import time; time.sleep({seconds})"]


def test_the_preload_is_seen_only_beside_libcrypto(tmp_path: Path) -> None:
    assert ctypes.util.find_library("crypto")
    one = trial(tmp_path, MODES["default"], library(tmp_path))
    one.execute("without", sleeps(0.3), tmp_path)
    assert one.seen_in == ""
    one.execute("with", ["/usr/bin/python3", "-c", "import ssl, time; time.sleep(0.3)"], tmp_path)
    assert Path(one.seen_in).name.startswith("python3")


def test_somebody_elses_process_with_the_same_preload_is_not_taken_for_ours(tmp_path: Path) -> None:
    preload = library(tmp_path)
    code = f"import os, ssl, time; open('{tmp_path}/pid', 'w').write(str(os.getpid())); time.sleep(20)"
    one = trial(tmp_path, MODES["default"], preload)
    # It starts after the unit, and its parent is not this process.
    other = ["setsid", "-f", "env", f"LD_PRELOAD={preload}", "/usr/bin/python3", "-c", code]
    starter = threading.Timer(0.3, lambda: subprocess.run(other, check=True))
    starter.start()
    one.execute("without", sleeps(2), tmp_path)
    starter.join()
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert one.seen_in == ""


class Staged(Suite):
    """A suite that fails under ibid, always or sometimes. `script` has the program of each unit."""

    name = "staged"
    what = "of this test"
    scripts = {
        "same": "import ssl",
        "differs": "import os, ssl, time; time.sleep(0.2); raise SystemExit('LD_PRELOAD' in os.environ)",
        "flaky": "import os, pathlib; p = pathlib.Path('turns'); n = len(p.read_text()) if p.exists() else 0;"
        "p.write_text('x' * (n + 1)); raise SystemExit(n % 3 > 0)",
    }

    def prepare(self) -> str:
        return "1"

    def units(self) -> list[str]:
        return list(self.scripts)

    def run_unit(self, trial: Trial, unit: str) -> None:
        trial.execute(unit, ["/usr/bin/python3", "-c", self.scripts[unit]], self.place)


def by_unit(differences: list[Difference]) -> dict[str, Difference]:
    return {difference.key[0]: difference for difference in differences}


def test_a_new_failure_is_named_and_a_flaky_one_explained_by_stock(tmp_path: Path) -> None:
    setting = Setting(library(tmp_path), tmp_path / "results", [MODES["default"]], 1, 3, lambda words: None)
    result = run_suite(Staged(tmp_path), setting)
    new = by_unit(result.modes["default"].new)
    assert set(new) == {"differs", "flaky"}
    assert not new["differs"].is_explained and len(new["differs"].again) == 3
    assert new["flaky"].evidence is not None and new["flaky"].evidence.exists()
    (problem,) = result.problems()
    assert problem.startswith(
        "staged, default: differs: stock pass, ibid fail (exit status 1); again under ibid 3 of 3, stock 0 of 3"
    )


def test_a_trial_in_which_the_preload_was_never_seen_is_a_problem(tmp_path: Path) -> None:
    class Blind(Staged):
        scripts = {"same": "pass"}

    setting = Setting(library(tmp_path), tmp_path / "results", [MODES["default"]], 1, 1, lambda words: None)
    assert run_suite(Blind(tmp_path), setting).problems() == [
        "staged, default: the preload was in no process that had libcrypto"
    ]
