# SPDX-License-Identifier: Apache-2.0
"""The driver's modules are imported by their own names, as run.py does."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
