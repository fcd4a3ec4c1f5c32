#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A wheel of the installed binaries: `pip install ibid`, then `ibid run python app.py`.

wheel.py TREE VERSION TARGET SECONDS README SBOM FOLDER

It contains no Python. The command goes to the environment's bin/, the preload and its files to lib/ and share/, with the same relative paths as
in every installation. The tag names the oldest C library with which the binaries run (PEP 600, PEP 656). A wheel cannot contain symbolic links, so each
is a copy of the file that it points to.

Law: the same tree gives the same bytes. SECONDS is the time of all entries.
"""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

REQUIRES_PYTHON = ">=3.8"
SUMMARY = "One parsed copy of each X.509 certificate in a process that uses OpenSSL 3, without a change to the program"
LEFT_OUT = ("include/", "lib/cmake/", "lib/pkgconfig/", "lib/systemd/", "share/zsh/vendor-completions")


def glibc_of(files: list[Path]) -> tuple[int, int]:
    """The newest version of the C library that one of the binaries needs."""
    text = subprocess.run(
        ["readelf", "--wide", "--version-info", *map(str, files)], capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C"}
    ).stdout
    found = [word.split("_")[1] for word in text.split() if word.startswith("GLIBC_2.")]
    return max(((2, int(v.split(".")[1])) for v in found), default=(2, 17))


def tag(tree: Path, target: str) -> str:
    processor, _, library = target.split("-")
    if library == "musl":  # has no symbol versions: the test compares the functions with an older musl's
        return f"py3-none-musllinux_1_2_{processor}"
    major, minor = glibc_of([tree / "bin/ibid", tree / "lib/libibid_preload.so"])
    # manylinux_2_28 is the oldest tag that every current pip and image supports.
    return f"py3-none-manylinux_{major}_{max(minor, 28)}_{processor}"


def entries_of(tree: Path, version: str, readme: str, sbom: bytes, wheel_tag: str) -> list[tuple[str, bytes, int]]:
    data, info = f"ibid-{version}.data", f"ibid-{version}.dist-info"
    entries: list[tuple[str, bytes, int]] = []
    for path in sorted(tree.rglob("*")):
        name = str(path.relative_to(tree))
        if not path.is_file() or name.startswith(LEFT_OUT) or name.endswith(".a"):
            continue
        place = f"{data}/scripts/ibid" if name == "bin/ibid" else f"{data}/data/{name}"
        entries.append((place, path.read_bytes(), 0o755 if name == "bin/ibid" or name.endswith(".so") else 0o644))
    metadata = [
        "Metadata-Version: 2.1",
        "Name: ibid",
        f"Version: {version}",
        f"Summary: {SUMMARY}",
        "License: Apache-2.0",
        f"Requires-Python: {REQUIRES_PYTHON}",
        "Classifier: License :: OSI Approved :: Apache Software License",
        "Classifier: Operating System :: POSIX :: Linux",
        "Classifier: Topic :: Security :: Cryptography",
        "Description-Content-Type: text/markdown",
        "",
        readme,
    ]
    entries.append((f"{info}/METADATA", "\n".join(metadata).encode(), 0o644))
    wheel = f"Wheel-Version: 1.0\nGenerator: ibid\nRoot-Is-Purelib: false\nTag: {wheel_tag}\n"
    entries.append((f"{info}/WHEEL", wheel.encode(), 0o644))
    entries.append((f"{info}/sboms/ibid.cdx.json", sbom, 0o644))
    entries.append((f"{info}/licenses/LICENSE", (tree / "share/doc/ibid/LICENSE").read_bytes(), 0o644))
    lines = []
    for name, content, _ in entries:
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(content)}\n")
    lines.append(f"{info}/RECORD,,\n")
    return [*entries, (f"{info}/RECORD", "".join(lines).encode(), 0o644)]


def main(words: list[str]) -> int:
    if len(words) != 7:
        print(__doc__, file=sys.stderr)
        return 2
    tree, version, target, seconds, readme, sbom, folder = words
    wheel_tag = tag(Path(tree), target)
    path = Path(folder) / f"ibid-{version}-{wheel_tag}.whl"
    when = time.gmtime(int(seconds))[:6]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content, mode in entries_of(Path(tree), version, Path(readme).read_text(), Path(sbom).read_bytes(), wheel_tag):
            entry = zipfile.ZipInfo(name, when)
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
