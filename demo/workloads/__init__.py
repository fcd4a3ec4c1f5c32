# SPDX-License-Identifier: Apache-2.0
"""What the demo runs: each module is one unmodified program at its work, run stock and under ibid by the same code."""

from __future__ import annotations

from demo.setting import Setting

from .curl import Curl
from .nginx import NginxMutualTls
from .openssl_client import OpensslClient
from .python import PythonContexts, PythonFetch
from .workload import Workload

__all__ = ["Workload", "all_workloads"]


def all_workloads(setting: Setting) -> list[Workload]:
    return [
        OpensslClient(setting, "rsa"),
        NginxMutualTls(setting),
        PythonContexts(setting),
        PythonFetch(setting),
        Curl(setting),
        Curl(setting, system_bundle=True),
        OpensslClient(setting, "ecdsa"),
        NginxMutualTls(setting, distinct=True),
    ]
