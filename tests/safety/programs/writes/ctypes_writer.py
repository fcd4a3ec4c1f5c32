# SPDX-License-Identifier: Apache-2.0
"""Python's ssl module makes two connections. Then a Python library calls writing functions through ctypes: ctypes_writer.py WHAT."""

import ctypes
import os
import ssl
import sys

PKI = os.environ["SAFETY_PKI"]
what = sys.argv[1]


def contexts():
    client = ssl.create_default_context(cafile=f"{PKI}/trust.bundle.pem")
    client.load_cert_chain(f"{PKI}/client.chain.pem", f"{PKI}/client.key.pem")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(f"{PKI}/server.chain.pem", f"{PKI}/server.key.pem")
    server.load_verify_locations(f"{PKI}/trust.bundle.pem")
    server.verify_mode = ssl.CERT_REQUIRED
    return client, server


def pair(client, server):
    a, b = ssl.MemoryBIO(), ssl.MemoryBIO()
    c, s = client.wrap_bio(a, b, server_hostname="localhost"), server.wrap_bio(b, a, server_side=True)
    for _ in range(6):
        for end in (c, s):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as e:
                return e.reason
    return c, s


def shown(p):
    if isinstance(p, str):
        return p
    certificate = p[1].getpeercert()
    return certificate["subject"], certificate["notBefore"], certificate["notAfter"], certificate["serialNumber"]


one, two = contexts(), contexts()
first, second = pair(*one), pair(*two)
print("first", shown(first))
print("second", shown(second))

library = ctypes.CDLL(f"libcrypto.so.{ssl.OPENSSL_VERSION_INFO[0]}")
tls = ctypes.CDLL(f"libssl.so.{ssl.OPENSSL_VERSION_INFO[0]}")


class PyObjectHead(ctypes.Structure):
    _fields_ = [("count", ctypes.c_ssize_t), ("type", ctypes.c_void_p)]


class PySSLSocket(ctypes.Structure):
    """The beginning of _ssl._SSLSocket: the head, the socket, the SSL."""

    _fields_ = [("head", PyObjectHead), ("socket", ctypes.c_void_p), ("ssl", ctypes.c_void_p)]


def function(of, name, result, *arguments):
    f = getattr(of, name)
    f.restype, f.argtypes = result, arguments
    return f


pointer, text = ctypes.c_void_p, ctypes.c_char_p
handle = PySSLSocket.from_address(id(first[1]._sslobj)).ssl
peer = function(tls, "SSL_get1_peer_certificate", pointer, pointer)(handle)
if what == "date":
    after = function(library, "X509_getm_notAfter", pointer, pointer)(peer)
    print(bool(function(library, "ASN1_TIME_set", pointer, pointer, ctypes.c_long)(after, 0)))
elif what == "name":
    name = function(library, "X509_get_subject_name", pointer, pointer)(peer)
    add = function(
        library, "X509_NAME_add_entry_by_txt", ctypes.c_int, pointer, text, ctypes.c_int, text, ctypes.c_int, ctypes.c_int, ctypes.c_int
    )
    print(add(name, b"OU", 0x1001, b"written", -1, -1, 0))
elif what == "serial":
    serial = function(library, "X509_get_serialNumber", pointer, pointer)(peer)
    print(function(library, "ASN1_INTEGER_set", ctypes.c_int, pointer, ctypes.c_long)(serial, 4711))
elif what == "setter":
    time = function(library, "ASN1_TIME_set", pointer, pointer, ctypes.c_long)(None, 0)
    print(function(library, "X509_set1_notAfter", ctypes.c_int, pointer, pointer)(peer, time))
print("first", shown(first))
print("second", shown(second))
print("third", shown(pair(*two)))
print("fourth", shown(pair(*contexts())))
