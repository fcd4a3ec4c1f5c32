# SPDX-License-Identifier: Apache-2.0
"""Callers: however a program calls OpenSSL, and whatever else is in the process, the results are as in stock."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from harness import DEFAULT, MODES, OPENSSL, OWN_OBJECTS, PYTHON, STOCK, Case, Library, Mode, Outcome, Stage, crossed

WHATS = (
    "provider legacy try-legacy properties integer request certificate list rsa-key garbage store contexts pem"
).split()
DLSYM = [
    Case("callers/dlsym_program.c", (how, what), libraries="none", shows="end")
    for how in ("local", "global", "deepbind", "namespace")
    for what in WHATS
    if how == "local" or what in ("provider", "request", "rsa-key", "store", "contexts")
]
CTYPES = [
    Case("callers/ctypes_providers.py", (what,), shows="end")
    for what in (
        "legacy-by-ssl legacy-by-crypto try unload own-context default-context decode store nothing".split()
    )
]
HOSTS = [
    Case(
        "callers/plugin_host.c",
        (how, "{here}/plugin_jumps.so"),
        name=how,
        libraries="none",
        plugins=(Library("callers/plugin_jumps.c"),),
        shows="end",
    )
    for how in ("local", "global", "deepbind")
]
CALLBACKS = "info message keys verify verify-whole certificate ticket session".split()
JUMPS = [
    Case("callers/jumping_callbacks.c", (which, parser), modes=OWN_OBJECTS, shows="two objects", helped=("certificates",))
    for which in CALLBACKS
    for parser in ("d2i", "item")
] + [
    Case(
        "callers/jumping_callbacks.c",
        (which, "d2i"),
        name=f"{which}-writes",
        flags=("-DWRITES",),
        shows="two objects",
    )
    for which in CALLBACKS
]
HOOKS = [
    Case("callers/tls_once.c", name=f"{what.lower()}-{where}{'-versioned' if flags else ''}", shows="locations", **{where: (hook,)})
    for what in ("VERIFY", "LOAD", "INNER", "PARSE", "SIGNATURE", "DIGEST", "ITEM", "TIME", "DECODE", "FILES")
    for flags in ((), ("-Wl,--version-script,{source}/versions.map",))
    for where in ("before", "after")
    for hook in (Library("callers/hook_refuses.c", "none", (f"-D{what}", *flags)),)
]
COUNTING = Library("callers/hook_counts.c", "none")
READ_ONLY = Library("callers/read_only_slots.c", "none", ("-fno-pic", "-mcmodel=large", "-Wl,-z,notext"))
NOT_READY = Library("callers/not_ready.c", "none", ("-DAS_LIBRARY",))
CHAINS = [
    Case("callers/not_ready.c", name="program", flags=("-rdynamic",), shows="visited 1"),
    Case("callers/not_ready.c", name="data", flags=("-rdynamic", "-DDATA"), shows="visited 1", helped=("certificates",)),
    *(
        Case("callers/tls_once.c", name=f"not-ready-{where}", shows="handshake 1", **{where: (NOT_READY,)})
        for where in ("before", "after")
    ),
    Case("callers/tls_once.c", name="counted-before", before=(COUNTING,), shows="handshake 1"),
    Case("callers/tls_once.c", name="counted-after", after=(COUNTING,), shows="handshake 1"),
    Case(
        "callers/tls_once.c",
        name="chain-around",
        before=(Library("callers/hook_counts.c", "none", ('-DNAME="outer"',)),),
        after=(Library("callers/hook_refuses.c", "none", ("-DVERIFY",)),),
        shows="handshake -1",
    ),
    *(
        Case("callers/tls_once.c", name=f"read-only-slots-{where}", shows="handshake 1", **{where: (READ_ONLY,)})
        for where in ("before", "after")
    ),
    Case("callers/tls_once.c", name="no-hook", shows="handshake 1", helped=("certificates", "trust_stores")),
    Case("callers/plain_name.c", shows="handshake 1", helped=("certificates",)),
]
AUDITS = [
    Case("callers/tls_once.c", name="audited", audit=Library("callers/auditor.c", "none"), shows="handshake 1"),
    Case(
        "callers/tls_once.c",
        name="audited-refuses",
        audit=Library("callers/auditor.c", "none", ("-DREFUSES",)),
        shows="handshake -1",
    ),
    Case(
        "callers/tls_once.c",
        name="audited-lazy",
        flags=("-Wl,-z,lazy",),
        audit=Library("callers/auditor.c", "none", ("-DREFUSES",)),
        shows="handshake -1",
    ),
]
DLERRORS = [
    Case(
        "callers/pending_dlerror.c",
        (where, "{here}/touching_plugin.so"),
        name=where,
        plugins=(Library("callers/touching_plugin.c"),),
        shows="nothing.so",
    )
    for where in ("program", "thread", "plugin")
]
LOADED_WRITERS = [
    Case(
        "callers/loads_writer.c",
        (how, "{here}/spoiling_plugin.so"),
        name=how,
        plugins=(Library("callers/spoiling_plugin.c"),),
        shows="end",
    )
    for how in "dlopen dlmopen next default handle next-dlmopen next-dlsym next-dlvsym".split()
]
RELOADED = Case(
    "callers/reloaded.c",
    ("6", "{here}/touching_plugin.so", "{here}/writing_plugin.so"),
    name="in-turns",
    plugins=(Library("callers/touching_plugin.c"), Library("callers/writing_plugin.c")),
    shows="end",
)


@pytest.mark.parametrize(
    "case, mode", crossed([*DLSYM, *CTYPES, *HOSTS, *JUMPS, *HOOKS, *CHAINS, *AUDITS, *DLERRORS, *LOADED_WRITERS, RELOADED]), ids=str
)
def test_a_caller_gets_what_stock_gives(case: Case, mode: Mode, stage: Stage) -> None:
    stage.as_stock(case, mode)


@pytest.fixture(scope="session")
def copy(stage: Stage) -> Path:
    """A copy of the system's libcrypto in another file."""
    program = stage.build("callers/tls_once.c", "tls", (), shared=False)
    listed = subprocess.run(["ldd", program], capture_output=True, env=stage.environment())
    found = re.search(rb"libcrypto\.so\.\d+ => (\S+)", listed.stdout)
    assert found
    target = stage.programs / "libcopy.so"
    shutil.copy(found.group(1).decode(), target)
    return target


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("order", ("own-first", "copy-first"))
@pytest.mark.parametrize("how", ("local", "deepbind"))
def test_two_libcryptos_are_two(how: str, order: str, mode: Mode, copy: Path, stage: Stage) -> None:
    arguments = (how, str(copy), *(("copy",) if order == "copy-first" else ()))
    stage.as_stock(Case("callers/two_libcryptos.c", arguments, name=f"{how}-{order}", shows="end"), mode)


EXPORTING = Library("callers/exporting_plugin.c", "none")
CONNECTING = Library("callers/connecting_plugin.c", flags=("-Wl,-z,lazy",))
OTHER_VERSION = "libssl.so.3" if OPENSSL is not None else "libssl.so.4"


def late_bound(how: str, other: str, binding: str, stage: Stage, flags: tuple[str, ...] = ()) -> Case:
    plugin = stage.library(Library("callers/writes_and_gets_plugin.c", flags=("-Wl,-z,lazy", *flags)))
    return Case(
        "callers/late_bound_plugin.c",
        (how, str(plugin), other),
        name=f"{how}-{Path(other).stem}-{binding}",
        flags=(f"-Wl,-z,{binding}",),
        helped=("certificates",),
        shows="one: 1, other: 0",
    )


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("how", ("deep", "failed", "unloaded", "apart"))
@pytest.mark.parametrize("binding", ("lazy", "now"))
def test_a_late_bound_plugin_writes_as_in_stock(how: str, binding: str, mode: Mode, stage: Stage) -> None:
    lacking = stage.library(Library("callers/lacking_plugin.c", libraries="none"))
    stage.as_stock(late_bound(how, str(lacking), binding, stage), mode)


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("how", ("early", "late"))
@pytest.mark.parametrize("binding", ("lazy", "now"))
@pytest.mark.parametrize("other", ("copy", "version", "exporting"))
def test_a_late_bound_plugin_writes_as_in_stock_beside_another_openssl(
    other: str, binding: str, how: str, mode: Mode, copy: Path, stage: Stage
) -> None:
    files = {"copy": str(copy), "version": OTHER_VERSION, "exporting": str(stage.library(EXPORTING))}
    if other == "version" and subprocess.run([PYTHON, "-c", f"import ctypes; ctypes.CDLL('{OTHER_VERSION}')"], capture_output=True).returncode:
        pytest.skip(f"there is no {OTHER_VERSION}")
    stage.as_stock(late_bound(how, files[other], binding, stage), mode)


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("binding", ("lazy", "now"))
@pytest.mark.parametrize("gets", ("itself", "given"))
def test_a_plugin_that_another_thread_is_loading_writes_as_in_stock(gets: str, binding: str, mode: Mode, stage: Stage) -> None:
    flags = ("-DSLOW", "-DGIVEN") if gets == "given" else ("-DSLOW",)
    stage.as_stock(late_bound("meanwhile", "OSSL_PROVIDER_unload", binding, stage, flags=flags), mode)


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_a_late_bound_call_reaches_a_global_library_first(mode: Mode, copy: Path, stage: Stage) -> None:
    renamed = copy.with_name("libcopy9.so")  # also its DT_SONAME, or it would stand for the other one
    renamed.write_bytes(re.sub(rb"libcrypto(\.so\.\d+\0)", rb"libcrypt9\1", copy.read_bytes()))
    plugin = Library("callers/failing_plugin.c", flags=("-Wl,-z,lazy",))
    arguments = (str(renamed), str(stage.library(plugin)))
    stage.as_stock(Case("callers/global_copy.c", arguments, name="copy", libraries="none", shows="the copy's 1, the other's 0"), mode)


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_connections_are_helped_beside_a_library_that_exports_openssls_names(mode: Mode, stage: Stage) -> None:
    plugin = stage.library(CONNECTING)
    arguments = (str(stage.library(EXPORTING)), str(plugin), "plugin_connect")
    case = Case("callers/opens_in_turn.c", arguments, name="beside", libraries="none", shows="end", helped=("certificates", "trust_stores"))
    stage.as_stock(case, mode)


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("order", ("itself", "itself-before", "another"))
def test_a_late_bound_call_reaches_the_library_that_its_module_needs(order: str, mode: Mode, stage: Stage) -> None:
    def needing(library: Path, source: str) -> Path:
        return stage.library(Library(source, "none", ("-Wl,-z,lazy", "-Wl,--no-as-needed", str(library))))

    needed = stage.library(EXPORTING)
    if order == "another":
        needed = needing(needed, "callers/lacking_plugin.c")
    opened = [stage.library(CONNECTING), needed, needing(needed, "callers/verifying_plugin.c")]
    if order == "itself-before":
        opened[0:2] = opened[1::-1]
    arguments = (*map(str, opened), "plugin_verify")
    stage.as_stock(Case("callers/opens_in_turn.c", arguments, name=order, libraries="none", shows="own X509_verify_cert\n"), mode)


@pytest.mark.parametrize("plugin", ("touching_plugin", "crypto_plugin"))
@pytest.mark.parametrize("how", ("together", "one-by-one"))
def test_modules_that_once_called_cost_nothing(how: str, plugin: str, stage: Stage) -> None:
    def run(mode: Mode, count: int) -> Outcome:
        words = (how, str(count), f"{{here}}/{plugin}.so")
        library = Library(f"callers/{plugin}.c")
        outcome = stage.run(Case("callers/many_modules.c", words, plugins=(library,), seconds=60), mode)
        assert outcome.status == 0, outcome.visible()
        return outcome

    complaints: list[str] = []
    for _ in range(3):
        none, many, stock = run(DEFAULT, 0), run(DEFAULT, 150), run(STOCK, 150)
        complaints = [
            f"{what}: {many.figures[what][0]:.3f} s beside 150 modules, {none.figures[what][0]:.3f} without,"
            f" stock {stock.figures[what][0]:.3f}"
            for what in ("handshakes", "trust_files")
            if many.figures[what][0] > min(1.35 * none.figures[what][0], 1.2 * stock.figures[what][0])
        ]
        if not complaints:
            return
    raise AssertionError("; ".join(complaints))
