# SPDX-License-Identifier: Apache-2.0
"""What the checks on other systems take with them: a current OpenSSL, a compiler, certificates.

OpenSSL 3 for glibc 2.17, for musl and for arm64 is inside the wheels of psycopg-binary; ziglang is Clang with libc++ for musl. pip
fetches both from PyPI into the folder of the checks.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .userland import UserlandError


def run(words: Sequence[str | Path], out: IO[str], failure: str, folder: Path | None = None) -> None:
    out.write(f"$ {' '.join(map(str, words))}\n")
    out.flush()
    if subprocess.run(list(map(str, words)), cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out).returncode != 0:
        raise UserlandError(f"{failure}: {out.name}")


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
    if not (venv / "done").exists():
        run([sys.executable, "-m", "venv", venv], out, "there is no venv")
        run([venv / "bin/pip", "install", "-q", "ziglang"], out, "pip could not fetch ziglang")
        (venv / "done").touch()
    (program,) = venv.glob("lib/python3*/site-packages/ziglang/zig")
    return program


# CMake finds what does not depend on the target here: headers. The libraries that it finds are not linked.
def cmake_options(folder: Path, headers: Path, libssl: Path, libcrypto: Path) -> list[str]:
    libraries = libraries_headers(folder)
    options = [
        "-G",
        "Ninja",
        "-DCMAKE_BUILD_TYPE=Release",
        f"-DXXHASH_INCLUDE_DIR={libraries}",
        f"-DCMAKE_CXX_FLAGS=-I{libraries}",
        f"-DOPENSSL_INCLUDE_DIR={headers}",
        f"-DOPENSSL_CRYPTO_LIBRARY={libcrypto}",
        f"-DOPENSSL_SSL_LIBRARY={libssl}",
        "-DIBID_BUILD_EXAMPLES=OFF",
    ]
    for name in ("CLI11", "fmt", "nlohmann_json"):
        places = [p for place in ("/usr/share/cmake", "/usr/lib/cmake", f"/usr/lib/{platform.machine()}-linux-gnu/cmake") for p in Path(place).glob(name)]
        options += [f"-D{name}_DIR={place}" for place in places[:1]]
    return options
