#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# scripts.sh SOURCE: the tests of the scripts themselves. The system's Python, because it has pytest and what
# the scripts import.
set -euo pipefail
cd "$1"
/usr/bin/python3 -c 'import pytest' 2>/dev/null || exit 77
exec /usr/bin/python3 -m pytest -q -p no:cacheprovider scripts
