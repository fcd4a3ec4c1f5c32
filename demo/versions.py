# SPDX-License-Identifier: Apache-2.0
"""The versions of everything that takes part in the demo."""

from __future__ import annotations

import ssl

from testbed.program import require

from .setting import PYTHON, Setting, first_line


def versions(setting: Setting) -> dict[str, str]:
    return {
        "ibid": first_line([str(setting.ibid), "--version"]),
        "OpenSSL": ssl.OPENSSL_VERSION,
        "nginx": first_line([require("nginx"), "-v"]),
        "curl": " ".join(first_line([require("curl"), "--disable", "--version"]).split()[:2]),
        "CPython": first_line([PYTHON, "--version"]),
    }
