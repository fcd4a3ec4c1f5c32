# SPDX-License-Identifier: Apache-2.0
"""The ways in which a suite is run, and the environment that its programs get."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

# Nothing is taken from the caller's environment: SSL_CERT_FILE, proxies, PYTHONPATH would change the results.
PATH = "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Mode:
    name: str
    settings: tuple[tuple[str, str], ...] = ()
    ibid: bool = True

    def environment(self, preload: Path, home: Path) -> dict[str, str]:
        result = {
            "PATH": PATH,
            "HOME": str(home),
            "USER": pwd.getpwuid(os.geteuid()).pw_name,
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "TERM": "dumb",
        }
        if self.ibid:
            result["LD_PRELOAD"] = str(preload)
            result.update(self.settings)
        return result


STOCK = Mode("stock", ibid=False)
MODES = {
    mode.name: mode
    for mode in (
        Mode("default"),
        Mode("all", (("IBID_SCOPE", "all"),)),
        Mode("retain0", (("IBID_RETAIN", "0"),)),
    )
}
