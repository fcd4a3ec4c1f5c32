# SPDX-License-Identifier: Apache-2.0
"""Matplotlib's figures as SVG inside an HTML page.

Law: as in page.py. A figure is drawn in placeholder colours. inline() replaces them by the page's variables, adds the figure's
name to every identifier, and removes links and metadata.
"""

from __future__ import annotations

import html
import io
import logging
import re

logging.getLogger("matplotlib").setLevel(logging.ERROR)  # its message about its font cache is of no use here

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
    """The figure as an <svg> element. `name` is unique in the page; `label` describes it for a screen reader."""
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
    # Quotes around a font family would end the style attribute. The page's own font is used instead.
    text = re.sub(r"font: ([^;\"]*?)(\d+px)[^;\"]*", r"font: \1\2 var(--font)", text)
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    return text.replace("<svg", f'<svg role="img" aria-label="{html.escape(label)}"', 1)
