# SPDX-License-Identifier: Apache-2.0
"""A pseudo-terminal to which a command writes."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios


def on_a_terminal(words: list[str], columns: int = 0, **environment: "str | None") -> bytes:
    settings = {k: v for k, v in {**os.environ, "TERM": "xterm", **environment}.items() if v is not None}
    settings.pop("NO_COLOR", None)
    settings.update({k: v for k, v in environment.items() if v is not None})
    here, there = pty.openpty()
    fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(words, env=settings, stdin=there, stdout=there, stderr=there)
    os.close(there)
    output = b""
    try:
        while part := os.read(here, 65536):
            output += part
    except OSError:
        pass  # the other end is closed
    process.wait(60)
    os.close(here)
    return output
