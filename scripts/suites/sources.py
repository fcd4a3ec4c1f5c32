# SPDX-License-Identifier: Apache-2.0
"""Gets the suites: Debian's source packages, and packages of language registries, through their own clients.

Law: writes nothing outside the given folder. Reads the archive's address from the machine's apt configuration, and
does not change it. apt checks the archive's signature.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from .suite import SuiteError

PYTHON = "/usr/bin/python3"


def command(
    words: Sequence[str | Path],
    folder: Path | None = None,
    *,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
) -> str:
    """Runs a command that prepares a suite. Returns its output, and writes it to `log` if given."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("LD_", "IBID_"))}
    environment.update(env or {})
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if log:
        log.write_text(done.stdout)
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-12:])
        raise SuiteError(
            f"{' '.join(str(word) for word in words[:4])} ...: exit status {done.returncode}\n{tail}"
        )
    return done.stdout


def installed_version(package: str) -> str:
    return command(["dpkg-query", "-W", "-f", "${Version}", package]).strip()


class Archive:
    """Debian's source packages, with a private apt configuration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.options = [
            *("-o", f"Dir::Etc::SourceList={folder}/sources.list"),
            *("-o", "Dir::Etc::SourceParts=/dev/null"),
            *("-o", f"Dir::State::Lists={folder}/lists"),
            *("-o", f"Dir::Cache={folder}"),
            *("-o", f"APT::Sandbox::User={os.environ.get('USER', 'root')}"),
        ]
        self.is_current = False

    def _update(self) -> None:
        if self.is_current:
            return
        (self.folder / "lists/partial").mkdir(parents=True, exist_ok=True)
        places = command(
            [
                "apt-get",
                "indextargets",
                "--format",
                "deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)",
                "Created-By: Packages",
            ]
        )
        # Third-party repositories do not have these sources, and some have no source index.
        lines = sorted({line for line in places.splitlines() if re.search(r"debian|ubuntu", line)})
        (self.folder / "sources.list").write_text("\n".join(lines) + "\n")
        command(["apt-get", "-qq", *self.options, "update"])
        self.is_current = True

    def versions(self, package: str) -> list[str]:
        """All versions that the archive lists, newest first."""
        self._update()
        shown = command(["apt-cache", *self.options, "showsrc", "--only-source", package])
        found = set(re.findall(r"(?m)^Version: (\S+)$", shown))

        def is_newer(left: str, right: str) -> bool:
            return (
                subprocess.run(["dpkg", "--compare-versions", left, "gt", right], check=False).returncode == 0
            )

        result: list[str] = []
        for version in found:
            at = next((i for i, other in enumerate(result) if is_newer(version, other)), len(result))
            result.insert(at, version)
        return result

    def unpack(self, package: str, target: Path, preferred: str = "") -> str:
        """Unpacks the source package, with Debian's patches, into `target`/src, unless it is there. Returns its version.

        The preferred version, otherwise the newest that can be fetched: an archive may list a version whose files are gone.
        """
        note = target / "version"
        if note.exists() and note.read_text().startswith(f"{preferred}\n"):
            return note.read_text().split("\n")[1]
        versions = self.versions(package)
        versions.sort(key=lambda version: version != preferred)
        trouble = ""
        for version in versions:
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir(parents=True)
            try:
                command(
                    ["apt-get", "-q", *self.options, "source", "--download-only", f"{package}={version}"],
                    target,
                )
                (dsc,) = target.glob("*.dsc")
                command(["dpkg-source", "-x", dsc, "src"], target)
            except SuiteError as failure:
                trouble = str(failure)
                continue
            note.write_text(f"{preferred}\n{version}\n")  # fetched again if another version is preferred
            return version
        raise SuiteError(f"no source package {package} can be had: {trouble}")


def debian_source(place: Path, package: str, preferred: str = "") -> str:
    """The source package in `place`/source/src. All suites share one apt configuration, beside `place`."""
    return Archive(place.parent / "apt").unpack(package, place / "source", preferred)


def python_source(project: str, version: str, target: Path) -> None:
    """Unpacks the source distribution of a Python project into `target`/src, unless it is there."""
    note = target / "release"
    if note.exists() and note.read_text() == version:
        return
    fetched = target / "fetched"
    shutil.rmtree(target, ignore_errors=True)
    fetched.mkdir(parents=True)
    wanted = f"{project}=={version}" if version else project
    command(
        [PYTHON, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", fetched, wanted]
    )
    (archive,) = fetched.glob("*.tar.gz")
    command(["tar", "-xf", archive, "--one-top-level=unpacking", "--strip-components=1"], target)
    (target / "unpacking").rename(target / "src")
    note.write_text(version)
