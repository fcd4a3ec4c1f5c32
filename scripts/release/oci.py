#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An OCI image that puts ibid into a volume and ends: for init containers.

oci.py FOLDER VERSION SECONDS TARGET...

FOLDER/TARGET has ibid-VERSION-TARGET (what the tarball holds) and put (packaging/oci/put.c, linked statically), which becomes the entry point. The
image has a manifest for each processor, with one layer: /opt/ibid (for glibc), /opt/ibid/musl and /bin/put. The result, FOLDER/ibid-VERSION-oci.tar, is
an archive of an OCI image layout, for `docker load`, `podman load` and `skopeo copy oci-archive:FILE`.

Law: the same trees and programs give the same bytes. SECONDS is the time of all files.
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
from pathlib import Path, PurePath
from typing import Any

PLATFORMS = {"x86_64": {"architecture": "amd64"}, "aarch64": {"architecture": "arm64", "variant": "v8"}}
ENTRY = ["/bin/put"]
MUSL = "opt/ibid/musl"
# glibc's loader replaces $LIB, and musl's looks for a folder of this name: one value of LD_PRELOAD serves
# both.
FOR_BOTH = "opt/ibid/lib/ibid/before-libasan.so/$LIB"


def entry(name: str, mode: int, seconds: int, *, content: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = "") -> tuple[tarfile.TarInfo, bytes]:
    made = tarfile.TarInfo(name)
    made.mode, made.mtime, made.size, made.type, made.linkname = mode, seconds, len(content), kind, link
    return made, content


def layer_of(trees: dict[str, Path], put: Path, seconds: int) -> bytes:
    """`trees`: by folder in the image."""
    folders = ["bin", "ibid", "opt", "opt/ibid"]
    if MUSL in trees:
        folders += [MUSL, *reversed([str(p) for p in PurePath(FOR_BOTH, "x").parents if p.is_relative_to("opt/ibid/lib")])]
    entries = [entry(n, 0o755, seconds, kind=tarfile.DIRTYPE) for n in folders]
    entries.append(entry("bin/put", 0o755, seconds, content=put.read_bytes()))
    for folder, tree in trees.items():
        for path in sorted(tree.rglob("*")):
            name = f"{folder}/{path.relative_to(tree)}"
            if path.is_symlink():
                entries.append(entry(name, 0o777, seconds, kind=tarfile.SYMTYPE, link=str(path.readlink())))
            elif path.is_dir():
                entries.append(entry(name, 0o755, seconds, kind=tarfile.DIRTYPE))
            else:
                mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
                entries.append(entry(name, mode, seconds, content=path.read_bytes()))
    if MUSL in trees:
        entries.append(entry(f"{FOR_BOTH}/libibid_preload.so", 0o777, seconds, kind=tarfile.SYMTYPE, link="../../../../musl/lib/libibid_preload.so"))
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


def described(kind: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": digest(content), "size": len(content)}


class Image:
    """The blobs of a layout."""

    def __init__(self, version: str, seconds: int) -> None:
        self.version = version
        self.seconds = seconds
        self.blobs: dict[str, bytes] = {}

    def put(self, kind: str, content: bytes) -> dict[str, Any]:
        self.blobs[f"blobs/sha256/{digest(content)[7:]}"] = content
        return described(kind, content)

    def manifest(self, processor: str, trees: dict[str, Path], program: Path) -> tuple[dict[str, Any], dict[str, Any]]:
        """What an index says of it, and what Docker before 25 reads."""
        layer = layer_of(trees, program, self.seconds)
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.seconds))
        what = {**PLATFORMS[processor], "os": "linux"}
        config = {
            **what,
            "created": when,
            "config": {"Entrypoint": ENTRY, "Labels": {"org.opencontainers.image.version": self.version, "org.opencontainers.image.licenses": "Apache-2.0"}},
            "rootfs": {"type": "layers", "diff_ids": [digest(layer)]},
            "history": [{"created": when, "created_by": "ibid"}],
        }
        content = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": self.put("config.v1+json", as_json(config)),
            "layers": [self.put("layer.v1.tar+gzip", gzip.compress(layer, 9, mtime=0))],
        }
        blobs = [f"blobs/sha256/{part['digest'][7:]}" for part in (content["config"], *content["layers"])]
        older = {"Config": blobs[0], "RepoTags": [f"ibid:{self.version}"], "Layers": blobs[1:]}
        return {**self.put("manifest.v1+json", as_json(content)), "platform": what}, older

    def archive(self, manifests: list[dict[str, Any]], older: dict[str, Any]) -> bytes:
        index = self.put("index.v1+json", as_json({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests}))
        named = {"io.containerd.image.name": f"docker.io/library/ibid:{self.version}", "org.opencontainers.image.ref.name": self.version}
        files = {
            "oci-layout": as_json({"imageLayoutVersion": "1.0.0"}),
            "index.json": as_json({"schemaVersion": 2, "manifests": [{**index, "annotations": named}]}),
            "manifest.json": as_json([older]),
            **self.blobs,
        }
        folders = [entry(n, 0o755, self.seconds, kind=tarfile.DIRTYPE) for n in ("blobs", "blobs/sha256")]
        return archive_of([*folders, *(entry(n, 0o644, self.seconds, content=c) for n, c in sorted(files.items()))])


def main(words: list[str]) -> int:
    if len(words) < 4:
        print(__doc__, file=sys.stderr)
        return 2
    folder, version, seconds, targets = Path(words[0]), words[1], int(words[2]), sorted(words[3:])  # of a processor, glibc is first
    made = Image(version, seconds)
    found = []
    for processor in dict.fromkeys(target.split("-")[0] for target in targets):
        own = [target for target in targets if target.startswith(processor)]
        program = folder / own[0] / "put"
        if b"INTERP" in subprocess.run(["readelf", "--program-headers", program], capture_output=True, check=True).stdout:
            print(f"{program} is not linked statically", file=sys.stderr)
            return 1
        trees = {MUSL if target.endswith("musl") else "opt/ibid": folder / target / f"ibid-{version}-{target}" for target in own}
        found.append((processor, *made.manifest(processor, trees, program)))
    # Docker before 25 reads one manifest: this machine's, if there is one.
    older = max(found, key=lambda each: each[0] == platform.machine())[2]
    (folder / f"ibid-{version}-oci.tar").write_bytes(made.archive([manifest for _, manifest, _ in found], older))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
