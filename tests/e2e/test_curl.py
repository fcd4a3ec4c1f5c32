# SPDX-License-Identifier: Apache-2.0
"""curl, as Debian ships it, under ibid and stock: same bytes, same errors, same exit status."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from equality import CURL_STDERR, Scenario, Stage, Statistics, Way
from servers import BROKEN, CLIENTS, SOUND, UNSOUND, Backends

from testbed.program import require

Equal = Callable[[Scenario], Statistics]
# What curl prints for each transfer. %{certs} is the peer's chain as text and PEM.
FACTS = "".join(
    f"{name}=%{{{name}}}\\n"
    for name in (
        "url",
        "exitcode",
        "errormsg",
        "http_code",
        "ssl_verify_result",
        "num_connects",
        "size_download",
        "certs",
    )
)
ROUNDS = 3


def run_curl(
    stage: Stage, transfers: Sequence[tuple[str, Sequence[str]]], *, everywhere: Sequence[str] = ()
) -> None:
    """All transfers, one after another, in one process, each with its own options."""
    argv = [*stage.wrap, require("curl")]
    for number, (url, options) in enumerate(transfers):
        argv += ["--next"] if number else []
        argv += [
            "--silent",
            "--show-error",
            "--max-time",
            "20",
            "--write-out",
            FACTS,
            *everywhere,
            *options,
            url,
        ]
    done = subprocess.run(
        argv, capture_output=True, env={"PATH": "/usr/bin:/bin", "HOME": str(stage.folder), **stage.env}
    )
    stage.record("exit status", done.returncode)
    stage.record("stdout", done.stdout, CURL_STDERR)
    stage.record("stderr", done.stderr, CURL_STDERR)


def tls(version: str) -> tuple[str, ...]:
    return ("--tlsv1.2", "--tls-max", version)


def url(backends: Backends, name: str, host: str = "localhost") -> str:
    return f"https://{host}:{backends.ports[name]}/"


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_curl_judges_every_server_as_stock(equal: Equal, way: Way, backends: Backends, version: str) -> None:
    def scenario(stage: Stage) -> None:
        names = [*SOUND, *UNSOUND, *(f"{how} {version}" for how in BROKEN)]
        options = ("--cacert", str(stage.pki.trust), "--no-sessionid", *tls(version))
        run_curl(stage, [(url(backends, name), options) for name in names] * ROUNDS)
        stage.record("alerts", backends.take_alerts())

    statistics = equal(scenario)
    if way.retains():
        # None of the refused servers' chains has verified, so their hits begin in the third round: a leaf and
        # an intermediate for each, or only the leaf if the intermediate is missing. Connections to the other
        # servers are still open. "revoked" is one of those, because no CRL is given.
        refused = [name for name in UNSOUND if name != "revoked"]
        assert statistics.hits >= (ROUNDS - 2) * (2 * len(refused) - 1)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_curl_shares_certificates_among_connections_that_are_open_at_once(
    equal: Equal, backends: Backends, version: str
) -> None:
    hosts = ["localhost", "ibid.test", "www.ibid.test", "static.ibid.test", "a.api.ibid.test"]

    def scenario(stage: Stage) -> None:
        port = backends.ports["server"]
        options = ["--cacert", str(stage.pki.trust), "--no-sessionid", *tls(version)]
        for host in hosts:
            options += ["--resolve", f"{host}:{port}:127.0.0.1"]
        # Without --next: one curl handle after another on one pool, where connections stay open.
        addresses = [url(backends, "server", host) for host in hosts]
        run_curl(stage, [(addresses[-1], [*options, *addresses[:-1]])])
        assert stage.records["stdout"].count(b"this is server") == len(hosts)

    # Even without any retention: each further connection finds leaf and intermediate of the first.
    assert equal(scenario).hits >= 2 * (len(hosts) - 1)


def test_curl_says_the_same_about_a_handshake_when_it_is_verbose(equal: Equal, backends: Backends) -> None:
    def scenario(stage: Stage) -> None:
        # Without the wrong host in TLS 1.3: whether the tickets come before curl hangs up depends on timing.
        for version, name in (("1.2", "server"), ("1.2", "wrong_host"), ("1.3", "server")):
            done = subprocess.run(
                [
                    *stage.wrap,
                    require("curl"),
                    "-sv",
                    "--cacert",
                    stage.pki.trust,
                    *tls(version),
                    url(backends, name),
                ],
                capture_output=True,
                env={"PATH": "/usr/bin:/bin", **stage.env},
            )
            stage.record(f"{version} {name} status", done.returncode)
            stage.record(f"{version} {name} stdout", done.stdout)
            stage.record(f"{version} {name} stderr", done.stderr, CURL_STDERR)

    equal(scenario)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_curl_resumes_sessions_as_stock(equal: Equal, backends: Backends, version: str) -> None:
    def scenario(stage: Stage) -> None:
        options = ["--cacert", str(stage.pki.trust), "-v", "-H", "Connection: close", *tls(version)]
        address = url(backends, "server")
        run_curl(stage, [(address, [*options, address, address, address])])
        assert re.search(rb"SSL re-?using session", stage.records["stderr"])

    equal(scenario)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_curl_presents_its_own_certificate_as_stock(equal: Equal, backends: Backends, version: str) -> None:
    def scenario(stage: Stage) -> None:
        options = ["--cacert", str(stage.pki.trust), *tls(version)]
        transfers: list[tuple[str, list[str]]] = [(url(backends, "mutual"), options)]
        for name in CLIENTS:
            credential = getattr(stage.pki, name)
            own = ["--cert", str(credential.chain), "--key", str(credential.key)]
            transfers.append((url(backends, "mutual"), [*options, *own]))
        run_curl(stage, transfers * 2)
        assert stage.records["stdout"].count(b"ssl_client_verify=SUCCESS") == 4

    equal(scenario)


def test_curl_reads_revocation_lists_directories_and_insecure_peers_as_stock(
    equal: Equal, backends: Backends
) -> None:
    def scenario(stage: Stage) -> None:
        pki = stage.pki
        directory = pki.pki.directory("curl-trust", [pki.root, pki.ec_root])
        empty = stage.folder / "empty"
        empty.mkdir()
        nothing = stage.folder / "nothing"
        nothing.touch()
        ways: list[list[str]] = [
            ["--cacert", str(pki.trust), "--crlfile", str(pki.crls)],
            ["--capath", str(directory), "--cacert", "/dev/null"],
            ["--capath", str(empty), "--cacert", "/dev/null"],
            ["--cacert", str(pki.server.key)],  # holds no certificate
            ["--cacert", str(nothing)],
            ["--cacert", str(pki.trust), "--insecure"],
            ["--insecure"],
            [],  # the system's bundle, with which none of these verify
        ]
        names = ("server", "revoked", "unknown_ca", "missing_intermediate")
        transfers = [
            (url(backends, name), ["--no-sessionid", *options]) for options in ways for name in names
        ]
        # In a separate process, because curl 8.20 opens the file before the first transfer.
        nowhere = ["--cacert", str(stage.folder / "nowhere")]
        done = subprocess.run([*stage.wrap, require("curl"), "-sS", *nowhere, url(backends, "server")], capture_output=True, env={"PATH": "/usr/bin:/bin", **stage.env})
        stage.record("nowhere", done.returncode)
        stage.record("nowhere: stderr", done.stderr)
        run_curl(stage, transfers + transfers[:8])

    statistics = equal(scenario)
    assert statistics.hits > 0


def test_curl_gives_the_same_answers_when_its_transfers_are_parallel(
    equal: Equal, backends: Backends
) -> None:
    def scenario(stage: Stage) -> None:
        addresses = [url(backends, name) for name in (*SOUND, "expired", "unknown_ca", "revoked")] * 8
        done = subprocess.run(
            [
                *(
                    *stage.wrap,
                    require("curl"),
                    "--silent",
                    "--show-error",
                    "--parallel",
                    "--parallel-max",
                    "40",
                ),
                *(
                    "--cacert",
                    stage.pki.trust,
                    "--no-sessionid",
                    "--write-out",
                    "%{url} %{errormsg} %{ssl_verify_result}\n",
                ),
                *addresses,
            ],
            capture_output=True,
            env={"PATH": "/usr/bin:/bin", **stage.env},
        )
        errors = re.findall(rb"curl: \(.*", done.stderr)  # the rest is the progress meter
        for name, lines in (("stdout", done.stdout.splitlines()), ("errors", errors)):
            stage.record(f"{name}, in any order", b"\n".join(sorted(lines)))

    assert equal(scenario).hits > 0


def test_curl_writes_a_download_of_many_records_unchanged(
    equal: Equal, backends: Backends, tmp_path: Path
) -> None:
    def scenario(stage: Stage) -> None:
        address = url(backends, "server")
        done = subprocess.run(
            [*stage.wrap, require("curl"), "-sS", "--cacert", stage.pki.trust, *[address] * 300],
            capture_output=True,
            env={"PATH": "/usr/bin:/bin", **stage.env},
        )
        stage.record("exit status", done.returncode)
        stage.record("stdout", done.stdout)
        assert done.stdout == b"this is server\n" * 300

    equal(scenario)
