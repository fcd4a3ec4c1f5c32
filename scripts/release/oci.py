#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An OCI image that puts ibid into a volume and ends: for init containers.

oci.py TREE VERSION SECONDS PUT FILE

One layer: /opt/ibid (what the tarball holds) and /bin/put (packaging/oci/put.c, linked statically), which is the entry point. FILE is an archive of an OCI image
layout, for `docker load`, `podman load` and `skopeo copy oci-archive:FILE`.

Law: the same tree and the same program give the same bytes. SECONDS is the time of all files.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import platform
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

PROCESSORS = {"x86_64": "amd64", "aarch64": "arm64"}
ENTRY = ["/bin/put"]


def entry(name: str, mode: int, seconds: int, *, content: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = "") -> tuple[tarfile.TarInfo, bytes]:
    made = tarfile.TarInfo(name)
    made.mode, made.mtime, made.size, made.type, made.linkname = mode, seconds, len(content), kind, link
    return made, content


def layer_of(tree: Path, put: Path, seconds: int) -> bytes:
    entries = [entry(n, 0o755, seconds, kind=tarfile.DIRTYPE) for n in ("bin", "ibid", "opt", "opt/ibid")]
    entries.append(entry("bin/put", 0o755, seconds, content=put.read_bytes()))
    for path in sorted(tree.rglob("*")):
        name = f"opt/ibid/{path.relative_to(tree)}"
        if path.is_symlink():
            entries.append(entry(name, 0o777, seconds, kind=tarfile.SYMTYPE, link=str(path.readlink())))
        elif path.is_dir():
            entries.append(entry(name, 0o755, seconds, kind=tarfile.DIRTYPE))
        else:
            mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            entries.append(entry(name, mode, seconds, content=path.read_bytes()))
    return archive_of(entries)


def archive_of(entries: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for info, content in entries:
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def as_json(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True).encode()


def image(tree: Path, version: str, seconds: int, put: Path) -> bytes:
    layer = layer_of(tree, put, seconds)
    packed = gzip.compress(layer, 9, mtime=0)
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    config = as_json(
        {
            "architecture": PROCESSORS[platform.machine()],
            "os": "linux",
            "created": when,
            "config": {"Entrypoint": ENTRY, "Labels": {"org.opencontainers.image.version": version, "org.opencontainers.image.licenses": "Apache-2.0"}},
            "rootfs": {"type": "layers", "diff_ids": [digest(layer)]},
            "history": [{"created": when, "created_by": "ibid"}],
        }
    )
    blobs = {digest(packed): packed, digest(config): config}

    def described(kind: str, content: bytes) -> dict[str, Any]:
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": digest(content), "size": len(content)}

    manifest = as_json(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": described("config.v1+json", config),
            "layers": [described("layer.v1.tar+gzip", packed)],
        }
    )
    blobs[digest(manifest)] = manifest
    named = {"io.containerd.image.name": f"docker.io/library/ibid:{version}", "org.opencontainers.image.ref.name": version}
    index = as_json({"schemaVersion": 2, "manifests": [{**described("manifest.v1+json", manifest), "annotations": named}]})
    files = {"oci-layout": as_json({"imageLayoutVersion": "1.0.0"}), "index.json": index}
    # Docker before 25 reads this file.
    files["manifest.json"] = as_json(
        [{"Config": f"blobs/sha256/{digest(config)[7:]}", "RepoTags": [f"ibid:{version}"], "Layers": [f"blobs/sha256/{digest(packed)[7:]}"]}]
    )
    files |= {f"blobs/sha256/{name[7:]}": content for name, content in blobs.items()}
    folders = [entry(n, 0o755, seconds, kind=tarfile.DIRTYPE) for n in ("blobs", "blobs/sha256")]
    return archive_of([*folders, *(entry(n, 0o644, seconds, content=c) for n, c in sorted(files.items()))])


def main(words: list[str]) -> int:
    if len(words) != 5:
        print(__doc__, file=sys.stderr)
        return 2
    tree, version, seconds, put, file = words
    program = Path(put)
    if b"INTERP" in subprocess.run(["readelf", "--program-headers", program], capture_output=True, check=True).stdout:
        print(f"{put} is not linked statically", file=sys.stderr)
        return 1
    Path(file).write_bytes(image(Path(tree), version, int(seconds), program))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
