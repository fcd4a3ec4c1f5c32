# SPDX-License-Identifier: Apache-2.0
"""CPython's own tests of the modules that use TLS, from Debian's package of its test suite."""

from __future__ import annotations

from pathlib import Path

from .. import formats
from ..sources import installed_version
from ..suite import Suite
from ..trial import Trial

PROGRAM = "/usr/bin/python3.11"
RUNNER = Path(__file__).with_name("unittest_runner.py")


class CPython(Suite):
    name = "cpython"
    what = "CPython 3.11: ssl, asyncio over TLS, http, urllib, ftp, pop, imap, smtp"
    least = 1100
    packages = ("python3.11", "libpython3.11-testsuite")

    modules = (
        "test_ssl",
        "test_asyncio.test_sslproto",
        "test_asyncio.test_ssl",
        "test_asyncio.test_streams",
        "test_asyncio.test_events",
        "test_httplib",
        "test_urllib",
        "test_urllib2",
        "test_urllib2_localnet",
        "test_urllib_response",
        "test_urlparse",
        "test_ftplib",
        "test_poplib",
        "test_imaplib",
        "test_smtplib",
        "test_hashlib",
    )

    def prepare(self) -> str:
        return f"python3.11 {installed_version('python3.11')}"

    def units(self) -> list[str]:
        return list(self.modules)

    def run_unit(self, trial: Trial, unit: str) -> None:
        trial.folder.mkdir(parents=True, exist_ok=True)
        outcomes = trial.folder / f"{unit}.outcomes"
        outcomes.unlink(missing_ok=True)
        # A fixed seed gives sets the same order in each trial.
        trial.execute(
            unit,
            [PROGRAM, RUNNER, outcomes, f"test.{unit}"],
            trial.folder,
            env={"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"},
        )
        if outcomes.exists():
            for name, outcome in formats.outcome_lines(outcomes.read_text()):
                trial.record(unit, name, outcome)


class CPythonSsl(CPython):
    name = "cpython-ssl"
    what = "of these test_ssl alone"
    least = 150
    modules = ("test_ssl",)
    fast = True
