# SPDX-License-Identifier: Apache-2.0
"""The report is one file that needs nothing else, shows the measured figures, and escapes what came from outside."""

from __future__ import annotations

import html.parser
import json
import re
from typing import Any, cast

import pytest

pytest.importorskip("matplotlib", reason="the report needs matplotlib: ./dev setup")

from demo.figures import CPU, MEMORY, Comparison, Figure, Measurement, Unit  # noqa: E402
from demo.report import Findings, as_html, as_json  # noqa: E402
from demo.workloads import Workload  # noqa: E402


class Sample(Workload):
    name = "sample"

    def __init__(self) -> None:
        super().__init__(cast(Any, None))
        self.title = "client <&>"
        self.how = "It connects."
        self.commands = ["client --ca 'a <b>'"]
        self.figures = (
            Figure("sample.rss", MEMORY, self.title, "RSS", Unit.BYTES),
            Figure("sample.cpu", CPU, self.title, "CPU", Unit.SECONDS),
        )


def findings(**changes: Any) -> Findings:
    workload = Sample()
    memory, cpu = (Comparison(f) for f in workload.figures)
    for runs, each in ((memory.stock, 27_000), (memory.ibid, 14_000)):
        runs += [Measurement.from_points([(n, 5e6 + n * each + run) for n in (50, 100, 150)]) for run in range(3)]
    cpu.stock += [Measurement(0.002), Measurement(0.0022)]
    cpu.ibid += [Measurement(0.001), Measurement(0.0011)]
    values: dict[str, Any] = {
        "date": "2026-01-01 12:00 UTC",
        "seconds": 100.0,
        "command": "./dev demo",
        "machine": {"processor": "a <processor>"},
        "versions": {"OpenSSL": "3.0.0"},
        "workloads": [workload],
        "comparisons": [memory, cpu],
        "counters": {"helped": True, "certificates": {"hits": 398, "misses": 2}},
        "counted_connections": 200,
    }
    return Findings(**{**values, **changes})


class Elements(html.parser.HTMLParser):
    """Collects elements, and fails on an end that has no start."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "link", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_refers_to_nothing_outside() -> None:
    page = Elements(as_html(findings()))
    assert page.open == []
    for tag, attributes in page.seen:
        assert tag not in ("script", "link", "img", "iframe", "object", "image")
        for name, value in attributes.items():
            if name in ("src", "href", "xlink:href"):
                assert value is not None and value.startswith("#")
            for target in re.findall(r"url\(([^)]*)\)", value or ""):
                assert target.startswith("#")
    assert "@import" not in as_html(findings())


def test_every_id_is_there_once_and_every_reference_meets_one() -> None:
    text = as_html(findings())
    ids = re.findall(r'\bid="([^"]*)"', text)
    assert len(ids) == len(set(ids))
    references = set(re.findall(r'(?:href="|url\()#([^")]*)', text))
    assert references <= set(ids)


def test_the_pictures_use_the_colours_of_the_page_alone() -> None:
    pictures = "".join(re.findall(r"<svg.*?</svg>", as_html(findings()), re.S))
    assert {"var(--peer2)", "var(--ibid)", "var(--ink)"} <= set(re.findall(r"var\([^)]*\)", pictures))
    assert re.findall(r"#[0-9a-f]{6}\b", pictures) == []


def test_the_page_shows_the_figures_the_commands_and_the_versions() -> None:
    text = as_html(findings())
    for shown in ("26.4 KiB", "13.7 KiB", "1.93 ×", "2.10 ms", "2026-01-01", "./dev demo", "3.0.0", "398"):
        assert shown in text


def test_what_came_from_outside_is_escaped() -> None:
    text = as_html(findings())
    assert "client &lt;&amp;&gt;" in text and "client <&>" not in text
    assert "a &lt;processor&gt;" in text and "<processor>" not in text
    assert "a &lt;b&gt;" in text


def test_a_run_that_ibid_could_not_help_says_so() -> None:
    text = as_html(findings(counters={"helped": False, "reason": "no dynamic <OpenSSL>"}))
    assert "was disabled" in text
    assert "no dynamic &lt;OpenSSL&gt;" in text


def test_the_json_has_every_run_and_every_sample() -> None:
    document = json.loads(as_json(findings()))
    memory, cpu = document["workloads"][0]["figures"]
    assert memory["key"] == "sample.rss" and memory["unit"] == "bytes"
    assert memory["ratio"] == pytest.approx(27 / 14)
    assert [len(run["points"]) for run in memory["stock_runs"]] == [3, 3, 3]
    assert [run["value"] for run in cpu["ibid_runs"]] == [0.001, 0.0011]
