# SPDX-License-Identifier: Apache-2.0
"""This system's OpenSSL: the names of its libraries, its version, and the libraries that its static libraries need."""

from __future__ import annotations

import re
import subprocess


def _answer(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


_linked = _answer("sh", "-c", 'ldd "$(command -v openssl)"')
SONAME_VERSION = re.findall(r"\blibcrypto\.so\.(\d+)\b", _linked)[0]
LIBCRYPTO = f"libcrypto.so.{SONAME_VERSION}"
LIBSSL = f"libssl.so.{SONAME_VERSION}"
VERSION = re.findall(r"Library: OpenSSL (\S+)", _answer("openssl", "version"))[0]

# zlib and zstd, if they are compiled in.
NEEDED_BY_STATIC_OPENSSL = tuple(
    word for word in _answer("pkg-config", "--static", "--libs", "libssl").split() if word not in ("-lssl", "-lcrypto")
)
