# SPDX-License-Identifier: Apache-2.0
"""The static probes of the preload: their ELF notes, and a probe that is hit."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from test_certs import Peers
from testbed.pki import Standard


@pytest.fixture
def preload(ibid: Path) -> Path:
    cache = (ibid.parents[1] / "CMakeCache.txt").read_text()
    if "IBID_HAS_SDT:INTERNAL=1" not in cache:
        pytest.skip("built without sys/sdt.h (systemtap-sdt-dev)")
    return ibid.parents[1] / "lib/libibid_preload.so"


def probes(library: Path) -> list[tuple[str, int, list[str]]]:
    """Name, address and operands of each."""
    text = subprocess.run(["readelf", "--notes", "--wide", str(library)], capture_output=True, text=True, timeout=60, check=True).stdout
    found = re.findall(r"Provider: ibid\s+Name: (\w+)\s+Location: 0x([0-9a-f]+),.*?Semaphore: 0x(0+)\s+Arguments: (.*)", text)
    return [(name, int(place, 16), arguments.split()) for name, place, _, arguments in found]


def test_the_notes_name_each_probe(preload: Path) -> None:
    found = probes(preload)
    assert {name for name, _, _ in found} == {"hit", "miss", "evict", "detach", "verify"}
    assert all(len(arguments) == 2 for _, _, arguments in found)
    assert all(a.startswith(("8@", "4@", "1@")) for _, _, arguments in found for a in arguments)


def test_one_that_nobody_uses_is_one_instruction_that_does_nothing(preload: Path) -> None:
    for name, place, _ in probes(preload):
        words = ["objdump", "-d", f"--start-address={place}", f"--stop-address={place + 4}", "--no-show-raw-insn", str(preload)]
        code = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout
        [first] = re.findall(rf"^\s*{place:x}:\s+(.*)$", code, re.MULTILINE)
        assert first.split()[0] == "nop", (name, first)


def test_the_names_stay_when_the_file_is_stripped(preload: Path, tmp_path: Path) -> None:
    stripped = tmp_path / "stripped.so"
    subprocess.run(["strip", "--strip-unneeded", "-o", str(stripped), str(preload)], timeout=60, check=True)
    assert probes(stripped) == probes(preload)


def test_a_debugger_is_told(ibid: Path, preload: Path, pki: Standard) -> None:
    """A probe in a handshake: the certificate, and its number of bytes."""
    if shutil.which("gdb") is None:
        pytest.skip("there is no gdb here")
    peers = Peers(ibid, pki)
    try:
        peers("hold 1")
        commands = [
            "set debuginfod enabled off",
            "break -probe-stap libibid_preload.so:ibid:hit",
            "python print('attached', flush=True)",
            "continue",
            "printf \"told %d %d\\n\", $_probe_arg0 != 0, $_probe_arg1",
            "detach",
        ]
        words = ["gdb", "-nx", "-batch", "-p", str(peers.process.pid), *(w for c in commands for w in ("-ex", c))]
        debugger = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)
        assert debugger.stdout is not None
        output = ""
        for line in debugger.stdout:
            output += line
            if "ptrace: Operation not permitted" in line:
                debugger.communicate()
                pytest.skip("no debugger may attach here")
            if line == "attached\n":
                break
        assert peers.process.stdin is not None
        peers.process.stdin.write("hold 1\n")
        peers.process.stdin.flush()
        output += debugger.communicate(timeout=60)[0]
        told = re.search(r"^told 1 (\d+)$", output, re.MULTILINE)
        assert told, output
        sizes = {p.stat().st_size for p in (pki.server.der, pki.intermediate.der)}
        assert int(told[1]) in sizes, output
        peers.wait()
    finally:
        peers.process.kill()
        peers.process.communicate()
