# SPDX-License-Identifier: Apache-2.0
"""What the command says where nothing can be read: no further process or file, parts of the kernel, processes that have ended."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from command import PYTHON, run_to_end, wait_until


@pytest.mark.parametrize("words", [("stat", "1"), ("doctor", "1"), ("certs", "1"), ("certs", "--estimate", "1"), ("top", "--once"), ("top", "--once", "--json"), ("doctor",)])
def test_no_further_file_is_the_reason_that_is_told(ibid: Path, words: tuple[str, ...]) -> None:
    done = run_to_end(["bash", "-c", 'ulimit -n 4; exec "$@"', "bash", str(ibid), *words])
    said = " ".join((done.stdout + done.stderr).split())
    assert "no further file can be opened (Too many open files)" in said
    assert done.returncode == 1
    assert "did not finish" not in said and "No process under ibid" not in said


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, which sees parts of the kernel")
def test_a_process_without_memory_is_told_as_such(ibid: Path, started: Callable[..., subprocess.Popen[str]]) -> None:
    ends = started([PYTHON, "-c", "import os, time\npid = os.fork()\nif pid: print(pid, flush=True); time.sleep(60)"])
    assert ends.stdout is not None
    zombie = ends.stdout.readline().strip()
    wait_until(lambda: ") Z " in Path(f"/proc/{zombie}/stat").read_text(), "it has ended")
    for pid, what in ((zombie, "has ended"), ("2", "is a part of the kernel")):
        if "kthreadd" not in Path("/proc/2/comm").read_text() and pid == "2":
            continue
        for words in (("stat", pid), ("certs", "--estimate", pid)):
            assert f"process {pid} {what}" in run_to_end([str(ibid), *words]).stderr
        assert run_to_end([str(ibid), "doctor", pid]).stdout.splitlines()[-1] == "ibid does not help it."
        found = json.loads(run_to_end([str(ibid), "doctor", "--json", pid]).stdout)
        assert found["helps"] is False and what in str(found["problems"])
