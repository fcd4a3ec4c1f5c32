# SPDX-License-Identifier: Apache-2.0
"""./dev release on a clone of this tree, up to the packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
IDENTITY = ("-c", "user.name=a", "-c", "user.email=a@ibid.invalid")


def git(tree: Path, *words: str, given: str | None = None) -> str:
    return subprocess.run(["git", *IDENTITY, *words], cwd=tree, input=given, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A clone with the files of this tree as they are now, and with something to release."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    git(tmp_path, "clone", "--quiet", "--shared", str(ROOT), "clone")
    clone = tmp_path / "clone"
    changes = git(ROOT, "diff", "--binary", "HEAD")
    if changes:
        git(clone, "apply", "--index", given=changes)
    log = clone / "CHANGELOG.md"
    log.write_text(log.read_text().replace("## [Unreleased]\n", "## [Unreleased]\n\n- Something.\n", 1))
    git(clone, "commit", "--quiet", "--all", "--message", "work")
    return clone


def release(tree: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "scripts.release", *words], cwd=tree, capture_output=True, text=True)


def version_of(tree: Path) -> str:
    text = (tree / "CMakeLists.txt").read_text()
    return text.split("project(ibid VERSION ", 1)[1].split()[0]


def test_a_dry_run_is_a_diff_that_leaves_the_old_version_nowhere(tree: Path) -> None:
    old = version_of(tree)
    told = release(tree, "99.0.0", "--dry-run")
    assert told.returncode == 0, told.stderr
    assert git(tree, "status", "--porcelain") == ""
    git(tree, "apply", given=told.stdout)
    assert version_of(tree) == "99.0.0"
    # The changelogs keep earlier versions; the peers of the benchmark have versions of their own.
    places = ["packaging", "docs", "README.md", "CMakeLists.txt", "cmake", "src", "include"]
    left = subprocess.run(["git", "grep", "-lF", old, "--", *places], cwd=tree, capture_output=True, text=True).stdout.split()
    assert set(left) <= {"packaging/debian/changelog", "packaging/rpm/ibid.spec", "docs/operators/programs.md"}, left
    series = subprocess.run(["git", "grep", "-hoE", r"find_package\(ibid [0-9.]+"], cwd=tree, capture_output=True, text=True).stdout
    assert set(series.split("\n")) == {"find_package(ibid 99.0", ""}
    assert "## [99.0.0] - 20" in (tree / "CHANGELOG.md").read_text()
    assert (tree / "packaging/debian/changelog").read_text().startswith("ibid (99.0.0-1) unstable")
    assert "- 99.0.0-1\n" in (tree / "packaging/rpm/ibid.spec").read_text()


@pytest.mark.parametrize(
    "words, why, what_next",
    [
        (("1.2",), "'1.2' is not a version", "three numbers"),
        (("0.0.1",), "0.0.1 is before", "choose a later one"),
        (("99.0.0", "--suites", "slink"), "unknown release 'slink'", "bookworm"),
    ],
)
def test_wrong_words_say_what_to_do_and_change_nothing(tree: Path, words: tuple[str, ...], why: str, what_next: str) -> None:
    told = release(tree, *words)
    assert told.returncode == 1
    assert why in told.stderr and what_next in told.stderr
    assert git(tree, "status", "--porcelain") == ""


def test_uncommitted_changes_are_not_lost(tree: Path) -> None:
    (tree / "README.md").write_text("mine\n")
    told = release(tree, "99.0.0")
    assert told.returncode == 1 and "not committed" in told.stderr
    assert (tree / "README.md").read_text() == "mine\n"


def test_a_tag_is_not_moved(tree: Path) -> None:
    git(tree, "tag", "v99.0.0")
    told = release(tree, "99.0.0")
    assert told.returncode == 1 and "the tag exists" in told.stderr


def test_a_changelog_without_changes_is_no_release(tree: Path) -> None:
    (tree / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n\n## [0.0.1] - 2026-01-01\n\n- First.\n")
    git(tree, "commit", "--quiet", "--all", "--message", "emptied")
    told = release(tree, "99.0.0")
    assert told.returncode == 1 and "nothing under [Unreleased]" in told.stderr
