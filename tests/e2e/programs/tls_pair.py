# SPDX-License-Identifier: Apache-2.0
"""Run under ibid and stock: both ends of TLS in one process, in memory: mutual authentication, SNI, post-handshake
authentication, threads. Prints everything both ends see.

Arguments: the folder of the PKI.
"""

import ssl
import sys
import threading
from pathlib import Path

folder = Path(sys.argv[1])
trust = folder / "trust-with-crls.bundle.pem"


def report(error: BaseException) -> str:
    return f"{type(error).__name__} {getattr(error, 'reason', None)} {getattr(error, 'verify_code', None)} {error}"


def peer(end: ssl.SSLObject) -> object:
    try:
        return end.getpeercert()
    except ValueError as error:
        return str(error)


class Pair:
    """A client and a server that talk through memory."""

    def __init__(self, client: ssl.SSLContext, server: ssl.SSLContext, host: str = "localhost") -> None:
        up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = client.wrap_bio(down, up, server_hostname=host)
        self.server = server.wrap_bio(up, down, server_side=True)
        self.outcome = self.handshake()

    def handshake(self) -> str:
        done: set[str] = set()
        for _ in range(12):
            for name, end in (("client", self.client), ("server", self.server)):
                if name not in done:
                    try:
                        end.do_handshake()
                        done.add(name)
                    except ssl.SSLWantReadError:
                        pass
                    except ssl.SSLError as error:
                        return f"{name}: {report(error)}"
        return "both are done" if len(done) == 2 else f"only {done}"

    def say(self, words: bytes) -> str:
        """The client speaks, the server echoes."""
        said = []
        try:
            self.client.write(words)
            said.append(f"server reads {self.server.read(100)!r}")
            self.server.write(words[::-1])
            said.append(f"client reads {self.client.read(100)!r}")
        except ssl.SSLError as error:
            said.append(report(error))
        return ", ".join(said)


def client_context(name: str | None, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=trust)
    context.minimum_version = context.maximum_version = version
    context.post_handshake_auth = True
    if name:
        context.load_cert_chain(folder / f"{name}.combined.pem")
    return context


def server_context(
    name: str, version: ssl.TLSVersion, verify: ssl.VerifyMode, flags: int = 0
) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=trust)
    context.minimum_version = context.maximum_version = version
    context.verify_mode = verify
    context.verify_flags |= flags
    context.load_cert_chain(folder / f"{name}.combined.pem")
    context.post_handshake_auth = version == ssl.TLSVersion.TLSv1_3
    return context


CLIENTS = (
    None,
    "client",
    "ec-client",
    "expired-client",
    "revoked-client",
    "wrong-usage-client",
    "other-ca-client",
    "missing-intermediate-client",
)
kept = []
for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
    for verify in (ssl.CERT_REQUIRED, ssl.CERT_OPTIONAL):
        for turn in range(2):
            server = server_context("server", version, verify, ssl.VERIFY_CRL_CHECK_CHAIN)
            for name in CLIENTS:
                pair = Pair(client_context(name, version), server)
                print(version.name, verify.name, turn, name, "|", pair.outcome, "|", pair.say(b"hello"))
                print("  ", peer(pair.server), peer(pair.client))
                kept.append(pair)

print("post-handshake authentication")
for turn in range(2):
    for name in CLIENTS:
        late = server_context("server", ssl.TLSVersion.TLSv1_3, ssl.CERT_NONE)
        pair = Pair(client_context(name, ssl.TLSVersion.TLSv1_3), late)
        print(name, "before:", pair.outcome, peer(pair.server))
        pair.server.context.verify_mode = ssl.CERT_REQUIRED
        try:
            pair.server.verify_client_post_handshake()
        except ssl.SSLError as error:
            print("  ", report(error))
        print("  ", pair.say(b"a"), pair.say(b"b"), peer(pair.server))

print("server names")
inner = {
    name: server_context(name, ssl.TLSVersion.TLSv1_3, ssl.CERT_NONE) for name in ("server", "ec-server")
}


def choose(socket: ssl.SSLObject, name: str, context: ssl.SSLContext) -> None:
    socket.context = inner["ec-server" if name == "www.ibid.test" else "server"]


outer = server_context("expired", ssl.TLSVersion.TLSv1_3, ssl.CERT_NONE)
outer.sni_callback = choose  # type: ignore[assignment]
for turn in range(2):
    for host in ("localhost", "www.ibid.test", "elsewhere.example"):
        pair = Pair(client_context("client", ssl.TLSVersion.TLSv1_3), outer, host)
        print(host, pair.outcome, peer(pair.client))

print("threads")
results: list[str] = []
gate = threading.Barrier(8)


def work(number: int) -> None:
    version = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)[number % 2]
    server = server_context("server", version, ssl.CERT_REQUIRED)
    client = client_context("client" if number % 4 else "expired-client", version)
    gate.wait()
    for turn in range(10):
        pair = Pair(client, server)
        results.append(f"{number} {turn} {pair.outcome} {pair.say(b'x')} {peer(pair.server)}")


threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("\n".join(sorted(results)))
print("kept", len(kept))
