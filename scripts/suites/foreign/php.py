# SPDX-License-Identifier: Apache-2.0
"""PHP's tests of ext/openssl, from Debian's source package, with the installed php."""

from __future__ import annotations

from pathlib import Path

from .. import formats
from ..sources import command, debian_source, installed_version
from ..suite import Suite
from ..trial import Trial


class Php(Suite):
    name = "php"
    what = "PHP's ext/openssl: functions and TLS streams"
    least = 150
    packages = ("php-cli", "dpkg-dev")
    tests = "ext/openssl/tests"

    def prepare(self) -> str:
        short = command(["/usr/bin/php", "-r", "echo PHP_MAJOR_VERSION, '.', PHP_MINOR_VERSION;"]).strip()
        installed = installed_version(f"php{short}-cli")
        tests = debian_source(self.place, f"php{short}", installed)
        return f"php{short}-cli {installed}, tests of {tests}"

    def units(self) -> list[str]:
        return [self.tests]

    def run_unit(self, trial: Trial, unit: str) -> None:
        trial.folder.mkdir(parents=True, exist_ok=True)
        results = trial.folder / "results"
        results.unlink(missing_ok=True)
        tests = [f"{unit}/{name}" for name in sorted(trial.only(unit))] or [unit]
        words = [
            "php",
            "run-tests.php",
            "-p",
            "/usr/bin/php",
            "-q",
            "--no-color",
            "--no-progress",
            "--show-diff",
            "-W",
            results,
            *tests,
        ]
        # Exit status 1: a test failed, which is recorded for that test.
        trial.execute(unit, words, self.source, env={"NO_INTERACTION": "1"}, limit=1200, good=(0, 1))
        if results.exists():
            for name, outcome in formats.php_results(results.read_text()):
                trial.record(unit, Path(name).name, outcome)
