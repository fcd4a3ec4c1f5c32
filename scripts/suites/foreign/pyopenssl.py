# SPDX-License-Identifier: Apache-2.0
"""pyOpenSSL: Debian's version, and the newest with a `cryptography` built against the system's OpenSSL."""

from __future__ import annotations

from pathlib import Path

from .. import formats
from ..sources import PYTHON, command, debian_source, installed_version, python_source
from ..suite import Suite, SuiteError
from ..trial import Trial


class PytestSuite(Suite):
    """A project whose tests are in tests/, run in one process by pytest."""

    def units(self) -> list[str]:
        return ["tests"]  # in one process, so that one test file would see what another did to a shared object

    def interpreter(self) -> str | Path:
        return PYTHON

    def run_unit(self, trial: Trial, unit: str) -> None:
        trial.folder.mkdir(parents=True, exist_ok=True)
        report = trial.folder / f"{unit}.xml"
        report.unlink(missing_ok=True)
        words = [
            "-m",
            "pytest",
            "-v",
            "-p",
            "no:cacheprovider",
            f"--junitxml={report}",
            "--continue-on-collection-errors",
        ]
        trial.execute(
            unit, [self.interpreter(), *words, unit], self.source, env={"PYTHONDONTWRITEBYTECODE": "1"}
        )
        if report.exists():
            for name, outcome in formats.junit_xml(report.read_text()):
                trial.record(unit, name, outcome)


class PyOpenssl(PytestSuite):
    name = "pyopenssl"
    what = "pyOpenSSL of Debian"
    least = 480
    packages = (
        "python3-openssl",
        "python3-pytest",
        "python3-pretend",
        "python3-flaky",
        "python3-cffi",
        "python3-pip",
        "dpkg-dev",
    )

    def prepare(self) -> str:
        installed = installed_version("python3-openssl")
        tests = installed.split("-")[0]
        if not (self.place / "source/release").exists():
            try:
                tests = debian_source(self.place, "pyopenssl", installed)
            except SuiteError:  # the same release from PyPI
                python_source("pyOpenSSL", tests, self.place / "source")
        return f"python3-openssl {installed}, tests of {tests}"


class PyOpensslNewest(PytestSuite):
    name = "pyopenssl-newest"
    what = "the newest pyOpenSSL; cryptography built against the system's OpenSSL"
    least = 380
    packages = ("python3-venv", "python3-pip", "python3-dev", "libffi-dev", "libssl-dev", "pkgconf", "gcc")

    def interpreter(self) -> Path:
        return self.place / "venv/bin/python"

    def prepare(self) -> str:
        if not self.interpreter().exists():
            command([PYTHON, "-m", "venv", self.place / "venv"])
        done = self.place / "built"
        if not done.exists():
            # The wheels of `cryptography` contain an OpenSSL of their own, in which ibid intercepts nothing.
            pip = [self.interpreter(), "-m", "pip", "install", "-q"]
            wanted = ["cryptography", "pyOpenSSL", "pytest", "pretend", "pytest-rerunfailures"]
            command(
                [*pip, "--no-binary", "cryptography", *wanted],
                env={"OPENSSL_NO_VENDOR": "1"},
                log=self.place / "build.log",
            )
            done.touch()
        asked = command(
            [
                self.interpreter(),
                "-c",
                "import OpenSSL, cryptography; print(OpenSSL.__version__, cryptography.__version__)",
            ]
        )
        version, cryptography = asked.split()
        python_source("pyOpenSSL", version, self.place / "source")
        return f"pyOpenSSL {version}, cryptography {cryptography}"
