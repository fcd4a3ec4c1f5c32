# SPDX-License-Identifier: Apache-2.0
"""Makes one HTML page: the report of the demo, or of the benchmarks.

Law: colour has one meaning everywhere: grey is stock and other software, the accent colour is ibid. Every colour is a CSS variable, so
the page and the pictures in it (see picture.py) are readable in light and in dark. All text that is given is escaped,
except where a parameter is called `markup`.

    page("Title", "What this is.", [section("Figures", table(["", "ibid"], [["hit", cell("12 ns", ibid=True)]]))])
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

STYLE = """
:root { color-scheme: light dark; --font: system-ui, sans-serif; --paper: #ffffff; --panel: #f6f7f8; --ink: #1b1f24;
  --faint: #59636e; --grid: #dfe3e8; --ibid: #0b6e99; --good: #1a7f4b; --bad: #b3261e;
  --peer1: #4b535c; --peer2: #7b8591; --peer3: #a9b1ba; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171b; --panel: #1c2026; --ink: #e8eaed; --faint: #a2abb5;
  --grid: #343b44; --ibid: #52b9e6; --good: #56c98b; --bad: #ff8a80;
  --peer1: #ced4da; --peer2: #98a2ad; --peer3: #67717c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 76rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 var(--font); }
h1 { font-size: 1.7rem; margin: 0 0 .4rem; line-height: 1.25; } h2 { font-size: 1.2rem; margin: 2.6rem 0 .6rem; }
h3 { font-size: 1rem; margin: 1.6rem 0 .2rem; }
p { max-width: 46rem; margin: .5rem 0; }
.faint { color: var(--faint); } .stock { color: var(--peer2); font-weight: 700; } .ibid { color: var(--ibid); font-weight: 700; }
.good { color: var(--good); font-weight: 700; } .bad { color: var(--bad); font-weight: 700; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .6rem 0; }
th, td { padding: .3rem .75rem; text-align: right; border-bottom: 1px solid var(--grid); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
td.text { text-align: left; white-space: normal; min-width: 14rem; }
tbody th { padding-top: 1.1rem; }
thead th { color: var(--faint); font-weight: 600; font-size: .9rem; vertical-align: bottom; }
td small { display: block; color: var(--faint); font-weight: 400; font-size: .75rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr)); gap: 1.2rem; }
figure { margin: 0; padding: 1rem; background: var(--panel); border-radius: .5rem; } figure.wide { max-width: 60rem; }
pre { background: var(--panel); padding: .7rem .9rem; border-radius: .4rem; white-space: pre-wrap;
  overflow-wrap: anywhere; font-size: .82rem; margin: .5rem 0; }
svg { display: block; width: 100%; height: auto; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; } dt { color: var(--faint); } dd { margin: 0; }
"""


@dataclass(frozen=True)
class Cell:
    """One cell of a table: its text, a small text below it, and its kind."""

    text: str
    below: str = ""
    kind: str = ""  # "", "stock", "ibid", "good", "bad", "faint" or "text"


def _cell(value: Cell | str) -> str:
    cell = value if isinstance(value, Cell) else Cell(value)
    below = f"<small>{html.escape(cell.below)}</small>" if cell.below else ""
    kind = f' class="{cell.kind}"' if cell.kind else ""
    return f"<td{kind}>{html.escape(cell.text)}{below}</td>"


def table(head: Sequence[str], rows: Sequence[Sequence[Cell | str] | str]) -> str:
    """A row that is only a string is a heading for the rows below it."""

    def row_of(row: Sequence[Cell | str] | str) -> str:
        if isinstance(row, str):
            return f'<tr><th colspan="{len(head)}">{html.escape(row)}</th></tr>\n'
        return "<tr>" + "".join(map(_cell, row)) + "</tr>\n"

    columns = "".join(f"<th>{html.escape(h)}</th>" for h in head)
    body = "".join(map(row_of, rows))
    return f'<div class="scroll"><table><thead><tr>{columns}</tr></thead>\n<tbody>{body}</tbody></table></div>\n'


def paragraph(text: str, faint: bool = False) -> str:
    return f'<p class="faint">{html.escape(text)}</p>\n' if faint else f"<p>{html.escape(text)}</p>\n"


def commands(lines: Sequence[str]) -> str:
    return f"<pre>{html.escape(chr(10).join(lines))}</pre>\n"


def picture(svg: str) -> str:
    return f'<figure class="wide">{svg}</figure>\n'


def pictures(svgs: Sequence[str]) -> str:
    return '<div class="plots">' + "".join(f"<figure>{svg}</figure>\n" for svg in svgs) + "</div>\n"


def definitions(pairs: Mapping[str, str]) -> str:
    terms = "".join(f"<dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd>" for k, v in pairs.items())
    return f"<dl>{terms}</dl>\n"


def section(title: str, *markup: str) -> str:
    return f"<h2>{html.escape(title)}</h2>\n" + "".join(markup)


def subsection(title: str, *markup: str) -> str:
    return f"<h3>{html.escape(title)}</h3>\n" + "".join(markup)


def page(title: str, lead: str, markup: Sequence[str]) -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{html.escape(title)}</h1>
<p>{html.escape(lead)}</p>
{"".join(markup)}</body>
</html>
"""
