# SPDX-License-Identifier: Apache-2.0
"""Python reaches OpenSSL by ctypes before and beside its own modules: ctypes_providers.py WHAT."""

import ctypes
import os
import sys

PKI = os.environ["SAFETY_PKI"]
what = sys.argv[1]


def opened(name):
    try:
        return ctypes.CDLL(f"{name}.so.4")  # Python's own modules use this one
    except OSError:
        return ctypes.CDLL(f"{name}.so.3")


library = opened("libssl" if what.endswith("by-ssl") else "libcrypto")


def function(name, result=ctypes.c_void_p):
    f = getattr(library, name)
    f.restype = result
    return f


def tell(name, action):
    try:
        print(name, action())
    except Exception as e:
        print(name, type(e).__name__, e)


if what.startswith("legacy"):
    load = function("OSSL_PROVIDER_load")
    print("legacy", bool(load(None, b"legacy")), "default", bool(load(None, b"default")))
elif what == "try":
    load = function("OSSL_PROVIDER_try_load")
    print("legacy", bool(load(None, b"legacy", 1)), "nothing", bool(load(None, b"nothing", 1)))
elif what == "unload":
    load, unload = function("OSSL_PROVIDER_load"), function("OSSL_PROVIDER_unload", ctypes.c_int)
    unload.argtypes = [ctypes.c_void_p]
    default, legacy = load(None, b"default"), load(None, b"legacy")
    print(bool(default), bool(legacy), unload(legacy), unload(default))
elif what == "own-context":
    context = function("OSSL_LIB_CTX_new")()
    load = function("OSSL_PROVIDER_load")
    load.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    available = function("OSSL_PROVIDER_available", ctypes.c_int)
    available.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    print(bool(load(context, b"legacy")), available(context, b"legacy"), available(None, b"legacy"))
elif what == "default-context":
    context = function("OSSL_LIB_CTX_new")()
    load = function("OSSL_PROVIDER_load")
    load.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    exchange = function("OSSL_LIB_CTX_set0_default")
    exchange.argtypes = [ctypes.c_void_p]
    print(bool(load(context, b"legacy")), bool(exchange(context)))
elif what == "decode":
    der = open(f"{PKI}/client.req.der", "rb").read()
    for name, data in (("d2i_X509_REQ", der), ("d2i_ASN1_INTEGER", b"\x02\x01\x05"), ("d2i_X509", b"\x30\x03")):
        pointer = ctypes.c_char_p(data)
        print(name, bool(function(name)(None, ctypes.byref(pointer), ctypes.c_long(len(data)))))
    function("ERR_clear_error", None)()
elif what == "store":
    store = function("X509_STORE_new")()
    load = function("X509_STORE_load_file", ctypes.c_int)
    load.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    print(load(store, f"{PKI}/trust.bundle.pem".encode()), load(store, b"/nowhere"))
    function("ERR_clear_error", None)()

import hashlib  # noqa: E402

tell("md4", lambda: hashlib.new("md4", b"").hexdigest())
tell("sha256", lambda: hashlib.new("sha256", b"").hexdigest())
import ssl  # noqa: E402


def pair():
    client = ssl.create_default_context(cafile=f"{PKI}/trust.bundle.pem")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(f"{PKI}/server.chain.pem", f"{PKI}/server.key.pem")
    a, b = ssl.MemoryBIO(), ssl.MemoryBIO()
    c, s = client.wrap_bio(a, b, server_hostname="localhost"), server.wrap_bio(b, a, server_side=True)
    for _ in range(6):
        for end in (c, s):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                pass
    return c.getpeercert()["subject"], c.version()


tell("first", pair)
tell("second", pair)
print("end")
