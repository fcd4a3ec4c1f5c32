# SPDX-License-Identifier: Apache-2.0
"""Progress is one line in place on a terminal, and plain lines anywhere else."""

from __future__ import annotations

import io

import pytest

from demo.progress import Progress, wants_colour


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def ordinary_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)


def two_steps(stream: io.StringIO) -> str:
    progress = Progress(stream, 2)
    for step in ("nginx, stock", "nginx, ibid"):
        progress.begin(step)
        progress.say("100 of 2,000 clients")
        progress.end()
    progress.clear()
    return stream.getvalue()


def test_a_pipe_gets_one_plain_line_for_each_step() -> None:
    lines = two_steps(io.StringIO()).splitlines()
    assert [line.rsplit("  ", 1)[0] for line in lines] == ["1/2  nginx, stock", "2/2  nginx, ibid"]


def test_a_terminal_gets_one_line_that_is_rewritten_and_taken_away() -> None:
    text = two_steps(Terminal())
    assert "\n" not in text
    assert "0/2" in text and "1/2" in text
    assert text.endswith("\r\033[K")


def test_a_line_in_place_is_never_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    for part in two_steps(Terminal()).split("\r\033[K"):
        assert len(part) < 40


def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert "\033" not in two_steps(Terminal())


def test_steps_that_are_skipped_are_no_longer_announced() -> None:
    stream = io.StringIO()
    progress = Progress(stream, 4)
    progress.begin("curl, stock")
    progress.skip(2)
    progress.end()
    assert stream.getvalue().startswith("1/2  curl, stock")


def test_colour_is_for_terminals_unless_no_color_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert wants_colour(Terminal())
    assert not wants_colour(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_colour(Terminal())
