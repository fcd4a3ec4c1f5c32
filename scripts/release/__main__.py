# SPDX-License-Identifier: Apache-2.0
"""./dev release: `python3 -m scripts.release` from the root of the tree."""

from __future__ import annotations

import argparse
import datetime
import difflib
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from .version import Edit, ReleaseError, current, edits, number

ROOT = Path.cwd()
SUITES = ("bookworm", "trixie", "noble", "resolute")
BINARIES = ("--tarball", "--wheel", "--oci", "--for", "all", "--rpm", "--twice", "--test")


def arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev release",
        description="Makes a release of the last commit: writes the version and the changelogs, commits them, builds and tests all packages "
        "(each binary twice, compared byte by byte), puts them into build/releases/VERSION with SHA256SUMS, and tags the commit. "
        "It pushes nothing. If a step fails, nothing is tagged: mend it, commit, and run the same command again; it continues after the "
        "version's commit. Needs root, for chroots; some two hours on two cores.",
    )
    parser.add_argument("version", metavar="VERSION", help="such as 1.2.3")
    parser.add_argument("--dry-run", action="store_true", help="print the changes of files as a diff, and write nothing")
    parser.add_argument(
        "--suites", default=",".join(SUITES), metavar="LIST", help="build Debian packages for these releases (%(default)s); '' for none"
    )
    return parser.parse_args(words)


def git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise ReleaseError(f"git {words[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def say(words: str) -> None:
    print(f"\n== {words}", file=sys.stderr, flush=True)


def planned(version: str) -> list[Edit]:
    """The changes of files; none if the tree has this version already."""
    if git("status", "--porcelain", "--untracked-files=no"):
        raise ReleaseError("there are changes that are not committed\ncommit them, or put them away with 'git stash'")
    if git("tag", "--list", f"v{version}"):
        raise ReleaseError(f"v{version} is released already: the tag exists\nchoose a later version")
    now = current(ROOT)
    if number(version) < number(now):
        raise ReleaseError(f"{version} is before {now}, the version of this tree\nchoose a later one")
    return [] if version == now else edits(ROOT, version, datetime.datetime.now(datetime.timezone.utc).date())


def as_diff(changed: Sequence[Edit]) -> str:
    lines: list[str] = []
    for e in changed:
        lines += difflib.unified_diff(e.before.splitlines(True), e.after.splitlines(True), f"a/{e.path}", f"b/{e.path}")
    return "".join(lines)


def package(words: Sequence[str]) -> None:
    say(f"./dev package {' '.join(words)}")
    if subprocess.run([str(ROOT / "dev"), "package", *words], cwd=ROOT).returncode != 0:
        raise ReleaseError("a package failed; nothing is tagged\nmend it, commit, and run the same command again")


def sources(version: str, folder: Path) -> None:
    """The source as a tarball, and the core as one header."""
    say("sources")
    name = f"ibid-{version}"
    with (folder / f"{name}.tar.gz").open("wb") as out:
        archive = subprocess.Popen(["git", "archive", "--format=tar", f"--prefix={name}/", "HEAD"], cwd=ROOT, stdout=subprocess.PIPE)
        packed = subprocess.run(["gzip", "-9n"], stdin=archive.stdout, stdout=out)
        if archive.wait() != 0 or packed.returncode != 0:
            raise ReleaseError("the source tarball could not be written")
    header = [sys.executable, str(ROOT / "scripts/amalgamate.py"), "--output", str(folder / f"{name}.h")]
    if subprocess.run(header, cwd=ROOT).returncode != 0:
        raise ReleaseError("the single header could not be written\napt-get install libxxhash-dev")


def collect(version: str, suites: Sequence[str], folder: Path) -> None:
    made = ROOT / "build/package"
    listed = [line.split()[1] for line in (made / "SHA256SUMS").read_text().splitlines()]
    for path in [made / name for name in listed]:
        shutil.copy2(path, folder)
    for suite in suites:
        for path in (made / suite).glob(f"*_{version}-*.deb"):
            shutil.copy2(path, folder / f"{path.stem}~{suite}.deb")
    files = sorted(p for p in folder.iterdir() if p.name != "SHA256SUMS")
    sums = [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}\n" for p in files]
    (folder / "SHA256SUMS").write_text("".join(sums))


def release(options: argparse.Namespace) -> None:
    version = options.version
    suites = [s for s in options.suites.split(",") if s]
    if unknown := [s for s in suites if s not in SUITES]:
        raise ReleaseError(f"unknown release '{unknown[0]}'\none of {', '.join(SUITES)}")
    number(version)
    changed = planned(version)
    if options.dry_run:
        sys.stdout.write(as_diff(changed))
        return
    for e in changed:
        (ROOT / e.path).write_text(e.after)
    if changed:
        git("commit", "--quiet", "--message", f"Release {version}", "--", *(e.path for e in changed))
    folder = ROOT / "build/releases" / version
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    commit = git("rev-parse", "HEAD")
    package(BINARIES)
    for suite in suites:
        package(("--in", suite, "--test"))
    sources(version, folder)
    collect(version, suites, folder)
    if git("rev-parse", "HEAD") != commit:
        raise ReleaseError("the last commit is another one now; nothing is tagged\nrun the same command again")
    git("tag", "--annotate", "--message", f"ibid {version}", f"v{version}", commit)
    say(f"{folder}\n== v{version} is tagged. To publish it: git push origin HEAD v{version}")


def main() -> int:
    try:
        release(arguments(sys.argv[1:]))
    except ReleaseError as error:
        print("".join(f"dev: {line}\n" for line in str(error).splitlines()), end="", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
