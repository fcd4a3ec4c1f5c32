# SPDX-License-Identifier: Apache-2.0
"""Random scenes, stock and under ibid: everything readable is the same. `--long`: a million of them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from harness import MODES, RETAIN_NOTHING, Mode, Stage

sys.path.insert(0, str(Path(__file__).resolve().parent / "scenes"))

from scenes import CLASSES, Players, play_all  # noqa: E402


@pytest.fixture(scope="session")
def players(stage: Stage) -> Players:
    return Players(stage)


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("kind", CLASSES)
def test_random_scenes_are_as_in_stock(kind: str, mode: Mode, players: Players, long: bool) -> None:
    """SCENES_SEED chooses other scenes than the default ones."""
    seed = int(os.environ.get("SCENES_SEED", "1"))
    scenes = 1_000_000 // (len(CLASSES) * len(MODES)) + 1 if long else 500
    outcome = play_all(players, seed=seed, scenes=scenes, kinds=[kind], modes=[mode], jobs=os.cpu_count() or 1)
    assert not outcome.found, "\n\n".join(map(str, outcome.found))
    if kind in ("reader", "leaser") and mode != RETAIN_NOTHING and "SAFETY_UNHELPED" not in os.environ:
        assert outcome.hits[kind] > scenes / 20, "ibid hardly helped; the scenes test nothing"
