#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs unmodified programs stock and under `ibid run`, prints what they cost, and writes report.html.

`./dev demo` builds what this needs and calls it. Rounds go over all programs, stock and ibid in turn, and are repeated
while the time allows; the first round is finished, except for what is marked as extra.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # instead of this folder, where `demo` would be this file and not the package

import argparse  # noqa: E402
import datetime  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import shlex  # noqa: E402
import signal  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from typing import Any  # noqa: E402

try:
    from demo.setting import DemoError, Setting, check_requirements, raise_open_files
except ModuleNotFoundError as missing:
    sys.exit(f"demo: the Python module {missing.name} is missing for {sys.executable}. './dev setup' installs it.")

from demo.figures import Comparison  # noqa: E402
from demo.hold_client import HoldClient  # noqa: E402
from demo.progress import Progress, wants_colour  # noqa: E402
from demo.table import table  # noqa: E402
from demo.versions import versions  # noqa: E402
from demo.workloads import Workload, all_workloads  # noqa: E402
from report.machine import machine  # noqa: E402
from testbed.program import ProgramError  # noqa: E402

COUNTED = 200  # connections of the short run that asks `ibid run --stats`


def whole_number(least: int) -> Any:
    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from {least} on")
        return number

    return parse


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    names = ("client", "nginx", "python", "curl")
    parser = argparse.ArgumentParser(
        prog="./dev demo",
        description="Run real programs stock and under ibid on this machine: a table here, plots in report.html.",
    )
    parser.add_argument("--output", type=Path, default=Path("report.html"), metavar="FILE", help="default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures and samples there too")
    parser.add_argument(
        "--connections", type=whole_number(40), default=2000, metavar="N", help="held open; default: %(default)s"
    )
    parser.add_argument(
        "--only", default=",".join(names), metavar="NAMES", help="some of the programs; default: %(default)s"
    )
    parser.add_argument(
        "--rounds", type=whole_number(1), default=3, metavar="N", help="at most so many; default: %(default)s"
    )
    parser.add_argument(
        "--seconds",
        type=whole_number(1),
        default=150,
        metavar="N",
        help="begin nothing that would end later, once each program was measured; default: %(default)s",
    )
    parser.add_argument(
        "--build", type=Path, default=ROOT / "build" / "release", metavar="DIR", help="default: build/release"
    )
    options = parser.parse_args(arguments)
    options.only = options.only.split(",")
    for name in options.only:
        if name not in names:
            parser.error(f"--only: there is no program '{name}'; there are {', '.join(names)}")
    for path in filter(None, (options.output, options.json)):
        check_writable(parser, path)
    return options


def check_writable(parser: argparse.ArgumentParser, path: Path) -> None:
    """Before minutes of measuring, not after."""
    existed = path.exists()
    try:
        with path.open("ab"):
            pass
    except OSError as error:
        parser.error(f"cannot write {path}: {error.strerror}")
    if not existed:
        path.unlink()


def ask_for_counters(setting: Setting) -> dict[str, Any]:
    """What `ibid run --stats` says of a short run."""
    file = setting.folder / "statistics.json"
    with setting.server("counted", setting.pki.server) as server:
        load = setting.hold_client(server.port, connections=COUNTED)
        argv = [str(setting.ibid), "run", f"--stats={file}", "--", *load]
        with HoldClient(argv, setting.folder) as client:
            for _ in client.samples():
                pass
    counters: dict[str, Any] = json.loads(file.read_text())
    return counters


def in_order(workloads: Sequence[Workload]) -> list[Workload]:
    """As they are shown: the extras, which run last, beside their program."""
    names = [w.name for w in workloads]
    return sorted(workloads, key=lambda w: names.index(w.name))


def run_rounds(
    workloads: Sequence[Workload], ibid: Path, rounds: int, deadline: float, progress: Progress
) -> list[Comparison]:
    """Stock and ibid in turn; which of them goes first changes from round to round."""
    comparisons = {f.key: Comparison(f) for w in in_order(workloads) for f in w.figures}
    sides = [("stock", ()), ("ibid", (str(ibid), "run", "--"))]
    took: dict[str, float] = {}  # by the name of the program: the latest of its workloads
    for number in range(rounds):
        for workload in workloads:
            must = number == 0 and not workload.extra
            if not must and time.monotonic() + took.get(workload.name, 0.0) > deadline:
                progress.skip(2)
                continue
            started = time.monotonic()
            for side, wrap in sides if number % 2 == 0 else reversed(sides):
                progress.begin(f"{workload.title}, {side}")
                for key, measurement in workload.run(wrap, progress.say).items():
                    getattr(comparisons[key], side).append(measurement)
                progress.end()
            took[workload.name] = time.monotonic() - started
    progress.clear()
    return [c for c in comparisons.values() if c.measured]


def demo(options: argparse.Namespace, command: str) -> None:
    from demo.report import Findings, as_html, as_json  # needs matplotlib, which was looked for by now

    started = time.monotonic()
    deadline = started + options.seconds
    with tempfile.TemporaryDirectory(prefix="ibid-demo-") as folder:
        progress = Progress(sys.stderr, 0)
        progress.begin("making certificates")
        setting = Setting.make(Path(folder), (options.build / "bin").absolute(), options.connections)
        workloads = [w for w in all_workloads(setting) if w.name in options.only]
        progress.steps = 1 + 2 * len(workloads) * options.rounds
        progress.begin("asking ibid whether it helps here")
        counters = ask_for_counters(setting)
        progress.end()
        comparisons = run_rounds(workloads, setting.ibid, options.rounds, deadline, progress)
        findings = Findings(
            date=datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
            seconds=time.monotonic() - started,
            command=command,
            machine=machine(),
            versions=versions(setting),
            workloads=in_order(workloads),
            comparisons=comparisons,
            counters=counters,
            counted_connections=COUNTED,
        )
    print(table(comparisons, colour=wants_colour(sys.stdout)))
    if not counters.get("helped"):
        print(f"ibid was disabled here, so both columns are stock: {counters.get('reason')}")
    print(f"{runs_text(comparisons)}, {findings.seconds:.0f} s in all, on {findings.machine['processor']}.")
    options.output.write_text(as_html(findings), encoding="utf-8")
    print(f"Plots, commands and versions: {options.output.absolute()}")
    if options.json:
        options.json.write_text(as_json(findings), encoding="utf-8")
        print(f"All samples: {options.json.absolute()}")


def shown_command(arguments: Sequence[str]) -> str:
    """As the user typed it, with what of the environment changes the figures."""
    if "libibid" in os.environ.get("LD_PRELOAD", ""):
        raise DemoError("LD_PRELOAD has ibid in it already, so nothing would be stock; unset it")
    settings = [f"{n}={shlex.quote(v)}" for n, v in os.environ.items() if n.startswith("IBID_") or n == "LD_PRELOAD"]
    return " ".join([*settings, "./dev", "demo", *map(shlex.quote, arguments)])


def runs_text(comparisons: Sequence[Comparison]) -> str:
    least, most = min(c.runs for c in comparisons), max(c.runs for c in comparisons)
    if most == 1:
        return "One run of each program"
    return f"Medians of {least} to {most} runs" if least < most else f"Medians of {most} runs"


def stop(number: int, frame: object) -> None:
    """Leaves by an exception, so that every `with` stops its program."""
    raise SystemExit(128 + number)


def main(arguments: Sequence[str]) -> int:
    options = parse_arguments(arguments)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, stop)
    try:
        check_requirements((options.build / "bin").absolute())
        raise_open_files(options.connections + 200)
        demo(options, shown_command(arguments))
    except KeyboardInterrupt:
        print("\ndemo: stopped; all programs that it started are stopped too", file=sys.stderr)
        return 130
    except (DemoError, ProgramError, RuntimeError, OSError) as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
