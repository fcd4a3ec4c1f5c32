# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the safety tests. Run with: /usr/bin/python3 -m pytest tests/safety   (IBID_BUILD=DIR names the build)"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE)]

import harness  # noqa: E402
import pki as certificates  # noqa: E402


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="whole sweeps, and a million scenes")


@pytest.fixture(scope="session")
def long(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--long"))


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of certificates."""
    return certificates.make(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory, pki: Path) -> harness.Stage:
    return harness.Stage(tmp_path_factory.mktemp("stage"), pki)
