# SPDX-License-Identifier: Apache-2.0
"""report.html: one file, no scripts, nothing from outside; and the same figures as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from report.page import (
    Cell,
    commands,
    definitions,
    page,
    paragraph,
    picture,
    pictures,
    section,
    subsection,
    table,
)

from . import plots
from .figures import CONTEXT, CPU, SECTIONS, Comparison, Measurement, Unit
from .table import ratio_text, rows_of
from .workloads import Workload


@dataclass(frozen=True)
class Findings:
    """All that the demo learned."""

    date: str
    seconds: float
    command: str
    machine: Mapping[str, str]
    versions: Mapping[str, str]
    workloads: Sequence[Workload]
    comparisons: Sequence[Comparison]  # measured ones
    counters: Mapping[str, Any]  # what `ibid run --stats` said of a short run
    counted_connections: int

    def of(self, workload: Workload) -> list[Comparison]:
        return [c for c in self.comparisons if c.figure in workload.figures]


def as_json(findings: Findings) -> str:
    def runs(measurements: Sequence[Measurement]) -> list[dict[str, Any]]:
        return [{"value": m.value, "points": [list(p) for p in m.points]} for m in measurements]

    document = {
        "date": findings.date,
        "seconds": round(findings.seconds, 1),
        "command": findings.command,
        "machine": dict(findings.machine),
        "versions": dict(findings.versions),
        "ibid_statistics": dict(findings.counters),
        "workloads": [
            {
                "title": w.title,
                "how": w.how,
                "commands": w.commands,
                "figures": [
                    {
                        "key": c.figure.key,
                        "section": c.figure.section,
                        "what": c.figure.what,
                        "unit": c.figure.unit.value,
                        "stock": c.stock_median,
                        "ibid": c.ibid_median,
                        "ratio": c.ratio,
                        "stock_runs": runs(c.stock),
                        "ibid_runs": runs(c.ibid),
                    }
                    for c in findings.of(w)
                ],
            }
            for w in findings.workloads
            if findings.of(w)
        ],
    }
    return json.dumps(document, indent=1) + "\n"


def _table(findings: Findings) -> str:
    rows: list[Sequence[Cell | str] | str] = []
    for heading in SECTIONS:
        inside = [c for c in findings.comparisons if c.figure.section == heading]
        if inside:
            rows.append(heading)
        for comparison in inside:
            label, stock, ibid, ratio = rows_of(comparison)
            rows.append([label, Cell(stock, kind="stock"), Cell(ibid, kind="ibid"), ratio, str(comparison.runs)])
    return table(["", "stock", "ibid", "ratio", "runs"], rows)


def _memory(findings: Findings) -> str:
    shown = [
        plots.memory_plot(comparison, workload.x_label)
        for workload in findings.workloads
        for comparison in findings.of(workload)
        if comparison.figure.what == "RSS"
    ]
    return section("Memory over connections and contexts", pictures(shown)) if shown else ""


def _cpu(findings: Findings) -> str:
    text = ""
    for name, group, title, label in (
        ("cpu", CPU, "CPU of a handshake", "CPU time of a full TLS handshake and what goes with it"),
        ("context", CONTEXT, "CPU of a context with the system’s CA bundle", "CPU time of a context and what uses it"),
    ):
        inside = [
            c for c in findings.comparisons if c.figure.section == group and c.figure.unit is Unit.SECONDS
        ]
        if inside:
            text += section(title, picture(plots.bar_plot(name, inside, label)))
    return text


def _counters(findings: Findings) -> str:
    counters = findings.counters
    if not counters.get("helped"):
        reason = counters.get("reason") or "no reason was given"
        return paragraph(f"ibid was disabled here ({reason}): both columns are stock.")
    certificates = counters["certificates"]
    return paragraph(
        f"“ibid run --stats” around {findings.counted_connections:,} connections of the OpenSSL client counted "
        f"{certificates['hits']:,} certificates that were there already and {certificates['misses']:,} that had to "
        f"be parsed."
    )


def as_html(findings: Findings) -> str:
    """The page. Text of the findings is escaped; the plots are our own SVG."""
    how = "".join(
        subsection(w.title, paragraph(w.how), commands(w.commands)) for w in findings.workloads if findings.of(w)
    )
    best = max((c.ratio for c in findings.comparisons if c.ratio is not None), default=None)
    lead = (
        "Unmodified programs, each run stock and under “ibid run”, one after the other on one machine. A ratio is "
        "stock divided by ibid"
    )
    lead += f"; the largest here is {ratio_text(best)}." if best is not None else "."
    when = f"{findings.date} · {findings.seconds:.0f} seconds · {findings.machine['processor']}"
    return page(
        "The same programs, stock and under ibid",
        lead,
        [
            paragraph(when, faint=True),
            section("Figures", _table(findings), paragraph(MEANING, faint=True)),
            _memory(findings),
            _cpu(findings),
            section("What was run", _counters(findings), paragraph(CONDITIONS), how),
            section(
                "Machine and versions",
                definitions({**findings.machine, **findings.versions, "command": findings.command}),
            ),
        ],
    )


MEANING = (
    "Medians over the runs. Memory, and CPU where it is counted over connections, is the slope of a line through samples "
    "taken while connections grow, after a warm-up; so what a program allocates once does not count. 1 KiB is 1,024 "
    "bytes. “–” for a ratio: under ibid no cost was left that the measurement could see."
)
CONDITIONS = (
    "The commands of the runs under ibid; stock, the same without “ibid run --”. Servers for the clients and load for the "
    "servers are stock on both sides. TLS sessions are not resumed, because the figures are those of full handshakes; a "
    "program that resumes has fewer of these to save on."
)
