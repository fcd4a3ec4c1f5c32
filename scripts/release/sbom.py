#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is in the binaries: a CycloneDX 1.5 document.

sbom.py TREE VERSION SECONDS > ibid.cdx.json

TREE is what was installed: its binaries are listed with their checksums. Libraries that are compiled into them are listed with the versions of
this system's packages, from which they were compiled. SECONDS is the time of the commit: the same commit on the same system gives the same bytes.
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

# Package, name, licence, purpose. These are templates and headers, whose code is in the binaries, and the C++
# runtime, which is linked statically.
COMPILED_IN = (
    ("libcli11-dev", "CLI11", "BSD-3-Clause", "command line"),
    ("libfmt-dev", "fmt", "MIT", "text"),
    ("nlohmann-json3-dev", "nlohmann_json", "MIT", "JSON"),
    ("libxxhash-dev", "xxHash", "BSD-2-Clause", "hashes"),
    ("libstdc++-12-dev", "libstdc++", "GPL-3.0-or-later WITH GCC-exception-3.1", "C++ library"),
)


def version_of(package: str) -> str:
    asked = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True)
    return asked.stdout.strip() or "unknown"


def runtime_package() -> str:
    """The package of the compiler's C++ library."""
    major = subprocess.run(["c++", "-dumpversion"], capture_output=True, text=True).stdout.split(".")[0]
    return f"libstdc++-{major}-dev"


def is_elf(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and path.read_bytes()[:4] == b"\x7fELF"


def document(tree: Path, version: str, seconds: int) -> dict[str, Any]:
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
    libraries = []
    for package, name, licence, purpose in COMPILED_IN:
        package = runtime_package() if name == "libstdc++" else package
        found = version_of(package)
        licences = [{"expression": licence}] if " WITH " in licence else [{"license": {"id": licence}}]
        libraries.append(
            {
                "type": "library",
                "bom-ref": f"library:{name}",
                "name": name,
                "version": found,
                "description": purpose,
                "licenses": licences,
                "purl": f"pkg:deb/debian/{package.replace('+', '%2B')}@{found.replace('+', '%2B').replace(':', '%3A')}",
            }
        )
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
        "dependencies": [{"ref": "ibid", "dependsOn": [f"library:{name}" for _, name, _, _ in COMPILED_IN]}],
    }


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    print(json.dumps(document(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])), indent=1))
