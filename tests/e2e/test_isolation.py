# SPDX-License-Identifier: Apache-2.0
"""More than one OpenSSL in a process, plugins that come and go, threads that end in the middle, TLS before main and after exit
has begun. Each program sees the same as without ibid."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from equality import OPENSSL, Scenario, Stage, Statistics
from servers import Backends
from test_surroundings import PATH, compiled, run
from this_openssl import NEEDED_BY_STATIC_OPENSSL

Compare = Callable[[Scenario], Statistics]
SERVERS = ("server", "expired", "unknown_ca")

STATIC_OPENSSL = ("-l:libssl.a", "-l:libcrypto.a", *NEEDED_BY_STATIC_OPENSSL)

# How a plugin gets its OpenSSL: the system's, or one inside it, as in wheels and vendors' plugins. The names
# of the inner one are hidden, or bound to itself, or neither; in the last case the host's OpenSSL is used if
# there is one.
PLUGINS = {
    "the system's": ("-lssl", "-lcrypto"),
    "its own, hidden": (*STATIC_OPENSSL, "-Wl,--exclude-libs,ALL"),
    "its own, bound to itself": (*STATIC_OPENSSL, "-Wl,-Bsymbolic"),
    "its own, open": STATIC_OPENSSL,
}


@pytest.fixture(scope="session")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("plugins")
    return {
        name: compiled(folder / f"{number}", "plugin.c", "-fPIC", "-shared", *flags, "-ldl", "-pthread")
        for number, (name, flags) in enumerate(PLUGINS.items())
    }


@pytest.mark.parametrize("host", ["with OpenSSL", "without OpenSSL"])
@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugin_that_comes_and_goes_does_tls_as_ever(
    same: Compare,
    backends: Backends,
    tmp_path: Path,
    plugins: dict[str, Path],
    host: str,
    plugin: str,
) -> None:
    flags = ("-DHOST_HAS_OPENSSL", "-lssl", "-lcrypto") if host == "with OpenSSL" else ()
    program = compiled(tmp_path, "plugin_host.c", *flags, "-ldl")
    if plugin == "its own, open" and host == "with OpenSSL" and OPENSSL:
        pytest.skip("the plugin's libssl would get another version's libcrypto, without ibid as well")

    def scenario(stage: Stage) -> None:
        ports = [str(backends.ports[name]) for name in SERVERS]
        done = run(stage, program, stage.pki.trust, plugins[plugin], "--", *ports)
        assert done.returncode == 0, done.stderr
        assert b"plugin: connect 1, verdict 0" in done.stdout

    statistics = same(scenario)
    if plugin == "the system's":
        assert statistics.hits >= 3 * 2 * len(SERVERS)
    elif host == "with OpenSSL" and plugin != "its own, open":
        assert statistics.hits >= 2 * 2  # the host's own second visit in each round
    # The code of "its own, open" is bound to the host's libcrypto, and references every OpenSSL function that
    # changes anything, so ibid is disabled.


def test_two_openssls_side_by_side_do_not_meet(
    same: Compare, backends: Backends, tmp_path: Path, plugins: dict[str, Path]
) -> None:
    """The host's OpenSSL and one in a plugin, alternately, with the same peers and the same CA file."""
    program = compiled(tmp_path, "plugin_host.c", "-DHOST_HAS_OPENSSL", "-lssl", "-lcrypto", "-ldl")
    both = [plugins["the system's"], plugins["its own, hidden"], plugins["its own, bound to itself"]]

    def scenario(stage: Stage) -> None:
        ports = [str(backends.ports[name]) for name in SERVERS]
        done = run(stage, program, stage.pki.trust, *both, "--", *ports)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count(b"verdict 0") == 3 * (2 + 3 * 2)

    assert same(scenario).hits > 0


def test_tls_before_main_and_after_exit_has_begun_is_as_ever(
    same: Compare, backends: Backends, tmp_path: Path
) -> None:
    program = compiled(tmp_path, "early_and_late.c", "-lssl", "-lcrypto")

    def scenario(stage: Stage) -> None:
        done = run(stage, program, CA=str(stage.pki.trust), PORT=str(backends.ports["server"]))
        assert done.returncode == 3, done.stderr
        assert done.stdout.count(b"connect 1, verdict 0") >= 4
        assert done.stdout.endswith(b"ended\n")

    assert same(scenario).hits >= 3 * 2


def test_threads_that_end_in_the_middle_leave_the_others_in_peace(
    same: Compare, backends: Backends, tmp_path: Path
) -> None:
    program = compiled(tmp_path, "leaving_threads.c", "-lssl", "-lcrypto", "-pthread")

    def scenario(stage: Stage) -> None:
        done = run(stage, program, stage.pki.trust, str(backends.ports["server"]))
        assert done.returncode == 0, done.stdout

    assert same(scenario).hits > 100


def test_doctor_says_how_openssl_is_built_and_what_that_means(ibid: Path) -> None:
    environment = {**PATH, **{name: os.path.relpath(value) for name, value in OPENSSL.items()}}
    done = subprocess.run([ibid, "doctor", "--json", "curl"], capture_output=True, env=environment, check=True)
    found = json.loads(done.stdout)
    features = {feature["name"]: feature for feature in found["features"]}
    # Found out without ibid: can libcrypto's calls to its own X509_verify be intercepted?
    relocations = subprocess.run(
        ["readelf", "--wide", "--relocs", found["openssl"]["libcrypto"]], capture_output=True, check=True
    )
    symbolic = b" X509_verify@" not in relocations.stdout
    assert found["openssl"]["symbolic"] == symbolic
    assert symbolic or not OPENSSL  # upstream's default
    for name in ("peer certificates", "resumed sessions", "trust stores", "signatures"):
        assert features[name]["active"], name
    for name in ("trust stores", "signatures"):
        assert ("-Bsymbolic" in features[name]["why"]) == symbolic
