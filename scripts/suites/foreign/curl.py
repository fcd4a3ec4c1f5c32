# SPDX-License-Identifier: Apache-2.0
"""curl's own tests of TLS, from Debian's source package, built against the system's OpenSSL.

The servers are curl's own, behind stunnel, which also runs under ibid. Tests without TLS are left out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from .. import formats
from ..sources import command, debian_source, installed_version
from ..suite import Suite
from ..trial import Trial

SERVERS = re.compile(r"<server>\s*(.*?)\s*</server>", re.DOTALL)
OVER_TLS = re.compile(r"(?m)^(https|ftps|imaps|pop3s|smtps|gophers|httptls)\b")
AT_ONCE = 25  # tests for each call: each call starts the servers once


class Curl(Suite):
    name = "curl"
    what = "curl's tests over TLS"
    least = 35
    packages = (
        "curl",
        "libssl-dev",
        "zlib1g-dev",
        "stunnel4",
        "gcc",
        "make",
        "perl",
        "dpkg-dev",
        "libc6-dev",
    )

    @property
    def build(self) -> Path:
        return self.place / "build"

    def prepare(self) -> str:
        version = debian_source(self.place, "curl", installed_version("curl"))
        done = self.place / "built"
        if not done.exists() or done.read_text() != version:
            self.build.mkdir(parents=True, exist_ok=True)
            options = (
                "--with-openssl",
                "--disable-static",
                "--disable-symbol-hiding",
                "--without-libpsl",
                "--disable-ldap",
                "--without-brotli",
                "--without-zstd",
            )
            command(
                [self.source / "configure", *options, "--disable-dependency-tracking"],
                self.build,
                log=self.place / "configure.log",
            )
            jobs = f"-j{os.cpu_count()}"
            command(["make", jobs], self.build, log=self.place / "build.log")
            command(["make", jobs, "-C", "tests"], self.build, log=self.place / "tests.log")
            done.write_text(version)
        return version

    def _tests(self) -> Iterator[int]:
        for path in (self.source / "tests/data").glob("test[0-9]*"):
            text = path.read_text(errors="replace")
            servers = SERVERS.search(text)
            if servers and OVER_TLS.search(servers[1]):
                yield int(path.name.removeprefix("test"))

    def units(self) -> list[str]:
        numbers = sorted(self._tests())
        return [
            f"{numbers[i]}-{numbers[min(i + AT_ONCE, len(numbers)) - 1]}"
            for i in range(0, len(numbers), AT_ONCE)
        ]

    def run_unit(self, trial: Trial, unit: str) -> None:
        first, last = (int(number) for number in unit.split("-"))
        numbers = [number for number in sorted(self._tests()) if first <= number <= last]
        only = {int(name) for name in trial.only(unit)}
        words = ["perl", f"-I{self.source}/tests", self.source / "tests/runtests.pl", "-a", "-n", "-p"]
        chosen = [str(number) for number in numbers if not only or number in only]
        output = trial.execute(
            unit,
            [*words, *chosen],
            self.build / "tests",
            env={"srcdir": str(self.source / "tests")},
            limit=900,
            good=(0, 1),
        )
        for name, outcome in formats.curl_runtests(output):
            trial.record(unit, name, outcome)
