# SPDX-License-Identifier: Apache-2.0
"""Ruby's tests of its openssl library, from Debian's source package, with the installed Ruby."""

from __future__ import annotations

from pathlib import Path

from .. import formats
from ..sources import command, debian_source, installed_version
from ..suite import Suite
from ..trial import Trial


class Ruby(Suite):
    name = "ruby"
    what = "Ruby's openssl and the standard library's TLS clients"
    least = 450
    packages = ("ruby", "dpkg-dev")

    def prepare(self) -> str:
        package = "ruby" + command(["/usr/bin/ruby", "-e", "print RUBY_VERSION[/\\d+\\.\\d+/]"]).strip()
        installed = installed_version(package)
        tests = debian_source(self.place, package, installed)
        return f"{package} {installed}, tests of {tests}"

    def units(self) -> list[str]:
        patterns = ("test/openssl/test_*.rb", "test/net/*/test_*.rb")
        files = sorted(path for pattern in patterns for path in self.source.glob(pattern))
        return [str(path.relative_to(self.source)) for path in files if self._is_about_tls(path)]

    @staticmethod
    def _is_about_tls(path: Path) -> bool:
        return path.parent.name == "openssl" or "openssl" in path.read_text(errors="replace")

    def run_unit(self, trial: Trial, unit: str) -> None:
        words = ["ruby", "-Itool/lib", "-Itest/lib", "test/runner.rb", "-v", "--seed=1", unit]
        output = trial.execute(unit, words, self.source, env={"TMPDIR": "/tmp"})
        for name, outcome in formats.ruby_verbose(output):
            trial.record(unit, name, outcome)
