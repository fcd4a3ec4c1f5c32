#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""links.py SITE: checks that each link and anchor within the site has a target. MkDocs checks the Markdown; this checks the HTML."""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.anchors.add(value)
            if name in ("href", "src") and value:
                self.links.append(value)


def main(site: Path) -> int:
    pages = {p.resolve(): Page(p.read_text()) for p in site.rglob("*.html")}
    broken, links = [], 0
    for path, page in pages.items():
        if path.name == "404.html":  # its links start at the server's root
            continue
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            links += 1
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target = target / "index.html"
            if not target.exists():
                broken.append(f"{path.relative_to(site.resolve())}: {link}")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                if not parts.fragment.startswith("__"):
                    broken.append(f"{path.relative_to(site.resolve())}: {link} (no such anchor)")
    for line in broken:
        print(line, file=sys.stderr)
    print(f"{len(pages)} pages, {links} links, {len(broken)} broken")
    return 1 if broken or not links else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
