# SPDX-License-Identifier: Apache-2.0
"""GDB automatically loads the installed printers and shows values. No debugger on Linux reads the natvis file, so GDB only checks that the members
in it exist.

shown_in_debugger.py GDB PRINTERS NATVIS PROGRAM      exits with 77 if tracing is not permitted
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

STRING = '"example.org"'
EXPECTED = {
    "h": f"ibid::handle (3 references) = {{value = {{host = {STRING}, port = 443}}}}",
    "text": 'ibid::handle (256 references) = {value = "ibidem"}',  # it is published, too
    "empty": "ibid::handle (empty)",
    "host": f"ibid::view = {{value = {STRING}}}",
    "weak": f"ibid::weak (3 references) = {{value = {{host = {STRING}, port = 443}}}}",
    "ended": "ibid::weak (ended)",
    "tree": "ibid::handle (1 reference) = {value = {left = ibid::handle (2 references) = "
    "{value = {left = ibid::handle (empty), number = 1}}, number = 2}}",
    "published": 'ibid::atomic_handle = {value = "ibidem"}',
    "loan": "ibid::loan = {value = std::vector of length 2, capacity 2 = {1, 2}}",
    "returned": "ibid::loan (empty)",
    "routes": f'ibid::cache "routes" (1 entry) = {{["a"] = {{host = {STRING}, port = 443}}}}',
    "words": 'ibid::cache (1 entry) = {"word"}',
}
# A variable of each type that the natvis file knows.
OF_TYPE = {"handle": "h", "view": "host", "weak": "weak", "atomic_handle": "published", "loan": "loan", "cache": "routes"}


def members(natvis: str) -> list[tuple[str, str]]:
    """Each type's variable, and a member in its visualizer. (The internals of std::atomic are those of Microsoft's library.)"""
    found = set()
    for visualizer in ET.parse(natvis).getroot():
        variable = OF_TYPE.pop(re.fullmatch(r"ibid::layout_1::(\w+)<\*>", visualizer.get("Name"))[1])
        for element in visualizer.iter():
            for text in (element.text or "", element.get("Condition", "")):
                found |= {(variable, name) for name in re.findall(r"\b[a-z]\w*_\b", text)}
    assert not OF_TYPE, f"the natvis file does not know {list(OF_TYPE)}"
    return sorted(found)


def main() -> int:
    gdb, printers, natvis, program = sys.argv[1:]
    named = members(natvis)
    show = subprocess.run([gdb, "-nx", "-batch", "-ex", "show data-directory"], capture_output=True, text=True, check=True)
    theirs = Path(re.search(r'"(.*)"', show.stdout)[1])
    with tempfile.TemporaryDirectory() as directory:
        ours = Path(directory)
        for part in theirs.iterdir():
            if part.name != "python":
                (ours / part.name).symlink_to(part)
        (ours / "python/gdb/printer").mkdir(parents=True)
        for folder in ("python/gdb", "python/gdb/printer"):
            for part in (theirs / folder).iterdir():
                if part.name != "printer":
                    (ours / folder / part.name).symlink_to(part)
        (ours / "python/gdb/printer/ibid.py").symlink_to(Path(printers).resolve())
        commands = ["set width 0", "break stop", "run", "up"]
        commands += [line for name in EXPECTED for line in (f"echo @{name}@", f"output {name}", "echo \\n")]
        commands += [f"output &{variable}.{member}" for variable, member in named]
        run = subprocess.run(
            [gdb, "-nx", "-batch", f"--data-directory={ours}", *(a for c in commands for a in ("-ex", c)), program],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    if "not permitted" in run.stderr:
        print(run.stderr)
        return 77
    shown = dict(re.findall(r"@(\w+)@(.*)", run.stdout))
    failures = [name for name, expected in EXPECTED.items() if shown.get(name) != expected]
    for name in failures:
        print(f"{name}\n  {shown.get(name)}\nnot\n  {EXPECTED[name]}")
    if "There is no member" in run.stderr:
        failures.append(natvis)
    if failures:
        print(run.stdout, run.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
