# SPDX-License-Identifier: Apache-2.0
"""nginx, as Debian ships it, under ibid and stock: as a server that checks clients, and as a client of its backends."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable

import pytest
from equality import HTTP_DATE, NGINX_LOG, Scenario, Stage, Statistics, Way
from servers import BROKEN, CLIENTS, SOUND, UNSOUND, Backends, backend_visits, record_visits
from tls_client import Visit, client_context, fetch, visit

from testbed.nginx import CLIENT_FACTS, Nginx, tls_server
from testbed.pki import Credential, Standard, broken_der
from testbed.program import require
from testbed.raw_tls import raw_client

Equal = Callable[[Scenario], Statistics]
ROUNDS = 2


def keeps_files_itself() -> bool:
    """Since 1.27.4 nginx parses certificates and CRLs from files itself, and keeps them for all servers and reloads."""
    said = subprocess.run([require("nginx"), "-v"], check=True, capture_output=True, text=True).stderr
    version = re.search(r"nginx/(\d+)\.(\d+)\.(\d+)", said)
    assert version is not None, said
    return tuple(map(int, version.groups())) >= (1, 27, 4)


def client_of(pki: Standard, name: str) -> Credential:
    credential = getattr(pki, name)
    assert isinstance(credential, Credential)
    return credential


def record_nginx(stage: Stage, nginx: Nginx) -> None:
    """After nginx's end: its whole output and its exit status."""
    stage.record("exit status", nginx.status)
    stage.record("stdout", nginx.stdout)
    stage.record("stderr", nginx.stderr)
    stage.record("error.log", nginx.error_log, NGINX_LOG)
    stage.record("access.log", nginx.access_log)


@pytest.mark.parametrize("verify", ["on", "optional", "optional_no_ca"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_nginx_judges_every_client_as_stock(equal: Equal, way: Way, version: str, verify: str) -> None:
    def scenario(stage: Stage) -> None:
        pki = stage.pki
        server = tls_server(
            stage.port("tls"),
            pki.server,
            verify=verify,
            trust=pki.trust,
            crl=pki.crls,
            body=CLIENT_FACTS,
            extra="ssl_verify_depth 3; ssl_session_cache off; ssl_session_tickets off;",
        )
        with Nginx(stage.folder / "nginx", server, wrap=stage.wrap, env=stage.env) as nginx:
            # A forked worker does not share its first eight certificates. This client sends two.
            for turn in range(4):
                seen = visit(stage.port("tls"), pki.trust, pki.client, version=version)
                stage.record(f"first {turn}", seen.outcome, HTTP_DATE)
            # One connection stays open all the time, so that there are hits even without retention.
            first = visit(stage.port("tls"), pki.trust, pki.client, version=version, keep=True)
            for turn in range(ROUNDS):
                for name in CLIENTS:
                    seen = visit(stage.port("tls"), pki.trust, client_of(pki, name), version=version)
                    stage.record(f"{turn} {name}", seen.outcome, HTTP_DATE)
                stage.record(
                    f"{turn} nobody", visit(stage.port("tls"), pki.trust, version=version).outcome, HTTP_DATE
                )
            first.close()
            nginx.wait_for(
                lambda: b"closed keepalive connection" in nginx.error_log, "notices that the client is gone"
            )
        assert b"ssl_client_verify=SUCCESS" in stage.records["0 client"]
        record_nginx(stage, nginx)

    statistics = equal(scenario)
    # Clients below `intermediate` that send a chain of two: the open connection holds their issuer, and also
    # the leaf of `client`.
    assert statistics.hits >= ROUNDS * 5
    if way.retains():
        # The chain of `ec_client`, which has no holder, has verified. A chain that has not verified is
        # retained from its second sight on, and found at its third.
        assert statistics.hits >= ROUNDS * 5 + (ROUNDS - 1) * 2


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_nginx_refuses_broken_client_certificates_with_the_same_errors(equal: Equal, version: str) -> None:
    def scenario(stage: Stage) -> None:
        pki = stage.pki
        server = tls_server(stage.port("tls"), pki.server, verify="on", trust=pki.trust, body=CLIENT_FACTS)
        with Nginx(stage.folder / "nginx", server, wrap=stage.wrap, env=stage.env) as nginx:
            for turn in range(ROUNDS):
                for how in BROKEN:
                    chain = None
                    if how != "lying lengths":
                        # The valid intermediate comes first: it is shared before the broken certificate
                        # fails.
                        chain = [pki.intermediate.der_bytes, broken_der(pki.client.der_bytes, how)]
                    stage.record(f"{turn} {how}", raw_client(stage.port("tls"), chain, version=version))
                good = visit(stage.port("tls"), pki.trust, pki.client, version=version)
                stage.record(f"{turn} good", good.outcome, HTTP_DATE)
        record_nginx(stage, nginx)
        assert b"SSL_do_handshake() failed" in stage.records["error.log"]

    equal(scenario)


@pytest.mark.parametrize("store", ["tickets", "cache"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_nginx_knows_the_client_of_a_resumed_session_as_stock(equal: Equal, version: str, store: str) -> None:
    def scenario(stage: Stage) -> None:
        pki = stage.pki
        how = {
            "tickets": "ssl_session_cache off; ssl_session_tickets on;",
            "cache": "ssl_session_cache shared:sessions:1m; ssl_session_tickets off;",
        }[store]
        server = tls_server(
            stage.port("tls"),
            pki.server,
            verify="on",
            trust=pki.trust,
            body=CLIENT_FACTS,
            extra=f"ssl_verify_depth 3; {how}",
        )
        with Nginx(stage.folder / "nginx", server, wrap=stage.wrap, env=stage.env) as nginx:
            for name in ("client", "ec_client"):
                context = client_context(pki.trust, client_of(pki, name), version)
                last = Visit("")
                for turn in range(4):
                    seen = visit(
                        stage.port("tls"), pki.trust, version=version, context=context, session=last.session
                    )
                    stage.record(f"{name} {turn}", seen.outcome, HTTP_DATE)
                    last = seen
                assert b"ssl_session_reused=r" in stage.records[f"{name} 3"], stage.records
        record_nginx(stage, nginx)

    equal(scenario)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_nginx_judges_every_backend_as_stock(
    equal: Equal, way: Way, backends: Backends, version: str
) -> None:
    visits = backend_visits(version)

    def scenario(stage: Stage) -> None:
        pki = stage.pki
        kinds = {"required": "", "crl": f"proxy_ssl_crl {pki.crls};", "none": "proxy_ssl_verify off;"}
        locations = "".join(
            f"location /{name.replace(' ', '-')}-{kind} "
            f"{{ proxy_pass https://127.0.0.1:{backends.ports[name]}/; {kinds[kind]} }}\n"
            for name, kind in visits
        )
        locations += f"""location /mutual {{ proxy_pass https://127.0.0.1:{backends.ports["mutual"]}/;
            proxy_ssl_certificate {pki.client.chain}; proxy_ssl_certificate_key {pki.client.key}; }}"""
        server = f"""server {{ listen 127.0.0.1:{stage.port("http")}; {locations}
            proxy_ssl_verify on; proxy_ssl_verify_depth 3; proxy_ssl_trusted_certificate {pki.trust};
            proxy_ssl_name localhost; proxy_ssl_server_name on; proxy_ssl_session_reuse off;
            proxy_ssl_protocols TLSv{version}; }}"""
        with Nginx(stage.folder / "nginx", server, wrap=stage.wrap, env=stage.env) as nginx:
            record_visits(stage, visits, ROUNDS)
        stage.record("alerts", backends.take_alerts())
        record_nginx(stage, nginx)
        assert b"this is server" in stage.records["0 server required"]
        assert b"ssl_client_verify=SUCCESS" in stage.records["0 mutual"]

    statistics = equal(scenario)
    if way.retains():
        assert statistics.hits >= (ROUNDS - 1) * (2 * len(SOUND + UNSOUND) - 1)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_nginx_resumes_sessions_with_its_backend_as_stock(equal: Equal, version: str) -> None:
    def scenario(stage: Stage) -> None:
        pki = stage.pki
        # The backend's answer tells whether the session was resumed.
        backend = tls_server(stage.port("backend"), pki.server, body="reused=$ssl_session_reused\\n")
        front = f"""server {{ listen 127.0.0.1:{stage.port("http")};
            location / {{ proxy_pass https://127.0.0.1:{stage.port("backend")}/; }}
            proxy_ssl_verify on; proxy_ssl_verify_depth 3; proxy_ssl_trusted_certificate {pki.trust};
            proxy_ssl_name localhost; proxy_ssl_session_reuse on; proxy_ssl_protocols TLSv{version}; }}"""
        with (
            Nginx(stage.folder / "backend", backend),
            Nginx(stage.folder / "nginx", front, wrap=stage.wrap, env=stage.env) as nginx,
        ):
            for turn in range(5):
                stage.record(f"{turn}", fetch(stage.port("http"), "/"), HTTP_DATE)
        record_nginx(stage, nginx)
        assert b"reused=r" in stage.records["4"]

    equal(scenario)


def test_nginx_keeps_apart_servers_that_present_the_same_certificate(equal: Equal) -> None:
    """nginx attaches its own data to its certificates: two servers with the same certificate must not share this data."""

    def scenario(stage: Stage) -> None:
        pki = stage.pki
        servers = "".join(
            tls_server(
                stage.port(name),
                pki.server,
                verify="optional",
                trust=pki.trust,
                body=f"{name} $ssl_client_verify\\n",
                extra="ssl_stapling on; ssl_stapling_verify on;" if name == "stapled" else "",
            )
            for name in ("one", "two", "stapled")
        )
        # A certificate whose file name contains a variable is loaded again at each handshake.
        servers += f"""server {{ listen 127.0.0.1:{stage.port("lazy")} ssl;
            ssl_certificate $which.chain.pem; ssl_certificate_key $which.key.pem;
            location / {{ return 200 "lazy\\n"; }} }}
            map $ssl_server_name $which {{ default {pki.server.folder}/server; }}"""
        with Nginx(stage.folder / "nginx", servers, wrap=stage.wrap, env=stage.env) as nginx:
            refused = 0
            for turn in range(2):
                for name in ("one", "two", "stapled", "lazy"):
                    seen = visit(stage.port(name), pki.trust, pki.client)
                    stage.record(f"{turn} {name}", seen.outcome, HTTP_DATE)
                    refused += seen.outcome.startswith("handshake:")
                # A worker logs this after the client has seen it. The master's next lines must not come in
                # between.
                nginx.wait_for(
                    lambda: nginx.error_log.count(b"SSL_do_handshake() failed") == refused,
                    "tells of refused visits",
                )
                nginx.reload()
        record_nginx(stage, nginx)

    equal(scenario)


def test_nginx_reloads_its_configuration_as_stock(equal: Equal) -> None:
    def scenario(stage: Stage) -> None:
        pki = stage.pki
        server = tls_server(
            stage.port("tls"),
            pki.server,
            verify="on",
            trust=pki.trust,
            crl=pki.crls,
            body=CLIENT_FACTS,
            extra="ssl_verify_depth 3;",
        )
        with Nginx(stage.folder / "nginx", server, wrap=stage.wrap, env=stage.env) as nginx:
            for turn in range(4):
                for name in ("client", "expired_client"):
                    seen = visit(stage.port("tls"), pki.trust, client_of(pki, name))
                    stage.record(f"{turn} {name}", seen.outcome, HTTP_DATE)
                nginx.reload()
        stage.record("exit status", nginx.status)
        stage.record("access.log", nginx.access_log)

    # Each configuration loads the same trust store while the old one still exists.
    statistics = equal(scenario)
    assert keeps_files_itself() or statistics.of("trust_stores", "hits") >= 3


def test_nginx_looks_into_a_large_revocation_list_as_stock(equal: Equal) -> None:
    """Several servers with the same list of 20,000 revoked clients, through a reload."""
    names = ("one", "two", "three")

    def scenario(stage: Stage) -> None:
        pki = stage.pki
        large = pki.pki.folder / "large.bundle.pem"
        if not large.exists():
            pki.pki.bundle("large", [pki.large_crl(20_000), *pki.other_crls])
        servers = "".join(
            tls_server(
                stage.port(name),
                pki.server,
                verify="on",
                trust=pki.trust,
                crl=large,
                body=f"{name} $ssl_client_verify\\n",
                extra="ssl_verify_depth 3;",
            )
            for name in names
        )
        with Nginx(stage.folder / "nginx", servers, wrap=stage.wrap, env=stage.env) as nginx:
            for turn in range(2):
                for name in names:
                    for client in ("client", "revoked_client", "expired_client"):
                        seen = visit(stage.port(name), pki.trust, client_of(pki, client))
                        stage.record(f"{turn} {name} {client}", seen.outcome, HTTP_DATE)
                nginx.reload()
        stage.record("exit status", nginx.status)
        stage.record("stderr", nginx.stderr)
        assert b"one SUCCESS" in stage.records["0 one client"]
        assert b"400 Bad Request" in stage.records["0 one revoked_client"]

    # Also without retention: three servers hold the CA file and the CRL at the same time.
    statistics = equal(scenario)
    assert keeps_files_itself() or statistics.of("trust_stores", "hits") >= 2 * (len(names) - 1)


def test_nginx_workers_that_were_forked_serve_clients_as_stock(equal: Equal, way: Way) -> None:
    """Many connections at once to several workers, which run as another user."""
    count = 60

    def scenario(stage: Stage) -> None:
        pki = stage.pki
        server = tls_server(
            stage.port("tls"),
            pki.server,
            verify="on",
            trust=pki.trust,
            body=CLIENT_FACTS,
            extra="ssl_verify_depth 3;",
        )
        nginx = Nginx(
            stage.folder / "nginx", server, workers=3, user="www-data", wrap=stage.wrap, env=stage.env
        )
        with nginx:
            assert len(nginx.workers()) == 3
            clients = [client_of(pki, CLIENTS[n % 2]) for n in range(count)]
            visits = [visit(stage.port("tls"), pki.trust, client, keep=True) for client in clients]
            for number, seen in enumerate(visits):
                stage.record(f"{number}", seen.outcome, HTTP_DATE)
                seen.close()
        stage.record("exit status", nginx.status)
        stage.record("stderr", nginx.stderr)
        # Each worker writes its line after the client has its answer, so the order of the lines is random.
        stage.record("access.log", b"\n".join(sorted(nginx.access_log.splitlines())))

    statistics = equal(scenario)
    assert statistics.processes >= 4  # the master and its workers
    # Each worker does not share its first eight certificates, and may miss each of the four certificates
    # once.
    assert statistics.hits >= 2 * count - 3 * (8 + 4)
    assert statistics.active == 0
