# SPDX-License-Identifier: Apache-2.0
"""curl: one process, many requests in a row, a new connection for each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from demo import measure
from demo.figures import CONTEXT, CPU, Figure, Measurement, Unit
from demo.setting import NAME, Setting
from testbed.program import require

from .workload import Tell, Workload


class Curl(Workload):
    name = "curl"

    def __init__(self, setting: Setting, *, system_bundle: bool = False) -> None:
        super().__init__(setting)
        self.key = "curl_bundle" if system_bundle else "curl"
        # Requests of the two runs whose difference counts: what curl does once drops out.
        self.few, self.many = (5, 55) if system_bundle else (20, 220)
        self.bundle = setting.bundle if system_bundle else setting.pki.trust
        self.title = "curl, system's CA bundle" if system_bundle else "curl"
        trusted = "the system's CA bundle and the demo's roots" if system_bundle else "the demo's two roots"
        self.how = (
            f"One curl process makes {self.many} requests in a row, each on a new connection with a full handshake "
            f"('Connection: close', 'no-sessionid'), with {trusted} as --cacert. Counted: CPU time of the process, the "
            f"difference to a run of {self.few} requests divided by {self.many - self.few}."
        )
        section, what = (CONTEXT, "CPU per request") if system_bundle else (CPU, "CPU per request")
        self.figures = (Figure(f"{self.key}.cpu", section, self.title, what, Unit.SECONDS),)

    def write_config(self, port: int, requests: int) -> Path:
        path = self.setting.folder / f"{self.key}-{requests}.curl"
        lines = [
            "silent\nshow-error\nfail\nno-sessionid",
            'header = "Connection: close"',
            f'cacert = "{self.bundle}"',
            f'connect-to = "{NAME}:443:127.0.0.1:{port}"',
        ]
        lines += [f'url = "https://{NAME}/page-{i}"\noutput = "/dev/null"' for i in range(requests)]
        path.write_text("\n".join(lines) + "\n")
        return path

    def run(self, wrap: Sequence[str], tell: Tell) -> dict[str, Measurement]:
        points = []
        with self.setting.server(self.key, self.setting.pki.server) as server:
            for requests in (self.few, self.many):
                config = self.write_config(server.port, requests)
                argv = [*wrap, require("curl"), "--disable", "--config", str(config)]
                _, seconds = measure.run_to_end(argv, self.setting.folder)
                points.append((float(requests), seconds))
            self.show(wrap, server.argv, argv)
        return {f"{self.key}.cpu": Measurement.from_points(points)}
