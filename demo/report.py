# SPDX-License-Identifier: Apache-2.0
"""report.html: one file, no scripts, nothing from outside; and the same figures as JSON."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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


STYLE = """
:root { color-scheme: light dark; --font: system-ui, sans-serif; --paper: #ffffff; --panel: #f6f7f8; --ink: #1b1f24;
  --faint: #59636e; --grid: #dfe3e8; --stock: #7b8591; --ibid: #0b7285; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171b; --panel: #1c2026; --ink: #e8eaed; --faint: #a2abb5;
  --grid: #343b44; --stock: #98a2ad; --ibid: #4ec9dc; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 76rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 var(--font); }
h1 { font-size: 1.7rem; margin: 0 0 .4rem; line-height: 1.25; } h2 { font-size: 1.2rem; margin: 2.6rem 0 .6rem; }
h3 { font-size: 1rem; margin: 1.6rem 0 .2rem; } p { max-width: 46rem; margin: .5rem 0; }
.faint { color: var(--faint); }
.stock { color: var(--stock); font-weight: 700; }
.ibid { color: var(--ibid); font-weight: 700; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; max-width: 56rem; font-variant-numeric: tabular-nums; }
th, td { padding: .32rem .8rem; text-align: right; border-bottom: 1px solid var(--grid); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; white-space: normal; }
thead th, tbody th { color: var(--faint); font-weight: 600; font-size: .9rem; }
tbody th { padding-top: 1.1rem; color: var(--ink); }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 1.2rem; }
figure { margin: 0; padding: 1rem; background: var(--panel); border-radius: .5rem; }
figure.wide { max-width: 60rem; }
svg { display: block; width: 100%; height: auto; }
pre { background: var(--panel); padding: .7rem .9rem; border-radius: .4rem; white-space: pre-wrap;
  overflow-wrap: anywhere; font-size: .82rem; margin: .5rem 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; }
dt { color: var(--faint); } dd { margin: 0; }
"""


def _table(findings: Findings) -> str:
    text = "<thead><tr><th></th><th>stock</th><th>ibid</th><th>ratio</th><th>runs</th></tr></thead>\n"
    for section in SECTIONS:
        inside = [c for c in findings.comparisons if c.figure.section == section]
        if not inside:
            continue
        text += f'<tbody><tr><th colspan="5">{html.escape(section)}</th></tr>\n'
        for comparison in inside:
            label, stock, ibid, ratio = map(html.escape, rows_of(comparison))
            text += (
                f'<tr><td>{label}</td><td class="stock">{stock}</td><td class="ibid">{ibid}</td>'
                f"<td>{ratio}</td><td>{comparison.runs}</td></tr>\n"
            )
        text += "</tbody>\n"
    return f'<div class="scroll"><table>{text}</table></div>'


def _definitions(pairs: Mapping[str, str]) -> str:
    return "<dl>" + "".join(f"<dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd>" for k, v in pairs.items()) + "</dl>"


def _memory_plots(findings: Findings) -> str:
    text = ""
    for workload in findings.workloads:
        for comparison in findings.of(workload):
            if comparison.figure.what == "RSS":
                text += f"<figure>{plots.memory_plot(comparison, workload.x_label)}</figure>\n"
    return f'<h2>Memory over connections and contexts</h2>\n<div class="plots">\n{text}</div>' if text else ""


def _cpu_plots(findings: Findings) -> str:
    text = ""
    for name, section, title, label in (
        ("cpu", CPU, "CPU of a handshake", "CPU time of a full TLS handshake and what goes with it"),
        ("context", CONTEXT, "CPU of a context with the system’s CA bundle", "CPU time of a context and what uses it"),
    ):
        inside = [
            c for c in findings.comparisons if c.figure.section == section and c.figure.unit is Unit.SECONDS
        ]
        if inside:
            text += f'<h2>{title}</h2>\n<figure class="wide">{plots.bar_plot(name, inside, label)}</figure>\n'
    return text


def _counters(findings: Findings) -> str:
    counters = findings.counters
    if not counters.get("helped"):
        reason = counters.get("reason") or "no reason was given"
        return f"<p><strong>ibid stood aside here</strong> ({html.escape(str(reason))}): both columns are stock.</p>"
    certificates = counters["certificates"]
    return (
        f"<p><code>ibid run --stats</code> around {findings.counted_connections:,} connections of the OpenSSL client "
        f"counted {certificates['hits']:,} certificates that were there already and {certificates['misses']:,} that "
        f"had to be parsed.</p>"
    )


def as_html(findings: Findings) -> str:
    """The page. Text of the findings is escaped; the plots are our own SVG."""
    how = ""
    for workload in findings.workloads:
        if findings.of(workload):
            commands = html.escape("\n".join(workload.commands))
            how += f"<h3>{html.escape(workload.title)}</h3><p>{html.escape(workload.how)}</p><pre>{commands}</pre>\n"
    best = max((c.ratio for c in findings.comparisons if c.ratio is not None), default=None)
    lead = (
        "Unmodified programs, each run <span class='stock'>stock</span> and under "
        "<span class='ibid'>ibid run</span>, one after the other on one machine. A ratio is stock divided by ibid"
    )
    lead += f"; the largest here is {html.escape(ratio_text(best))}." if best is not None else "."
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ibid: unmodified programs, stock and under ibid</title>
<style>{STYLE}</style>
</head>
<body>
<h1>The same programs, stock and under ibid</h1>
<p>{lead}</p>
<p class="faint">{html.escape(findings.date)} · {findings.seconds:.0f} seconds ·
{html.escape(findings.machine["processor"])}</p>
<h2>Figures</h2>
{_table(findings)}
<p class="faint">Medians over the runs. Memory, and CPU where it is counted over connections, is the slope of a line
through samples taken while connections grow, after a warm-up; so what a program allocates once does not count. 1 KiB is
1,024 bytes. “–” for a ratio: under ibid no cost was left that the measurement could see.</p>
{_memory_plots(findings)}
{_cpu_plots(findings)}
<h2>What was run</h2>
{_counters(findings)}
<p>The commands of the runs under ibid; stock, the same without <code>ibid run --</code>. Servers for the clients and
load for the servers are stock on both sides. TLS sessions are not resumed, because the figures are those of full
handshakes; a program that resumes has fewer of these to save on.</p>
{how}
<h2>Machine and versions</h2>
{_definitions({**findings.machine, **findings.versions, "command": findings.command})}
</body>
</html>
"""
