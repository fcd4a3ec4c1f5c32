# SPDX-License-Identifier: Apache-2.0
"""Equality with stock: a scenario runs on a stage, first stock, then under ibid; both runs must record the same.

A scenario is a function `(stage) -> None`. It starts real programs, the program under test with
`stage.wrap` and `stage.env`, does something with them, and records what was visible: `stage.record("stderr", data)`. Both
runs have the same folder and the same ports, so only random parts must be normalised: times, process ids, session ids,
clients' ports. The patterns are below.

If a scenario differs, it runs stock once more. If the two stock runs differ, too, the error blames the scenario.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from testbed.pki import Standard
from testbed.program import free_port

Patterns = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True)
class Way:
    """A way to run a program."""

    name: str
    env: tuple[tuple[str, str], ...] = ()
    ibid: bool = True

    def retains(self) -> bool:
        return ("IBID_RETAIN", "0") not in self.env


STOCK = Way("stock", ibid=False)
DEFAULT = Way("default")
WAYS = (DEFAULT, Way("scope all", (("IBID_SCOPE", "all"),)), Way("retain 0", (("IBID_RETAIN", "0"),)))

# Another OpenSSL instead of the system's, stock and under ibid ('./dev openssl').
OPENSSL = {"LD_LIBRARY_PATH": f"{os.environ['IBID_OPENSSL']}/lib"} if "IBID_OPENSSL" in os.environ else {}

# The random parts of each kind of record.
HTTP_DATE: Patterns = ((rb"(?i)(date: )\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT", rb"\1<date>"),)
NGINX_LOG: Patterns = (
    (rb"(?m)^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ", b""),
    (rb"\d+#\d+:", b"<pid>:"),
    (rb"(start worker process|received from|^worker process|: worker process) \d+", rb"\1 <pid>"),
)
HAPROXY_LOG: Patterns = (
    (rb"127\.0\.0\.1:(3[2-9]|[456])\d{3,4}", b"<client>"),  # ports that the kernel gives to clients
    (rb"(?m)^(\[\w+\] +)\(\d+\)", rb"\1(<pid>)"),
)
CURL_STDERR: Patterns = (
    *HTTP_DATE,
    # Which side sends close_notify first, and whether the other one's is read, depends on timing.
    (rb"(?m)^[{}] \[\d+ bytes data\]\n", b""),
    (rb"(?m)^\* TLSv1\.\d \((IN|OUT)\), TLS (header, Unknown|alert, close notify).*\n", b""),
    (rb"( from \S+ port )\d+", rb"\1<client>"),
    # Since curl 8, these depend on timing: whether it has noticed the end of its request before the answer
    # comes, and before or after the tickets.
    (rb"(?m)^\* (Request completely sent off|we are done reading and this is set to close, stop send|abort upload)\n", b""),
    (rb"(?m)^\* TLSv1\.3 \(IN\), TLS handshake, Newsession Ticket.*\n", b""),
)
OPENSSL_OUTPUT: Patterns = (
    *HTTP_DATE,
    (rb"(?m)^[0-9A-F]{16}:error:", b"<thread>:error:"),
    (rb"(Session-ID|Session-ID-ctx|Master-Key|Resumption PSK|Start Time)( *): *\w*", rb"\1\2: <random>"),
    (rb"(This Update|Produced At): .*", rb"\1: <now>"),
    (rb"(?m)^(    [0-9a-f]{4} - )([0-9a-f]{2}[ -]){16}.*$", rb"\1<ticket>"),
    (rb"(ticket lifetime hint: )(300|299) ", rb"\1<full> "),  # the second may have changed in between
    (rb"(?s)(-----BEGIN SSL SESSION PARAMETERS-----\n).*?(-----END)", rb"\1<random>\n\2"),
)
PYTHON_OUTPUT: Patterns = HTTP_DATE


@dataclass
class Stage:
    """The environment of a scenario: a folder, ports with names, certificates, and the way in which its program runs."""

    folder: Path
    pki: Standard
    way: Way
    ibid: Path
    ports_: dict[str, int]
    statistics_path: Path
    records: dict[str, bytes] = field(default_factory=dict)

    @property
    def wrap(self) -> list[str]:
        """The words before the program's own command line."""
        return [str(self.ibid), "run", f"--stats={self.statistics_path}", "--"] if self.way.ibid else []

    @property
    def env(self) -> dict[str, str]:
        """Additions to the program's environment."""
        return {**OPENSSL, **dict(self.way.env)}

    def port(self, name: str) -> int:
        """A free port, the same in every run of this scenario."""
        if name not in self.ports_:
            self.ports_[name] = free_port()
        return self.ports_[name]

    def record(self, name: str, data: bytes | str | int | None, patterns: Patterns = ()) -> None:
        """Records a result, for the comparison."""
        raw = data if isinstance(data, bytes) else str(data).encode()
        for pattern, replacement in patterns:
            raw = re.sub(pattern, replacement, raw)
        assert name not in self.records, f"recorded twice: {name}"
        self.records[name] = raw


Scenario = Callable[[Stage], None]


@dataclass
class Statistics:
    """What `ibid run --stats=FILE` wrote."""

    json: dict[str, Any]

    @property
    def helped(self) -> bool:
        return bool(self.json["helped"])

    @property
    def reason(self) -> str | None:
        reason: str | None = self.json["reason"]
        return reason

    @property
    def processes(self) -> int:
        return int(self.json["processes"])

    def of(self, kind: str, figure: str) -> int:
        """A counter of one kind: certificates, trust_stores, signatures."""
        return int(self.json[kind][figure])

    @property
    def active(self) -> int:
        return self.of("certificates", "active")

    @property
    def retained(self) -> int:
        return self.of("certificates", "retained")

    @property
    def hits(self) -> int:
        return self.of("certificates", "hits")

    @property
    def misses(self) -> int:
        return self.of("certificates", "misses")

    @property
    def evictions(self) -> int:
        return self.of("certificates", "evictions")


def read_statistics(path: Path) -> Statistics:
    return Statistics(json.loads(path.read_text()))


class Theatre:
    """Runs scenarios. Keeps each stock run's records, so that stock runs once for all ways."""

    def __init__(self, folder: Path, pki: Standard, ibid: Path) -> None:
        self.folder_ = folder
        self.pki_ = pki
        self.ibid_ = ibid
        self.ports_: dict[str, dict[str, int]] = {}
        self.stock_: dict[str, dict[str, bytes]] = {}

    def play(self, name: str, scenario: Scenario, way: Way) -> Stage:
        """One run of a scenario."""
        folder = self.folder_ / re.sub(r"\W+", "-", name)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        stage = Stage(
            folder=folder,
            pki=self.pki_,
            way=way,
            ibid=self.ibid_,
            ports_=self.ports_.setdefault(name, {}),
            statistics_path=self.folder_ / "statistics.json",
        )
        stage.statistics_path.unlink(missing_ok=True)
        scenario(stage)
        return stage

    def compare(self, name: str, scenario: Scenario, way: Way) -> Statistics:
        """Runs the scenario stock (if that has not been done) and in the given way. Both must record the same."""
        if name not in self.stock_:
            self.stock_[name] = self.play(name, scenario, STOCK).records
        stock = self.stock_[name]
        assert any(stock.values()), "the scenario has recorded nothing"
        stage = self.play(name, scenario, way)
        if stage.records != stock:
            again = self.play(name, scenario, STOCK).records
            if again != stock:
                raise AssertionError(
                    f"two runs without ibid differ already, so the scenario is at fault:\n{difference(stock, again)}"
                )
            raise AssertionError(
                f"under ibid ({way.name}) this differs from stock:\n{difference(stock, stage.records)}"
            )
        return read_statistics(stage.statistics_path)


def difference(stock: dict[str, bytes], other: dict[str, bytes]) -> str:
    """A unified diff of two runs, record by record."""
    lines: list[str] = []
    for name in [*stock, *(n for n in other if n not in stock)]:
        a, b = (
            records.get(name, b"(not recorded)").decode(errors="backslashreplace")
            for records in (stock, other)
        )
        lines += difflib.unified_diff(
            a.splitlines(), b.splitlines(), f"{name}, stock", f"{name}, other", lineterm="", n=2
        )
    shown = [line if len(line) < 400 else f"{line[:400]}… ({len(line)} characters)" for line in lines[:100]]
    return "\n".join([*shown, f"… and {len(lines) - 100} lines more"] if len(lines) > 100 else shown)


def ibid_program() -> Path:
    """The command under test. IBID_BUILD names the build folder; the default is build/release."""
    root = Path(__file__).resolve().parents[2]
    path = root / os.environ.get("IBID_BUILD", "build/release") / "bin" / "ibid"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there; run ./dev build, or set IBID_BUILD to a build folder")
    return path
