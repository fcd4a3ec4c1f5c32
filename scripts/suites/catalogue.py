# SPDX-License-Identifier: Apache-2.0
"""All suites, in the order in which they run."""

from __future__ import annotations

from .foreign.cpython import CPython, CPythonSsl
from .foreign.curl import Curl
from .foreign.openssl import Openssl, OpensslUpstream
from .foreign.perl import CryptOpensslX509, IoSocketSsl, NetSsleay
from .foreign.php import Php
from .foreign.postgresql import Postgresql
from .foreign.pyopenssl import PyOpenssl, PyOpensslNewest
from .foreign.ruby import Ruby
from .foreign.rust import RustOpenssl
from .suite import Suite

SUITES: tuple[type[Suite], ...] = (
    NetSsleay,
    IoSocketSsl,
    CryptOpensslX509,
    CPythonSsl,
    CPython,
    PyOpenssl,
    PyOpensslNewest,
    Openssl,
    OpensslUpstream,
    Php,
    Ruby,
    RustOpenssl,
    Postgresql,
    Curl,
)
