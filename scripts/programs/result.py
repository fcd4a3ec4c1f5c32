# SPDX-License-Identifier: Apache-2.0
"""The result of one program."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from .measure import Ratio


@dataclass
class Result:
    name: str
    role: str
    version: str = ""
    note: str = ""
    not_tried: str = ""
    difference: str = ""
    exchanges: int = 0
    helped: bool = False
    reason: str = ""
    hits: int = 0
    misses: int = 0
    memory: Ratio | None = None
    cpu: Ratio | None = None

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Result:
        made = cls(**stored)
        made.memory = Ratio(**stored["memory"]) if stored["memory"] else None
        made.cpu = Ratio(**stored["cpu"]) if stored["cpu"] else None
        return made

    @property
    def same(self) -> bool:
        return not self.not_tried and not self.difference

    def take(self, statistics: dict[str, Any]) -> None:
        """From `ibid run --stats`."""
        self.helped = bool(statistics["helped"])
        self.reason = statistics["reason"] or ""
        kinds = [k for k in statistics.values() if isinstance(k, dict) and "hits" in k]
        self.hits = sum(int(k["hits"]) for k in kinds)
        self.misses = sum(int(k["misses"]) for k in kinds)

    def line(self) -> str:
        if self.not_tried:
            return f"{self.name:26} NOT TRIED: {self.not_tried[:1500]}"
        if self.difference:
            return f"{self.name:26} DIFFERENT"
        text = f"{self.name:26} as in stock, {self.exchanges} exchanges, {self.hits} hits, {self.misses} misses"
        for what, figure in (("memory", self.memory), ("CPU", self.cpu)):
            if figure:
                text += f", {what} {in_words(figure)}"
        return text + (f" ({self.reason})" if self.reason else "")

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def in_words(figure: Ratio) -> str:
    return f"{100 * (figure.value - 1):+.0f} %" if figure.told else "no difference seen"
