# SPDX-License-Identifier: Apache-2.0
"""What comes from PyPI and Debian: a compiler, headers, a current OpenSSL, C libraries; and certificates, which are made here.

OpenSSL 3 for glibc 2.17 and for musl, for both processors, is inside the wheels of psycopg-binary; ziglang is Clang with libc++ for musl.

Law: installs nothing. Each function writes to the folder that it gets, and keeps there what it has fetched.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ZIGLANG = "ziglang==0.17.1"


class Unavailable(Exception):
    """What was not found, or could not be fetched; and where its messages are."""


def run(words: Sequence[str | Path], out: IO[str], failure: str, folder: Path | None = None) -> None:
    out.write(f"$ {' '.join(map(str, words))}\n")
    out.flush()
    if subprocess.run(list(map(str, words)), cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out).returncode != 0:
        raise Unavailable(f"{failure}: {out.name}")


@dataclass(frozen=True)
class Openssl:
    libssl: Path
    libcrypto: Path

    @property
    def folder(self) -> Path:
        return self.libssl.parent


def openssl_for(wheel_platform: str, folder: Path, out: IO[str]) -> Openssl:
    """The OpenSSL in the wheel for a platform such as musllinux_1_2_x86_64."""
    kept = folder / wheel_platform
    if not kept.exists():
        fetched = folder / f"{wheel_platform}-fetched"
        shutil.rmtree(fetched, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", "--implementation", "cp"]
        run(
            [*pip, "--python-version", "3.12", "--platform", wheel_platform, "-d", fetched, "psycopg-binary"],
            out,
            "pip could not fetch psycopg-binary",
        )
        (wheel,) = fetched.glob("*.whl")
        shutil.unpack_archive(wheel, fetched / "unpacked", "zip")
        (fetched / "unpacked/psycopg_binary.libs").rename(kept)
    (libssl,) = kept.glob("libssl-*.so.3")
    (libcrypto,) = kept.glob("libcrypto-*.so.3")
    return Openssl(libssl, libcrypto)


def openssl_headers(folder: Path) -> Path:
    """A folder with only OpenSSL's headers from the system's include folders."""
    headers = folder / "headers"
    if not headers.exists():
        (headers / "openssl").mkdir(parents=True)
        multiarch = f"/usr/include/{platform.machine()}-linux-gnu/openssl"
        for place in ("/usr/include/openssl", multiarch):
            for header in Path(place).glob("*.h"):
                shutil.copy(header, headers / "openssl")
    return headers


def libraries_headers(folder: Path) -> Path:
    """The same for the header-only libraries that ibid uses (decision 2)."""
    headers = folder / "libraries"
    headers.mkdir(parents=True, exist_ok=True)
    for name in ("CLI", "fmt", "nlohmann", "xxhash.h"):
        if not (headers / name).exists():
            (headers / name).symlink_to(Path("/usr/include") / name)
    return headers


def certificates(folder: Path, out: IO[str]) -> Path:
    """A folder with a root certificate and a leaf that it signed."""
    pki = folder / "pki"
    if not (pki / "leaf.pem").exists():
        pki.mkdir(parents=True, exist_ok=True)
        new = ["-newkey", "rsa:2048", "-nodes"]
        days = ["-days", "3650"]
        failure = "openssl could not make certificates"
        run(["openssl", "req", "-x509", *new, *days, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=root"], out, failure, pki)
        run(["openssl", "req", *new, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=localhost"], out, failure, pki)
        sign = ["openssl", "x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"]
        run([*sign, *days, "-out", "leaf.pem"], out, failure, pki)
    return pki


def zig(folder: Path, out: IO[str]) -> Path:
    venv = folder / "zig"
    kept = venv / ZIGLANG
    if not kept.exists():
        run([sys.executable, "-m", "venv", venv], out, "there is no venv (apt-get install python3-venv)")
        run([venv / "bin/pip", "install", "-q", ZIGLANG], out, "pip could not fetch ziglang")
        kept.touch()
    (program,) = venv.glob("lib/python3*/site-packages/ziglang/zig")
    return program


def musl_version(loader: Path) -> tuple[int, ...]:
    said = subprocess.run([str(loader)], capture_output=True, text=True).stderr
    found = re.search(r"Version (\d+)\.(\d+)\.(\d+)", said)
    return tuple(map(int, found.groups())) if found else (0,)


def newer_musl(folder: Path, out: IO[str], processor: str = "x86_64") -> Path:
    """The loader of Debian 13's package: the libraries of musl wheels have packed relocations, which musl 1.2.4 was the first to know."""
    (found,) = debian_packages(folder / f"musl-of-debian-13-{processor}", "trixie", processor, ["musl"], out).rglob("libc.so")
    return found


DEBIAN = {"x86_64": "amd64", "aarch64": "arm64"}


def debian_packages(kept: Path, suite: str, processor: str, names: Sequence[str], out: IO[str]) -> Path:
    """A folder with these packages of Debian's and what they depend on, unpacked."""
    if not kept.exists():
        files, unpacked = kept.with_name(f"{kept.name}-apt"), kept.with_name(f"{kept.name}-unpacking")
        shutil.rmtree(unpacked, ignore_errors=True)
        apt = private_apt(files, DEBIAN[processor], suite)
        run([*apt, "update"], out, "apt-get could not read the archive")
        run([*apt, "--no-install-recommends", "--download-only", "install", *names], out, "apt-get could not fetch packages")
        for package in sorted((files / "archives").glob("*.deb")):
            run(["dpkg-deb", "-x", package, unpacked], out, "a package could not be unpacked")
        unpacked.rename(kept)
    return kept


def private_apt(folder: Path, architecture: str, suite: str) -> list[str]:
    """An apt-get for another architecture or release, with files of its own. It checks the archive's signature."""
    (folder / "lists/partial").mkdir(parents=True, exist_ok=True)
    (folder / "archives/partial").mkdir(parents=True, exist_ok=True)
    keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
    mirror = os.environ.get("IBID_DEBIAN_MIRROR", "http://deb.debian.org/debian")
    (folder / "sources.list").write_text(f"deb [arch={architecture} signed-by={keys}] {mirror} {suite} main\n")
    (folder / "status").touch()
    settings = {
        "APT::Architecture": architecture,
        "APT::Architectures::": architecture,
        "APT::Sandbox::User": "root",
        "Dir::Etc::SourceList": folder / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": folder / "lists",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder,
        "Dir::Cache::archives": folder / "archives",
    }
    return ["apt-get", "-qq", "-y", *(f"-o{name}={value}" for name, value in settings.items())]


NAMESPACES = ("unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child")
# For a shell in these: from here on the kernel runs arm64 programs with the emulator, $1, only there.
RUNS_ARM64 = r"""
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
printf '%s' ':arm64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:'"$1"':F' \
    >/proc/sys/fs/binfmt_misc/register
"""
