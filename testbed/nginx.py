# SPDX-License-Identifier: Apache-2.0
"""nginx in the foreground, with a configuration in a folder.

    port = free_port()
    with Nginx(tmp, tls_server(port, server, verify="on", trust=trust, body="$ssl_client_s_dn\\n"), wrap=[…]) as nginx:
        …
    nginx.error_log, nginx.access_log, nginx.status

`http` is the contents of the http block; `tls_server` and `proxy_location` write its usual parts.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from .pki import Credential
from .program import Program, children, wait_until

# Everything that nginx can print about a client's certificate, one fact in each line.
CLIENT_FACTS = "".join(
    f"{name}=${name}\\n"
    for name in (
        "ssl_protocol",
        "ssl_cipher",
        "ssl_session_reused",
        "ssl_client_verify",
        "ssl_client_s_dn",
        "ssl_client_i_dn",
        "ssl_client_serial",
        "ssl_client_fingerprint",
        "ssl_client_v_start",
        "ssl_client_v_end",
        "ssl_client_escaped_cert",
    )
)


def tls_server(
    port: int,
    credential: Credential,
    *,
    protocols: str = "TLSv1.2 TLSv1.3",
    verify: str = "off",
    trust: Path | None = None,
    crl: Path | None = None,
    body: str = "hello\\n",
    extra: str = "",
) -> str:
    """A server block that answers every request with `body`. `verify` is nginx's ssl_verify_client."""
    lines = [
        f"listen 127.0.0.1:{port} ssl;",
        f"ssl_certificate {credential.chain};",
        f"ssl_certificate_key {credential.key};",
        f"ssl_protocols {protocols};",
        f"ssl_verify_client {verify};",
    ]
    if trust:
        lines.append(f"ssl_client_certificate {trust};")
    if crl:
        lines.append(f"ssl_crl {crl};")
    if body:
        lines.append(f'location / {{ default_type text/plain; return 200 "{body}"; }}')
    lines.append(extra)
    return "server {\n    " + "\n    ".join(lines) + "\n}\n"


def backend_servers(ports: Mapping[str, int], credentials: Mapping[str, Credential]) -> str:
    """A server block for each credential, at ports[name]. The body has the credential's name."""
    return "".join(
        tls_server(ports[name], credential, body=f"this is {name}\\n")
        for name, credential in credentials.items()
    )


class Nginx(Program):
    stop_signal = signal.SIGQUIT  # finish current requests, free memory

    def __init__(
        self,
        folder: str | os.PathLike[str],
        http: str,
        *,
        workers: int = 1,
        master: bool = True,
        user: str | None = None,
        log_level: str = "info",
        wrap: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        """`master=False` runs everything in one process. If we are root, workers change to `user`; without
        `user` they stay root, so that they can read a folder that only we may read."""
        folder = Path(folder).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        self.worker_count_ = workers if master else 0
        self.error_log_path = folder / "error.log"
        self.access_log_path = folder / "access.log"
        for log in (self.error_log_path, self.access_log_path):
            log.unlink(missing_ok=True)
        super().__init__(
            ["nginx", "-p", folder, "-e", self.error_log_path, "-c", folder / "nginx.conf"],
            folder=folder,
            ports=[int(p) for p in re.findall(r"listen 127\.0\.0\.1:(\d+)", http)],
            wrap=wrap,
            env=env,
        )
        temporary = "\n".join(
            f"    {kind}_temp_path {folder}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"""
daemon off;
master_process {"on" if master else "off"};
worker_processes {workers};
{f"user {user or 'root'};" if os.geteuid() == 0 else ""}
pid {folder}/nginx.pid;
error_log {self.error_log_path} {log_level};
worker_rlimit_nofile 20000;
events {{ worker_connections 9000; }}
http {{
    log_format facts '$request $status $body_bytes_sent $ssl_protocol $ssl_session_reused $ssl_client_verify';
    access_log {self.access_log_path} facts;
{temporary}
    keepalive_requests 1000000;
    keepalive_timeout 300s;
{http}
}}
"""
        )

    @property
    def error_log(self) -> bytes:
        return self.error_log_path.read_bytes()

    @property
    def access_log(self) -> bytes:
        return self.access_log_path.read_bytes()

    @property
    def master_pid(self) -> int:
        return int((self.folder / "nginx.pid").read_text())

    def workers(self) -> list[int]:
        """The pids of the worker processes."""
        return children(self.master_pid)

    def reload(self) -> None:
        """Reloads the configuration and waits until the old workers have ended (their connections must be closed)."""
        before = set(self.workers())
        os.kill(self.master_pid, signal.SIGHUP)
        wait_until(
            lambda: bool(self.workers()) and not before & set(self.workers()),
            lambda: f"no reload\n{self.story()}",
        )

    def wait_until_ready(self) -> None:
        super().wait_until_ready()
        pid_file = self.folder / "nginx.pid"
        self.wait_for(
            lambda: pid_file.exists() and pid_file.read_text().endswith("\n"), "writes its pid file"
        )
        self.wait_for(lambda: len(self.workers()) == self.worker_count_, "has all its workers")

    def logs(self) -> dict[str, Path]:
        return {**super().logs(), "error.log": self.error_log_path, "access.log": self.access_log_path}
