# SPDX-License-Identifier: Apache-2.0
"""`ibid exporter`: its HTTP, its text format (checked with promtool), a real Prometheus that scrapes it, and the packaged rules and dashboard."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PYTHON = "/usr/bin/python3"
PACKAGING = Path(__file__).resolve().parents[2] / "packaging"
USES_OPENSSL = """
import ssl, sys
contexts = [ssl.create_default_context(cafile="/etc/ssl/certs/ca-certificates.crt") for _ in range(3)]
print("ready", flush=True)
sys.stdin.read()
"""
BECOMES_ANOTHER = """
import os, pathlib, ssl, sys
count = 2 if sys.argv[-1] == "again" else 3
contexts = [ssl.create_default_context(cafile="/etc/ssl/certs/ca-certificates.crt") for _ in range(count)]
print("ready", flush=True)
for line in sys.stdin:
    if line == "execute\\n":
        os.execv(sys.executable, [*sys.orig_argv, "again"])
    pathlib.Path("/proc/self/comm").write_text("renamed" + pathlib.Path(sys.executable).name)
    print("ready", flush=True)
"""


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def wait_for(what: Callable[[], Any], described: str, seconds: float = 30) -> Any:
    end = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < end, f"not within {seconds} s: {described}"
        time.sleep(0.1)


class Exporter:
    def __init__(self, ibid: Path, *options: str) -> None:
        self.process = subprocess.Popen([str(ibid), "exporter", "--listen", "127.0.0.1:0", *options], stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        match = re.fullmatch(r"ibid: metrics at (http://127\.0\.0\.1:(\d+))/metrics\n", line)
        assert match, line
        self.url, self.port = match[1], int(match[2])

    def get(self, path: str = "/metrics", accept: str = "", method: str = "GET") -> tuple[int, str, str]:
        request = urllib.request.Request(self.url + path, headers={"Accept": accept} if accept else {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers["Content-Type"], error.read().decode()

    def raw(self, data: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as s:
            s.sendall(data)
            answer = b""
            while part := s.recv(65536):
                answer += part
            return answer

    def value(self, name: str, **labels: str) -> float:
        total = 0.0
        for line in self.get()[2].splitlines():
            match = re.fullmatch(rf"{name}\{{(.*)\}} (\S+)", line)
            if match and all(f'{k}="{v}"' in match[1] for k, v in labels.items()):
                total += float(match[2])
        return total


@pytest.fixture
def exporter(ibid: Path) -> Iterator[Exporter]:
    e = Exporter(ibid)
    yield e
    e.process.terminate()
    assert e.process.wait(10) == 0


@pytest.fixture
def program(ibid: Path, tmp_path: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Starts a program with a unique name under ibid, and waits until it has counted something."""
    name = tmp_path / f"t{os.getpid()}"
    shutil.copy(os.path.realpath(PYTHON), name)
    running = []

    def start(code: str = USES_OPENSSL) -> "subprocess.Popen[str]":
        process = subprocess.Popen([str(ibid), "run", str(name), "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


NAME = f"t{os.getpid()}"


class TestText:
    @pytest.mark.skipif(shutil.which("promtool") is None, reason="there is no promtool here")
    @pytest.mark.parametrize("options", [[], ["--per-process"]])
    def test_is_clean_for_promtool(self, ibid: Path, program: Callable[[], object], options: list[str]) -> None:
        program()
        text = subprocess.run([str(ibid), "exporter", "--once", *options], capture_output=True, text=True, timeout=60, check=True).stdout
        assert f'ibid_cache_hits_total{{program="{NAME}"' in text
        assert ("pid=" in text) == bool(options)
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def test_has_a_sum_for_each_program(self, exporter: Exporter, program: Callable[[], object]) -> None:
        program()
        program()
        wait_for(lambda: exporter.value("ibid_processes", program=NAME, state="helped") == 2, "both are seen")
        assert exporter.value("ibid_cache_hits_total", program=NAME, kind="trust_store") == 4
        assert exporter.value("ibid_cache_misses_total", program=NAME, kind="trust_store") == 2
        assert exporter.value("ibid_cache_retained_objects", program=NAME, kind="certificate") > 100
        assert set(re.findall(r'kind="(\w+)"', exporter.get()[2])) == {"certificate", "trust_store", "signature"}

    def test_never_falls(self, exporter: Exporter, program: Callable[[], "subprocess.Popen[str]"]) -> None:
        """The counts of an ended process stay in the sums; otherwise each end would look like a reset."""
        first, _ = program(), program()
        wait_for(lambda: exporter.value("ibid_processes", program=NAME, state="helped") == 2, "both are seen")
        first.kill()
        first.wait()
        wait_for(lambda: exporter.value("ibid_processes", program=NAME, state="helped") == 1, "one is gone")
        assert exporter.value("ibid_cache_hits_total", program=NAME, kind="trust_store") == 4
        held = exporter.value("ibid_cache_retained_objects", program=NAME, kind="certificate")
        assert held > 50
        program()
        wait_for(lambda: exporter.value("ibid_processes", program=NAME, state="helped") == 2, "a third one is seen")
        assert exporter.value("ibid_cache_hits_total", program=NAME, kind="trust_store") == 6
        assert exporter.value("ibid_cache_retained_objects", program=NAME, kind="certificate") == 2 * held

    def test_counts_a_process_once_whatever_it_becomes(self, exporter: Exporter, program: Callable[..., "subprocess.Popen[str]"]) -> None:
        """It renames itself, and then executes a program of its first name: each event is counted in one group, once."""

        def hits(**labels: str) -> float:
            time.sleep(0.3)  # within 0.2 s the exporter sends the same data again
            return exporter.value("ibid_cache_hits_total", kind="trust_store", **labels)

        process = program(BECOMES_ANOTHER)
        assert process.stdin is not None and process.stdout is not None
        assert hits(program=NAME) == 2

        def answer_to(word: str) -> None:
            print(word, file=process.stdin, flush=True)
            assert process.stdout.readline() == "ready\n"

        answer_to("rename")
        assert Path(f"/proc/{process.pid}/comm").read_text() == f"renamed{NAME}\n"[:16]
        assert (hits(program=NAME), hits(program=f"renamed{NAME}"[:15])) == (2, 0)
        answer_to("execute")
        assert Path(f"/proc/{process.pid}/comm").read_text() == f"{NAME}\n"
        assert hits(program=NAME) == 3
        process.kill()
        process.wait()
        assert hits(program=NAME) == 3

    def test_says_where_ibid_is_disabled(self, ibid: Path, exporter: Exporter, tmp_path: Path) -> None:
        process = subprocess.Popen([str(ibid), "run", PYTHON, "-c", USES_OPENSSL], env={**os.environ, "IBID_DISABLE": "1"}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        wait_for(lambda: exporter.value("ibid_disabled_processes", reason="IBID_DISABLE is set") >= 1, "it is seen")
        process.communicate()


class TestServer:
    def test_has_one_page(self, exporter: Exporter) -> None:
        status, kind, text = exporter.get()
        assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
        assert text.startswith("# HELP ibid_build_info") and "# EOF" not in text
        status, kind, text = exporter.get(accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
        assert kind.startswith("application/openmetrics-text; version=1.0.0")
        assert text.endswith("# EOF\n") and "# TYPE ibid_cache_hits counter" in text
        assert exporter.get("/")[0] == 200
        assert exporter.get("/metrics?x=1")[0] == 200
        assert exporter.get("/etc/passwd")[0] == 404
        assert exporter.get("/../../etc/passwd")[0] == 404
        assert exporter.get(method="HEAD") == (200, "text/plain; version=0.0.4; charset=utf-8", "")
        assert exporter.get(method="POST")[0] == 405

    @pytest.mark.parametrize(
        ("request_", "status"),
        [
            (b"rubbish\r\n\r\n", b"400"),
            (b"GET metrics HTTP/1.1\r\n\r\n", b"400"),
            (b"GET /metrics\r\n\r\n", b"400"),
            (b"GET http://localhost:9842/metrics HTTP/1.1\r\n\r\n", b"200"),
            (b"GET http://localhost/nowhere HTTP/1.1\r\n\r\n", b"404"),
            (b"GET http://localhost HTTP/1.1\r\n\r\n", b"400"),
            (b"GET /metrics HTTP/1.1\r\nX: " + b"y" * 20000 + b"\r\n\r\n", b"431"),
            (b"\0" * 9000, b"431"),
            (b"\r\n\r\n", b"400"),
            (b"GET /metrics HTTP/1.1\r\nAccept\r\n:\r\n: x\r\naccept:\r\n\r\n", b"200"),
        ],
    )
    def test_is_not_confused(self, exporter: Exporter, request_: bytes, status: bytes) -> None:
        assert exporter.raw(request_).startswith(b"HTTP/1.1 " + status)
        assert exporter.get()[0] == 200

    def test_reads_eight_kib_of_a_request(self, exporter: Exporter) -> None:
        for size, status in ((8192, b"200"), (8193, b"431"), (9000, b"431")):
            request = b"GET /metrics HTTP/1.1\r\nX: ".ljust(size - 4, b"y") + b"\r\n\r\n"
            with socket.create_connection(("127.0.0.1", exporter.port), timeout=10) as s:
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                s.sendall(request[:1023])
                time.sleep(0.2)
                s.sendall(request[1023:])
                assert s.recv(12) == b"HTTP/1.1 " + status, size

    def test_is_held_up_by_nobody_for_long(self, exporter: Exporter) -> None:
        with socket.create_connection(("127.0.0.1", exporter.port)) as silent:
            silent.sendall(b"GET /met")
            begin = time.monotonic()
            assert exporter.get()[0] == 200
            assert time.monotonic() - begin < 6
        with socket.create_connection(("127.0.0.1", exporter.port)) as rude:
            rude.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
            rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        assert exporter.get()[0] == 200

    def test_listens_on_this_machine_alone_unless_it_is_told_otherwise(self, ibid: Path, exporter: Exporter) -> None:
        def listeners(port: int) -> str:
            return "".join(f for n in ("tcp", "tcp6") for f in Path(f"/proc/net/{n}").read_text().splitlines() if f":{port:04X} 0" in f and " 0A " in f)

        assert "0100007F:" in listeners(exporter.port)
        port = free_port()
        everywhere = subprocess.Popen([str(ibid), "exporter", "--listen", f":{port}"], stderr=subprocess.PIPE, text=True)
        assert everywhere.stderr is not None and everywhere.stderr.readline() == f"ibid: metrics at http://localhost:{port}/metrics\n"
        assert re.search(rf" (0{{8}}|0{{32}}):{port:04X} ", listeners(port))
        everywhere.send_signal(signal.SIGINT)
        assert everywhere.wait(10) == 0

    def test_says_what_is_wrong(self, ibid: Path, exporter: Exporter) -> None:
        taken = subprocess.run([str(ibid), "exporter", "--listen", f"127.0.0.1:{exporter.port}"], capture_output=True, text=True, timeout=60)
        assert (taken.returncode, "another exporter runs there" in taken.stderr) == (1, True)
        for wrong in ("9842", "localhost", "example.org:80", "1.2.3.4:99999", "[::1:80"):
            done = subprocess.run([str(ibid), "exporter", "--listen", wrong], capture_output=True, text=True, timeout=60)
            assert (done.returncode, "is not an address" in done.stderr) == (2, True)


class TestRules:
    @pytest.fixture(autouse=True)
    def promtool(self) -> None:
        if shutil.which("promtool") is None:
            pytest.skip("there is no promtool here")

    def test_are_tested(self) -> None:
        for words in (["check", "rules", "ibid.rules.yml"], ["test", "rules", "ibid.rules.test.yml"]):
            done = subprocess.run(["promtool", *words], capture_output=True, text=True, timeout=60, cwd=PACKAGING / "prometheus")
            assert done.returncode == 0, done.stdout + done.stderr

    def test_have_a_test_each(self) -> None:
        named = set(re.findall(r"alert: (\w+)", (PACKAGING / "prometheus/ibid.rules.yml").read_text()))
        assert set(re.findall(r"alertname: (\w+)", (PACKAGING / "prometheus/ibid.rules.test.yml").read_text())) == named


class Prometheus:
    def __init__(self, folder: Path, target: str) -> None:
        (folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
            f"rule_files: [{PACKAGING}/prometheus/ibid.rules.yml]\n"
            f"scrape_configs: [{{job_name: ibid, static_configs: [{{targets: ['{target}']}}]}}]\n"
        )
        self.url = f"http://127.0.0.1:{free_port()}"
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data", f"--web.listen-address={self.url[7:]}"],
            stdout=(folder / "log").open("w"),
            stderr=subprocess.STDOUT,
        )

    def ask(self, path: str, **words: str) -> Any:
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(words)}", timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{words}: {error.read().decode()}") from error
        except OSError:
            return None  # it does not listen yet

    def query(self, expression: str) -> list[Any]:
        found = self.ask("query", query=expression)
        return found["result"] if found else []


def expressions(dashboard: dict[str, Any]) -> list[str]:
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="there is no Prometheus here")
class TestWithPrometheus:
    @pytest.fixture
    def prometheus(self, exporter: Exporter, tmp_path: Path) -> Iterator[Prometheus]:
        p = Prometheus(tmp_path, exporter.url[7:])
        yield p
        p.process.terminate()
        p.process.wait(30)

    def test_is_scraped_and_every_rule_and_panel_has_its_metrics(self, prometheus: Prometheus, program: Callable[[], object]) -> None:
        program()
        series = wait_for(lambda: prometheus.query(f'ibid_cache_hits_total{{program="{NAME}",kind="trust_store"}}'), "it is scraped")
        assert series[0]["value"][1] == "2"
        assert wait_for(lambda: prometheus.query("up"), "it is up")[0]["value"][1] == "1"
        types = prometheus.ask("metadata")
        assert types["ibid_cache_hits"][0]["type"] == "counter" if "ibid_cache_hits" in types else types["ibid_cache_hits_total"][0]["type"] == "counter"
        assert types["ibid_processes"][0]["type"] == "gauge"

        rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
        wait_for(lambda: all(r["health"] == "ok" for g in prometheus.ask("rules")["groups"] for r in g["rules"]), "rules are evaluated")
        dashboard = json.loads((PACKAGING / "grafana/ibid.json").read_text())
        asked = [rule["query"] for rule in rules] + expressions(dashboard)
        assert len(asked) > 15
        names = set(prometheus.ask("label/__name__/values"))
        for expression in asked:
            plain = expression.replace("$__rate_interval", "1m").replace("$instance", ".*").replace("$program", ".*")
            prometheus.query(plain)  # it is understood
            for name in re.findall(r"\b(?:program:)?ibid_\w+(?::rate5m)?", plain):
                assert name in names or name in ("program:ibid_cache_hit_ratio:rate5m", "ibid_disabled_processes"), name
        # Panels that must have data while a program runs.
        for expression in expressions(dashboard)[:1] + [e for e in expressions(dashboard) if "_objects" in e]:
            wait_for(lambda e=expression: prometheus.query(e.replace("$instance", ".*").replace("$program", NAME)), f"a value of {expression}")


class TestDashboard:
    def test_is_as_grafana_has_it(self) -> None:
        """Checks what Grafana's schema requires of a dashboard and a panel, and that no panel refers to missing things."""
        dashboard = json.loads((PACKAGING / "grafana/ibid.json").read_text())
        assert {"title", "uid", "schemaVersion", "panels", "templating", "time", "annotations"} <= set(dashboard)
        assert dashboard.get("id") is None and len(dashboard["uid"]) <= 40
        variables = {v["name"] for v in dashboard["templating"]["list"]}
        ids, cells = set(), set()
        for panel in dashboard["panels"]:
            assert {"id", "type", "title", "gridPos", "targets", "datasource", "fieldConfig", "options"} <= set(panel)
            assert panel["type"] in ("stat", "timeseries", "table")
            assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            ids.add(panel["id"])
            place = panel["gridPos"]
            assert place["x"] + place["w"] <= 24
            own = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
            assert not own & cells, f"{panel['title']} lies on another panel"
            cells |= own
            for target in panel["targets"]:
                assert set(re.findall(r"\$(\w+)", target["expr"])) <= variables | {"__rate_interval"}
        assert len(ids) == len(dashboard["panels"])


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
