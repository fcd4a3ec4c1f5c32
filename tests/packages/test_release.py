# SPDX-License-Identifier: Apache-2.0
"""The tarballs, the wheels, the RPM packages and the image: installed without anything else of ibid, used, and removed. Run by
`./dev package --tarball --wheel --rpm --oci --for all --test`, which sets their folder (IBID_RELEASE). What was not built is skipped."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from scripts.targets import carried, toolchain  # noqa: E402

NATIVE = toolchain.NATIVE
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
OTHERS = [target for target in toolchain.NAMES if target != NATIVE]
RELEASE = Path(os.environ.get("IBID_RELEASE", "/nowhere"))
FOR_ANY_CONTAINER = re.findall(r"LD_PRELOAD, value: (\S+)", (ROOT / "docs/operators/containers.md").read_text())[0]
CA_FILE = "/etc/ssl/certs/ca-certificates.crt"
USES_OPENSSL = f"import ssl\nfor _ in range(3):\n    print(len(ssl.create_default_context(cafile={CA_FILE!r}).get_ca_certs()))\n"

pytestmark = pytest.mark.skipif("IBID_RELEASE" not in os.environ, reason="./dev package --test runs this")


def newest(pattern: str) -> Path:
    found = sorted(RELEASE.glob(pattern), key=lambda p: p.stat().st_mtime)
    if not found:
        pytest.skip(f"no {pattern} was built")
    return found[-1]


def tag_of(target: str) -> str:
    processor, _, library = target.split("-")
    return f"musllinux_1_2_{processor}" if library == "musl" else f"manylinux_2_28_{processor}"


def unpacked_tarball(target: str, folder: Path) -> Path:
    with tarfile.open(newest(f"ibid-*-{target}.tar.gz")) as archive:
        assert all(m.uid == 0 and m.gid == 0 for m in archive.getmembers())
        archive.extractall(folder)
    (tree,) = folder.glob(f"ibid-*-{target}")
    return tree


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


@contextmanager
def fetching() -> Iterator[tuple[Path, IO[str]]]:
    """Where what comes from PyPI and Debian is kept, beside the compilers; and a file for messages."""
    place = RELEASE / "toolchains"
    place.mkdir(exist_ok=True)
    try:
        with (place / "log").open("w") as out:
            yield place, out
    except carried.Unavailable as error:
        pytest.skip(str(error))


def a_python_with_venv() -> str:
    for python in ("/usr/bin/python3", shutil.which("python3") or ""):
        if python and subprocess.run([python, "-c", "import venv, ensurepip"], capture_output=True).returncode == 0:
            return python
    pytest.skip("no python3 here can make a virtual environment")


def test_the_wheel_in_a_fresh_environment(tmp_path: Path) -> None:
    wheel = newest(f"ibid-*-{tag_of(NATIVE)}.whl")
    run(a_python_with_venv(), "-m", "venv", tmp_path / "venv")
    before = {p for p in (tmp_path / "venv").rglob("*")}
    pip = (tmp_path / "venv/bin/python", "-m", "pip", "--disable-pip-version-check")
    run(*pip, "install", "--no-index", "--no-compile", wheel)
    assert_it_shares([tmp_path / "venv/bin/ibid"], tmp_path / "venv/bin/python", tmp_path)
    run(*pip, "uninstall", "--yes", "ibid")
    left = {p for p in (tmp_path / "venv").rglob("*") if "__pycache__" not in str(p)} - before
    assert not [p for p in left if p.is_file()]


@pytest.mark.parametrize("target", toolchain.NAMES)
def test_the_wheel_says_what_it_needs_and_what_is_in_it(target: str) -> None:
    wheel = newest(f"ibid-*-{tag_of(target)}.whl")
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
        runtime = {c["name"]: c["version"] for c in told["components"] if c["name"] in ("libc++", "libstdc++")}
        assert list(runtime) == ["libc++" if target.endswith("musl") else "libstdc++"] and "unknown" not in runtime.values()


@pytest.mark.parametrize("target", toolchain.NAMES)
def test_the_binaries_need_only_a_c_library_that_is_old_enough(target: str, tmp_path: Path) -> None:
    tree = unpacked_tarball(target, tmp_path)
    binaries = [tree / "bin/ibid", tree / "lib/libibid_preload.so"]
    headers = {b: run("readelf", "--wide", "--file-header", "--dynamic", b) for b in binaries}
    for text in headers.values():
        assert {"x86_64": "X86-64", "aarch64": "AArch64"}[target.split("-")[0]] in text
    needed = {name for text in headers.values() for name in re.findall(r"\(NEEDED\).*\[(.*)\]", text)}
    if target.endswith("gnu"):
        assert {name.split(".")[0] for name in needed} <= {"libc", "libgcc_s", "ld-linux-aarch64", "ld-linux-x86-64"}
        run("/usr/bin/python3", ROOT / "scripts/version_needs.py", "--most", "2.28", *binaries)
        return
    assert needed == {"libc.so"}
    assert not any("RELR" in text for text in headers.values())  # which musl before 1.2.4 does not know
    # musl has no symbol versions.
    processor = target.split("-")[0]
    with fetching() as (place, out):
        (older,) = carried.debian_packages(place / f"musl-of-debian-12-{processor}", "bookworm", processor, ["musl"], out).rglob("libc.so")

    def symbols(file: Path) -> set[tuple[bool, str]]:
        lines = run("readelf", "--wide", "--dyn-syms", file).splitlines()
        return {(w[6] != "UND", w[7]) for w in map(str.split, lines) if len(w) == 8 and w[4] in ("GLOBAL", "WEAK")}

    its = {name for defined, name in symbols(older) if defined}
    for binary in binaries:
        known = its | {"__tls_get_addr"} | {name for defined, name in symbols(tree / "lib/libibid_preload.so") if defined}
        assert {name for defined, name in symbols(binary) if not defined} <= known, binary


def test_the_tarball_in_a_folder(tmp_path: Path) -> None:
    tree = unpacked_tarball(NATIVE, tmp_path)
    assert_it_shares([tree / "bin/ibid"], "/usr/bin/python3", tmp_path)


@pytest.mark.parametrize("target", toolchain.NAMES)
def test_the_tarball_lists_its_binaries(target: str, tmp_path: Path) -> None:
    tree = unpacked_tarball(target, tmp_path)
    told = json.loads((tree / "share/doc/ibid/ibid.cdx.json").read_text())
    listed = {c["name"]: c["hashes"][0]["content"] for c in told["components"] if c["type"] == "file"}
    binaries = [p for p in tree.rglob("*") if p.is_file() and not p.is_symlink() and p.read_bytes()[:4] == b"\x7fELF"]
    assert listed == {str(p.relative_to(tree)): hashlib.sha256(p.read_bytes()).hexdigest() for p in binaries}
    libraries = {c["name"] for c in told["components"] if c["type"] == "library"}
    # The screen of `ibid top`: only this system has a static ncurses.
    assert ("ncurses" in libraries) == (target == NATIVE), libraries


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


class Image:
    """The image, unpacked into a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "image"
        self._folder.mkdir()
        with tarfile.open(newest("ibid-*-oci.tar")) as archive:
            archive.extractall(self._folder)
        (index,) = json.loads((self._folder / "index.json").read_text())["manifests"]
        self.manifests = {m["platform"]["architecture"]: m for m in json.loads(self.blob(index).read_text())["manifests"]}

    def blob(self, described: dict[str, Any]) -> Path:
        path = self._folder / "blobs" / described["digest"].replace(":", "/")
        content = path.read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (path.name, described["size"])
        return path


def container_of_the_image(processor: str, folder: Path) -> tuple[Path, list[str]]:
    """Its root file system, and its entry point."""
    image, root, architecture = Image(folder), folder / "first", ARCHITECTURES[processor]
    if architecture not in image.manifests:
        pytest.skip(f"the image was not built for {processor}")
    manifest = json.loads(image.blob(image.manifests[architecture]).read_text())
    config = json.loads(image.blob(manifest["config"]).read_text())
    assert config["architecture"] == architecture
    root.mkdir()
    for layer in manifest["layers"]:
        with tarfile.open(image.blob(layer)) as archive:
            archive.extractall(root)
    return root, config["config"]["Entrypoint"]


def in_root(root: Path, processor: str, *words: str, mounts: str = "") -> str:
    """Runs a command in another root file system, without a network; of another processor with the emulator."""
    emulator = shutil.which(f"qemu-{processor}-static") or ""
    if processor != platform.machine():
        if processor != "aarch64" or not emulator:
            pytest.skip(f"no emulator of {processor} here: on x86-64, apt-get install qemu-user-static")
        mounts = carried.RUNS_ARM64 + mounts
    script = f'{mounts}\ncd "$2"; shift 2; exec chroot . "$@"'
    return run(*carried.NAMESPACES, "--net", "sh", "-euc", script, "sh", emulator, root, *words)


def volume_of(processor: str, folder: Path) -> Path:
    """What the image's entry point puts into a volume."""
    root, entry_point = container_of_the_image(processor, folder)
    volume = folder / "volume"
    volume.mkdir()
    in_root(root, processor, *entry_point, mounts=f"mount --bind {volume} {root}/ibid")
    assert not list(volume.rglob("*.part"))
    return volume


def test_the_image_puts_the_library_into_a_volume_that_another_root_uses(tmp_path: Path) -> None:
    """Made by hand, with namespaces: the layer is the root of the init container. Then a program in another root file system has the volume, read-only."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    volume, second = volume_of(platform.machine(), tmp_path), tmp_path / "second"
    if not (volume / "bin").exists():
        pytest.skip(f"the image was not built for {NATIVE}")
    second.mkdir()
    isolated = ("unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "sh", "-euc")
    assert (volume / "lib/libibid_preload.so").stat().st_mode & 0o444 == 0o444
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
    for preload in ("/ibid/lib/libibid_preload.so", FOR_ANY_CONTAINER):
        helped = run(*isolated, f"{enter} exec chroot $r env LD_PRELOAD='{preload}' /usr/bin/python3 /app.py", "sh")
        assert helped.startswith(stock)
        assert json.loads(helped[len(stock) :])["trust_stores"]["hits"] >= 2


def container_of(target: str, root: Path) -> None:
    """A root file system for the target: only a C library, OpenSSL, a program that makes handshakes (/handshakes), and busybox, linked statically."""
    processor, _, library = target.split("-")
    busybox = shutil.which("busybox")
    if not busybox or b"INTERP" in subprocess.run(["readelf", "--program-headers", busybox], capture_output=True).stdout:
        pytest.skip("no static busybox here: apt-get install busybox-static")
    with fetching() as (place, out):
        compiler = toolchain.toolchain(target, place, out).c_compiler
        headers = carried.openssl_headers(place)
        if library == "musl":
            openssl = carried.openssl_for(f"musllinux_1_2_{processor}", place, out)
            libraries = [openssl.libssl, openssl.libcrypto]
            (root / "lib").mkdir(parents=True)
            shutil.copy(carried.newer_musl(place, out, processor), root / f"lib/ld-musl-{processor}.so.1")
            for path in libraries:
                shutil.copy(path, root / "lib")
                (root / "lib" / re.sub("-[0-9a-f]*", "", path.name)).symlink_to(path.name)
        else:
            system = carried.debian_packages(place / f"debian-12-{processor}", "bookworm", processor, ["libc6", "libssl3"], out)
            shutil.copytree(system, root, symlinks=True)
            libraries = [system / f"usr/lib/{target}" / name for name in ("libssl.so.3", "libcrypto.so.3")]
        shutil.copytree(carried.certificates(place, out), root / "pki")
    for folder in ("proc", "dev/shm", "ibid", "tmp"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "dev/null").touch()
    shutil.copy(busybox, root / "busybox")
    includes = (f"-I{ROOT}/include", f"-I{headers}")
    run(*compiler, *includes, ROOT / "scripts/systems/handshakes.c", "-o", root / "handshakes", *libraries, "-Wl,--allow-shlib-undefined")


@pytest.mark.parametrize("target", OTHERS)
def test_the_volume_in_a_container_with_another_c_library_or_processor(target: str, tmp_path: Path) -> None:
    processor, _, library = target.split("-")
    own = "musl/" if library == "musl" else ""
    root, volume = tmp_path / "container", volume_of(processor, tmp_path)
    if not (volume / f"{own}bin").exists():
        pytest.skip(f"the image was not built for {target}")
    container_of(target, root)
    mounts = f"""cd {root}; mount -t proc proc proc; mount -t tmpfs tmpfs dev/shm; mount --bind /dev/null dev/null
mount --bind {volume} ibid; mount -o remount,bind,ro ibid"""

    def inside(*words: str) -> str:
        return in_root(root, processor, "/busybox", "env", *words, mounts=mounts)

    handshakes = ("/handshakes", "/pki", "5")
    ibid = f"/ibid/{own}bin/ibid"
    stock = inside(*handshakes)
    assert stock.startswith("10 handshakes, OpenSSL 3")
    for preload in (f"/ibid/{own}lib/libibid_preload.so", FOR_ANY_CONTAINER):
        said = inside(f"LD_PRELOAD={preload}", *handshakes)
        assert re.fullmatch(re.escape(stock) + r"\d{2,} certificates and 3 files met again\n", said), f"{preload}\n{said}"
    assert inside(ibid, "--version").startswith("ibid ")
    assert inside(ibid, "run", "--stats=/tmp/stats.json", "--", *handshakes).startswith(stock)
    told = json.loads((root / "tmp/stats.json").read_text())
    assert told["helped"] and told["trust_stores"]["hits"] == 3 and told["certificates"]["hits"] > 10, told
    said = inside(ibid, "doctor", "/handshakes")
    assert "ibid helps here" in said and "before-libasan" not in said, said


@pytest.mark.parametrize("target", toolchain.NAMES)
def test_pip_takes_the_wheel_of_its_platform_and_it_has_the_tarballs_binaries(target: str, tmp_path: Path) -> None:
    wheel = newest(f"ibid-*-{tag_of(target)}.whl")
    run(a_python_with_venv(), "-m", "venv", tmp_path / "venv")
    pip = (tmp_path / "venv/bin/python", "-m", "pip", "--disable-pip-version-check")
    folders = ("--no-index", "--find-links", RELEASE, "--dest", tmp_path / "taken")
    run(*pip, "download", *folders, "--no-deps", "--only-binary", ":all:", "--platform", tag_of(target), "ibid")
    assert [p.name for p in (tmp_path / "taken").iterdir()] == [wheel.name]
    tree = unpacked_tarball(target, tmp_path)
    data = f"ibid-{wheel.name.split('-')[1]}.data"
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read(f"{data}/scripts/ibid") == (tree / "bin/ibid").read_bytes()
        assert archive.read(f"{data}/data/lib/libibid_preload.so") == (tree / "lib/libibid_preload.so").read_bytes()


def test_another_tool_reads_the_image(tmp_path: Path) -> None:
    """Podman's and CRI-O's library: it chooses the manifest of a processor, and checks all digests."""
    if not shutil.which("skopeo"):
        pytest.skip("no skopeo here: apt-get install skopeo")
    for architecture in Image(tmp_path).manifests:
        copied = tmp_path / architecture
        run("skopeo", "--insecure-policy", "--override-arch", architecture, "copy", f"oci-archive:{newest('ibid-*-oci.tar')}", f"dir:{copied}")
        config = json.loads((copied / "manifest.json").read_text())["config"]["digest"].split(":")[1]
        assert json.loads((copied / config).read_text())["architecture"] == architecture


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
