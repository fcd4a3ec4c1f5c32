# SPDX-License-Identifier: Apache-2.0
"""What a suite is to the runner.

Law: `run_unit` starts the suite's own programs as they are, by `trial.execute`, and only reads what they print. It
knows nothing of modes: what differs between them is in the trial's environment alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from .trial import Trial


class SuiteError(Exception):
    """A suite cannot be had or built here. No statement about ibid."""


class Suite(ABC):
    name: ClassVar[str]
    what: ClassVar[str]  # one line for --list
    packages: ClassVar[tuple[str, ...]] = ()  # Debian packages that it needs
    fast: ClassVar[bool] = False  # belongs to the selection of --fast
    least: ClassVar[int] = (
        1  # subtests that pass in stock, or else something is missing here and nothing is compared
    )

    def __init__(self, place: Path) -> None:
        """`place`: a folder that belongs to this suite and stays from one call to the next."""
        self.place = place

    @property
    def source(self) -> Path:
        """What was unpacked."""
        return self.place / "source" / "src"

    @abstractmethod
    def prepare(self) -> str:
        """Fetches and builds what is not there yet; says which version it is."""

    @abstractmethod
    def units(self) -> list[str]:
        """Names of what is started alone, in the order of the run. Called after `prepare`."""

    @abstractmethod
    def run_unit(self, trial: Trial, unit: str) -> None:
        """Runs it and records its subtests. `trial.only(unit)` may name the subtests of interest."""
