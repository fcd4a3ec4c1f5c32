# SPDX-License-Identifier: Apache-2.0
"""One program's exchanges as a scenario of tests/e2e/equality.py: it runs stock and under ibid, and both runs must record the same."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from equality import Scenario, Stage  # tests/e2e
from testbed.pki import Credential, Standard
from testbed.program import Program, ProgramError, free_port, wait_until

from .peer import Peer
from .subject import NUMBERS, Client, Server, Subject
from .visit import visit

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PYTHON = "/usr/bin/python3"
BUILT = Path(__file__).resolve().parents[2] / "build/programs/built"
SECONDS = 40  # for one client

# The servers that a client visits, named after their fault, as in testbed.pki.Standard.
SERVERS = ("server", "ec_server", "unknown_ca", "expired", "not_yet_valid", "wrong_host", "missing_intermediate")
OWN_SERVERS = ("server", "unknown_ca", "expired")  # for clients that need a server program of their own
# The clients that visit a server.
CLIENTS = ("client", "ec_client", "", "other_ca_client", "expired_client", "wrong_usage_client", "client")
REVOKED = "revoked_client"


def environment(folder: Path, more: Mapping[str, str]) -> dict[str, str]:
    """Takes nothing from the caller's environment."""
    base = {"PATH": PATH, "HOME": str(folder), "LANG": "C.UTF-8", "TZ": "UTC", "USER": "root", "TERM": "dumb"}
    return {**base, **more}


def values(pki: Standard, folder: Path, own: Credential, port: int) -> dict[str, str]:
    return {
        **{"folder": str(folder), "host": "localhost", "port": str(port), "url": f"https://localhost:{port}/"},
        **{"cert": str(own.cert), "chain": str(own.chain), "above": str(own.above), "key": str(folder / f"{own.name}.key")},
        **{"combined": str(own.combined), "open_key": str(own.key), "trust": str(pki.trust), "crls": str(pki.crls), "python": PYTHON},
        **{"trust_with_crls": str(pki.trust_with_crls)},
    }


def filled(text: str, known: Mapping[str, str]) -> str:
    return re.sub(r"@(\w+)@", lambda m: known.get(m[1], m[0]), text)


def built_folder(client: Client) -> Path:
    return BUILT / re.sub(r"\W+", "-", client.name.lower())


def build(client: Client) -> None:
    """Builds a client that no package has, unless it is built from these sources already."""
    if not client.build:
        return
    folder = built_folder(client)
    done = folder / "built"
    recipe = repr((client.build, sorted(client.sources.items())))
    if done.exists() and done.read_text() == recipe:
        return
    for name, text in client.sources.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    made = subprocess.run(["bash", "-euc", client.build], cwd=folder, env=environment(folder, {}), capture_output=True, timeout=1800)
    if made.returncode != 0:
        raise ProgramError(f"{client.name} was not built: {made.stderr.decode(errors='replace')[-1000:]}")
    done.write_text(recipe)


def key_of_its_own(folder: Path, own: Credential) -> None:
    """Some programs refuse a key that others may read."""
    path = folder / f"{own.name}.key"
    if not path.exists():
        shutil.copyfile(own.key, path)
        path.chmod(0o600)


def write_files(subject: Subject, folder: Path, known: Mapping[str, str]) -> None:
    for name, text in subject.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(filled(text, known))
        path.chmod(0o755 if name.endswith(".sh") else 0o600 if name.startswith(".") else 0o644)


@contextlib.contextmanager
def running(server: Server, pki: Standard, folder: Path, own: Credential, port: int, wrap: Sequence[str] = ()) -> Iterator[Program]:
    """The server, until the end of the block. Then it is stopped, and its status is known."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    key_of_its_own(folder, own)
    other = free_port() if server.beside else 0
    known = {**values(pki, folder, own, port), "other": str(other)}
    write_files(server, folder, known)
    env = environment(folder, {k: filled(v, known) for k, v in server.env.items()})
    with contextlib.ExitStack() as stack:
        if server.prepare:
            done = subprocess.run(["bash", "-euc", filled(server.prepare, known)], cwd=folder, env=env, capture_output=True, timeout=120)
            if done.returncode != 0:
                raise ProgramError(f"{server.name}: preparation failed: {done.stderr.decode(errors='replace')[-2000:]}")
        if server.beside:
            words = [filled(w, known) for w in server.beside]
            stack.enter_context(Program(words, folder=folder / "beside", ports=[other]))
        words = [filled(w, known) for w in server.command]
        program = Program(words, folder=folder, ports=[] if server.ready else [port], wrap=wrap)
        program.env = env
        program.stop_signal = server.stop
        stack.enter_context(program)
        if server.ready:
            check = filled(server.ready, known)
            wait_until(
                lambda: program.status is not None
                or subprocess.run(["bash", "-c", check], cwd=folder, env=env, capture_output=True).returncode == 0,
                program.story,
                60,
            )
            if program.status is not None:
                raise ProgramError(f"{server.name} exited\n{program.story()}")
        yield program
        if program.status is None:
            program.stop()


def run_client(
    client: Client,
    pki: Standard,
    folder: Path,
    port: int,
    *,
    own: Credential | None = None,
    crl: bool = False,
    wrap: Sequence[str] = (),
    more_env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Runs the client once, until it ends."""
    key_of_its_own(folder, own or pki.client)
    known = {**values(pki, folder, own or pki.client, port), "built": str(built_folder(client))}
    known["with_certificate"] = "1" if own else ""
    known["with_crl"] = "1" if crl else ""
    write_files(client, folder, known)
    more = (*((client.with_certificate or ()) if own else ()), *((client.with_crl or ()) if crl else ()))
    at = client.command.index("@more@") if "@more@" in client.command else len(client.command)
    words = [*client.command[:at], *more, *client.command[at + 1 :]]
    env = environment(folder, {**client.env, **(client.env_with_certificate if own else {}), **(more_env or {})})
    if client.output:
        (folder / client.output).unlink(missing_ok=True)
    command = [*wrap, *(filled(w, known) for w in words)]
    env = {k: filled(v, known) for k, v in env.items()}
    try:
        return subprocess.run(command, input=client.input, capture_output=True, cwd=folder, env=env, timeout=SECONDS)
    except subprocess.TimeoutExpired as error:
        return subprocess.CompletedProcess(command, 124, error.stdout or b"", error.stderr or b"")


# ------------------------------------------------------------------------------------------------------------
# Scenarios. A stage is one of tests/e2e/equality.py: folder, certificates, ports, `wrap` (words before the
# program), `record`.


def note_run(stage: Stage, client: Client, what: str, done: subprocess.CompletedProcess[bytes], port: int) -> None:
    noise = ((str(port).encode(), b"<port>"), *client.noise)
    stage.record(f"{what}: status", done.returncode, client.noise if done.returncode else ())
    stage.record(f"{what}: stdout", done.stdout, noise)
    stage.record(f"{what}: stderr", done.stderr, noise)
    if client.output:
        path = stage.folder / client.output
        stage.record(f"{what}: {client.output}", path.read_bytes() if path.exists() else b"(none)", noise)


def cases_of(client: Client, names: Sequence[str]) -> list[tuple[str, str, str, bool]]:
    """(what, server, own certificate, with a CRL)."""
    cases = [(name, name, "", False) for name in names]
    if client.with_crl is not None:
        cases += [(f"{name}, CRL", name, "", True) for name in ("server", "revoked")]
    cases.append(("mutual, none", "mutual 1.2", "", False))
    if client.with_certificate is not None:
        cases += [(f"mutual, {own}", "mutual", own, False) for own in ("client", "ec_client")]
        cases += [(f"mutual, {own}", "mutual 1.2", own, False) for own in ("client", "expired_client", "revoked_client", "other_ca_client")]
        cases[-4] = ("mutual with TLS 1.2, client", *cases[-4][1:])
    return cases


def client_scenario(client: Client, pki: Standard) -> Scenario:
    credentials = {name: getattr(pki, name) for name in (*SERVERS, "revoked")}

    def with_peer(stage: Stage) -> None:
        with Peer(pki, client.accent, credentials) as peer:
            for what, server, own, crl in cases_of(client, SERVERS):
                port = peer.ports[server]
                credential = getattr(pki, own) if own else None
                done = run_client(client, pki, stage.folder, port, own=credential, crl=crl, wrap=stage.wrap, more_env=stage.env)
                note_run(stage, client, what, done, port)
                stage.record(f"{what}: the peer saw", peer.take_seen())
        assert b" GET " in stage.records["server: the peer saw"] or b":" in stage.records["server: the peer saw"], (
            f"not even the sound server was reached: {stage.records}"
        )

    def with_server(stage: Stage) -> None:
        assert client.against is not None
        server = client.against
        for name in OWN_SERVERS:
            port, folder = stage.port(name), stage.folder / f"server-{name}"
            with running(server, pki, folder, getattr(pki, name), port):
                # This server program always demands a certificate, or never.
                owns = [""] if not server.asks else ["client", "", "other_ca_client", "expired_client"] if name == "server" else ["client"]
                for own in owns:
                    if own and client.with_certificate is None:
                        continue
                    credential = getattr(pki, own) if own else None
                    done = run_client(client, pki, stage.folder, port, own=credential, wrap=stage.wrap, more_env=stage.env)
                    note_run(stage, client, f"{name}, {own or 'none'}", done, port)
        assert b"0" == next(iter(stage.records.values())), f"not even the sound exchange went well: {stage.records}"

    return with_server if client.against else with_peer


def connected(port: int) -> bool:
    """Whether the server still has a connection."""
    local = f"0100007F:{port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[1] == local and row[3] in ("01", "08") for row in rows)  # ESTABLISHED, CLOSE_WAIT


def server_scenario(server: Server, pki: Standard) -> Scenario:
    def scenario(stage: Stage) -> None:
        port = stage.port("tls")
        clients = [*(CLIENTS if server.asks else ("", "client")), *((REVOKED,) if server.asks and server.checks_crl else ())]
        with running(server, pki, stage.folder / "server", pki.server, port, stage.wrap) as program:
            for turn in range(2 if server.visitor is None else 1):
                for version in server.versions if server.visitor is None else ("-",):
                    for i, name in enumerate(clients):
                        own = getattr(pki, name) if name else None
                        what = f"{turn} {version} {i} {name or 'none'}"
                        if server.visitor is None:
                            stage.record(what, visit(port, pki.trust, own, version, server.opening, server.request, server.compares, server.answers))
                        else:
                            done = run_client(server.visitor, pki, stage.folder, port, own=own)
                            note_run(stage, server.visitor, what, done, port)
            # Some servers end with another status if a connection is still open.
            wait_until(lambda: not connected(port), "its connections do not end", 30)
        stage.record("exit status", program.status)
        texts = {"stdout": program.stdout, "stderr": program.stderr}
        texts |= {log: (program.folder / log).read_bytes() for log in server.logs if (program.folder / log).exists()}
        for name, text in texts.items():
            for pattern, replacement in (*server.noise, *NUMBERS):
                text = re.sub(pattern, replacement, text)
            # The order in which threads and workers write is random.
            stage.record(name, b"".join(line + b"\n" for line in sorted(set(text.splitlines()))))
        version = server.versions[0] if server.visitor is None else "-"
        first = stage.records[f"0 {version} 0 {clients[0] or 'none'}" + (": status" if server.visitor else "")]
        assert first.startswith(b"TLS") or first == b"0", f"not even the sound client was served: {first!r}\n{program.story()}"

    return scenario


def scenario_of(subject: Subject, pki: Standard) -> Scenario:
    return server_scenario(subject, pki) if isinstance(subject, Server) else client_scenario(subject, pki)
