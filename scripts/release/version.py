# SPDX-License-Identifier: Apache-2.0
"""Where the version stands in this tree, and the text of each such file for a new version.

CMakeLists.txt has the version; the command, the library, the amalgamated header and the Conan recipe read it there. The other places are
files for tools that cannot read it, and documents. tests/ checks that no place is missing here.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from email.utils import format_datetime
from pathlib import Path

MAINTAINERS = "ibid maintainers <maintainers@ibid.invalid>"
VERSION = r"\d+\.\d+\.\d+"

# Each pattern matches once in its file; the version is the group.
PLACES = (
    ("CMakeLists.txt", rf"project\(ibid VERSION ({VERSION})"),
    ("packaging/vcpkg/ibid/vcpkg.json", rf'"version": "({VERSION})"'),
    ("packaging/rpm/ibid.spec", rf"global ibid_version ({VERSION})"),
    ("docs/operators/containers.md", rf"image: ibid:({VERSION})"),
    ("docs/operators/containers.md", rf"-v ibid:/ibid ibid:({VERSION})"),
    ("docs/operators/install.md", rf'"ibid_version ({VERSION})"'),
)
# Consumers, which ask CMake for a series, such as 1.2.
CONSUMERS = ("cmake/ibidConfig.cmake.in", "examples/openssl/CMakeLists.txt", "tests/package/consumer/CMakeLists.txt")
SERIES = r"find_package\(ibid \d+\.\d+"


class ReleaseError(Exception):
    """What is wrong, and after a newline what to do next."""


@dataclass(frozen=True)
class Edit:
    path: str
    before: str
    after: str


def current(root: Path) -> str:
    path, pattern = PLACES[0]
    found = re.search(pattern, (root / path).read_text())
    if not found:
        raise ReleaseError(f"{path} has no version")
    return found[1]


def number(version: str) -> tuple[int, ...]:
    if not re.fullmatch(VERSION, version):
        raise ReleaseError(f"'{version}' is not a version\nthree numbers, such as 1.2.3")
    return tuple(map(int, version.split(".")))


def edits(root: Path, version: str, day: datetime.date) -> list[Edit]:
    """All files that a release of `version` changes. Nothing is written."""
    changed = [replaced(root, path, pattern, version) for path, pattern in PLACES]
    changed += [consumer(root, path, version) for path in CONSUMERS]
    changed.append(changelog(root, version, day))
    changed.append(debian_changelog(root, version, day))
    # The spec has a second place: its own changelog.
    spec = next(e for e in changed if e.path == "packaging/rpm/ibid.spec")
    entry = f"%changelog\n* {day:%a %b %d %Y} {MAINTAINERS} - {version}-1\n- CHANGELOG.md has the changes.\n"
    changed[changed.index(spec)] = Edit(spec.path, spec.before, once(spec.path, spec.after, r"^%changelog\n", entry + "\n"))
    return changed


def once(path: str, text: str, pattern: str, replacement: str) -> str:
    result, count = re.subn(pattern, lambda _: replacement, text, flags=re.MULTILINE)
    if count != 1:
        raise ReleaseError(f"{path} has {count} places like '{pattern}', not one\nscripts/release/version.py lists the places")
    return result


def replaced(root: Path, path: str, pattern: str, version: str) -> Edit:
    text = (root / path).read_text()
    found = re.search(pattern, text)
    whole = found[0].replace(found[1], version) if found else ""
    return Edit(path, text, once(path, text, pattern, whole))


def consumer(root: Path, path: str, version: str) -> Edit:
    text = (root / path).read_text()
    if not re.search(SERIES, text):
        raise ReleaseError(f"{path} has no place like '{SERIES}'\nscripts/release/version.py lists the places")
    return Edit(path, text, re.sub(SERIES, f"find_package(ibid {version.rpartition('.')[0]}", text))


def changelog(root: Path, version: str, day: datetime.date) -> Edit:
    path = "CHANGELOG.md"
    text = (root / path).read_text()
    unreleased = re.search(r"^## \[Unreleased\]\n(.*?)(?=^## \[|\Z)", text, re.MULTILINE | re.DOTALL)
    if not unreleased or not unreleased[1].strip():
        raise ReleaseError(f"{path} has nothing under [Unreleased]\nsay there what changed for users")
    return Edit(path, text, once(path, text, r"^## \[Unreleased\]\n", f"## [Unreleased]\n\n## [{version}] - {day.isoformat()}\n"))


def debian_changelog(root: Path, version: str, day: datetime.date) -> Edit:
    path = "packaging/debian/changelog"
    text = (root / path).read_text()
    noon = datetime.datetime.combine(day, datetime.time(12), datetime.timezone.utc)
    entry = f"ibid ({version}-1) unstable; urgency=medium\n\n  * CHANGELOG.md has the changes.\n\n -- {MAINTAINERS}  {format_datetime(noon)}\n\n"
    return Edit(path, text, entry + text)
