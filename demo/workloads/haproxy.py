# SPDX-License-Identifier: Apache-2.0
"""HAProxy as a TLS client: a plain TCP connection comes in, a verified TLS connection goes to the backend."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Sequence

from demo import measure
from demo.figures import CPU, MEMORY, Figure, Measurement, Point, Unit
from demo.setting import NAME, Setting, step_of, warmup_of
from testbed.haproxy import Haproxy
from testbed.program import free_port

from .workload import Tell, Workload


def connect(port: int) -> socket.socket:
    """A plain connection through the proxy; when its answer is here, the TLS connection behind it is open."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.sendall(f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
    answer = b""
    while b"\r\n\r\nhello" not in answer:
        part = connection.recv(4096)
        if not part:
            raise RuntimeError(f"HAProxy ended a connection instead of an answer from the backend: {answer!r}")
        answer += part
    return connection


class HaproxyToBackend(Workload):
    name = "haproxy"

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.title = "HAProxy to its backend"
        self.how = (
            f"HAProxy in TCP mode with 'verify required' towards an embedded TLS backend; {setting.connections:,} plain "
            "TCP clients each send one request through and stay, so as many TLS connections to the backend stay open. "
            "Each is a full handshake ('no-ssl-reuse'). Counted: RSS and CPU time of HAProxy, all of its work included."
        )
        self.figures = (
            Figure("haproxy.rss", MEMORY, self.title, "RSS", Unit.BYTES),
            Figure("haproxy.cpu", CPU, self.title, "CPU, with a request", Unit.SECONDS),
        )

    def run(self, wrap: Sequence[str], tell: Tell) -> dict[str, Measurement]:
        setting = self.setting
        port = free_port()
        folder = setting.folder / "haproxy"
        rss: list[Point] = []
        cpu: list[Point] = []
        with contextlib.ExitStack() as open_things:
            backend = open_things.enter_context(setting.server("haproxy-backend", setting.pki.server))
            tls = f"ssl verify required ca-file {setting.pki.trust} sni str({NAME}) verifyhost {NAME} no-ssl-reuse"
            config = (
                f"listen demo\n    mode tcp\n    bind 127.0.0.1:{port}\n"
                f"    server backend 127.0.0.1:{backend.port} {tls}\n"
            )
            haproxy = open_things.enter_context(Haproxy(folder, config, wrap=wrap))
            self.show(wrap, backend.argv, haproxy.argv, ["#", *config.replace("\n   ", ";").split()])
            for number in range(1, setting.connections + 1):
                open_things.enter_context(connect(port))
                since = number - warmup_of(setting.connections)
                if number == setting.connections or (since >= 0 and since % step_of(setting.connections) == 0):
                    rss.append((number, measure.resident_bytes(haproxy.pid)))
                    cpu.append((number, measure.cpu_seconds(haproxy.pid)))
                    tell(f"{number:,} of {setting.connections:,} connections")
        return {"haproxy.rss": Measurement.from_points(rss), "haproxy.cpu": Measurement.from_points(cpu)}
