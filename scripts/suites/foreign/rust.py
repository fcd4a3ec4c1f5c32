# SPDX-License-Identifier: Apache-2.0
"""rust-openssl's tests, linked with the system's shared library."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from .. import formats
from ..sources import command
from ..suite import Suite, SuiteError
from ..trial import Trial


class RustOpenssl(Suite):
    name = "rust-openssl"
    what = "the Rust package openssl, linked dynamically"
    least = 400
    # cargo is not in this list: Debian 12's is too old for the newest release.
    packages = ("libssl-dev", "pkgconf", "gcc", "libc6-dev")

    @property
    def source(self) -> Path:
        return self.place / "vendor" / "openssl"

    def prepare(self) -> str:
        cargo = shutil.which("cargo")
        if not cargo:
            raise SuiteError("this needs cargo, of Rust 1.80 or newer")
        if not (self.place / "program").exists():
            # A package that depends on it, so that cargo fetches it like any other.
            fetched = self.place / "fetched"
            (fetched / "src").mkdir(parents=True, exist_ok=True)
            (fetched / "src/lib.rs").touch()
            (fetched / "Cargo.toml").write_text(
                '[package]\nname = "fetched"\nversion = "0.0.0"\nedition = "2021"\n'
                '[dependencies]\nopenssl = "0.10"\n[workspace]\n'
            )
            command([cargo, "vendor", "--quiet", self.place / "vendor"], fetched)
            (self.source / "Cargo.toml").write_text(
                (self.source / "Cargo.toml").read_text() + "\n[workspace]\n"
            )
            built = command(
                [cargo, "test", "--lib", "--no-run"],
                self.source,
                env={"OPENSSL_NO_VENDOR": "1", "CARGO_TARGET_DIR": str(self.place / "target")},
                log=self.place / "build.log",
            )
            program = re.search(r"Executable .*\((.*)\)", built)
            if not program:
                raise SuiteError("cargo does not say which program it built")
            shutil.copy(os.path.join(self.source, program[1]), self.place / "program")
        version = re.search(r'(?m)^version = "(.*)"', (self.source / "Cargo.toml").read_text())
        return f"openssl {version[1] if version else '?'} (Rust)"

    def units(self) -> list[str]:
        return ["lib"]

    def run_unit(self, trial: Trial, unit: str) -> None:
        only = sorted(trial.only(unit))
        words = [self.place / "program", "--test-threads=1", *(["--exact", *only] if only else [])]
        # Exit status 101: a test failed, which is recorded for that test.
        output = trial.execute(unit, words, self.source, good=(0, 101))
        for name, outcome in formats.cargo(output):
            trial.record(unit, name, outcome)
