# SPDX-License-Identifier: Apache-2.0
"""ibid with an older C library, with musl, and on another processor: built here, run there.

Each check makes handshakes in stock and under `ibid run --stats`, and checks what was shared.

Law: writes only to the given folder and to build/, installs nothing, and leaves nothing registered with the kernel.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from . import carried
from .catalogue import System
from .trial import Outcome
from .userland import Userland, UserlandError

HANDSHAKES = 20


class Steps:
    """Commands that must exit with 0 and print what is expected. Each counts as a test."""

    def __init__(self, outcome: Outcome, enter: Callable[[str], list[str]], out: IO[str]) -> None:
        self._outcome = outcome
        self._enter = enter
        self._out = out
        outcome.tested = True

    def must(self, command: str, pattern: str = "", seconds: float = 900) -> str:
        """Runs it and returns its output."""
        try:
            done = subprocess.run(
                self._enter(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds
            )
            status, said = done.returncode, done.stdout
        except subprocess.TimeoutExpired as late:
            status, said = 124, str(late.stdout)
        good = status == 0 and re.search(pattern, said) is not None
        self._out.write(f"{'passed' if good else 'FAILED'}: {command}\n{said}{'' if good else f'status {status}, expected {pattern!r}'}\n")
        self._out.flush()
        self._outcome.passed += good
        self._outcome.failed += not good
        return said

    def handshakes(self, program: str, ibid: str, asks_doctor: bool = True) -> None:
        stock = self.must(program, rf"^{2 * HANDSHAKES} handshakes, OpenSSL")
        if version := re.search(r"OpenSSL (\d\S+)", stock):
            self._outcome.openssl = version[1]
        # In each handshake both sides receive the same certificate.
        said = self.must(f"{ibid} run --stats {program}", r"\d{2,} certificates and 3 files met again")
        if figures := re.search(r"certificates: .*?(\d+ hits, \d+ misses)", said):
            self._outcome.features = figures[1]
        if asks_doctor:
            self.must(f"{ibid} doctor {program.split()[0]}", "ibid helps here")


def build(tree: Path, folder: Path, words: Sequence[str], targets: Sequence[str], out: IO[str]) -> None:
    carried.run(["cmake", "-S", tree, "-B", folder, *words], out, "CMake could not configure it")
    carried.run(["cmake", "--build", folder, "--target", *targets], out, "it did not build")


def older_glibc(tree: Path, folder: Path, make: Callable[[Userland], None], out: IO[str]) -> Outcome:
    """Ubuntu 18.04: glibc 2.27, which is older than the oldest supported version. Uses the release built on this system."""
    outcome = Outcome("glibc-2.27")
    carried.run([tree / "dev", "build"], out, "it did not build")
    outcome.built = True
    outcome.compiler = "this system's"
    userland = Userland(System("ubuntu-18.04", "ubuntu", "bionic"), folder, folder / "logs/ubuntu-18.04-made.log")
    if not userland.is_made:
        make(userland)
    userland.fresh()
    place = folder / "carried"
    openssl = carried.openssl_for("manylinux2014_x86_64", place, out)
    put = folder / "glibc-2.27"
    shutil.rmtree(put, ignore_errors=True)
    carried.run(["cmake", "--install", tree / "build/release", "--strip", "--prefix", put / "ibid"], out, "it could not be installed")
    shutil.copytree(openssl.folder, put / "libs")
    shutil.copytree(carried.certificates(place, out), put / "pki")
    shutil.copytree(carried.openssl_headers(place), put / "headers")
    shutil.copy(tree / "scripts/systems/handshakes.c", put)
    shutil.copy(tree / "include/ibid_openssl.h", put)
    userland.put(os.listdir(put), put)

    steps = Steps(outcome, lambda command: userland.as_user(f"cd ibid && {command}"), out)
    steps.must("sudo apt-get -q -y --no-install-recommends install gcc libc6-dev zlib1g", seconds=1800)
    libraries = f"libs/{openssl.libssl.name} libs/{openssl.libcrypto.name} -Wl,-rpath,$PWD/libs -Wl,--allow-shlib-undefined -ldl"
    steps.must(f"gcc -I. -Iheaders handshakes.c -o handshakes {libraries}")
    steps.must("ldd --version", r"2\.27")
    steps.must("ibid/bin/ibid --version", "^ibid")
    steps.must("ibid/bin/ibid run true")
    steps.handshakes(f"./handshakes pki {HANDSHAKES}", "ibid/bin/ibid")
    return outcome


def musl(tree: Path, folder: Path, _: Callable[[Userland], None], out: IO[str]) -> Outcome:
    """Clang with libc++ for musl, Debian's musl, and the OpenSSL of an Alpine wheel."""
    outcome = Outcome("musl")
    place = folder / "carried"
    if not shutil.which("musl-gcc"):
        raise UserlandError("there is no musl-gcc: apt-get install musl-tools")
    zig = carried.zig(place, out)
    openssl = carried.openssl_for("musllinux_1_2_x86_64", place, out)
    headers = carried.openssl_headers(place)
    toolchain = place / "musl.cmake"
    toolchain.write_text(
        "set(CMAKE_SYSTEM_NAME Linux)\n"
        f"set(CMAKE_SYSTEM_PROCESSOR {platform.machine()})\n"
        "set(CMAKE_C_COMPILER musl-gcc)\n"
        f"set(CMAKE_CXX_COMPILER {zig} c++ -target x86_64-linux-musl -dynamic)\n"
        "set(CMAKE_AR /usr/bin/ar)\nset(CMAKE_RANLIB /usr/bin/ranlib)\n"
        f"set(CMAKE_FIND_ROOT_PATH {place}/nothing)\n"
        "set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)\nset(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)\n"
    )
    options = carried.cmake_options(place, headers, openssl.libssl, openssl.libcrypto)
    at = tree / "build/musl"
    build(tree, at, [*options, f"-DCMAKE_TOOLCHAIN_FILE={toolchain}", "-DIBID_BUILD_TESTS=OFF"], ["ibid_preload", "ibid_cli"], out)
    outcome.built = True
    outcome.compiler = "zig"
    loader = Path("/lib/ld-musl-x86_64.so.1")
    if b"DT_RELR" not in loader.read_bytes() and musl_version(loader) < (1, 2, 4):
        loader = newer_musl(place, out)  # the wheel's libraries have packed relocations
    run = folder / "musl"
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir()
    pki = carried.certificates(place, out)
    steps = Steps(outcome, lambda command: ["sh", "-c", f"cd {run} && {command}"], out)
    steps.must(
        f"musl-gcc -I{tree}/include -I{headers} {tree}/scripts/systems/handshakes.c -o handshakes {openssl.libssl} {openssl.libcrypto} "
        f"-Wl,-rpath,{openssl.folder} -Wl,--allow-shlib-undefined -Wl,-dynamic-linker,{loader}"
    )
    steps.must(f"{at}/bin/ibid --version", "^ibid")
    # A loader in another place is another C library's for the doctor.
    steps.handshakes(f"./handshakes {pki} {HANDSHAKES}", f"{at}/bin/ibid", asks_doctor=str(loader).startswith("/lib/"))
    return outcome


def musl_version(loader: Path) -> tuple[int, ...]:
    said = subprocess.run([str(loader)], capture_output=True, text=True).stderr
    found = re.search(r"Version (\d+)\.(\d+)\.(\d+)", said)
    return tuple(map(int, found.groups())) if found else (0,)


def newer_musl(place: Path, out: IO[str]) -> Path:
    """The loader of Debian 13's package."""
    kept = place / "musl-of-debian-13"
    if not kept.exists():
        apt = private_apt(place / "apt-musl", "amd64", "trixie")
        carried.run([*apt, "update"], out, "apt-get could not read the archive")
        carried.run([*apt, "download", "musl"], out, "apt-get could not fetch musl", place / "apt-musl")
        (package,) = (place / "apt-musl").glob("musl_*.deb")
        carried.run(["dpkg-deb", "-x", package, kept], out, "musl could not be unpacked")
    (found,) = kept.rglob("libc.so")
    return found


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


# The kernel runs arm64 programs with the emulator, only in this namespace.
EMULATED = r"""
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
printf '%s' ':arm64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:'"$1"':F' \
    >/proc/sys/fs/binfmt_misc/register
export QEMU_LD_PREFIX=$2
cd "$3"
exec sh -c "$4"
"""

OF_ARM64 = ("libc6-dev", "libstdc++6", "libssl-dev", "openssl", "nginx-light", "libgtest-dev", "libgmock-dev")
TESTS_OF_ARM64 = ("core_test", "core_stress_test", "core_unlocked_stress_test", "test_certificate_cache", "test_interposed")


def arm64(tree: Path, folder: Path, _: Callable[[Userland], None], out: IO[str]) -> Outcome:
    """Debian 12's cross compiler, its libraries for arm64, and QEMU's user-mode emulation."""
    outcome = Outcome("arm64")
    emulator = shutil.which("qemu-aarch64-static")
    if not emulator or not shutil.which("aarch64-linux-gnu-g++"):
        raise UserlandError("there is no cross compiler, or no emulator: apt-get install g++-aarch64-linux-gnu qemu-user-static")
    place = folder / "carried"
    root = folder / "arm64/root"
    if not root.exists():
        unpacked = folder / "arm64/unpacking"
        shutil.rmtree(unpacked, ignore_errors=True)
        apt = private_apt(folder / "arm64/apt", "arm64", "bookworm")
        carried.run([*apt, "update"], out, "apt-get could not read the archive")
        carried.run([*apt, "--no-install-recommends", "--download-only", "install", *OF_ARM64], out, "apt-get could not fetch packages")
        for package in sorted((folder / "arm64/apt/archives").glob("*.deb")):
            carried.run(["dpkg-deb", "-x", package, unpacked], out, "a package could not be unpacked")
        unpacked.rename(root)
    libraries = root / "usr/lib/aarch64-linux-gnu"
    headers = folder / "arm64/headers"
    if not headers.exists():
        shutil.copytree(root / "usr/include/openssl", headers / "openssl")
        shutil.copytree(root / "usr/include/aarch64-linux-gnu/openssl", headers / "openssl", dirs_exist_ok=True)
    toolchain = folder / "arm64/toolchain.cmake"
    toolchain.write_text(
        "set(CMAKE_SYSTEM_NAME Linux)\nset(CMAKE_SYSTEM_PROCESSOR aarch64)\n"
        "set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)\nset(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)\n"
        f"set(CMAKE_CROSSCOMPILING_EMULATOR {emulator};-L;{root})\n"
        f"set(CMAKE_FIND_ROOT_PATH {root})\nset(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)\n"
        "set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)\nset(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)\n"
    )
    options = carried.cmake_options(place, headers, libraries / "libssl.so", libraries / "libcrypto.so")
    options += [f"-DCMAKE_TOOLCHAIN_FILE={toolchain}", f"-DGTest_DIR={libraries}/cmake/GTest", "-DIBID_BUILD_TESTS=ON"]
    components = "src/.*;tests/unit/(core|openssl);tests/stress/core;tests/support"
    at = tree / "build/arm64"
    build(tree, at, [*options, f"-DIBID_COMPONENTS={components}"], ["ibid_preload", "ibid_cli", *TESTS_OF_ARM64], out)
    outcome.built = True
    outcome.compiler = subprocess.run(["aarch64-linux-gnu-g++", "-dumpfullversion"], capture_output=True, text=True).stdout.strip()
    pki = carried.certificates(place, out)

    def enter(command: str) -> list[str]:
        namespaces = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        return [*namespaces, "sh", "-euc", EMULATED, "sh", str(emulator), str(root), str(at), command]

    steps = Steps(outcome, enter, out)
    steps.must(
        f"aarch64-linux-gnu-gcc -I{tree}/include -I{headers} {tree}/scripts/systems/handshakes.c -o handshakes "
        f"{libraries}/libssl.so.3 {libraries}/libcrypto.so.3"
    )
    steps.must("bin/ibid --version", "^ibid")
    steps.handshakes(f"./handshakes {pki} {HANDSHAKES}", "bin/ibid")
    for test in TESTS_OF_ARM64:
        steps.must(f"bin/{test} --gtest_brief=1", seconds=3600)
    return outcome


CHECKS = {"glibc-2.27": older_glibc, "musl": musl, "arm64": arm64}
