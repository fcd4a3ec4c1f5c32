# SPDX-License-Identifier: Apache-2.0
"""OpenSSL's own tests, from Debian's source package, on two builds: Debian's, and upstream's default (-Bsymbolic).

The test programs run with the libraries of their build. These are like the distribution's: same sources, same
options. (The tests of one version do not fit the libraries of another.)
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import ClassVar

from .. import formats
from ..sources import command, debian_source, installed_version
from ..suite import Suite
from ..trial import Trial

# Certificates, names, CRLs, stores, TLS, providers, engines, and what uses them. Not: single algorithms,
# numbers.
RECIPES = re.compile(
    r"""
    02-test_(errstr|internal_(ctype|exts|provider|context|keymgmt)|lhash|stack)
    | 03-test_(exdata|internal_(asn1|x509|namemap|ssl_cert_table)|property)
    | 04-test_(asn1_.*|encoder_decoder.*|err|nodefltctx|pem_.*|prov.*|upcalls|conf)
    | 06-test_algorithmid
    | 15-test_(rsapss|genrsa)
    | 20-test_(app|legacy_okay|nocache|spkac)
    | 25-test_.*
    | 30-test_(engine|evp_extra|evp_libctx|evp_fetch_prov|evp_pkey_provided|pkey_meth.*)
    | 30-test_(prov_config|provider_status|defltfips)
    | 40-test_rehash
    | 60-test_.*
    | 61-test_bio_.*
    | 65-test_cmp_.*
    | 66-test_ossl_store
    | 70-test_.*
    | 71-test_ssl_ctx
    | 79-test_http
    | 80-test_.*
    | 81-test_cmp_cli
    | 90-test_(asn1_time|async|bio_enc|fatalerr|includes|memleak|secmem|shlibload|srp)
    | 90-test_(ssl.*|store.*|sysdefault|threads|time_offset|tls.*|v3name|fipsload)
    | 91-test_pkey_check
    """,
    re.VERBOSE,
)


class Openssl(Suite):
    name = "openssl"
    what = "OpenSSL's own recipes, Debian's build"
    least = 8000
    packages = ("openssl", "gcc", "make", "perl", "dpkg-dev", "libc6-dev")
    options: ClassVar[tuple[str, ...]] = (
        *"shared --openssldir=/usr/lib/ssl no-idea no-mdc2 no-rc5 no-zlib no-ssl3 enable-unit-test".split(),
        *"no-ssl3-method enable-rfc3779 enable-cms no-capieng no-rdrand enable-ec_nistp_64_gcc_128 debian-amd64".split(),
    )
    source_folder: ClassVar[str] = "source/src"

    @property
    def source(self) -> Path:
        return self.place / self.source_folder

    @property
    def build(self) -> Path:
        return self.place / "build"

    def unpack(self) -> str:
        """The sources, in self.source."""
        version = debian_source(self.place, "openssl", installed_version("openssl"))
        # Binary files, which a patch cannot contain, and which tests in Debian's patches need.
        if (self.source / "debian/binary.tar").exists():
            command(["tar", "xf", "debian/binary.tar"], self.source)
        return version

    def prepare(self) -> str:
        version = self.unpack()
        done = self.build / "built"
        if not done.exists() or done.read_text() != version:
            self.build.mkdir(parents=True, exist_ok=True)
            command([self.source / "Configure", *self.options], self.build, log=self.place / "configure.log")
            command(["make", "-j", str(os.cpu_count()), "build_sw"], self.build, log=self.place / "build.log")
            done.write_text(version)
        return f"{version} ({self.what})"

    def units(self) -> list[str]:
        recipes = sorted(path.stem for path in (self.source / "test/recipes").glob("*.t"))
        return [recipe for recipe in recipes if RECIPES.fullmatch(recipe)]

    def run_unit(self, trial: Trial, unit: str) -> None:
        trial.folder.mkdir(parents=True, exist_ok=True)
        env = {
            "SRCTOP": str(self.source),
            "BLDTOP": str(self.build),
            "RESULT_D": str(trial.folder / "runs"),
            "PERL": "/usr/bin/perl",
            "EXE_EXT": "",
            "HARNESS_VERBOSE": "yes",
        }
        recipe = re.sub(r"^\d+-", "", unit)
        output = trial.execute(
            unit, ["perl", self.source / "test/run_tests.pl", recipe], self.build, env=env, limit=900
        )
        for name, outcome in formats.tap(output):
            trial.record(unit, name, outcome)


class OpensslUpstream(Openssl):
    """With IBID_SUITES_OPENSSL=FOLDER: the unpacked sources of any release, for versions that no package here has."""

    name = "openssl-upstream"
    what = "the same recipes, upstream's default build (-Bsymbolic)"
    options = ("shared",)
    source_folder = "upstream"
    own_source = os.environ.get("IBID_SUITES_OPENSSL")
    least = 2000 if own_source else Openssl.least

    @property
    def source(self) -> Path:
        return Path(self.own_source).resolve() if self.own_source else super().source

    @property
    def build(self) -> Path:
        return self.place / ("build-own" if self.own_source else "build")

    def unpack(self) -> str:
        if self.own_source:
            numbers = re.findall(r"(?m)^(?:MAJOR|MINOR|PATCH)=(\d+)$", (self.source / "VERSION.dat").read_text())
            return f"{'.'.join(numbers)} in {self.source}"
        version = debian_source(self.place, "openssl", installed_version("openssl"))
        if not self.source.exists():
            (release,) = (self.place / "source").glob("openssl_*.orig.tar.*z")
            self.source.mkdir()
            command(["tar", "-xf", release, "-C", self.source, "--strip-components=1"])
        return version
