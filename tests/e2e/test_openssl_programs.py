# SPDX-License-Identifier: Apache-2.0
"""OpenSSL's own programs under ibid and stock: s_client, s_server, verify, x509, cms, ocsp, pkcs12."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from equality import OPENSSL_OUTPUT, Scenario, Stage, Statistics
from servers import BROKEN, CLIENTS, SOUND, UNSOUND, Backends
from tls_client import visit

from testbed.openssl import SClient, SServer
from testbed.pki import broken_der
from testbed.program import require
from testbed.raw_tls import raw_client

Equal = Callable[[Scenario], Statistics]
Word = str | Path

# The length of an ECDSA signature varies between 70 and 72 bytes.
SIGNATURE_SIZES = ((rb"read \d+ bytes and written \d+ bytes", b"read <n> bytes and written <n> bytes"),)


def run_openssl(stage: Stage, what: str, *words: Word, typed: bytes = b"", status: int | None = None) -> None:
    """Runs one openssl command until it ends."""
    done = subprocess.run(
        [*stage.wrap, require("openssl"), *words],
        input=typed,
        capture_output=True,
        cwd=stage.folder,
        env={"PATH": "/usr/bin:/bin", **stage.env},
        timeout=60,
    )
    stage.record(f"{what}: exit status", done.returncode)
    stage.record(
        f"{what}: stdout", done.stdout, (*OPENSSL_OUTPUT, *(SIGNATURE_SIZES if "ec_" in what else ()))
    )
    stage.record(f"{what}: stderr", done.stderr, OPENSSL_OUTPUT)
    assert status is None or done.returncode == status, done.stderr.decode()


def s_client(stage: Stage, what: str, port: int, *words: Word) -> None:
    """An s_client that requests a page and stays until the server hangs up."""
    request = b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n"
    run_openssl(stage, what, "s_client", "-ign_eof", "-connect", f"127.0.0.1:{port}", *words, typed=request)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_s_client_judges_every_server_as_stock(equal: Equal, backends: Backends, version: str) -> None:
    def scenario(stage: Stage) -> None:
        common: list[Word] = [f"-tls{version.replace('.', '_')}", "-showcerts", "-servername", "localhost"]
        common += ["-verify_hostname", "localhost", "-nocommands"]
        checked = [*common, "-CAfile", stage.pki.trust_with_crls, "-crl_check_all", "-verify_return_error"]
        for name in (*SOUND, *UNSOUND, *(f"{how} {version}" for how in BROKEN)):
            port = backends.ports[name]
            s_client(stage, f"{name}, loose", port, *common, "-CAfile", stage.pki.trust)
            s_client(stage, f"{name}, strict", port, *checked)
        for name in CLIENTS[:4]:
            own = getattr(stage.pki, name)
            words = ("-cert", own.cert, "-key", own.key, "-cert_chain", own.above)
            s_client(stage, f"mutual {name}", backends.ports["mutual"], *checked, *words)
        stage.record("alerts", backends.take_alerts())
        assert b"Verify return code: 0 (ok)" in stage.records["server, strict: stdout"]
        assert b"ssl_client_verify=SUCCESS" in stage.records["mutual client: stdout"]

    equal(scenario)


@pytest.mark.parametrize("kind", ["server", "no tickets"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_s_client_connects_again_and_again_as_stock(
    equal: Equal, backends: Backends, version: str, kind: str
) -> None:
    def scenario(stage: Stage) -> None:
        words: list[Word] = ["-reconnect", f"-tls{version.replace('.', '_')}", "-CAfile", stage.pki.trust]
        s_client(stage, "connect", backends.ports[kind], *words, "-servername", "localhost", "-nocommands")
        if kind == "server" and version == "1.2":
            assert stage.records["connect: stdout"].count(b"Reused, TLS") == 5

    assert equal(scenario).hits == 0, "the command may write"


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_s_client_reads_the_session_that_it_wrote_as_stock(
    equal: Equal, backends: Backends, version: str
) -> None:
    def scenario(stage: Stage) -> None:
        common: list[Word] = [
            f"-tls{version.replace('.', '_')}",
            "-CAfile",
            stage.pki.trust,
            "-servername",
            "localhost",
        ]
        common.append("-nocommands")
        port = backends.ports["server"]
        s_client(stage, "first", port, *common, "-sess_out", "session.pem")
        s_client(stage, "second", port, *common, "-sess_in", "session.pem", "-sess_out", "session.pem")
        s_client(stage, "third", port, *common, "-sess_in", "session.pem")
        assert b"Reused, TLS" in stage.records["third: stdout"]
        run_openssl(stage, "sess_id", "sess_id", "-in", "session.pem", "-noout", "-text", "-cert", status=0)

    equal(scenario)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_s_server_judges_every_client_as_stock(equal: Equal, version: str) -> None:
    def scenario(stage: Stage) -> None:
        pki = stage.pki
        server = SServer(
            stage.folder / "s_server",
            pki.server,
            port=stage.port("tls"),
            args=[
                *(
                    "-www",
                    "-Verify",
                    "3",
                    "-verify_return_error",
                    "-crl_check_all",
                    "-CAfile",
                    pki.trust_with_crls,
                ),
                *("-no_cache", "-no_ticket", "-tls1_2" if version == "1.2" else "-tls1_3"),
            ],
            wrap=stage.wrap,
            env=stage.env,
        )
        with server:
            for turn in range(2):
                for name in CLIENTS:
                    seen = visit(server.port, pki.trust, getattr(pki, name), version=version)
                    stage.record(f"{turn} {name}", seen.outcome, OPENSSL_OUTPUT)
                for how in BROKEN:
                    chain = None
                    if how != "lying lengths":
                        chain = [pki.intermediate.der_bytes, broken_der(pki.client.der_bytes, how)]
                    stage.record(f"{turn} {how}", raw_client(server.port, chain, version=version))
            # Its output about the other clients is written after it has served the last one.
            stage.record(
                "last", visit(server.port, pki.trust, pki.client, version=version).outcome, OPENSSL_OUTPUT
            )
        stage.record("exit status", server.status)
        stage.record("stdout", server.stdout, OPENSSL_OUTPUT)
        stage.record("stderr", server.stderr, OPENSSL_OUTPUT)
        assert b"HTTP/1.0 200 ok" in stage.records["0 client"]

    assert equal(scenario).hits == 0, "the command may write"


@pytest.mark.parametrize("subject", ["server", "client"])
@pytest.mark.parametrize("kind", ["renegotiation", "post-handshake authentication", "DTLS"])
def test_a_conversation_of_s_client_and_s_server_goes_as_stock(equal: Equal, kind: str, subject: str) -> None:
    rounds = 3

    def scenario(stage: Stage) -> None:
        pki = stage.pki
        version = {
            "renegotiation": "-tls1_2",
            "post-handshake authentication": "-tls1_3",
            "DTLS": "-dtls1_2",
        }[kind]
        late = kind != "DTLS"
        server = SServer(
            stage.folder / "s_server",
            pki.server,
            port=stage.port("tls"),
            args=[
                *(version, "-CAfile", pki.trust, "-verify_return_error"),
                *("-no_ticket", "-no_cache", "-naccept", "1"),
                *(("-client_renegotiation",) if kind == "renegotiation" else ()),
                *(() if late else ("-Verify", "3")),
            ],
            wrap=stage.wrap if subject == "server" else (),
            env=stage.env if subject == "server" else {},
        )
        if not late:
            server.ports.clear()  # UDP has no listening state; the server prints ACCEPT
        with server:
            server.wait_for_output(b"ACCEPT")
            client = SClient(
                stage.folder / "s_client",
                server.port,
                args=[
                    *(version, "-CAfile", pki.trust, "-verify_return_error", "-verify_hostname", "localhost"),
                    *("-cert", pki.client.cert, "-key", pki.client.key, "-cert_chain", pki.client.above),
                    *(("-enable_pha",) if version == "-tls1_3" else ()),
                ],
                wrap=stage.wrap if subject == "client" else (),
                env=stage.env if subject == "client" else {},
            )
            with client:
                client.wait_for_output(b"Verify return code")
                for turn in range(rounds):
                    if late:  # ask for the client's certificate
                        server.send(b"R\n" if kind == "renegotiation" else b"c\n")
                        server.wait_for_output(b"SSL_do_handshake -> 1", turn + 1)
                    # The client receives this word after it has answered the request for a certificate.
                    server.send(f"word {turn}\n".encode())
                    client.wait_for_output(f"word {turn}".encode())
                    client.send(f"answer {turn}\n".encode())
                    server.wait_for_output(f"answer {turn}".encode())
                if kind == "renegotiation":
                    for turn in range(2):
                        client.send(b"R\n")  # a full handshake, begun by the client
                        client.wait_for(
                            lambda: client.stderr.count(b"RENEGOTIATING") == turn + 1, "renegotiates"
                        )
                        client.send(f"after {turn}\n".encode())
                        server.wait_for_output(f"after {turn}".encode())
                client.send(b"Q\n")
                client.wait()
            server.wait()
        # How often a read found nothing depends on the network; the conversation itself does not.
        waiting = ((rb"(?m)^(read R BLOCK|Read BLOCK|.*Read BLOCK)\n", b""),)
        for name, program in (("server", server), ("client", client)):
            stage.record(f"{name}: exit status", program.status)
            stage.record(f"{name}: stdout", program.stdout, (*OPENSSL_OUTPUT, *waiting))
            stage.record(f"{name}: stderr", program.stderr, (*OPENSSL_OUTPUT, *waiting))
        # With blanks around "=", up to 3.0.
        assert re.search(rb"depth=0 C ?= ?AT, O ?= ?Ibid Test, OU ?= ?Services, CN ?= ?client", stage.records["server: stderr"])

    assert equal(scenario).hits == 0, "the command may write"


def test_openssl_commands_give_the_same_output(equal: Equal) -> None:
    def scenario(stage: Stage) -> None:
        pki = stage.pki
        pki.write_all()
        folder = pki.pki.folder

        def run(what: str, command: str, status: int | None = None) -> None:
            run_openssl(stage, what, *command.split(), status=status)

        leaves = " ".join(str(getattr(pki, name).cert) for name in (*SOUND, *UNSOUND, *CLIENTS))
        directory = pki.pki.directory("trust.d", [pki.root, pki.ec_root])
        intermediates = pki.pki.bundle("intermediates", [pki.intermediate, pki.ec_intermediate])
        below = f"-untrusted {intermediates}"
        trust = f"-CAfile {pki.trust}"
        for what, words in {
            "file": f"{trust} {below}",
            "directory": f"-CApath {directory} {below}",
            "store": f"-CAstore {pki.trust} {below}",
            "revocation": f"{trust} -CRLfile {pki.crls} -crl_check_all {below}",
            "purpose": f"{trust} -purpose sslclient {below}",
            "host": f"{trust} -verify_hostname www.ibid.test -x509_strict {below}",
            "partial": f"-partial_chain -trusted {pki.intermediate.cert}",
            "policy": f"{trust} -policy_check -explicit_policy -policy 2.23.140.1.2.1 {below}",
            "no such file": f"-CAfile {folder}/nowhere",
        }.items():
            run(f"verify {what}", f"verify -show_chain {words} {leaves} {leaves}")
        for name in ("server", "ec_server", "client"):
            credential = getattr(pki, name)
            run(f"x509 {name}", f"x509 -in {credential.cert} -text -fingerprint -ocsp_uri", status=0)
            run(f"x509 DER {name}", f"x509 -in {credential.der} -inform DER -noout -text", status=0)
        for how in BROKEN[:-1]:
            (stage.folder / "broken.der").write_bytes(broken_der(pki.server.der_bytes, how))
            run(f"x509 {how}", "x509 -in broken.der -inform DER -noout -text")

        # Trust settings behind a certificate belong to one object, never to another object with the same
        # bytes.
        settings = "-addtrust clientAuth -addreject serverAuth -setalias x -trustout"
        run("set trust", f"x509 -in {pki.root.cert} {settings} -out trusted.pem", status=0)
        run("show trust", "x509 -in trusted.pem -noout -text -alias", status=0)
        trusted = f"-trusted trusted.pem -trusted {pki.ec_root.cert} {below}"
        run("verify by trust settings", f"verify -purpose sslserver {trusted} {leaves}")
        run("verify by both", f"verify {trust} -trusted trusted.pem {below} {leaves}")

        run("crl", f"crl -in {pki.crl.path} -text -CAfile {pki.intermediate.cert}", status=0)
        run("crl2pkcs7", f"crl2pkcs7 -nocrl -certfile {pki.server.chain} -out p7.pem", status=0)
        run("pkcs7", "pkcs7 -in p7.pem -print_certs -text", status=0)
        export = f"-export -in {pki.server.chain} -inkey {pki.server.key}"
        run("pkcs12 out", f"pkcs12 {export} -passout pass:x -out store.p12", status=0)
        run("pkcs12 in", "pkcs12 -in store.p12 -passin pass:x -nokeys", status=0)

        (stage.folder / "text").write_text("text\n")
        signer = f"-signer {pki.client.cert} -inkey {pki.client.key} -certfile {pki.client.above}"
        run("cms sign", f"cms -sign -binary -in text {signer} -outform DER -out signed.der", status=0)
        for purpose in ("any", "smimesign"):
            run(f"cms verify {purpose}", f"cms -verify -in signed.der -inform DER {trust} -purpose {purpose}")

        # An OCSP answer carries the responder's chain.
        server = pki.server.x509
        (stage.folder / "index.txt").write_text(
            f"V\t{server.not_valid_after:%y%m%d%H%M%SZ}\t\t{server.serial_number:X}\tunknown\t/CN=localhost\n"
        )
        authority = pki.intermediate.cert
        about = f"-issuer {authority} -cert {pki.server.cert} -no_nonce"
        responder = f"-index index.txt -CA {authority} -rsigner {authority} -rkey {pki.intermediate.key}"
        run("ocsp answer", f"ocsp {responder} {about} -respout answer.der -noverify", status=0)
        run("ocsp verify", f"ocsp -respin answer.der {trust} {about} -verify_other {authority}", status=0)

    equal(scenario)
