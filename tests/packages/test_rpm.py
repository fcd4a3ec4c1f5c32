# SPDX-License-Identifier: Apache-2.0
"""The RPM packages in a system of their own: installed, used by operators and by builders, erased. Run by `./dev package --rpm --test` (and by
`./dev test --long --package`), which sets their folder (IBID_RELEASE). The system is this one, with all changes in an overlay."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RELEASE = Path(os.environ.get("IBID_RELEASE", "/nowhere"))
USES_OPENSSL = 'import ssl; [ssl.create_default_context(cafile="/etc/ssl/certs/ca-certificates.crt") for _ in range(3)]'
RPM = "rpm --nodeps"  # this system's rpm does not see the installed packages

pytestmark = [
    pytest.mark.skipif("IBID_RELEASE" not in os.environ, reason="./dev package --rpm --test runs this"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(shutil.which("rpm") is None, reason="there is no rpm here"),
]


class System:
    def __init__(self, layer: Path) -> None:
        self.layer = layer
        packages = layer / "upper/packages"
        packages.mkdir(parents=True)
        devices = layer / "upper/dev"  # this system's, which is another file system, is not visible
        devices.mkdir()
        for name, number in {"null": 3, "zero": 5, "urandom": 9}.items():
            os.mknod(devices / name, 0o666 | stat.S_IFCHR, os.makedev(1, number))
        built = sorted(RELEASE.glob("*.x86_64.rpm")) + sorted(RELEASE.glob("*.aarch64.rpm"))
        if not built:
            pytest.skip("no RPM was built")
        for package in built:
            shutil.copy(package, packages)

    def __call__(self, script: str, *, good: bool = True) -> str:
        words = [ROOT / "scripts/chroot.sh", "/", self.layer, "sh", "-c", f"export PATH=/usr/sbin:/usr/bin:/sbin:/bin; {script}"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=600)
        assert (done.returncode == 0) == good, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path / "layer")


def test_the_command_from_install_to_erase(system: System) -> None:
    if "/usr/bin/ibid" in system("ls /usr/bin/ibid; :").split():
        pytest.skip("ibid is installed on this system")
    system(f"{RPM} --install /packages/ibid-[0-9]*.rpm")
    assert system(f"{RPM} --verify ibid") == ""
    files = system("rpm -ql ibid").splitlines()
    for file in ("/usr/bin/ibid", "/usr/lib/systemd/system/ibid-exporter.service", "/usr/share/bash-completion/completions/ibid"):
        assert file in files

    assert system("ibid --version").startswith("ibid ")
    assert "ibid helps here" in system("ibid doctor")
    found = json.loads(system(f"ibid run --stats=/figures.json /usr/bin/python3 -c '{USES_OPENSSL}'; cat /figures.json"))
    assert (found["helped"], found["trust_stores"]["hits"]) == (True, 2)
    assert "ibid_build_info" in system("ibid exporter --once")

    # A service is enabled when the package is erased.
    system("mkdir -p /usr/lib/systemd/system; printf '[Service]\\nExecStart=/usr/bin/python3 -m http.server\\n' >/usr/lib/systemd/system/web.service; ibid enable web")
    assert "ibid.conf" in system("ls /etc/systemd/system/web.service.d")
    assert "removed /etc/systemd/system/web.service.d/ibid.conf" in system(f"{RPM} --erase ibid")
    left = [p for p in (system.layer / "upper").rglob("*ibid*") if p.is_file() and "packages" not in p.parts]
    assert left == []


def test_a_program_is_built_with_the_library(system: System) -> None:
    if shutil.which("g++") is None:
        pytest.skip("there is no compiler here")
    system(f"{RPM} --install /packages/*.rpm")
    source = '#include <ibid/cache.h>\n#include <string>\nint main() { ibid::cache<int, std::string> c; return *c.intern(1, [] { return std::string("one"); }) == "one" ? 0 : 1; }\n'
    (system.layer / "upper/packages/one.cpp").write_text(source)
    flags = system("export PKG_CONFIG_PATH=$(rpm -ql libibid-devel | sed -n 's,/ibid.pc$,,p'); pkg-config --cflags --libs ibid").strip()
    system(f"cd /packages && g++ -std=c++20 one.cpp -o one {flags} && ./one")
