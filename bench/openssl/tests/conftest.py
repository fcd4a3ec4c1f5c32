# SPDX-License-Identifier: Apache-2.0
"""Lets the tests import the benchmark as run.py does: from the root of the repository."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
