# SPDX-License-Identifier: Apache-2.0
"""`ibid certs PID`: the certificates that a process shares, read from outside while it runs."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command import make_waiting
from terminal import on_a_terminal

from testbed.pki import Standard

PYTHON = "/usr/bin/python3"

# Opens and closes TLS connections to itself by commands on standard input: "hold N", "drop", "churn SECONDS".
# No socket is needed.
PEERS = """
import ssl, sys, time
server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server.load_cert_chain(sys.argv[1], sys.argv[2])
client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
client.check_hostname = False
client.load_verify_locations(sys.argv[3])
def connect():
    a, b = ssl.MemoryBIO(), ssl.MemoryBIO()
    left, right = client.wrap_bio(a, b), server.wrap_bio(b, a, server_side=True)
    done = set()
    while len(done) < 2:
        for end in (left, right):
            try:
                end.do_handshake()
                done.add(end)
            except ssl.SSLWantReadError:
                pass
    return left, right
held = []
print("ready", flush=True)
for line in sys.stdin:
    word, _, number = line.strip().partition(" ")
    if word == "hold":
        held += [connect() for _ in range(int(number))]
    elif word == "drop":
        held.clear()
    elif word == "churn":
        end = time.monotonic() + float(number)
        print("ready", flush=True)
        while time.monotonic() < end:
            connect()
    print("ready", flush=True)
"""


class Peers:
    def __init__(self, ibid: Path, pki: Standard, under_ibid: bool = True, **environment: str) -> None:
        self.ibid, self.pki = ibid, pki
        start = [str(ibid), "run"] if under_ibid else []
        words = [*start, PYTHON, "-c", PEERS, pki.server.chain, pki.server.key, pki.trust]
        self.process = subprocess.Popen(
            list(map(str, words)), env={**os.environ, **environment}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.wait()

    def wait(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def __call__(self, command: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        self.wait()

    def certs(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(self.ibid), "certs", *words, str(self.process.pid)], capture_output=True, text=True, timeout=60)

    def json(self) -> Any:
        done = self.certs("--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def peers(ibid: Path, pki: Standard) -> Iterator[Peers]:
    one = Peers(ibid, pki)
    yield one
    one.process.kill()
    one.process.communicate()


def named(found: Any, name: str) -> dict[str, Any]:
    [one] = [c for c in found["certificates"] if c["subject"].startswith(f"CN={name}")]
    return dict(one)


def test_lists_each_certificate_with_its_holders_the_most_shared_first(peers: Peers, pki: Standard) -> None:
    peers("hold 1")
    found = peers.json()
    leaf = pki.server.x509
    common_name = leaf.subject.rfc4514_string().split("=", 1)[1].split(",")[0]
    one = named(found, common_name)
    assert one["not_after"] == leaf.not_valid_after.isoformat() + "Z"
    assert one["not_before"] == leaf.not_valid_before.isoformat() + "Z"
    assert int(one["serial"], 16) == leaf.serial_number
    assert one["bytes"] == pki.server.der.stat().st_size
    assert pki.intermediate.x509.subject.rfc4514_string().split("=", 1)[1].split(",")[0] in one["issuer"]
    assert one["age_seconds"] + one["left_seconds"] == (leaf.not_valid_after - leaf.not_valid_before).total_seconds()

    peers("hold 20")
    more = named(peers.json(), common_name)
    assert more["holders"] - one["holders"] == 20 * one["holders"] > 0
    holders = [c["holders"] for c in peers.json()["certificates"]]
    assert holders == sorted(holders, reverse=True)
    assert holders[0] >= 21

    peers("drop")
    assert named(peers.json(), common_name)["holders"] == 0  # kept only by ibid
    assert named(peers.json(), common_name)["retained"] is True


def test_shows_a_table(peers: Peers, pki: Standard) -> None:
    peers("hold 3")
    text = peers.certs().stdout
    lines = text.splitlines()
    assert lines[0] == f"{peers.process.pid} (python3): {len(lines) - 2} certificates"
    assert lines[1].split() == ["HOLDERS", "RETAINED", "EXPIRES", "AGE", "SUBJECT", "ISSUER"]
    assert any(str(pki.server.x509.not_valid_after.date()) in line for line in lines[2:])


def test_cuts_names_only_for_a_terminal(ibid: Path) -> None:
    """The system's roots have long names."""
    code = "import ssl, sys; kept = [ssl.create_default_context() for _ in range(2)]; print('ready', flush=True); sys.stdin.read()"
    for words, start in (["certs"], [str(ibid), "run", PYTHON]), (["certs", "--estimate"], [PYTHON]):
        with subprocess.Popen([*start, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            words = [str(ibid), *words, str(process.pid)]
            whole = subprocess.run(words, capture_output=True, text=True, timeout=60).stdout
            narrow = on_a_terminal(words, columns=90, NO_COLOR="1").decode().replace("\r\n", "\n").rpartition("\r")[2] # behind the progress
            assert max(len(line) for line in whole.splitlines()) > 120
            assert max(len(line) for line in narrow.splitlines()) <= 90
            process.communicate("")


def test_counts_what_there_is_once(ibid: Path) -> None:
    """A program with one context has a hundred certificates of which there are no copies."""
    code = "import ssl, sys; kept = ssl.create_default_context(); print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen([PYTHON, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        lines = subprocess.run([str(ibid), "certs", "--estimate", str(process.pid)], capture_output=True, text=True, timeout=60).stdout.splitlines()
        assert lines[1:] == ["There are no copies: sharing them would save no memory."]
        process.communicate("")


def test_copes_with_a_process_that_goes_on(peers: Peers) -> None:
    """Entries are added and removed all the time. Only complete ones are shown."""
    peers("hold 1")
    wanted = {c["subject"] for c in peers.json()["certificates"]}
    peers("churn 2")
    for _ in range(30):
        assert {c["subject"] for c in peers.json()["certificates"]} <= wanted
    peers.wait()


def test_copes_with_a_process_that_keeps_nothing(ibid: Path, pki: Standard) -> None:
    one = Peers(ibid, pki, IBID_RETAIN="0")
    try:
        one("hold 1")
        one("churn 1")
        for _ in range(10):
            assert one.json()["certificates"]
        one.wait()
        one("drop")
        assert all(c["holders"] for c in one.json()["certificates"])
    finally:
        one.process.kill()
        one.process.communicate()


def test_says_why_there_is_nothing_to_show(ibid: Path) -> None:
    done = subprocess.run([str(ibid), "certs", str(os.getpid())], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "does not run under ibid" in done.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="needs another user")
def test_is_not_for_other_users(peers: Peers) -> None:
    peers("hold 1")
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(peers.ibid), "certs", str(peers.process.pid)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    assert "CN=" not in done.stdout


def test_publishes_no_name(peers: Peers, pki: Standard) -> None:
    """Names are only in the process's own heap, neither in the published block nor in shared memory."""
    peers("hold 3")
    name = pki.server.x509.subject.rfc4514_string().split("=", 1)[1].split(",")[0].encode()
    regions = [line.split() for line in Path(f"/proc/{peers.process.pid}/maps").read_text().splitlines()]
    with open(f"/proc/{peers.process.pid}/mem", "rb", buffering=0) as memory:
        seen_in_heap = False
        for region in regions:
            first, last = (int(number, 16) for number in region[0].split("-"))
            if not region[1].startswith("rw") or region[-1] in ("[vvar]", "[vsyscall]"):
                continue
            memory.seek(first)
            content = memory.read(last - first)
            if name in content:
                seen_in_heap = True
                assert not region[-1].endswith("libibid_preload.so") and "SYSV" not in region[-1]
    assert seen_in_heap




class TestEstimate:
    """`ibid certs --estimate`: of a process without ibid."""

    @pytest.fixture
    def stock(self, ibid: Path, pki: Standard) -> Iterator[Peers]:
        one = Peers(ibid, pki, under_ibid=False)
        yield one
        one.process.kill()
        one.process.communicate()

    def look(self, peers: Peers) -> Any:
        done = peers.certs("--estimate", "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def copies(self, found: Any, pki: Standard) -> int:
        serial = pki.server.x509.serial_number
        return sum(c["copies"] for c in found["certificates"] if int(c["serial"], 16) == serial)

    def test_counts_the_copies(self, stock: Peers, pki: Standard) -> None:
        before = self.copies(self.look(stock), pki)
        assert before >= 1  # the server's own
        stock("hold 10")
        with_ten = self.look(stock)
        stock("hold 30")
        with_forty = self.look(stock)
        assert self.copies(with_ten, pki) == before + 10
        assert self.copies(with_forty, pki) == before + 40
        stock("drop")
        assert self.copies(self.look(stock), pki) == before  # freed memory does not count as a copy

    def test_is_as_near_as_it_says(self, ibid: Path, stock: Peers, pki: Standard) -> None:
        """Compared with what the same connections save under ibid: the growth of private memory from 50 connections to 350."""

        def memory(peers: Peers) -> int:
            text = Path(f"/proc/{peers.process.pid}/smaps_rollup").read_text()
            return next(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Private_Dirty:"))

        def growth(peers: Peers) -> int:
            peers("hold 50")
            before = memory(peers)
            peers("hold 300")
            return memory(peers) - before

        under = Peers(ibid, pki)
        try:
            saved = growth(stock) - growth(under)
        finally:
            under.process.kill()
            under.process.communicate()
        told = self.look(stock)["saves"]
        assert told["least"] < saved * 350 / 300 < told["most"]

    def test_of_one_under_ibid_finds_hardly_any(self, peers: Peers, pki: Standard) -> None:
        peers("hold 40")
        assert self.copies(self.look(peers), pki) <= 3

    def test_shows_a_table(self, stock: Peers) -> None:
        stock("hold 5")
        lines = stock.certs("--estimate").stdout.splitlines()
        assert "certificates of OpenSSL's" in lines[0]
        assert lines[1].startswith("One copy of each would save about ")
        assert lines[2].split() == ["COPIES", "EXPIRES", "SUBJECT", "ISSUER"]

    def test_of_a_program_without_openssl_finds_none(self, ibid: Path, tmp_path: Path) -> None:
        process = subprocess.Popen([str(make_waiting(tmp_path))], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        done = subprocess.run([str(ibid), "certs", "--estimate", str(process.pid)], capture_output=True, text=True, timeout=60)
        process.communicate(b"")
        assert "0 certificates of OpenSSL's" in done.stdout
        assert "It has loaded no OpenSSL so far." in done.stdout and "COPIES" not in done.stdout
        process = subprocess.Popen([PYTHON, "-c", "import ssl, sys; print('ready', flush=True); sys.stdin.read()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        done = subprocess.run([str(ibid), "certs", "--estimate", str(process.pid)], capture_output=True, text=True, timeout=60)
        process.communicate(b"")
        assert "It holds none now: repeat this while it has connections." in done.stdout
        gone = subprocess.run([str(ibid), "certs", "--estimate", str(process.pid)], capture_output=True, text=True, timeout=60)
        assert gone.returncode == 1 and "there is no process" in gone.stderr

    def test_says_what_is_against_sharing(self, ibid: Path, pki: Standard) -> None:
        disabled = Peers(ibid, pki, under_ibid=False, IBID_DISABLE="1")
        try:
            disabled("hold 5")
            assert "IBID_DISABLE=1 is set" in str(self.look(disabled)["obstacles"])
            assert "But ibid does not help this program: IBID_DISABLE=1 is set" in disabled.certs("--estimate").stdout
        finally:
            disabled.process.kill()
            disabled.process.communicate()

    def test_says_nothing_against_it_otherwise(self, stock: Peers) -> None:
        stock("hold 5")
        assert self.look(stock)["obstacles"] == []
