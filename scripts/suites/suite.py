# SPDX-License-Identifier: Apache-2.0
"""The interface of a suite to the runner.

Law: `run_unit` starts the suite's own programs unchanged, through `trial.execute`, and only reads their output. It
does not depend on the mode: modes differ only in the trial's environment.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from .trial import Trial


class SuiteError(Exception):
    """A suite cannot be fetched or built here. This tells nothing about ibid."""


class Suite(ABC):
    name: ClassVar[str]
    what: ClassVar[str]  # one line for --list
    packages: ClassVar[tuple[str, ...]] = ()  # Debian packages that it needs
    fast: ClassVar[bool] = False  # also runs with --fast
    least: ClassVar[int] = (
        1  # if fewer subtests pass in stock, something is missing here and nothing is compared
    )

    def __init__(self, place: Path) -> None:
        """`place`: this suite's folder, which is kept for later calls."""
        self.place = place

    @property
    def source(self) -> Path:
        """The unpacked sources."""
        return self.place / "source" / "src"

    @abstractmethod
    def prepare(self) -> str:
        """Fetches and builds what is not there yet. Returns the version."""

    @abstractmethod
    def units(self) -> list[str]:
        """Names of the units, in the order in which they run. Called after `prepare`."""

    @abstractmethod
    def run_unit(self, trial: Trial, unit: str) -> None:
        """Runs the unit and records its subtests. `trial.only(unit)` may name the subtests of interest."""
