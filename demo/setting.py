# SPDX-License-Identifier: Apache-2.0
"""Where the demo runs: a folder of its own, the PKI in it, the programs that were built, and what must be installed."""

from __future__ import annotations

import importlib.util
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.pki import Credential, Standard
from testbed.program import Program, ProgramError, free_port, require

PYTHON = "/usr/bin/python3"
SYSTEM_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
NAME = "www.ibid.test"  # what the servers are called in their certificates


class DemoError(Exception):
    """Something that the user can mend; the message says how."""


@dataclass(frozen=True)
class Setting:
    folder: Path
    bin: Path
    pki: Standard
    bundle: Path  # the system's CAs and the demo's own, as on a machine of a company with a CA of its own
    connections: int  # held open

    @classmethod
    def make(cls, folder: Path, binaries: Path, connections: int) -> Setting:
        pki = Standard(folder / "pki")
        bundle = folder / "pki" / "system-and-demo.pem"
        bundle.write_bytes(SYSTEM_BUNDLE.read_bytes() + pki.trust.read_bytes())
        return cls(folder, binaries, pki, bundle, connections)

    @property
    def ibid(self) -> Path:
        return self.bin / "ibid"

    def server(self, name: str, credential: Credential) -> TlsServer:
        """The embedded TLS server, always stock."""
        return TlsServer(self, name, credential)

    def hold_client(self, port: int, *more: str, connections: int = 0) -> list[str]:
        """The command line of the client that opens and holds connections: as many as the setting says, or fewer."""
        connections = connections or self.connections
        warmup = warmup_of(connections)
        return [
            *(str(self.bin / "tls_hold_client"), "--connect", f"127.0.0.1:{port}", "--name", NAME),
            *("--ca", str(self.pki.trust), "--connections", str(connections - warmup)),
            *("--warmup", str(warmup), "--every", str(step_of(connections)), *more),
        ]

    def shown(self, argv: Sequence[str]) -> str:
        """A command line as the report shows it: without folders that nobody else has."""
        text = " ".join(f"'{a}'" if " " in a else a for a in argv)
        return text.replace(f"{self.bin}/", "").replace(f"{self.folder}/", "")


def warmup_of(connections: int) -> int:
    """Connections before the first sample."""
    return max(connections // 40, 1)


def step_of(connections: int) -> int:
    """Connections between two samples."""
    return max(connections // 20, 1)


class TlsServer(Program):
    def __init__(self, setting: Setting, name: str, credential: Credential) -> None:
        self.port = free_port()
        super().__init__(
            [
                *(setting.bin / "tls_server", "--listen", f"127.0.0.1:{self.port}"),
                *("--cert", credential.chain, "--key", credential.key),
            ],
            folder=setting.folder / name,
            ports=[self.port],
        )


def check_requirements(binaries: Path) -> None:
    """Raises DemoError that names everything that is missing, before anything is measured."""
    missing: list[str] = []
    for program in ("nginx", "curl", "openssl"):
        try:
            require(program)
        except ProgramError:
            missing.append(f"the program {program}")
    if not Path(PYTHON).exists():
        missing.append(PYTHON)
    if not SYSTEM_BUNDLE.exists():
        missing.append(f"the system's CA bundle {SYSTEM_BUNDLE}")
    if importlib.util.find_spec("matplotlib") is None:
        missing.append(f"matplotlib for {sys.executable}")
    if missing:
        raise DemoError("missing: " + ", ".join(missing) + ". './dev setup' installs all of it.")
    unbuilt = [name for name in ("ibid", "tls_server", "tls_hold_client") if not (binaries / name).exists()]
    if unbuilt:
        raise DemoError(f"not built yet: {', '.join(unbuilt)} in {binaries}. './dev build' builds them.")


def raise_open_files(needed: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= needed:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, max(hard, needed)))
    except (ValueError, OSError) as error:
        raise DemoError(
            f"needs {needed} open files and may have {hard}; "
            "raise the limit (ulimit -Hn) or give a smaller --connections"
        ) from error


def first_line(argv: Sequence[str]) -> str:
    """The first line that a command writes; nginx and others write their version to standard error."""
    result = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return result.stdout.strip().splitlines()[0].strip() if result.stdout.strip() else "unknown"
