# SPDX-License-Identifier: Apache-2.0
"""Writes: what one connection, store or context does to an object is visible only where it is visible in stock."""

from __future__ import annotations

import subprocess

import pytest
from harness import PYTHON, Case, Library, Mode, Stage, crossed

PLUGIN = Library("writes/writers_plugin.c")
PATH = "{here}/writers_plugin.so"
SOURCES = (
    "peer peer0 server-peer chain verified-leaf verified-root session callback objects all issuer subject".split()
)
CERTIFICATE = (
    "before after set-after version serial name name-less issuer-name extension no-extension trust reject alias proxy key"
    " other-key data key-data bytes".split()
)
LIST = "list-date list-date-pointer list-entry list-entry-pointer list-more list-extension".split()


def write(source: str, what: str, order: str, way: str) -> Case:
    helped = ("certificates", "trust_stores") if way != "relocation" else ()
    return Case(
        "writes/write_and_see.c",
        (source, what, order, PATH if way in ("plugin", "deepbind") else "dlsym"),
        name=f"{source}-{what}-{order}-{way}",
        flags=("-DBY_RELOCATION",) if way == "relocation" else (),
        plugins=(PLUGIN,),
        env=(("SAFETY_DEEPBIND", "1"),) if way == "deepbind" else (),
        helped=helped,
        shows="a new context: handshake",
    )


# An object that a program got before its first module that may write was opened is a limit (docs/safety.md),
# so "early" is not asked for. Each write to the peer by each way; each source with the writes that change a
# verification; lists of revocations.
CASES = [
    *(write("peer", what, "late", way) for what in CERTIFICATE for way in ("relocation", "dlsym", "plugin")),
    *(write(source, what, "late", "plugin") for source in SOURCES[1:] for what in ("after", "trust", "reject", "key", "data")),
    *(write(source, "trust", "late", way) for source in ("objects", "verified-root") for way in ("relocation", "deepbind", "dlsym")),
    *(write("list", what, "late", way) for what in LIST for way in ("relocation", "dlsym", "plugin")),
]
GETTERS = (
    "X509_get_serialNumber X509_get0_serialNumber X509_getm_notAfter X509_getm_notBefore X509_get0_notAfter X509_get0_notBefore"
    " X509_get_subject_name X509_get_issuer_name X509_get_ext X509_get0_extensions X509_get0_pubkey_bitstr X509_get_X509_PUBKEY"
    " X509_get0_signature X509_get0_tbs_sigalg X509_get0_subject_key_id X509_get0_authority_key_id type flags end algorithm"
).split()
BARE_CASES = [
    Case(
        "writes/bare_pointers.c",
        (whose, way),
        helped=("certificates", "trust_stores") if way[0] != "@" else (),
        shows="a later peer",
    )
    for whose in ("PEER", "ROOT")
    for way in (*GETTERS, "@X509_get_serialNumber", "@X509_get_subject_name")
    if (whose, way) != ("ROOT", "X509_get0_authority_key_id")  # it has none
]
REPLACED = [Case("writes/replaced_store.c", (how,), shows="end") for how in "context connection both gone".split()]
HELD = [
    Case("writes/held_elsewhere.c", (where, end), name=f"{where}-{end}", helped=("certificates",), shows="end")
    for where in "chain list lists verification object store context connection context-chain connection-chain".split()
    for end in ("stays", "back")
    if end == "stays" or where in ("chain", "list", "lists", "verification")
] + [
    Case("writes/held_elsewhere.c", (where, "stays"), name=where, flags=("-DMESSAGES",), shows="end")
    for where in ("pkcs7", "cms", "ocsp")
] + [
    Case("writes/held_elsewhere.c", ("chain", end), name=f"looked-up-{end}", flags=("-DLOOKED_UP",), helped=("certificates",), shows="end")
    for end in ("stays", "back")
]
OTHER_SESSION = [
    Case("writes/other_session.c", (how, through), name=f"{how}-{through}", helped=("certificates",), shows="end")
    for how in "clear none other renegotiated".split()
    for through in ("peer", "chain")
]
EQUAL = [Case("writes/equal_in_store.c", (how,), helped=("certificates",), shows="end") for how in "added verified later pinned".split()]
OUT_CASES = [
    Case("writes/out_parameters.c", name=f"{how}", flags=(f"-DHOW={how}",), shows="other: handshake 1")
    for how in range(1, 12)
]
STRUCTURES = [
    Case("writes/public_structures.c", name=f"{how}", flags=(f"-DHOW={how}",), shows="end") for how in range(1, 6)
]
LENT_CASES = [
    Case("writes/lent_past_the_session.c", name=name, flags=(f"-DHOW={how}",), shows="the peer's alias: mine")
    for how, name in ((1, "transparency"), (2, "dane"), (3, "check-issued"), (4, "custom-extension"))
]
LISTS = [
    Case("writes/lists.c", (how,), name=f"{how}-{flag[2:].lower()}", flags=(flag,), shows="tls")
    for how in "sent verified strip add each spoil".split()
    for flag in ("-DWRITES", "-DATTACHES")
    if (how, flag) != ("spoil", "-DATTACHES")
]
OPEN = [
    Case(
        "writes/open_connections.c",
        (how, *arguments),
        name=f"{how}-{name}",
        flags=flags,
        plugins=plugins,
        helped=("certificates",),
        shows="end",
    )
    for how in "end removed callback held copy".split()
    for name, flags, plugins, arguments in (("attaches", ("-DATTACHES",), (), ()), ("late", (), (PLUGIN,), (PATH,)))
    if (how, name) != ("callback", "attaches")  # its first callback is in the first handshake, and ends sharing
]
LOCKED = [
    Case("writes/locked_store.c", (how, *arguments), name=f"{how}-{name}{looked_up}", flags=(*flags, *more), plugins=plugins, shows="end")
    for how in "own other early".split()
    for name, flags, plugins, arguments in (("attaches", ("-DATTACHES",), (), ()), ("late", (), (PLUGIN,), (PATH,)))
    for looked_up, more in (("", ()), ("-looked-up", ("-DLOOKED_UP",)))
    if (how, name) != ("early", "late")  # a pointer from before the load: docs/limits.md
]
FOUND = [
    Case("writes/found_in_store.c", (how, PATH), name=f"{how}-late", plugins=(PLUGIN,), shows="verified 0, error 28")
    for how in "issuer certs by-subject lookup lookup-ex issuer-function certs-function".split()
] + [
    Case("writes/found_in_store.c", (how,), name=f"{how}-attaches", flags=("-DATTACHES",), shows="first store: written")
    for how in "issuer certs by-subject".split()
]
CRLS = [Case("writes/crl_of_store.c", (when, PATH), name=when, plugins=(PLUGIN,), shows="store 0: 2070") for when in ("before", "after")]
MANY_LOCKS = [
    Case("writes/many_locks.c", (how, PATH), name=f"many-locks-{how}", plugins=(PLUGIN,), shows="written: trust 2")
    for how in "held freed refused".split()
]
IN_USE = [
    Case("writes/store_in_use.c", (how, *arguments), name=f"{how}-{name}", flags=flags, plugins=plugins, shows="good: 6", seconds=60)
    for how in "certs objects subject chain".split()
    for name, flags, plugins, arguments in (("attaches", ("-DATTACHES",), (), ()), ("late", (), (PLUGIN,), (PATH,)))
]
ENDED = [Case("writes/ended_store.c", helped=("certificates",), shows="end")]
BUILT = [Case("writes/built_chain.c", (how,), helped=("certificates",), shows="end") for how in "context connection store".split()]
SCARCE = [Case("writes/without_memory.c", (how,), helped=("certificates",), shows="data is there: 1") for how in ("held", "lent")] + [
    Case("writes/one_allocation.c", helped=("certificates",), shows="without a key: 0", seconds=60)
]
PYTHON_CASES = [Case("writes/ctypes_writer.py", (what,), shows="fourth") for what in "date name serial setter".split()]
MODULE = "before before-set after after-set subject issuer serial extension".split()
MODULE_CASES = [
    Case("writes/openssl_module.py", (f"{prefix}{what}",), shows="peers") for prefix in ("", "peer-") for what in MODULE
]


@pytest.mark.parametrize("case, mode", crossed([*CASES, *BARE_CASES, *OUT_CASES, *STRUCTURES, *LENT_CASES, *LISTS, *REPLACED, *HELD, *OTHER_SESSION, *EQUAL, *LOCKED, *FOUND, *CRLS, *MANY_LOCKS, *IN_USE, *BUILT, *ENDED, *OPEN, *SCARCE, *PYTHON_CASES]), ids=str)
def test_a_write_is_seen_by_those_who_see_it_in_stock(case: Case, mode: Mode, stage: Stage) -> None:
    stage.as_stock(case, mode)


@pytest.fixture(scope="session")
def openssl_module() -> None:
    found = subprocess.run([PYTHON, "-I", "-c", "import OpenSSL"], capture_output=True)
    if found.returncode != 0:
        pytest.skip("python3-openssl is not installed")


@pytest.mark.usefixtures("openssl_module")
@pytest.mark.parametrize("case, mode", crossed(MODULE_CASES), ids=str)
def test_what_pyopenssl_writes_stays_with_its_own_object(case: Case, mode: Mode, stage: Stage) -> None:
    stage.as_stock(case, mode)
