# SPDX-License-Identifier: Apache-2.0
"""A plain OpenSSL client that holds thousands of connections to the embedded server."""

from __future__ import annotations

from collections.abc import Sequence

from demo.figures import CPU, MEMORY, Figure, Measurement, Unit
from demo.hold_client import HoldClient
from demo.setting import Setting

from .workload import Tell, Workload


class OpensslClient(Workload):
    name = "client"

    def __init__(self, setting: Setting, chain: str) -> None:
        super().__init__(setting)
        self.credential = setting.pki.server if chain == "rsa" else setting.pki.ec_server
        kind = "RSA 2048" if chain == "rsa" else "ECDSA P-256"
        self.key = f"client_{chain}"
        self.extra = chain != "rsa"
        self.title = f"OpenSSL client, {kind} chain"
        self.how = (
            f"A C program on OpenSSL opens {setting.connections:,} TLS 1.3 connections to an embedded server, verifies "
            f"its chain ({kind}: leaf, intermediate) and keeps them open. It reads its own heap in use (mallinfo2), its "
            "RSS (smaps_rollup), and the CPU time of its thread inside SSL_connect."
        )
        self.figures = (
            Figure(f"{self.key}.rss", MEMORY, self.title, "RSS", Unit.BYTES),
            Figure(f"{self.key}.heap", MEMORY, self.title, "heap in use", Unit.BYTES),
            Figure(f"{self.key}.cpu", CPU, self.title, "CPU", Unit.SECONDS),
        )

    def run(self, wrap: Sequence[str], tell: Tell) -> dict[str, Measurement]:
        folder = self.setting.folder / self.key
        with self.setting.server(self.key, self.credential) as server:
            argv = [*wrap, *self.setting.hold_client(server.port, "--tls", "1.3")]
            self.show(wrap, server.argv, argv)
            samples = []
            with HoldClient(argv, folder) as client:
                for sample in client.samples():
                    samples.append(sample)
                    tell(f"{sample['connections']:,} of {self.setting.connections:,} connections")
        cpu = [(s["connections"], s["handshake_thread_cpu_ns"] / 1e9) for s in samples]
        return {
            f"{self.key}.heap": Measurement.from_points([(s["connections"], s["heap_bytes"]) for s in samples]),
            f"{self.key}.rss": Measurement.from_points([(s["connections"], s["rss_bytes"]) for s in samples]),
            f"{self.key}.cpu": Measurement.from_points(cpu),
        }
