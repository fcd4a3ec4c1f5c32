# SPDX-License-Identifier: Apache-2.0
"""The tarball, the wheel, the RPM packages and the image: installed without anything else of ibid, used, and removed. Run by
`./dev package --tarball --wheel --rpm --oci --test`, which sets their folder (IBID_RELEASE). What was not built is skipped."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RELEASE = Path(os.environ.get("IBID_RELEASE", "/nowhere"))
CA_FILE = "/etc/ssl/certs/ca-certificates.crt"
USES_OPENSSL = f"import ssl\nfor _ in range(3):\n    print(len(ssl.create_default_context(cafile={CA_FILE!r}).get_ca_certs()))\n"

pytestmark = pytest.mark.skipif("IBID_RELEASE" not in os.environ, reason="./dev package --test runs this")


def newest(pattern: str) -> Path:
    found = sorted(RELEASE.glob(pattern), key=lambda p: p.stat().st_mtime)
    if not found:
        pytest.skip(f"no {pattern} was built")
    return found[-1]


def run(*words: str | Path) -> str:
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=300, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nowhere"})
    assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
    return done.stdout


def assert_it_shares(ibid: Sequence[str | Path], python: str | Path, folder: Path) -> None:
    """The same output as in stock, and the CA file read once instead of three times."""
    script = folder / "app.py"
    script.write_text(USES_OPENSSL)
    statistics = folder / "statistics.json"
    stock = run(python, script)
    assert int(stock.split()[0]) > 100
    assert run(*ibid, "run", f"--stats={statistics}", "--", python, script) == stock
    told = json.loads(statistics.read_text())
    assert told["helped"]
    assert told["trust_stores"]["hits"] >= 2, told


def a_python_with_venv() -> str:
    for python in ("/usr/bin/python3", shutil.which("python3") or ""):
        if python and subprocess.run([python, "-c", "import venv, ensurepip"], capture_output=True).returncode == 0:
            return python
    pytest.skip("no python3 here can make a virtual environment")


def test_the_wheel_in_a_fresh_environment(tmp_path: Path) -> None:
    wheel = newest("ibid-*.whl")
    run(a_python_with_venv(), "-m", "venv", tmp_path / "venv")
    before = {p for p in (tmp_path / "venv").rglob("*")}
    pip = (tmp_path / "venv/bin/python", "-m", "pip", "--disable-pip-version-check")
    run(*pip, "install", "--no-index", "--no-compile", wheel)
    assert_it_shares([tmp_path / "venv/bin/ibid"], tmp_path / "venv/bin/python", tmp_path)
    run(*pip, "uninstall", "--yes", "ibid")
    left = {p for p in (tmp_path / "venv").rglob("*") if "__pycache__" not in str(p)} - before
    assert not [p for p in left if p.is_file()]


def test_the_wheel_says_what_it_needs_and_what_is_in_it() -> None:
    wheel = newest("ibid-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        info = next(n for n in names if n.endswith("/WHEEL")).split("/")[0]
        assert f"Tag: {'-'.join(wheel.stem.split('-')[2:])}\n" in archive.read(f"{info}/WHEEL").decode()
        listed = {line.split(",")[0] for line in archive.read(f"{info}/RECORD").decode().splitlines()}
        assert listed == set(names)
        for forbidden in ("__pycache__", ".a", "include/"):
            assert not [n for n in names if n.endswith(forbidden) or f"/{forbidden}" in n]
        told = json.loads(archive.read(f"{info}/sboms/ibid.cdx.json"))
        assert told["bomFormat"] == "CycloneDX"
        minor = int(wheel.stem.split("manylinux_2_")[1].split("_")[0])
        for name in (n for n in names if n.endswith(("scripts/ibid", "lib/libibid_preload.so"))):
            path = Path("/dev/shm") / f"ibid-test-{os.getpid()}"
            path.write_bytes(archive.read(name))
            try:
                versions = subprocess.run(["readelf", "--wide", "--version-info", path], capture_output=True, text=True, check=True).stdout
            finally:
                path.unlink()
            needed = [int(w.split(".")[1]) for w in versions.split() if w.startswith("GLIBC_2.")]
            assert needed and max(needed) <= minor, name


def test_the_tarball_in_a_folder(tmp_path: Path) -> None:
    with tarfile.open(newest("ibid-*-linux-gnu.tar.gz")) as archive:
        assert all(m.uid == 0 and m.gid == 0 for m in archive.getmembers())
        archive.extractall(tmp_path)
    tree = next(p for p in tmp_path.iterdir() if p.is_dir())
    assert_it_shares([tree / "bin/ibid"], "/usr/bin/python3", tmp_path)
    told = json.loads((tree / "share/doc/ibid/ibid.cdx.json").read_text())
    listed = {c["name"]: c["hashes"][0]["content"] for c in told["components"] if c["type"] == "file"}
    binaries = [p for p in tree.rglob("*") if p.is_file() and not p.is_symlink() and p.read_bytes()[:4] == b"\x7fELF"]
    assert listed == {str(p.relative_to(tree)): hashlib.sha256(p.read_bytes()).hexdigest() for p in binaries}


def test_checksums_are_those_of_the_files() -> None:
    lines = newest("SHA256SUMS").read_text().splitlines()
    assert lines
    for line in lines:
        digest, name = line.split()
        assert hashlib.sha256((RELEASE / name).read_bytes()).hexdigest() == digest


def test_the_rpm_package_installed_and_erased(tmp_path: Path) -> None:
    package = newest("ibid-*.x86_64.rpm")
    files = run("rpm", "-qlp", package).splitlines()
    assert "/usr/bin/ibid" in files and "/usr/lib/systemd/system/ibid-exporter.service" in files
    needs = run("rpm", "-qp", "--requires", package)
    assert "libssl" not in needs and "libc.so.6" in needs, needs
    root = tmp_path / "root"
    rpm = ("rpm", "--root", root, "--nodeps", "--noscripts")  # that root has no shell for scripts
    run(*rpm, "--install", package)
    assert_it_shares([root / "usr/bin/ibid"], "/usr/bin/python3", tmp_path)
    run(*rpm, "--erase", "ibid")
    left = [p for p in root.rglob("*") if p.is_file() and "ibid" in p.name]
    assert not left


def test_the_image_puts_the_library_into_a_volume_that_another_root_uses(tmp_path: Path) -> None:
    """Made by hand, with namespaces: the layer is the root of the init container. Then a program in another root file system has the volume, read-only."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    image, first, volume, second = (tmp_path / n for n in ("image", "first", "volume", "second"))
    for folder in (image, first, volume, second):
        folder.mkdir()
    with tarfile.open(newest("ibid-*-oci.tar")) as archive:
        archive.extractall(image)
    index = json.loads((image / "index.json").read_text())

    def blob(described: dict[str, str]) -> Path:
        path = image / "blobs" / described["digest"].replace(":", "/")
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
        return path

    manifest = json.loads(blob(index["manifests"][0]).read_text())
    config = json.loads(blob(manifest["config"]).read_text())
    for layer in manifest["layers"]:
        with tarfile.open(blob(layer)) as archive:
            archive.extractall(first)
    isolated = ("unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "sh", "-euc")
    run(*isolated, f"mount --bind {volume} {first}/ibid; exec chroot {first} {' '.join(config['config']['Entrypoint'])}", "sh")
    assert (volume / "lib/libibid_preload.so").stat().st_mode & 0o444 == 0o444
    assert not list(volume.rglob("*.part"))
    # This system's files, in a root of their own without ibid.
    (tmp_path / "app.py").write_text(USES_OPENSSL)
    enter = f"""mount -t tmpfs tmpfs {second}; mkdir -p {second}/up {second}/work {second}/root
mount -t overlay overlay -o lowerdir=/,upperdir={second}/up,workdir={second}/work {second}/root
r={second}/root; mkdir -p $r/ibid; mount --bind {volume} $r/ibid; mount -o remount,bind,ro $r/ibid; cp {tmp_path}/app.py $r/app.py
mount -t proc proc $r/proc; mount -t tmpfs tmpfs $r/dev/shm
"""
    stock = run(*isolated, f"{enter} exec chroot $r /usr/bin/python3 /app.py", "sh")
    seen = f"{USES_OPENSSL}import subprocess, os\nprint(subprocess.run(['/ibid/bin/ibid', 'stat', str(os.getpid()), '--json'], capture_output=True, text=True, env={{}}).stdout)"
    (tmp_path / "app.py").write_text(seen)
    helped = run(*isolated, f"{enter} exec chroot $r env LD_PRELOAD=/ibid/lib/libibid_preload.so /usr/bin/python3 /app.py", "sh")
    assert helped.startswith(stock)
    assert json.loads(helped[len(stock) :])["trust_stores"]["hits"] >= 2


def test_grafanas_own_types_accept_the_dashboard(tmp_path: Path) -> None:
    """Grafana's front end is compiled with @grafana/schema: an unknown key, or a value of another type, is an error."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm here")
    install = [npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "@grafana/schema@13", "typescript"]
    (tmp_path / "package.json").write_text("{}")
    if subprocess.run(install, cwd=tmp_path, capture_output=True, timeout=300).returncode != 0:
        pytest.skip("npm cannot fetch @grafana/schema")
    dashboard = (ROOT / "packaging/grafana/ibid.json").read_text()

    def complaints(text: str) -> str:
        (tmp_path / "dashboard.ts").write_text(f"import type {{ Dashboard }} from '@grafana/schema';\nexport const d: Dashboard = {text};\n")
        options = {"strict": True, "noEmit": True, "skipLibCheck": True, "module": "nodenext", "moduleResolution": "nodenext", "types": []}
        (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": ["dashboard.ts"]}))
        compiler = [shutil.which("node") or "node", "node_modules/typescript/bin/tsc", "-p", "."]
        return subprocess.run(compiler, cwd=tmp_path, capture_output=True, text=True, timeout=300).stdout

    assert complaints(dashboard) == ""
    assert "not assignable" in complaints(dashboard.replace('"schemaVersion": ', '"schemaVersion": "x", "y": '))
