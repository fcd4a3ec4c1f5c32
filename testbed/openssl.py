# SPDX-License-Identifier: Apache-2.0
"""`openssl s_server` and `openssl s_client` in the foreground; both can be typed into.

    with SServer(tmp, server, args=["-Verify", "3", "-CAfile", trust], wrap=[…]) as s:
        with SClient(tmp, s.port, args=["-CAfile", trust, "-tls1_3"]) as c:
            c.wait_for_output(b"Verify return code")
            s.send(b"c\\n")          # s_server: ask for a certificate after the handshake
            c.send(b"Q\\n")
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from .pki import Credential
from .program import Program, free_port


class SServer(Program):
    def __init__(
        self,
        folder: str | os.PathLike[str],
        credential: Credential,
        *,
        port: int | None = None,
        args: Sequence[str | os.PathLike[str]] = (),
        wrap: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.port = port or free_port()
        above = ("-cert_chain", str(credential.above)) if credential.intermediates else ()
        super().__init__(
            [
                *("openssl", "s_server", "-4", "-accept", f"127.0.0.1:{self.port}"),
                *("-cert", credential.cert, "-key", credential.key),
                *above,
                *args,
            ],
            folder=folder,
            ports=[self.port],
            wrap=wrap,
            env=env,
            interactive=True,
        )


class SClient(Program):
    def __init__(
        self,
        folder: str | os.PathLike[str],
        port: int,
        *,
        args: Sequence[str | os.PathLike[str]] = (),
        wrap: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *args],
            folder=folder,
            wrap=wrap,
            env=env,
            interactive=True,
        )
