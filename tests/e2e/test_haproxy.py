# SPDX-License-Identifier: Apache-2.0
"""HAProxy, as Debian ships it, under ibid and stock: as a server that checks clients, and as a client of its backends. It references
functions that write to certificates, so nothing is shared with it, and it works as in stock."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from equality import HAPROXY_LOG, HTTP_DATE, Scenario, Stage, Statistics
from servers import BROKEN, CLIENTS, Backends, backend_visits, record_visits
from tls_client import Visit, client_context, fetch, visit

from testbed.haproxy import CLIENT_FACTS, Haproxy
from testbed.pki import broken_der
from testbed.raw_tls import raw_client

Equal = Callable[[Scenario], Statistics]
ROUNDS = 2
# The fields of both logs: no times and no clients' ports; the messages of the TLS layers, as text.
LOG = """
    log-format "%ft %b/%s %ST %ts %B %[ssl_fc_protocol] %[ssl_fc_is_resumed] %[ssl_c_verify] %[fc_err_str] %[bc_err_str]"
    error-log-format "%ft %[fc_err] %[fc_err_str] %[ssl_fc_err] %[ssl_fc_err_str] %[ssl_c_err] %[ssl_c_ca_err]"
"""


def frontend(stage: Stage, verify: str, extra: str = "") -> str:
    """Answers each client with everything that HAProxy knows about its certificate."""
    pki = stage.pki
    return f"""
frontend clients
    bind 127.0.0.1:{stage.port("tls")} ssl crt {pki.server.combined} ca-file {pki.trust} crl-file {pki.crls} verify {verify} {extra}
    {LOG}
    http-request return status 200 content-type text/plain lf-string "{CLIENT_FACTS}"
"""


def record_haproxy(stage: Stage, haproxy: Haproxy, *, ordered: bool = True) -> None:
    """After HAProxy's end: its whole output and its exit status."""

    def put(name: str, text: bytes) -> None:
        stage.record(name, text if ordered else b"\n".join(sorted(text.splitlines())), HAPROXY_LOG)

    stage.record("exit status", haproxy.status)
    put("stdout", haproxy.stdout)
    put("stderr", haproxy.stderr)


@pytest.mark.parametrize("verify", ["required", "optional", "optional, errors ignored"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_haproxy_judges_every_client_as_stock(equal: Equal, version: str, verify: str) -> None:
    def scenario(stage: Stage) -> None:
        pki = stage.pki
        extra = "no-tls-tickets" + (" crt-ignore-err all ca-ignore-err all" if "ignored" in verify else "")
        config = frontend(stage, verify.split(",")[0], extra)
        with Haproxy(stage.folder / "haproxy", config, wrap=stage.wrap, env=stage.env) as haproxy:
            first = visit(stage.port("tls"), pki.trust, pki.client, version=version, keep=True)
            for turn in range(ROUNDS):
                for name in CLIENTS:
                    seen = visit(stage.port("tls"), pki.trust, getattr(pki, name), version=version)
                    stage.record(f"{turn} {name}", seen.outcome, HTTP_DATE)
                stage.record(
                    f"{turn} nobody", visit(stage.port("tls"), pki.trust, version=version).outcome, HTTP_DATE
                )
            first.close()
        assert b"ssl_c_s_dn=/C=AT" in stage.records["0 client"]
        record_haproxy(stage, haproxy)

    assert equal(scenario).hits == 0, "HAProxy may write"


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_haproxy_refuses_broken_client_certificates_with_the_same_errors(equal: Equal, version: str) -> None:
    def scenario(stage: Stage) -> None:
        pki = stage.pki
        config = frontend(stage, "required")
        with Haproxy(stage.folder / "haproxy", config, wrap=stage.wrap, env=stage.env) as haproxy:
            for turn in range(ROUNDS):
                for how in BROKEN:
                    chain = None
                    if how != "lying lengths":
                        chain = [pki.intermediate.der_bytes, broken_der(pki.client.der_bytes, how)]
                    stage.record(f"{turn} {how}", raw_client(stage.port("tls"), chain, version=version))
                good = visit(stage.port("tls"), pki.trust, pki.client, version=version)
                stage.record(f"{turn} good", good.outcome, HTTP_DATE)
        record_haproxy(stage, haproxy)

    equal(scenario)


@pytest.mark.parametrize("store", ["tickets", "cache"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_haproxy_knows_the_client_of_a_resumed_session_as_stock(
    equal: Equal, version: str, store: str
) -> None:
    def scenario(stage: Stage) -> None:
        pki = stage.pki
        config = frontend(stage, "required", "no-tls-tickets" if store == "cache" else "")
        with Haproxy(stage.folder / "haproxy", config, wrap=stage.wrap, env=stage.env) as haproxy:
            for name in ("client", "ec_client"):
                context = client_context(pki.trust, getattr(pki, name), version)
                last = Visit("")
                for turn in range(4):
                    last = visit(
                        stage.port("tls"), pki.trust, version=version, context=context, session=last.session
                    )
                    stage.record(f"{name} {turn}", last.outcome, HTTP_DATE)
        record_haproxy(stage, haproxy)
        assert b"reused=True" in b"".join(stage.records.values())

    equal(scenario)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_haproxy_judges_every_backend_as_stock(
    equal: Equal, backends: Backends, version: str
) -> None:
    visits = backend_visits(version)

    def scenario(stage: Stage) -> None:
        pki = stage.pki
        kinds = {
            "required": f"verify required ca-file {pki.trust} verifyhost localhost",
            "crl": f"verify required ca-file {pki.trust} crl-file {pki.crls}",
            "none": "verify none",
        }
        common = f"no-ssl-reuse ssl-min-ver TLSv{version} ssl-max-ver TLSv{version} sni str(localhost)"
        sections = [
            f"backend {name.replace(' ', '-')}-{kind}\n"
            f"    server s 127.0.0.1:{backends.ports[name]} ssl {kinds[kind]} {common}\n"
            for name, kind in visits
        ]
        sections.append(
            f"backend mutual\n    server s 127.0.0.1:{backends.ports['mutual']} ssl {kinds['required']} {common} "
            f"crt {pki.client.combined}\n"
        )
        config = f"""
frontend tls
    bind 127.0.0.1:{stage.port("http")}
    {LOG}
    use_backend %[path,field(2,/)]
{"".join(sections)}"""
        with Haproxy(stage.folder / "haproxy", config, wrap=stage.wrap, env=stage.env) as haproxy:
            record_visits(stage, visits, ROUNDS)
        stage.record("alerts", backends.take_alerts())
        record_haproxy(stage, haproxy)
        assert b"this is server" in stage.records["0 server required"]
        assert b"503" in stage.records["0 expired required"]
        assert b"ssl_client_verify=SUCCESS" in stage.records["0 mutual"]

    assert equal(scenario).hits == 0, "HAProxy may write"


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_haproxy_resumes_sessions_with_its_backend_as_stock(
    equal: Equal, backends: Backends, version: str
) -> None:
    def scenario(stage: Stage) -> None:
        pki = stage.pki
        config = f"""
frontend tls
    bind 127.0.0.1:{stage.port("http")}
    {LOG}
    http-response set-header x-resumed %[ssl_bc_is_resumed]
    default_backend b
backend b
    http-reuse never
    server s 127.0.0.1:{backends.ports["server"]} ssl verify required ca-file {pki.trust} ssl-max-ver TLSv{version} sni str(localhost)
"""
        with Haproxy(stage.folder / "haproxy", config, wrap=stage.wrap, env=stage.env) as haproxy:
            for turn in range(5):
                stage.record(f"{turn}", fetch(stage.port("http"), "/"), HTTP_DATE)
        record_haproxy(stage, haproxy)
        assert b"x-resumed: 1" in stage.records["4"]

    equal(scenario)


def test_haproxy_threads_serve_many_clients_as_stock(equal: Equal) -> None:
    count = 80

    def scenario(stage: Stage) -> None:
        pki = stage.pki
        config = frontend(stage, "required", "no-tls-tickets")
        haproxy = Haproxy(stage.folder / "haproxy", config, threads=4, wrap=stage.wrap, env=stage.env)
        with haproxy:
            clients = [getattr(pki, CLIENTS[n % 2]) for n in range(count)]
            visits = [visit(stage.port("tls"), pki.trust, client, keep=True) for client in clients]
            for number, seen in enumerate(visits):
                stage.record(f"{number}", seen.outcome, HTTP_DATE)
                seen.close()
        record_haproxy(stage, haproxy, ordered=False)

    assert equal(scenario).hits == 0, "HAProxy may write"


@pytest.mark.parametrize("kind", ["cert", "ca-file", "crl-file"])
def test_haproxy_changes_certificates_while_it_runs_as_stock(equal: Equal, kind: str) -> None:
    """The runtime API parses certificates, lists them, and replaces them. One kind at a time, because HAProxy 2.6 itself crashes
    if a CA file is committed after a certificate."""

    def scenario(stage: Stage) -> None:
        pki = stage.pki
        config = frontend(stage, "required")
        with Haproxy(stage.folder / "haproxy", config, wrap=stage.wrap, env=stage.env) as haproxy:
            news: list[bytes]
            match kind:
                case "cert":
                    place, news = pki.server.combined, [
                        c.combined.read_bytes() for c in (pki.ec_server, pki.server)
                    ]
                case "ca-file":
                    place, news = pki.trust, [c.pem_bytes for c in (pki.ec_root, pki.root)]
                case _:
                    place, news = pki.crls, [pki.crl.pem_bytes, pki.crls.read_bytes()]
            for turn, new in enumerate(news * 2):
                text = new.decode().replace("\n\n", "\n").strip()
                for number, command in enumerate(
                    (
                        f"show ssl {kind}",
                        f"show ssl {kind} {place}",
                        f"set ssl {kind} {place} <<\n{text}\n",
                        f"commit ssl {kind} {place}",
                        f"show ssl {kind} {place}",
                    )
                ):
                    stage.record(f"{turn} command {number}", haproxy.command(command))
                for name in CLIENTS[:4]:
                    seen = visit(stage.port("tls"), pki.trust, getattr(pki, name))
                    stage.record(f"{turn} {name}", seen.outcome, HTTP_DATE)
        record_haproxy(stage, haproxy)
        assert b"Success!" in stage.records["0 command 3"]
        assert len({stage.records[f"{turn} command 1"] for turn in range(4)}) > 1

    equal(scenario)
