# SPDX-License-Identifier: Apache-2.0
"""Run under ibid and stock: connects to servers with and without verification, and prints everything it sees.

Arguments: the CA file, the CA file with CRLs, the client's chain and key, then NAME=PORT words. `mutual` demands a
client's certificate.
"""

import http.client
import socket
import ssl
import sys
import urllib.error
import urllib.request

trust, trust_with_crls, chain, key = sys.argv[1:5]
servers = dict(word.rsplit("=", 1) for word in sys.argv[5:])
VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


def report(error: BaseException) -> str:
    facts = [type(error).__name__, str(error)]
    for name in ("library", "reason", "verify_code", "verify_message"):
        if hasattr(error, name):
            facts.append(f"{name}={getattr(error, name)}")
    return " | ".join(facts)


def connect(context: ssl.SSLContext, port: str, host: str = "localhost", session=None):  # type: ignore[no-untyped-def]
    raw = socket.create_connection(("127.0.0.1", int(port)), timeout=20)
    try:
        return context.wrap_socket(raw, server_hostname=host, session=session)
    except BaseException:
        raw.close()
        raise


def contexts(version: ssl.TLSVersion) -> dict[str, ssl.SSLContext]:
    made = {}
    for name in ("careful", "with crls", "no host name", "careless", "strict", "partial chain"):
        context = ssl.create_default_context(cafile=trust_with_crls if name == "with crls" else trust)
        context.minimum_version = context.maximum_version = version
        context.load_cert_chain(chain, key)
        if name == "with crls":
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
        if name in ("no host name", "careless"):
            context.check_hostname = False
        if name == "careless":
            context.verify_mode = ssl.CERT_NONE
        if name == "strict":
            context.verify_flags |= ssl.VERIFY_X509_STRICT
        if name == "partial chain":
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        made[name] = context
    return made


held = []
for version in VERSIONS:
    for turn in range(2):
        for kind, context in contexts(version).items():
            for name, port in servers.items():
                if name[-3:] in ("1.2", "1.3") and not version.name.endswith(name[-1]):
                    continue  # a server of the other version of TLS
                print(version.name, turn, kind, name, end=": ")
                try:
                    connection = connect(context, port)
                except (ssl.SSLError, OSError) as error:
                    print(report(error))
                    continue
                print(
                    connection.version(),
                    connection.cipher(),
                    connection.getpeercert(),
                    connection.getpeercert(True),
                )
                connection.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
                answer = b""
                try:
                    while chunk := connection.recv(65536):
                        answer += chunk
                except (ssl.SSLError, OSError) as error:
                    print("  ", report(error))
                print("  ", answer)
                if name == "server" and kind == "careful":
                    held.append(connection)  # open until the end
                else:
                    connection.close()

print("resumption")
for version in VERSIONS:
    context = contexts(version)["careful"]
    session = None
    for turn in range(4):
        connection = connect(context, servers["server"], session=session)
        connection.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
        while connection.recv(65536):
            pass
        print(
            version.name,
            turn,
            connection.session_reused,
            connection.getpeercert(),
            connection.getpeercert(True),
        )
        session = connection.session
        connection.close()

print("urllib")
for name in ("server", "ec_server", "expired", "wrong_host", "unknown_ca", "missing_intermediate", "mutual"):
    for turn in range(2):
        try:
            with urllib.request.urlopen(
                f"https://localhost:{servers[name]}/", context=ssl.create_default_context(cafile=trust)
            ) as response:
                print(name, response.status, sorted(response.headers.keys()), response.read())
        except urllib.error.URLError as error:
            print(name, report(error))

print("http.client, and a look at a certificate that is not verified")
connection = http.client.HTTPSConnection(
    "localhost", int(servers["server"]), context=contexts(VERSIONS[1])["careful"]
)
for turn in range(3):
    connection.request("GET", "/")
    response = connection.getresponse()
    print(response.status, response.read())
print(ssl.get_server_certificate(("localhost", int(servers["expired"]))))
print("end", len(held))
