#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Which mechanisms of the core the preload has: compiles its sources with all of them and without each, and compares the machine code.

If the code is the same, no TLS program can be slower without that mechanism. For the others, README.md says how to measure.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from run import HEADER, ROOT, mechanisms

# The preload's targets in the build.
TARGETS = ("/ibid_openssl_objects.dir/", "/ibid_preload.dir/", "/ibid_statistics")


@dataclass(frozen=True)
class Source:
    """A source of the preload, and how the build compiles it."""

    path: Path
    folder: Path
    command: tuple[str, ...]

    def reads_core(self) -> bool:
        """Whether it includes the header that lists the mechanisms."""
        made = subprocess.run([*self.command, "-M"], cwd=self.folder, capture_output=True, text=True, check=True)
        return str(HEADER.relative_to(ROOT)) in made.stdout

    def code_without(self, mechanism: str, scratch: Path) -> bytes:
        made = scratch / "object.o"
        subprocess.run([*self.command, f"-DIBID_WITHOUT={mechanism}", "-c", "-o", str(made)], cwd=self.folder, check=True)
        shown = subprocess.run(["objdump", "-d", "--no-show-raw-insn", str(made)], capture_output=True, check=True)
        return shown.stdout


def sources(build: Path) -> list[Source]:
    """Those of the library that is preloaded."""
    found = []
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = Path(entry["directory"], entry["file"]).resolve()
        words = shlex.split(entry["command"])
        target = words[words.index("-o") + 1]
        if path.is_relative_to(ROOT / "src") and any(of in target for of in TARGETS):
            at = words.index("-o")
            words = [w for i, w in enumerate(words) if i not in (at, at + 1) and w != "-c" and Path(w).name != "ccache"]
            found.append(Source(path, Path(entry["directory"]), tuple(words)))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release", metavar="DIR", help="(%(default)s)")
    build = parser.parse_args().build.resolve()
    if not (build / "compile_commands.json").exists():
        raise SystemExit(f"{build} has no compile_commands.json: './dev build' makes it")
    core = [s for s in sources(build) if s.reads_core()]
    if not core:
        raise SystemExit(f"{build}: no source of the preload was found that includes {HEADER.relative_to(ROOT)}")
    print(f"{len(core)} sources of the preload include the core. Other machine code without:")
    with tempfile.TemporaryDirectory() as scratch:
        whole = {s: s.code_without("nothing", Path(scratch)) for s in core}
        for mechanism in mechanisms():
            other = [s for s in core if s.code_without(mechanism, Path(scratch)) != whole[s]]
            print(f"  {mechanism:24}{', '.join(s.path.name for s in other) or 'none: the preload is the same'}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
