# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL's src/test/ssl, from Debian's source package, with the installed server and psql."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .. import formats
from ..sources import debian_source, installed_version
from ..suite import Suite, SuiteError
from ..trial import Trial


class Postgresql(Suite):
    name = "postgresql"
    what = "PostgreSQL's server and client over TLS: src/test/ssl"
    least = 150
    packages = ("postgresql", "libipc-run-perl", "perl", "dpkg-dev", "util-linux")

    @property
    def installed(self) -> Path:
        """/usr/lib/postgresql/VERSION, the newest with a server."""
        found = [path.parents[1] for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
        if not found:
            raise SuiteError("there is no PostgreSQL server")
        return max(found, key=lambda path: int(path.name))

    def prepare(self) -> str:
        package = f"postgresql-{self.installed.name}"
        version = installed_version(package)
        tests = debian_source(self.place, package, version)
        return f"{package} {version}, tests of {tests}"

    def units(self) -> list[str]:
        return [f"t/{path.name}" for path in sorted((self.source / "src/test/ssl/t").glob("*.pl"))]

    def run_unit(self, trial: Trial, unit: str) -> None:
        # The server does not run as root. Its socket's path must be short.
        folder = Path("/tmp") / f"ibid-suites-postgresql-{trial.mode.name}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        env = {
            "PATH": f"{self.installed}/bin:/usr/bin:/bin",
            "HOME": str(folder),
            "USER": "postgres",
            "TMPDIR": str(folder),
            "TESTDIR": str(folder),
            "top_builddir": str(folder),
            "PGPORT": "65432",
            "PG_REGRESS": f"{self.installed}/lib/pgxs/src/test/regress/pg_regress",
            "PG_TEST_EXTRA": "ssl",
            "with_ssl": "openssl",
        }
        user = []
        if os.geteuid() == 0:
            user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            shutil.chown(folder, "postgres", "postgres")
        words = [*user, "perl", "-I", "../../../src/test/perl", "-I", ".", unit]
        output = trial.execute(unit, words, self.source / "src/test/ssl", env=env)
        for name, outcome in formats.tap(output):
            trial.record(unit, name, outcome)
        logs = folder / "tmp_check/log"
        if logs.exists():
            shutil.copytree(logs, trial.folder / f"{Path(unit).stem}-servers", dirs_exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
