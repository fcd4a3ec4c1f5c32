# SPDX-License-Identifier: Apache-2.0
"""CPython, as Debian ships it, under ibid and stock. Its ssl module loads OpenSSL with RTLD_LOCAL, so OpenSSL's symbols
are not in the program's global scope."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from equality import PYTHON_OUTPUT, Scenario, Stage, Statistics, Way
from servers import BROKEN, SOUND, UNSOUND, Backends

Equal = Callable[[Scenario], Statistics]
PROGRAMS = Path(__file__).parent / "programs"


def run_python(stage: Stage, program: str, *arguments: str | Path) -> None:
    done = subprocess.run(
        [*stage.wrap, "/usr/bin/python3", "-I", PROGRAMS / program, *arguments],
        capture_output=True,
        cwd=stage.folder,
        env={"PATH": "/usr/bin:/bin", **stage.env},
        timeout=120,
    )
    stage.record("exit status", done.returncode)
    stage.record("stdout", done.stdout, PYTHON_OUTPUT)
    stage.record("stderr", done.stderr)
    assert done.returncode == 0, done.stderr.decode()


def test_python_makes_contexts_as_stock(equal: Equal) -> None:
    def scenario(stage: Stage) -> None:
        pki = stage.pki
        pki.write_all()
        pki.pki.directory("trust.d", [pki.root, pki.ec_root])
        sound = pki.root.pem_bytes
        (pki.pki.folder / "broken.bundle.pem").write_bytes(sound + sound[:200] + sound[300:])
        run_python(stage, "tls_contexts.py", pki.pki.folder)

    # Three rounds load six files. Without retention, only the second round finds them, because contexts still
    # hold them.
    assert equal(scenario).of("trust_stores", "hits") >= 6


def test_python_judges_every_server_as_stock(equal: Equal, way: Way, backends: Backends) -> None:
    def scenario(stage: Stage) -> None:
        pki = stage.pki
        names = [*SOUND, *UNSOUND, *(f"{how} {v}" for v in ("1.2", "1.3") for how in BROKEN), "mutual"]
        ports = [f"{name}={backends.ports[name]}" for name in names]
        run_python(
            stage, "https_client.py", pki.trust, pki.trust_with_crls, pki.client.chain, pki.client.key, *ports
        )
        stage.record("alerts", backends.take_alerts())
        assert b"end 4" in stage.records["stdout"]
        assert b"1.3 3 True" in stage.records["stdout"].replace(b"TLSv1_3", b"1.3")

    statistics = equal(scenario)
    # A connection to `server` is open from early on: each of its visits (2 versions, 2 turns, 6 kinds) finds
    # leaf and intermediate; visits of other servers below the same intermediate find at least the
    # intermediate.
    assert statistics.hits >= 2 * 2 * 6 * (2 + 4) - 10
    if way.retains():
        assert statistics.hits >= 2 * 2 * 6 * (2 * len(SOUND + UNSOUND) - 1) - 20


def test_python_at_both_ends_agrees_with_stock(equal: Equal) -> None:
    def scenario(stage: Stage) -> None:
        stage.pki.write_all()
        run_python(stage, "tls_pair.py", stage.pki.pki.folder)
        assert stage.records["stdout"].count(b"both are done") > 40

    assert equal(scenario).hits > 100
