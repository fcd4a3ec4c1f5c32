# SPDX-License-Identifier: Apache-2.0
"""nginx with one worker, that asks its clients for certificates."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from demo import measure
from demo.figures import CPU, MEMORY, Figure, Measurement, Point, Unit
from demo.hold_client import HoldClient
from demo.setting import Setting
from testbed.nginx import Nginx, tls_server
from testbed.pki import Credential
from testbed.program import children, free_port, wait_until

from .workload import Tell, Workload


class NginxMutualTls(Workload):
    name = "nginx"

    def __init__(self, setting: Setting, *, distinct: bool = False) -> None:
        """`distinct`: every client has a certificate of its own, so that nothing but the intermediate is shared."""
        super().__init__(setting)
        self.extra = self.distinct = distinct
        self.clients = min(setting.connections, 500) if distinct else setting.connections
        self.key = "nginx_distinct" if distinct else "nginx"
        self.title = "nginx worker, mTLS, all clients differ" if distinct else "nginx worker, mTLS"
        theirs = "each with a client certificate of its own" if distinct else "all with one client certificate"
        self.how = (
            f"nginx with one worker and 'ssl_verify_client on'. {self.clients:,} clients, {theirs} (RSA 2048: leaf, "
            "intermediate), each connect, make one request and stay. Counted: RSS and CPU time of the worker (so CPU is "
            "that of a handshake and a small request). The load generator is stock in both columns."
        )
        self.figures = (
            Figure(f"{self.key}.rss", MEMORY, self.title, "RSS", Unit.BYTES),
            Figure(f"{self.key}.cpu", CPU, self.title, "CPU, with a request", Unit.SECONDS),
        )

    @functools.cached_property
    def client_certificates(self) -> list[Credential]:
        pki = self.setting.pki
        if not self.distinct:
            return [pki.client]
        return list(pki.pki.clients(self.clients, issuer=pki.intermediate, distinct_keys=1))

    def run(self, wrap: Sequence[str], tell: Tell) -> dict[str, Measurement]:
        pki = self.setting.pki
        port = free_port()
        folder = self.setting.folder / self.key
        config = tls_server(port, pki.server, verify="on", trust=pki.trust)
        chains = [word for c in self.client_certificates for word in ("--cert", str(c.chain))]
        key = ["--key", str(self.client_certificates[0].key), "--request"]
        load = self.setting.hold_client(port, *chains, *key, connections=self.clients)
        rss: list[Point] = []
        cpu: list[Point] = []
        with Nginx(folder, config, wrap=wrap) as nginx:
            more = ["--cert", "…"] if self.distinct else []
            shown = self.setting.hold_client(port, *chains[:2], *more, *key, connections=self.clients)
            self.show(wrap, nginx.argv, shown, ["#", *config.split()])
            wait_until(lambda: len(children(nginx.pid)) == 1, "nginx has no worker")
            (worker,) = children(nginx.pid)
            with HoldClient(load, folder) as client:
                for sample in client.samples():
                    rss.append((sample["connections"], measure.resident_bytes(worker)))
                    cpu.append((sample["connections"], measure.cpu_seconds(worker)))
                    tell(f"{sample['connections']:,} of {self.clients:,} clients")
        return {f"{self.key}.rss": Measurement.from_points(rss), f"{self.key}.cpu": Measurement.from_points(cpu)}
