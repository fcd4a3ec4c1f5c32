# SPDX-License-Identifier: Apache-2.0
"""HAProxy in the foreground, with a configuration in a folder; its log goes to its standard output.

    port = free_port()
    with Haproxy(tmp, f"listen x\\n bind 127.0.0.1:{port} ssl crt {server.combined} ca-file {trust} verify required\\n …",
                 threads=4, wrap=[…]) as haproxy:
        haproxy.command("show ssl cert")     # the runtime API
    haproxy.stdout, haproxy.status
"""

from __future__ import annotations

import os
import re
import secrets
import signal
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from .program import Program

# Everything that HAProxy can print about a client's certificate, one fact in each line (a log-format string).
CLIENT_FACTS = "".join(
    f"{name}=%[{name}]\\n"
    for name in (
        "ssl_fc_protocol",
        "ssl_fc_cipher",
        "ssl_fc_is_resumed",
        "ssl_fc_has_crt",
        "ssl_c_used",
        "ssl_c_verify",
        "ssl_c_err",
        "ssl_c_ca_err",
        "ssl_c_ca_err_depth",
        "ssl_c_version",
        "ssl_c_s_dn",
        "ssl_c_i_dn",
        "ssl_c_serial,hex",
        "ssl_c_sha1,hex",
        "ssl_c_notbefore",
        "ssl_c_notafter",
        "ssl_c_key_alg",
        "ssl_c_sig_alg",
        "ssl_c_der,base64",
    )
)


class Haproxy(Program):
    stop_signal = signal.SIGUSR1  # finish current requests

    def __init__(
        self,
        folder: str | os.PathLike[str],
        config: str,
        *,
        threads: int = 1,
        wrap: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        """`config` is the part after the global and defaults sections."""
        folder = Path(folder).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        # An abstract socket: it needs no removal, and paths of test folders are too long for a socket.
        self.socket_name_ = f"ibid-{secrets.token_hex(8)}"
        super().__init__(
            ["haproxy", "-db", "-f", folder / "haproxy.cfg"],
            folder=folder,
            ports=[int(p) for p in re.findall(r"bind 127\.0\.0\.1:(\d+)", config)],
            wrap=wrap,
            env=env,
        )
        (folder / "haproxy.cfg").write_text(
            f"""
global
    log stdout format raw local0 debug
    stats socket abns@{self.socket_name_} level admin
    nbthread {threads}
    maxconn 8000
    tune.ssl.default-dh-param 2048
    ssl-server-verify required
defaults
    mode http
    log global
    timeout connect 10s
    timeout client 300s
    timeout server 300s
    option redispatch 0
    retries 0
{config}
"""
        )

    def command(self, text: str) -> str:
        """Sends a command to the runtime API and returns the answer."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(
                b"\0" + self.socket_name_.encode().ljust(107, b"\0")
            )  # HAProxy pads the name
            connection.sendall(text.encode() + b"\n")
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        return answer.decode()
