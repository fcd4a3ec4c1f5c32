# SPDX-License-Identifier: Apache-2.0
"""Parses the output of test programs into (subtest, outcome) pairs. Independent of suites and modes."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator

from .trial import FAIL, PASS, SKIP

Subtests = list[tuple[str, str]]

TAP_LINE = re.compile(r"^(?P<indent> *)(?P<bad>not )?ok\b(?: +(?P<number>\d+))?(?: *-)?(?P<rest>.*)$")
# The harness's own line of a whole test file, if it was told to show times: "ok    10926 ms ( 0.12 usr ...".
HARNESS_TIME = re.compile(r" ms \( *[\d.]+ usr\b")
TAP_DIRECTIVE = re.compile(r"(?<!\\)#\s*(?P<kind>skip|todo)\b", re.IGNORECASE)


def tap(text: str) -> Subtests:
    """Test Anything Protocol, nested by indentation: a subtest's name begins with the names of those that contain it.

    A subtest is named by its description, if it has one: programs that fork number subtests in each process, in no fixed order.
    """
    pending: dict[int, Subtests] = {}
    counts: dict[int, int] = {}
    for line in text.splitlines():
        match = TAP_LINE.match(line)
        if not match or HARNESS_TIME.match(match["rest"]):
            continue
        depth = len(match["indent"])
        number = int(match["number"]) if match["number"] else counts.get(depth, 0) + 1
        counts[depth] = number
        description, outcome = match["rest"], FAIL if match["bad"] else PASS
        directive = TAP_DIRECTIVE.search(description)
        if directive:
            description = description[: directive.start()]
            outcome = SKIP if directive["kind"].lower() == "skip" else PASS
        elif not match["number"]:
            description = description.lstrip(" #")
        name = description.strip() or str(number)
        here = pending.setdefault(depth, [])
        for deeper in sorted(d for d in pending if d > depth):
            here.extend((f"{name} / {inner}", result) for inner, result in pending.pop(deeper))
            counts.pop(deeper, None)
        here.append((name, outcome))
    return [subtest for depth in sorted(pending) for subtest in pending[depth]]


def outcome_lines(text: str) -> Subtests:
    """`OUTCOME<tab>NAME`: the output of our own runner of unittest modules."""
    pairs = (line.split("\t", 1) for line in text.splitlines() if "\t" in line)
    return [(name, outcome) for outcome, name in pairs]


def junit_xml(text: str) -> Subtests:
    result: Subtests = []
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return []  # the program died while it wrote; its subtests are missing
    for case in root.iter("testcase"):
        outcome = PASS
        for child in case:
            if child.tag in ("failure", "error"):
                outcome = FAIL
            elif child.tag == "skipped" and outcome == PASS:
                outcome = SKIP
        result.append((f"{case.get('classname', '')}.{case.get('name', '')}", outcome))
    return result


# `[ 5/28] Class#test_name = 0.01 s`; then, at the end, `  1) Failure:` and the names of tests that did not
# pass.
RUBY_STARTED = re.compile(r"\[ *\d+/\d+\] (?P<name>[A-Z][\w:]*#test_\S+)(?P<ended>.* = \d+\.\d+ s)?")
RUBY_VERDICT = re.compile(
    r"^ *\d+\) (?P<verdict>Failure|Error|Skipped|Timeout):\s*\n(?P<name>[A-Z][\w:]*#test_[^\s:\[]+)",
    re.MULTILINE,
)


def ruby_verbose(text: str) -> Subtests:
    """Ruby's own test runner with -v. If a test began and did not end, the program died in it."""
    verdicts = {
        match["name"]: SKIP if match["verdict"] == "Skipped" else FAIL
        for match in RUBY_VERDICT.finditer(text)
    }
    result: Subtests = []
    begun = list(RUBY_STARTED.finditer(text))
    for match in begun:
        died = match is begun[-1] and not match["ended"]
        result.append((match["name"], verdicts.get(match["name"], FAIL if died else PASS)))
    return result


PHP_OUTCOMES = {"PASSED": PASS, "SKIPPED": SKIP, "XFAILED": SKIP}


def php_results(text: str) -> Subtests:
    """The file that run-tests.php -W writes: `PASSED<tab>path`."""
    pairs = (line.split("\t", 1) for line in text.splitlines() if "\t" in line)
    return [(name.strip(), PHP_OUTCOMES.get(outcome, FAIL)) for outcome, name in pairs]


CARGO_START = re.compile(r"^test (?P<name>\S+)(?: - should panic)? \.\.\. ?(?P<rest>.*)$")
CARGO_OUTCOMES = {"ok": PASS, "FAILED": FAIL, "ignored": SKIP}


def _cargo_lines(text: str) -> Iterator[tuple[str, str]]:
    name = ""
    for line in text.splitlines():
        start = CARGO_START.match(line)
        if start:
            if name:
                yield name, FAIL
            name, line = start["name"], start["rest"]
        # A test's own output comes before the outcome, on the same line or on others.
        word = re.search(r"(?:^|\s)(ok|FAILED|ignored)(?:,.*)?$", line)
        if name and word:
            yield name, CARGO_OUTCOMES[word[1]]
            name = ""
    if name:
        yield name, FAIL


def cargo(text: str) -> Subtests:
    """`test module::name ... ok` of Rust's test programs, run with --test-threads=1."""
    return list(_cargo_lines(text))


CURL_LINE = re.compile(r"^test (?P<number>\d+)\.\.\.\[(?P<title>.*)\]$")


def curl_runtests(text: str) -> Subtests:
    """runtests.pl: `test 0300...[title]`, then either a line `-------e-- OK (...)` or a message."""
    result: Subtests = []
    number = ""
    for line in text.splitlines():
        start = CURL_LINE.match(line.strip())
        skipped = re.match(r"^test (\d+) SKIPPED", line)
        if start:
            if number:
                result.append((number, FAIL))
            number = start["number"]
        elif skipped:
            result.append((skipped[1], SKIP))
        elif number and re.match(r"^\S+ OK \(", line.strip()):
            result.append((number, PASS))
            number = ""
    if number:
        result.append((number, FAIL))
    return result
