# SPDX-License-Identifier: Apache-2.0
"""Run under ibid and stock: makes TLS contexts in every way that Python's ssl offers, and prints what they hold.

Arguments: the folder of the PKI.
"""

import hashlib
import ssl
import sys
from pathlib import Path

folder = Path(sys.argv[1])


def show(what: str, context: ssl.SSLContext) -> None:
    held = context.get_ca_certs(binary_form=True)
    digest = hashlib.sha256(b"".join(held)).hexdigest()
    print(what, context.cert_store_stats(), len(held), digest)
    for certificate in context.get_ca_certs()[:3]:
        print("  ", certificate)


def attempt(what: str, action) -> None:  # type: ignore[no-untyped-def]
    try:
        action()
        print(what, "succeeds")
    except Exception as error:
        print(
            what, type(error).__name__, getattr(error, "library", None), getattr(error, "reason", None), error
        )


system = "/etc/ssl/certs/ca-certificates.crt"
contexts = []
for turn in range(3):
    contexts.append(ssl.create_default_context())
    show("default", contexts[-1])
    contexts.append(ssl.create_default_context(cafile=system))
    show("system file", contexts[-1])
    contexts.append(ssl.create_default_context(cafile=folder / "trust.bundle.pem"))
    show("our file", contexts[-1])
    # The same file twice into one store, and files with the same certificates: the store keeps one of each.
    contexts[-1].load_verify_locations(folder / "trust.bundle.pem")
    contexts[-1].load_verify_locations(folder / "root.cert.pem")
    show("our file and again", contexts[-1])
    contexts[-1].load_verify_locations(folder / "crls.bundle.pem")
    show("with revocation lists", contexts[-1])
    contexts[-1].load_verify_locations(cadata=(folder / "other-root.cert.pem").read_text())
    # With a much newer OpenSSL, CPython 3.11 treats the end of such data as an error.
    for name in ("root", "intermediate"):
        der = (folder / f"{name}.cert.der").read_bytes()
        attempt(f"{name} in DER", lambda: contexts[-1].load_verify_locations(cadata=der))
    show("with data", contexts[-1])
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.combined.pem")
    server.load_cert_chain(folder / "ec-server.chain.pem", folder / "ec-server.key.pem")
    server.load_verify_locations(capath=folder / "trust.d")
    show("directory", server)  # is read when a certificate is looked up
    contexts.append(server)
    empty = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    attempt("no such file", lambda: empty.load_verify_locations(folder / "nowhere"))
    attempt("a key as trust", lambda: empty.load_verify_locations(folder / "server.key.pem"))
    attempt(
        "broken DER", lambda: empty.load_verify_locations(cadata=(folder / "root.cert.der").read_bytes()[:-5])
    )
    attempt(
        "trailing byte",
        lambda: empty.load_verify_locations(cadata=(folder / "root.cert.der").read_bytes() + b"\0"),
    )
    attempt("broken PEM", lambda: empty.load_verify_locations(cadata="-----BEGIN CERTIFICATE-----\nMIIB\n"))
    attempt("broken file", lambda: empty.load_verify_locations(folder / "broken.bundle.pem"))
    attempt(
        "wrong key", lambda: empty.load_cert_chain(folder / "server.chain.pem", folder / "client.key.pem")
    )
    show("after errors", empty)
    if turn == 1:
        contexts.clear()  # and again, from the start
print(ssl._ssl._test_decode_cert(str(folder / "server.cert.pem")))  # type: ignore[attr-defined]
