#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is in the binaries: a CycloneDX 1.5 document.

sbom.py TREE VERSION TARGET SECONDS > ibid.cdx.json

TREE is what was installed: its binaries are listed with their checksums. Libraries that are compiled into them are listed with the versions of
the packages from which they were compiled: this system's, and for musl ziglang's. SECONDS is the time of the commit: the same commit on the same system gives the same bytes.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from scripts.targets import carried
from scripts.targets.toolchain import NATIVE

# Package, name, licence, purpose. These are templates and headers, whose code is in the binaries.
COMPILED_IN = (
    ("libcli11-dev", "CLI11", "BSD-3-Clause", "command line"),
    ("libfmt-dev", "fmt", "MIT", "text"),
    ("nlohmann-json3-dev", "nlohmann_json", "MIT", "JSON"),
    ("libxxhash-dev", "xxHash", "BSD-2-Clause", "hashes"),
)


def library(package: str, name: str, licence: str, purpose: str, version: str = "", kind: str = "deb/debian") -> dict[str, Any]:
    version = version or version_of(package)
    return {
        "type": "library",
        "bom-ref": f"library:{name}",
        "name": name,
        "version": version,
        "description": purpose,
        "licenses": [{"expression": licence}] if " WITH " in licence else [{"license": {"id": licence}}],
        "purl": f"pkg:{kind}/{package.replace('+', '%2B')}@{version.replace('+', '%2B').replace(':', '%3A')}",
    }


def version_of(package: str) -> str:
    asked = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True)
    return asked.stdout.strip() or "unknown"


def runtime(target: str) -> dict[str, Any]:
    """The compiler's C++ library, which is linked statically."""
    if target.endswith("-musl"):
        package, version = carried.ZIGLANG.split("==")
        return library(package, "libc++", "Apache-2.0 WITH LLVM-exception", "C++ library and unwinder", version, "pypi")
    compiler, suffix = ("c++", "") if target == NATIVE else (f"{target}-g++", f"-{carried.DEBIAN[target.split('-')[0]]}-cross")
    major = subprocess.run([compiler, "-dumpversion"], capture_output=True, text=True).stdout.strip().split(".")[0]
    return library(f"libstdc++-{major}-dev{suffix}", "libstdc++", "GPL-3.0-or-later WITH GCC-exception-3.1", "C++ library")


def is_elf(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and path.read_bytes()[:4] == b"\x7fELF"


def document(tree: Path, version: str, target: str, seconds: int) -> dict[str, Any]:
    files = [p for p in sorted(tree.rglob("*")) if is_elf(p)]
    parts = [
        {
            "type": "file",
            "bom-ref": f"file:{p.relative_to(tree)}",
            "name": str(p.relative_to(tree)),
            "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(p.read_bytes()).hexdigest()}],
        }
        for p in files
    ]
    libraries = [*(library(*words) for words in COMPILED_IN), runtime(target)]
    if any(b"TERMINFO_DIRS" in p.read_bytes() for p in files):  # linked where its static library was found
        libraries.append(library("libncurses-dev", "ncurses", "X11-distribute-modifications-variant", "terminal"))
    made = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    content = json.dumps([parts, libraries])
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}",
        "version": 1,
        "metadata": {
            "timestamp": made,
            "component": {
                "type": "application",
                "bom-ref": "ibid",
                "name": "ibid",
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
                "purl": f"pkg:generic/ibid@{version}",
            },
        },
        "components": [*parts, *libraries],
        "dependencies": [{"ref": "ibid", "dependsOn": [each["bom-ref"] for each in libraries]}],
    }


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    print(json.dumps(document(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])), indent=1))
