# SPDX-License-Identifier: Apache-2.0
"""Published caches of C++ programs: `ibid top` and `ibid stat` show them, with and without a preload."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from test_json import check

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "tests/e2e/programs/published_cache.cpp"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    for name, flags in {"program": [], "plain": ["-DWITHOUT_IBID"], "plugin.so": ["-DPLUGIN", "-shared", "-fPIC", "-fvisibility=hidden"]}.items():
        subprocess.run(["c++", "-std=c++20", "-pthread", f"-I{ROOT}/include", *flags, str(SOURCE), "-o", str(folder / name), "-ldl"], check=True)
    return folder


@contextmanager
def running(*words: str) -> Iterator[str]:
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        yield str(process.pid)
    finally:
        process.communicate()
    assert process.returncode == 0


def text(ibid: Path, *words: str) -> str:
    return subprocess.run([str(ibid), *words], check=True, capture_output=True, text=True, timeout=60).stdout


FIGURES = "2 active, 0 retained; 1 hit, 2 misses, 0 evictions"


@pytest.mark.parametrize("preloaded", [False, True])
def test_a_programs_caches_are_shown_by_name(ibid: Path, built: Path, preloaded: bool) -> None:
    with running(*([str(ibid), "run"] if preloaded else []), str(built / "program")) as pid:
        assert text(ibid, "stat", pid) == f"{pid} (program)\ncache of the program: {FIGURES}\n"
        rows = [line for line in text(ibid, "top", "--once").splitlines() if line.split()[0] == pid]
        assert len(rows) == 1 and rows[0].split()[1:4] == ["of", "the", "program"] and rows[0].split()[-7:-2] == ["2", "0", "1", "2", "33.3"]
        seen = json.loads(text(ibid, "stat", "--json", pid))
        check("stat", seen)
        assert seen["caches"] == [{"cache": "of the program", "active": 2, "retained": 0, "retained_bytes": 0, "hits": 1, "misses": 2, "evictions": 0}]
        seen = json.loads(text(ibid, "top", "--once", "--json", "--filter", pid))
        check("top", seen)
        assert [(one["pid"], one["cache"]) for one in seen["caches"]] == [(int(pid), "of the program")] and seen["processes"] == []


def test_caches_that_are_not_shown_are_told(ibid: Path, built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for more, cut in ((255, False), (256, True)):
        monkeypatch.setenv("MORE_CACHES", str(more))
        with running(str(built / "program")) as pid:
            lines = text(ibid, "stat", pid).splitlines()
            assert (len(lines), lines[-1] == "older caches are not shown: there are more than 256") == (257 + cut, cut)
            assert f"cache of the program: {FIGURES}" in lines
            told = text(ibid, "top", "--once").splitlines()
            assert ("1 process has more than 256 caches: the older ones are not shown." in told) == cut
            for words in (["stat", pid], ["top", "--once"]):
                seen = json.loads(text(ibid, *words, "--json"))
                check(words[0], seen)
                assert seen["caches_cut"] is cut


def test_a_plugins_caches_are_shown_too(ibid: Path, built: Path) -> None:
    plugin = str(built / "plugin.so")
    with running(str(built / "program"), plugin) as pid:
        assert text(ibid, "stat", pid).splitlines()[1:] == [f"cache of the program: {FIGURES}", f"cache of a plugin: {FIGURES}"]
    with running(str(built / "plain"), plugin) as pid:  # a program without ibid
        assert text(ibid, "stat", pid).splitlines()[1:] == [f"cache of a plugin: {FIGURES}"]


def test_a_program_without_any_is_told_as_before(ibid: Path, built: Path) -> None:
    with running(str(built / "plain")) as pid:
        done = subprocess.run([str(ibid), "stat", pid], capture_output=True, text=True)
        assert done.returncode != 0 and "does not run under ibid" in done.stderr
