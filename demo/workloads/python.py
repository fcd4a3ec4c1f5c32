# SPDX-License-Identifier: Apache-2.0
"""CPython with plain scripts (demo/programs): TLS contexts with the system's CA bundle, and pages fetched with them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from demo import measure
from demo.figures import CONTEXT, Figure, Measurement, Unit
from demo.setting import PYTHON, SYSTEM_BUNDLE, Setting

from .workload import Tell, Workload

PROGRAMS = Path(__file__).resolve().parent.parent / "programs"
WARMUP = 2  # contexts, and pages, before those that count


def count_of_roots(bundle: Path) -> int:
    return bundle.read_bytes().count(b"BEGIN CERTIFICATE")


class PythonContexts(Workload):
    name = "python"
    x_label = "contexts"
    count = 22

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.title = "CPython, SSLContext"
        self.how = (
            f"A script makes {self.count} contexts with ssl.create_default_context(cafile={SYSTEM_BUNDLE}), "
            f"{count_of_roots(SYSTEM_BUNDLE)} roots, and keeps them. Counted from the third context on: CPU time of each "
            "(median), growth of RSS."
        )
        self.figures = (
            Figure("python_context.cpu", CONTEXT, self.title, "CPU", Unit.SECONDS),
            Figure("python_context.rss", CONTEXT, self.title, "RSS", Unit.BYTES),
        )

    def run(self, wrap: Sequence[str], tell: Tell) -> dict[str, Measurement]:
        argv = [*wrap, PYTHON, str(PROGRAMS / "make_contexts.py"), str(self.count), str(SYSTEM_BUNDLE)]
        self.show(wrap, [a.replace(f"{PROGRAMS}/", "demo/programs/") for a in argv])
        output, _ = measure.run_to_end(argv, self.setting.folder)
        lines = [tuple(map(int, line.split())) for line in output.splitlines()]
        assert len(lines) == self.count, output
        return {
            "python_context.cpu": Measurement(statistics.median(took for _, took, _ in lines[WARMUP:]) / 1e9),
            "python_context.rss": Measurement.from_points([(n, rss) for n, _, rss in lines[WARMUP - 1 :]]),
        }


class PythonFetch(Workload):
    name = "python"
    count = 22

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.title = "CPython, context and page"
        self.how = (
            f"A script fetches {self.count} pages from the embedded server with urllib, with a new context for each, from "
            "the system's CA bundle with the demo's own root added. Counted from the third page on: CPU time of each "
            "(median)."
        )
        self.figures = (Figure("python_fetch.cpu", CONTEXT, self.title, "CPU", Unit.SECONDS),)

    def run(self, wrap: Sequence[str], tell: Tell) -> dict[str, Measurement]:
        with self.setting.server("python-fetch", self.setting.pki.server) as server:
            url = f"https://127.0.0.1:{server.port}/"
            argv = [*wrap, PYTHON, str(PROGRAMS / "fetch_pages.py"), str(self.count), str(self.setting.bundle), url]
            self.show(wrap, server.argv, [a.replace(f"{PROGRAMS}/", "demo/programs/") for a in argv])
            output, _ = measure.run_to_end(argv, self.setting.folder)
        took = [int(line.split()[1]) for line in output.splitlines()]
        assert len(took) == self.count, output
        return {"python_fetch.cpu": Measurement(statistics.median(took[WARMUP:]) / 1e9)}
