# SPDX-License-Identifier: Apache-2.0
"""docs/operators/recipes.md: each recipe names a program of ./dev programs, which runs it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from scripts.programs.subjects import SUBJECTS  # noqa: E402

RECIPES = (ROOT / "docs/operators/recipes.md").read_text()
# What operators run.
ASKED = (
    "nginx", "HAProxy", "Apache, event", "Apache, prefork", "PostgreSQL", "PgBouncer", "MariaDB", "Redis", "Mosquitto", "stunnel", "squid",
    "Traffic Server", "Dovecot", "Postfix", "gunicorn", "uvicorn", "requests", "httpx", "aiohttp", "PHP-FPM", "Ruby", "Rust", "Node",
)  # fmt: skip


def rows(heading: str) -> list[str]:
    section = re.split(r"^## ", RECIPES.split(f"## {heading}\n")[1], flags=re.MULTILINE)[0]
    return [line for line in section.splitlines() if line.startswith("| ")][2:]


@pytest.mark.parametrize("row", rows("Services") + rows("Programs that you start"))
def test_each_is_run(row: str) -> None:
    named = re.findall(r"«([^»]+)»", row)
    assert named
    assert set(named) <= {s.name for s in SUBJECTS}


@pytest.mark.parametrize("name", ASKED)
def test_there_is_one_of_each(name: str) -> None:
    assert any(name in row for row in rows("Services") + rows("Programs that you start"))


@pytest.mark.parametrize("name", ["Docker", "Kubernetes"])
def test_containers_have_one(name: str) -> None:
    assert any(name in row for row in rows("Containers"))
