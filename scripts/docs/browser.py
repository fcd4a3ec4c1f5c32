#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""browser.py SITE: loads each page of the site from its folder in Chromium. Errors are: a message on a page's console, a picture that does not
load, a request to another host (except for the script that draws diagrams), and a search that finds nothing."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path

# Only diagrams need a script from there (mkdocs.yml). Without it a page shows a diagram's source.
KNOWN = ("unpkg.com",)


class Rendered(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.title = ""
        self.in_title = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.in_title = tag == "title"

    def handle_data(self, data: str) -> None:
        if self.in_title:
            self.title += data
            self.in_title = False


def opened(address: str) -> "subprocess.CompletedProcess[str]":
    """The page as HTML after its scripts have run, and Chromium's messages."""
    words = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--virtual-time-budget=3000"]
    with tempfile.TemporaryDirectory() as profile:
        return subprocess.run(
            [*words, f"--user-data-dir={profile}", "--allow-file-access-from-files", "--dump-dom", address], capture_output=True, text=True, timeout=120
        )


def look(page: Path, site: Path) -> list[str]:
    """The page's faults. A temporary copy of the page writes the pictures that did not load into its title."""
    text = page.read_text()
    probe = '<script>window.addEventListener("load",()=>{const b=[...document.images].filter(i=>!i.naturalWidth).map(i=>i.src);document.title+=" broken:"+b.length+" "+b.join(" ")})</script></body>'
    copy = page.with_name(f"{page.stem}.probe.html")
    copy.write_text(text.replace("</body>", probe))
    try:
        done = opened(copy.as_uri())
    finally:
        copy.unlink()
    name = str(page.relative_to(site))
    title = Rendered(done.stdout).title
    wrong = []
    broken = re.search(r" broken:(\d+) ?(.*)$", title.strip())
    if broken is None:
        wrong.append(f"{name}: it did not load")
    elif broken[1] != "0":
        wrong.append(f"{name}: pictures that do not load: {broken[2]}")
    for said in re.findall(r":CONSOLE[:(]\d*\)?\] (.*)", done.stderr):
        if not any(word in said for word in KNOWN):
            wrong.append(f"{name}: {said[:300]}")
    for host in set(re.findall(r'(?:src|href)="https?://([^/"]+)[^"]*\.(?:js|css|woff2?)"', text)) - set(KNOWN):
        wrong.append(f"{name}: loads something from {host}")
    return wrong


def main(site: Path) -> int:
    pages = sorted(p for p in site.resolve().rglob("*.html") if p.name != "404.html" and not p.name.endswith(".probe.html"))
    with ThreadPoolExecutor(2) as pool:
        wrong = [line for lines in pool.map(lambda p: look(p, site.resolve()), pages) for line in lines]
    found = re.search(r"(\d+) matching documents", opened((site / "index.html").resolve().as_uri() + "?q=certificate").stdout)
    if found is None or int(found[1]) < 5:
        wrong.append("index.html: the search for 'certificate' finds nothing")
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"{len(pages)} pages in a browser, {len(wrong)} faults")
    return 1 if wrong or not pages else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
