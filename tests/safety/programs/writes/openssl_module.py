# SPDX-License-Identifier: Apache-2.0
"""pyOpenSSL changes the program's certificate through pointers: openssl_module.py WHAT. A later parse of the same bytes does not see the change."""

import os
import sys

from OpenSSL import SSL, crypto

PKI = os.environ["SAFETY_PKI"]
what = sys.argv[1]
pem = open(f"{PKI}/client.cert.pem", "rb").read()


def shown(x):
    return (x.get_subject().get_components(), x.get_issuer().get_components(), x.get_notBefore(), x.get_notAfter(),
            x.get_serial_number(), x.get_extension_count())


def checked(x):
    store = crypto.X509Store()
    for name in ("root", "mid"):
        store.add_cert(crypto.load_certificate(crypto.FILETYPE_PEM, open(f"{PKI}/{name}.cert.pem", "rb").read()))
    try:
        crypto.X509StoreContext(store, x).verify_certificate()
        return "good"
    except crypto.X509StoreContextError as e:
        return str(e)


def write(x):
    if what == "before":
        x.gmtime_adj_notBefore(3600)
    elif what == "before-set":
        x.set_notBefore(b"20400101000000Z")
    elif what == "after":
        x.gmtime_adj_notAfter(-3600)
    elif what == "after-set":
        x.set_notAfter(b"20000101000000Z")
    elif what == "subject":
        x.get_subject().CN = "changed"
    elif what == "issuer":
        x.get_issuer().CN = "changed"
    elif what == "serial":
        x.set_serial_number(99)
    elif what == "extension":
        x.add_extensions([crypto.X509Extension(b"nsComment", False, b"changed")])


def pair():
    client, server = SSL.Context(SSL.TLS_METHOD), SSL.Context(SSL.TLS_METHOD)
    client.load_verify_locations(f"{PKI}/trust.bundle.pem")
    client.set_verify(SSL.VERIFY_PEER, lambda *a: bool(a[-1]))
    client.use_certificate_chain_file(f"{PKI}/client.chain.pem")
    client.use_privatekey_file(f"{PKI}/client.key.pem")
    server.load_verify_locations(f"{PKI}/trust.bundle.pem")
    server.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *a: bool(a[-1]))
    server.use_certificate_chain_file(f"{PKI}/server.chain.pem")
    server.use_privatekey_file(f"{PKI}/server.key.pem")
    c, s = SSL.Connection(client, None), SSL.Connection(server, None)
    c.set_connect_state()
    s.set_accept_state()
    done = set()
    for _ in range(6):
        for end, other in ((c, s), (s, c)):
            try:
                end.do_handshake()
                done.add(end)
            except SSL.WantReadError:
                pass
            except SSL.Error as e:
                return [reason[-1] for reason in e.args[0]]
            try:
                other.bio_write(end.bio_read(65536))
            except SSL.WantReadError:
                pass
    return s


if what.startswith("peer-"):
    what = what[5:]
    one, two = pair(), pair()
    write(one.get_peer_certificate())
    print("one", shown(one.get_peer_certificate()) != shown(two.get_peer_certificate()))
    print("two", shown(two.get_peer_certificate()))
    three = pair()
    print("three", three if isinstance(three, list) else shown(three.get_peer_certificate()))
else:
    mine = crypto.load_certificate(crypto.FILETYPE_PEM, pem)
    write(mine)
    again = crypto.load_certificate(crypto.FILETYPE_PEM, pem)
    print("read again", shown(again), checked(again))
    del mine
    once_more = crypto.load_certificate(crypto.FILETYPE_PEM, pem)
    print("once more", shown(once_more), checked(once_more))
print("peers", type(pair()).__name__)
