# SPDX-License-Identifier: Apache-2.0
"""Hooks for MkDocs: links to other files of the tree, the front page, the reference, pictures, and a check of the recipes.

- A link to a file outside docs/ leads to a copy of that file in the site, as text. A link to a folder becomes plain text. A link to a file that does
not exist is a warning, and a strict build fails on warnings.
- start.md is the site's front page. README.md, the front page of the tree, is another page of the site.
- Each public header has a page, made from its comments (reference.py); docs/reference.md leads to them. A public name without a comment is a
  warning.
- `<!-- picture NAME: WORDS -->` becomes a picture of the command on a terminal (pictures.py), with WORDS as its alternative text.
- Each recipe names the program of './dev programs' that tests it. A name that does not exist is a warning.
"""

from __future__ import annotations

import logging
import posixpath
import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/docs"))
import reference  # noqa: E402

PICTURE = re.compile(r"<!-- picture ([a-z]+): (.*?) -->")
PICTURES = ROOT / "build/pictures"
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)\s]*)?\)")
PLACES = {"start.md": "index.html", "README.md": "architecture.html"}
RECIPES = "operators/recipes.md"
REFERENCE = "reference.md"
WORKER = "assets/iframe-worker.js"  # because of this name the plugin `offline` loads no worker from another site
log = logging.getLogger("mkdocs.hooks.ibid")
sources: dict[str, Path] = {}


def outside(page: str, target: str) -> str | None:
    """The path from the root of the tree, if the link leaves docs/."""
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), target))
    return None if "://" in target or path.startswith(("docs/", "..", "/")) or path == "docs" else path


def reference_page(header: str) -> str:
    """The page of a header, which is named as programs include it."""
    return f"reference/{Path(header).stem}.md"


def on_config(config: Any) -> Any:
    """All public headers, and all decisions in their order."""
    config.extra["polyfills"] = [WORKER]
    config.nav.append({"API reference": [REFERENCE, *(reference_page(reference.include_name(p)) for p in reference.headers())]})
    config.nav.append({"Decisions": [str(p.relative_to(config.docs_dir)) for p in sorted(Path(config.docs_dir, "decisions").glob("*.md"))]})
    return config


def on_files(files: Files, config: Any) -> Files:
    for file in files:
        if file.src_uri in PLACES:
            file.dest_uri = PLACES[file.src_uri]
            file.abs_dest_path = str(Path(config.site_dir, file.dest_uri))
            file.url = file.dest_uri
    all_headers = reference.Reader(reference.headers()).read()
    for problem in reference.problems(all_headers):
        log.warning("%s", problem)
    for header in all_headers:
        files.append(File.generated(config, reference_page(header.name), content=reference.page(header)))
    files.append(File.generated(config, WORKER, content=(ROOT / "scripts/docs/iframe-worker.js").read_text()))
    for picture in sorted(PICTURES.glob("*.svg")):
        files.append(File.generated(config, f"pictures/{picture.name}", content=picture.read_text()))
    for page in [f for f in files if f.src_uri.endswith(".md")]:
        for target, _ in LINK.findall(page.content_string):
            path = outside(page.src_uri, target)
            if path and (ROOT / path).is_file() and path not in sources:
                sources[path] = ROOT / path
                files.append(File.generated(config, f"source/{path}.txt", content=(ROOT / path).read_text()))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    name = page.file.src_uri
    if name == RECIPES:
        check_recipes(markdown)

    def drawn(match: re.Match[str]) -> str:
        if not (PICTURES / f"{match[1]}.svg").exists():
            log.warning("%s: there is no picture %s", name, match[1])
        return f"![{match[2]}]({posixpath.relpath(f'pictures/{match[1]}.svg', posixpath.dirname(name) or '.')})"

    markdown = PICTURE.sub(drawn, markdown)

    def resolved(match: re.Match[str]) -> str:
        path = outside(name, match[1])
        if path is None:
            return match[0]
        if name == REFERENCE and path.startswith("include/") and path.endswith(".h"):
            return f"]({reference_page(path.removeprefix('include/'))})"
        if path in sources:
            return f"]({posixpath.relpath(f'source/{path}.txt', posixpath.dirname(name) or '.')})"
        if not (ROOT / path).is_dir():
            log.warning("%s: there is no %s in the tree", name, path)
        return "]()"

    return re.sub(r"\[([^\]]*)\]\(\)", r"\1", LINK.sub(resolved, markdown))


def check_recipes(markdown: str) -> None:
    sys.path.insert(0, str(ROOT))
    data = "".join(p.read_text() for p in (ROOT / "scripts/programs/subjects").glob("*.py"))
    for row in re.findall(r"^\| .* \|$", markdown, re.MULTILINE):
        claimed = re.findall(r"«([^»]+)»", row)
        for program in claimed:
            if f'"{program}"' not in data:
                log.warning("%s: './dev programs' has no program '%s'", RECIPES, program)
