# SPDX-License-Identifier: Apache-2.0
"""ibid with an older C library, with musl, and on another processor: built here, run there.

Each makes handshakes in stock and under `ibid run --stats`, and checks what was shared. Another check is in compilers.py.

Law: writes only to the given folder and to build/, installs nothing, and leaves nothing registered with the kernel.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from scripts.targets import carried
from scripts.targets.toolchain import cmake_options, toolchain

from .catalogue import System
from .compilers import compilers
from .steps import Steps
from .trial import Outcome
from .userland import Userland, UserlandError

HANDSHAKES = 20


def handshakes(steps: Steps, program: str, ibid: str, asks_doctor: bool = True) -> None:
    stock = steps.must(program, rf"^{2 * HANDSHAKES} handshakes, OpenSSL")
    if version := re.search(r"OpenSSL (\d\S+)", stock):
        steps.outcome.openssl = version[1]
    # In each handshake both sides receive the same certificate.
    said = steps.must(f"{ibid} run --stats {program}", r"\d{2,} certificates and 3 files met again")
    if figures := re.search(r"certificates: .*?(\d+ hits, \d+ misses)", said):
        steps.outcome.features = figures[1]
    if asks_doctor:
        steps.must(f"{ibid} doctor {program.split()[0]}", "ibid helps here")


def build(tree: Path, folder: Path, words: Sequence[str], targets: Sequence[str], out: IO[str]) -> None:
    release = ["-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DIBID_BUILD_EXAMPLES=OFF"]
    carried.run(["cmake", "-S", tree, "-B", folder, *release, *words], out, "CMake could not configure it")
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
    handshakes(steps, f"./handshakes pki {HANDSHAKES}", "ibid/bin/ibid")
    return outcome


def musl(tree: Path, folder: Path, _: Callable[[Userland], None], out: IO[str]) -> Outcome:
    """Clang with libc++ for musl, Debian's musl, and the OpenSSL of an Alpine wheel."""
    outcome = Outcome("musl")
    place = folder / "carried"
    if not shutil.which("musl-gcc"):
        raise UserlandError("there is no musl-gcc: apt-get install musl-tools")
    openssl = carried.openssl_for("musllinux_1_2_x86_64", place, out)
    headers = carried.openssl_headers(place)
    file = toolchain("x86_64-linux-musl", place, out).file
    options = cmake_options(place, headers, openssl.libssl, openssl.libcrypto)
    at = tree / "build/musl"
    build(tree, at, [*options, f"-DCMAKE_TOOLCHAIN_FILE={file}", "-DIBID_BUILD_TESTS=OFF"], ["ibid_preload", "ibid_cli"], out)
    outcome.built = True
    outcome.compiler = "zig"
    loader = Path("/lib/ld-musl-x86_64.so.1")
    if carried.musl_version(loader) < (1, 2, 4):
        loader = carried.newer_musl(place, out)
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
    handshakes(steps, f"./handshakes {pki} {HANDSHAKES}", f"{at}/bin/ibid", asks_doctor=str(loader).startswith("/lib/"))
    return outcome


IN_THE_BUILD = r"""
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
    root = carried.debian_packages(folder / "arm64/root", "bookworm", "aarch64", OF_ARM64, out)
    libraries = root / "usr/lib/aarch64-linux-gnu"
    headers = folder / "arm64/headers"
    if not headers.exists():
        shutil.copytree(root / "usr/include/openssl", headers / "openssl")
        shutil.copytree(root / "usr/include/aarch64-linux-gnu/openssl", headers / "openssl", dirs_exist_ok=True)
    file = toolchain("aarch64-linux-gnu", place, out, root).file
    options = cmake_options(place, headers, libraries / "libssl.so", libraries / "libcrypto.so")
    options += [f"-DCMAKE_TOOLCHAIN_FILE={file}", f"-DCMAKE_CROSSCOMPILING_EMULATOR={emulator};-L;{root}", f"-DGTest_DIR={libraries}/cmake/GTest", "-DIBID_BUILD_TESTS=ON"]
    components = "src/.*;tests/unit/(core|openssl);tests/stress/core;tests/support"
    at = tree / "build/arm64"
    build(tree, at, [*options, f"-DIBID_COMPONENTS={components}"], ["ibid_preload", "ibid_cli", *TESTS_OF_ARM64], out)
    outcome.built = True
    outcome.compiler = subprocess.run(["aarch64-linux-gnu-g++", "-dumpfullversion"], capture_output=True, text=True).stdout.strip()
    pki = carried.certificates(place, out)

    def enter(command: str) -> list[str]:
        return [*carried.NAMESPACES, "--mount-proc", "sh", "-euc", carried.RUNS_ARM64 + IN_THE_BUILD, "sh", str(emulator), str(root), str(at), command]

    steps = Steps(outcome, enter, out)
    steps.must(
        f"aarch64-linux-gnu-gcc -I{tree}/include -I{headers} {tree}/scripts/systems/handshakes.c -o handshakes "
        f"{libraries}/libssl.so.3 {libraries}/libcrypto.so.3"
    )
    steps.must("bin/ibid --version", "^ibid")
    # The doctor executes the loader, which the emulator looks for on this system.
    handshakes(steps, f"./handshakes {pki} {HANDSHAKES}", "bin/ibid", asks_doctor=Path("/lib/ld-linux-aarch64.so.1").exists())
    for test in TESTS_OF_ARM64:
        steps.must(f"bin/{test} --gtest_brief=1", seconds=3600)
    return outcome


CHECKS = {"glibc-2.27": older_glibc, "musl": musl, "arm64": arm64, "compilers": compilers}
