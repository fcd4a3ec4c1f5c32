# SPDX-License-Identifier: Apache-2.0
"""The Debian packages on a clean system: installed, used, upgraded, removed, purged. Run by `./dev package --test`, which names the packages
(IBID_PACKAGES), the clean system (IBID_CHROOT), and a layer on top of it with compilers (IBID_BUILDER)."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHROOT = ROOT / "scripts/chroot.sh"
PACKAGES = Path(os.environ.get("IBID_PACKAGES", "/nowhere"))
PRELOAD = "libibid_preload.so"

pytestmark = pytest.mark.skipif("IBID_PACKAGES" not in os.environ, reason="./dev package --test runs this")


class System:
    """A clean system that only this test changes."""

    def __init__(self, lower: str, layer: Path) -> None:
        self.lower, self.layer = lower, layer
        self.folder = layer / "upper/packages"
        self.folder.mkdir(parents=True)
        for package in PACKAGES.glob("*.deb"):
            (self.folder / package.name).write_bytes(package.read_bytes())

    def __call__(self, script: str, *, good: bool = True) -> str:
        done = subprocess.run([CHROOT, self.lower, self.layer, "sh", "-c", script], capture_output=True, text=True, timeout=900)
        assert (done.returncode == 0) == good, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def install(self, *packages: str) -> str:
        return self(f"apt-get -q update && apt-get -q -y --no-install-recommends install {' '.join(packages)}")

    def files(self) -> set[str]:
        """All files, except those in which dpkg and apt keep their own state."""
        listed = self("find / -xdev -path /proc -prune -o -path /packages -prune -o -print").splitlines()
        return {f for f in listed if not f.startswith(("/var/lib/dpkg", "/var/lib/apt", "/var/cache", "/var/log", "/proc", "/root", "/dev", "/tmp"))}


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    yield System(os.environ["IBID_CHROOT"], tmp_path / "layer")


def package(name: str) -> str:
    return f"/packages/{next(PACKAGES.glob(f'{name}_*.deb')).name}"


USES_OPENSSL = 'import ssl; [ssl.create_default_context(cafile="/etc/ssl/certs/ca-certificates.crt") for _ in range(3)]'
UNIT = "[Service]\\nExecStart=/usr/bin/python3 -m http.server\\n"


def test_the_command_from_install_to_purge(system: System) -> None:
    system.install("python3", "openssl", "ca-certificates")
    system("mkdir -p /usr/lib/systemd/system")
    clean = system.files()
    system(f"dpkg -i {package('ibid')}")

    # Used.
    assert system("ibid --version").startswith("ibid ")
    assert "ibid helps here" in system("ibid doctor")
    found = json.loads(system(f"ibid run --stats=/tmp/figures.json python3 -c '{USES_OPENSSL}'; cat /tmp/figures.json"))
    assert (found["helped"], found["trust_stores"]["hits"]) == (True, 2)
    assert system("ibid run printenv LD_PRELOAD").strip().endswith(f"/ibid/before-libasan.so/$LIB/{PRELOAD}")
    owned = system("dpkg -L ibid").splitlines()
    for file in ("/usr/share/man/man1/ibid.1.gz", "/usr/share/bash-completion/completions/ibid", "/usr/share/zsh/vendor-completions/_ibid"):
        assert file in owned
    assert system("dpkg --verify ibid") == ""

    # As an unprivileged user.
    assert "ibid helps here" in system("setpriv --reuid=65534 --regid=65534 --clear-groups ibid doctor")

    # A service is enabled when the package is removed.
    system(f"printf '{UNIT}' >/usr/lib/systemd/system/web.service; ibid enable web")
    assert "ibid.conf" in system("ls /etc/systemd/system/web.service.d")
    said = system("apt-get -q -y remove ibid")
    assert "removed /etc/systemd/system/web.service.d/ibid.conf" in said
    system("rm /usr/lib/systemd/system/web.service")
    assert "cannot be preloaded" not in system("openssl version")

    system("dpkg --purge ibid")  # nothing is left to purge: there are no configuration files
    left = {f for f in system.files() - clean if "/__pycache__" not in f}
    assert {f for f in left if "ibid" in f} == set()
    assert left <= {"/etc/systemd", "/etc/systemd/system"} | {f for f in left if f.startswith("/run")}


def test_an_upgrade_keeps_services_and_running_programs(system: System) -> None:
    """From a package that differs only in its version."""
    system.install("python3", "openssl", "ca-certificates")
    old = system.folder / "old"
    subprocess.run(["dpkg-deb", "-R", PACKAGES / Path(package("ibid")).name, old], check=True)
    control = old / "DEBIAN/control"
    lines = ["Version: 0.0.1-1" if line.startswith("Version:") else line for line in control.read_text().splitlines()]
    control.write_text("\n".join(lines) + "\n")
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", old, system.folder / "old.deb"], check=True, capture_output=True)
    system(f"dpkg -i /packages/old.deb; mkdir -p /usr/lib/systemd/system; printf '{UNIT}' >/usr/lib/systemd/system/web.service; ibid enable web")
    # A program that runs during the upgrade, and uses OpenSSL before and after it.
    runs = f"import os, subprocess; exec(\"\"\"{USES_OPENSSL}\"\"\"); print(subprocess.run([\"dpkg\", \"-i\", \"{package('ibid')}\"], env=dict(PATH=os.environ[\"PATH\"])).returncode); exec(\"\"\"{USES_OPENSSL}\"\"\"); print(\"good\")"
    (system.folder / "runs.py").write_text(runs)
    said = system("ibid run python3 /packages/runs.py")
    assert said.splitlines()[-1] == "good" and "0" in said.splitlines()
    assert "0.0.1" not in system("dpkg-query -W ibid")
    assert "ibid.conf" in system("ls /etc/systemd/system/web.service.d")
    assert "ibid helps here" in system("ibid doctor")


def test_the_headers_and_libraries_build_a_program(tmp_path: Path) -> None:
    system = System(f"{os.environ['IBID_BUILDER']}/upper:{os.environ['IBID_CHROOT']}", tmp_path / "layer")
    system(f"dpkg -i {package('ibid')} {package('libibid-dev')}")
    program = '#include <ibid/intern.h>\\n#include <string>\\nint main() { return ibid::intern(std::string("a")) == ibid::intern(std::string("a")) ? 0 : 1; }\\n'
    system(f"cd /tmp && printf '{program}' >a.cpp && c++ -std=c++20 $(pkg-config --cflags ibid) a.cpp $(pkg-config --libs ibid) -o a && ./a")
    cmake = "cmake_minimum_required(VERSION 3.22)\\nproject(a CXX)\\nfind_package(ibid REQUIRED)\\nadd_executable(a a.cpp)\\ntarget_link_libraries(a ibid::ibid)\\nif(NOT TARGET ibid::openssl)\\nmessage(FATAL_ERROR none)\\nendif()\\n"
    system(f"cd /tmp && printf '{cmake}' >CMakeLists.txt && cmake -G Ninja -B build >/dev/null && cmake --build build >/dev/null && build/a")


def test_the_documents_are_all_there(system: System) -> None:
    system(f"dpkg -i {package('libibid-doc')}")
    listed = system("find /usr/share/doc/libibid-doc -name '*.md'")
    docs = next(PACKAGES.glob("ibid-*/docs"))  # of the commit from which the packages were made
    pages = [page.relative_to(docs) for page in docs.rglob("*.md")]
    assert len(pages) > 20
    for page in pages:
        assert f"docs/{page}" in listed
