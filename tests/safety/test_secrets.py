# SPDX-License-Identifier: Apache-2.0
"""Secrets: if a CA file contains a private key, no more copies of it are kept, or freed without wiping, than in stock."""

from __future__ import annotations

import pytest
from harness import MODES, Case, Mode, Outcome, Stage

FILES = {
    "key-last.pem": "client.key.pem",
    "key-first.pem": "client.key.pem",
    "key-between.pem": "client.key.pem",
    "rsa-key-last.pem": "rsa.traditional.pem",
    "rsa.combined.pem": "rsa.key.pem",
}
WAYS = ("locations", "file", "store", "default", "lists")


# Each file is loaded in one way, and two of them in each way.
PAIRS = [(file, "locations") for file in FILES]
PAIRS += [(file, way) for file in ("key-last.pem", "rsa.combined.pem") for way in WAYS if way != "locations"]


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("file, way", PAIRS)
def test_no_byte_of_a_private_key_is_kept(file: str, way: str, mode: Mode, stage: Stage) -> None:
    def within(stock: Outcome, ibid: Outcome) -> str | None:
        names = ("text", "number", "freed_text", "freed_number")
        more = {name: ibid.figures[name][0] - stock.figures[name][0] for name in names}
        return f"copies above stock: {more}" if max(more.values()) > 0 else None

    arguments = (f"{{pki}}/{file}", f"{{pki}}/{FILES[file]}", way)
    stage.bounded(Case("secrets/key_in_trust_file.c", arguments, name=f"{file}-{way}"), mode, within, attempts=1)
