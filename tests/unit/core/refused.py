# SPDX-License-Identifier: Apache-2.0
"""Code that does not compile: the compiler's message tells what to write, in at most 15 lines.

refused.py SAYS COMPILER ARGUMENT...      SAYS: a regular expression
"""

from __future__ import annotations

import re
import subprocess
import sys

MOST = 15

says, *command = sys.argv[1:]
run = subprocess.run(command, capture_output=True, text=True, check=False)
lines = run.stderr.splitlines()
print(run.stderr, f"{len(lines)} lines", sep="")
sys.exit(0 if run.returncode != 0 and re.search(says, run.stderr) and len(lines) <= MOST else 1)
