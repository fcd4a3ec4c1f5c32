# SPDX-License-Identifier: Apache-2.0
"""Matplotlib's figures as SVG that lives inside an HTML page.

Law: as page.py. A figure is drawn in colours that stand for the page's variables; inline() puts the variables in their
place, gives every identifier the figure's name, and leaves no link and no metadata behind.
"""

from __future__ import annotations

import html
import io
import logging
import re

logging.getLogger("matplotlib").setLevel(logging.ERROR)  # where it keeps its font cache is nobody's concern here

import matplotlib  # noqa: E402

matplotlib.use("svg")

import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

INK, FAINT, GRID, IBID = "#010203", "#010204", "#010205", "#010206"
PEERS = ("#010207", "#010208", "#010209")  # three greys; line styles tell more peers apart
STOCK = PEERS[1]
_VARIABLES = {INK: "--ink", FAINT: "--faint", GRID: "--grid", IBID: "--ibid"}
_VARIABLES |= {colour: f"--peer{i}" for i, colour in enumerate(PEERS, 1)}

plt.rcParams.update(
    {
        "svg.fonttype": "none",
        "font.size": 10,
        "text.color": INK,
        "axes.labelcolor": FAINT,
        "axes.edgecolor": GRID,
        "axes.facecolor": "none",
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 11,
        "axes.titlelocation": "left",
        "axes.titlepad": 12,
        "xtick.color": FAINT,
        "ytick.color": FAINT,
        "xtick.major.size": 0,
        "ytick.major.size": 0,
        "xtick.minor.size": 0,
        "ytick.minor.size": 0,
        "grid.color": GRID,
        "legend.frameon": False,
        "legend.fontsize": 9,
        "figure.facecolor": "none",
        "figure.constrained_layout.use": True,
    }
)


def inline(figure: Figure, name: str, label: str) -> str:
    """The figure as an <svg> element. `name` is unique in the page; `label` says what it shows, for who cannot see."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    plt.close(figure)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text)
    for size in ("width", "height"):
        text = re.sub(rf'(<svg[^>]*?) {size}="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = text.replace("url(#", f"url(#{name}-").replace('xlink:href="#', f'href="#{name}-')
    # A family's quotes would end the style attribute; the page's own font is meant anyway.
    text = re.sub(r"font: ([^;\"]*?)(\d+px)[^;\"]*", r"font: \1\2 var(--font)", text)
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    return text.replace("<svg", f'<svg role="img" aria-label="{html.escape(label)}"', 1)
