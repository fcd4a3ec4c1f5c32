# SPDX-License-Identifier: Apache-2.0
"""Perl modules over OpenSSL: the tests of Debian's source packages against the installed modules."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import ClassVar

from .. import formats
from ..sources import debian_source, installed_version
from ..suite import Suite
from ..trial import Trial


class PerlModule(Suite):
    """Each test file is a program that prints TAP."""

    package: ClassVar[str]  # binary and source package have the same name
    patterns: ClassVar[tuple[str, ...]] = ("t/*.t",)
    includes: ClassVar[tuple[str, ...]] = ()
    left_out: ClassVar[tuple[str, ...]] = ()  # tests of documents and packaging
    volatile: ClassVar[tuple[tuple[str, str], ...]] = ()  # (pattern, replacement) for names of subtests

    def prepare(self) -> str:
        installed = installed_version(self.package)
        # A rebuilt binary package (+b1) has the source of the version before it.
        version = debian_source(self.place, self.package, re.sub(r"\+b\d+$", "", installed))
        # Perl must load the installed module, not the unpacked one.
        for built in ("lib", "blib"):
            shutil.rmtree(self.source / built, ignore_errors=True)
        return f"{self.package} {installed}, tests of {version}"

    def units(self) -> list[str]:
        found = [
            str(path.relative_to(self.source))
            for pattern in self.patterns
            for path in sorted(self.source.glob(pattern))
        ]
        return [unit for unit in found if Path(unit).name not in self.left_out]

    def run_unit(self, trial: Trial, unit: str) -> None:
        shebang = (self.source / unit).read_text(errors="replace").split("\n", 1)[0]
        taint = ["-T"] if re.match(r"#!.*perl.* -\w*T", shebang) else []
        includes = [word for folder in (*self.includes, ".") for word in ("-I", str(self.source / folder))]
        output = trial.execute(
            unit,
            ["perl", *taint, *includes, unit],
            self.source,
            env={"NO_NETWORK_TESTING": "1", "TMPDIR": "/tmp"},
            limit=300,
        )
        for name, outcome in formats.tap(output):
            for pattern, replacement in self.volatile:
                name = re.sub(pattern, replacement, name)
            trial.record(unit, name, outcome)


class NetSsleay(PerlModule):
    name = "net-ssleay"
    what = "Net::SSLeay, Perl's binding of OpenSSL's own functions"
    least = 2400
    package = "libnet-ssleay-perl"
    packages = ("libnet-ssleay-perl", "perl", "dpkg-dev")
    patterns = ("t/local/*.t", "t/handle/local/*.t")
    includes = ("inc", "t/lib")
    left_out = ("01_pod.t", "02_pod_coverage.t", "kwalitee.t")
    volatile = ((r"duration=\d+", "duration"),)
    fast = True


class IoSocketSsl(PerlModule):
    name = "io-socket-ssl"
    what = "IO::Socket::SSL"
    least = 750
    package = "libio-socket-ssl-perl"
    packages = ("libio-socket-ssl-perl", "libnet-ssleay-perl", "perl", "dpkg-dev")
    volatile = ((r"\[\d+\.(server|client)", r"[\1"), (r"\d+ attempts", "attempts"))
    fast = True


class CryptOpensslX509(PerlModule):
    name = "crypt-openssl-x509"
    what = "Crypt::OpenSSL::X509"
    least = 90
    package = "libcrypt-openssl-x509-perl"
    packages = ("libcrypt-openssl-x509-perl", "libconvert-asn1-perl", "perl", "dpkg-dev")
    left_out = ("author-pod-syntax.t", "pod.t", "release-kwalitee.t", "release-meta-json.t")
    fast = True
