# SPDX-License-Identifier: Apache-2.0
"""The JSON output of each command conforms to docs/command.schema.json; and commands that do not measure are fast."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

PYTHON = "/usr/bin/python3"
SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "docs/command.schema.json").read_text())


def closed(schema: Any) -> Any:
    """Later versions may add members; the schema for this version lists all of them."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    out = {name: closed(one) for name, one in schema.items()}
    return {**out, "additionalProperties": False} if "properties" in schema else out


DEFINITIONS = closed(SCHEMA["definitions"])
# The process's name must not reach a terminal or JSON unchanged: CSI as a byte and as a character, and
# invalid UTF-8.
LOADS = """
import ctypes, ssl, sys
assert ctypes.CDLL(None).prctl(15, b"a\\x9b2J\\xc2\\x9b\\xff", 0, 0, 0) == 0
contexts = [ssl.create_default_context(cafile="/etc/ssl/certs/ca-certificates.crt") for _ in range(3)]
print("ready", flush=True)
sys.stdin.read()
"""


def check(command: str, found: Any) -> None:
    jsonschema.Draft7Validator({"$ref": f"#/definitions/{command}", "definitions": DEFINITIONS}).validate(found)


@pytest.fixture(scope="module")
def program(ibid: Path) -> Iterator[str]:
    process = subprocess.Popen([str(ibid), "run", PYTHON, "-c", LOADS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    yield str(process.pid)
    process.kill()
    process.communicate()


@pytest.fixture(scope="module")
def image(ibid: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("image")
    for file in ("usr/local/lib/libibid_preload.so", "usr/bin/curl"):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ibid.parent.parent / "lib/libibid_preload.so", root / "usr/local/lib")
    shutil.copy("/usr/bin/curl", root / "usr/bin")
    units = root / "etc/systemd/system"
    units.mkdir(parents=True)
    (units / "web.service").write_text("[Service]\nExecStart=/usr/bin/curl --version\n")
    return str(root)


def commands(program: str, image: str) -> dict[str, list[list[str]]]:
    return {
        "doctor": [["doctor"], ["doctor", "curl"], ["doctor", "sh"], ["doctor", program], ["doctor", str(os.getpid())]],
        "enable": [["enable", "--root", image, "web"], ["enable", "--dry-run", "--root", image, "web"]],
        "status": [["status", "--root", image], ["status", "--root", image, "web"], ["status"]],
        "disable": [["disable", "--root", image, "web"], ["disable", "--root", image, "--all"]],
        "stat": [["stat", program]],
        "certs": [["certs", program]],
        "certs_estimate": [["certs", "--estimate", program], ["certs", "--estimate", str(os.getpid())]],
        "top": [["top", "--once"], ["top", "--once", "--filter", program]],
    }


def output(ibid: Path, words: list[str]) -> str:
    done = subprocess.run([str(ibid), *words], capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, 1) and done.stdout, done.stderr
    return done.stdout


def test_the_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        check("disable", {"ibid": "0", "removed": [], "next": [], "more": 1})
    with pytest.raises(jsonschema.ValidationError):
        check("disable", {"ibid": "0", "removed": []})


def test_every_command_with_json_is_in_the_schema(ibid: Path, program: str, image: str) -> None:
    listed = re.findall(r"^  ([a-z]+) ", output(ibid, ["--help"]).split("Commands:\n")[1].split("\n\n")[0], re.MULTILINE)
    with_json = {name for name in listed if "--json" in output(ibid, [name, "--help"])}
    assert with_json | {"run", "certs_estimate"} == {one["$ref"].rsplit("/", 1)[1] for one in SCHEMA["anyOf"]}
    assert with_json - {"measure"} | {"certs_estimate"} == set(commands(program, image))


@pytest.mark.parametrize("command", ["doctor", "enable", "status", "disable", "stat", "certs", "certs_estimate", "top"])
def test_is_as_the_schema_says(ibid: Path, program: str, image: str, command: str) -> None:
    for words in commands(program, image)[command]:
        check(command, json.loads(output(ibid, [*words, "--json"])))


def test_is_not_there_where_there_is_no_answer(ibid: Path, image: str) -> None:
    """One line on standard error says why."""
    for words in (["stat", str(os.getpid())], ["certs", "999999"], ["doctor", "no-such-program"], ["status", "--root", image, "none"]):
        done = subprocess.run([str(ibid), *words, "--json"], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), words


def test_of_watched_figures_is_one_object_a_line(ibid: Path, program: str) -> None:
    for command, words in (("top", ["top"]), ("stat", ["stat", program, "--watch"])):
        process = subprocess.Popen([str(ibid), *words, "--json", "--interval", "0.1"], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for _ in range(2):
            check(command, json.loads(process.stdout.readline()))
        process.terminate()
        process.communicate(timeout=20)


@pytest.mark.parametrize("words", [["curl", "--version"], ["true"], [PYTHON, "-c", "import ssl; ssl.create_default_context()"]])
def test_of_a_run_is_as_the_schema_says(ibid: Path, tmp_path: Path, words: list[str]) -> None:
    subprocess.run([str(ibid), "run", f"--stats={tmp_path / 'out'}", *words], stdout=subprocess.DEVNULL, timeout=60, check=True)
    check("run", json.loads((tmp_path / "out").read_text()))


def test_of_a_measurement_is_as_the_schema_says(ibid: Path) -> None:
    done = subprocess.run([str(ibid), "measure", "--json", "--rounds", "1", "--", "true"], capture_output=True, text=True, timeout=60, check=True)
    check("measure", json.loads(done.stdout))


def cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_takes_less_than_a_tenth_of_a_second(ibid: Path, program: str, image: str) -> None:
    """The minimum CPU time of five runs: none of these commands waits, and on a busy machine elapsed time is not reliable."""
    every = [words for name, list_ in commands(program, image).items() if name != "certs_estimate" for words in list_] + [["--help"], ["--version"], ["exporter", "--once"]]
    slow = {}
    for words in every:
        took = []
        for _ in range(5):
            before = cpu_of_children()
            subprocess.run([str(ibid), *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
            took.append(cpu_of_children() - before)
        if min(took) >= 0.1:
            slow[" ".join(words)] = round(min(took), 3)
    assert slow == {}


def test_a_process_cannot_write_to_the_terminal_by_its_name(ibid: Path, program: str) -> None:
    for words in (["stat", program], ["top", "--once"], ["doctor", program], ["certs", program]):
        done = subprocess.run([str(ibid), *words], capture_output=True, timeout=60)
        text = done.stdout.decode() + done.stderr.decode()  # UTF-8, or this raises
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", text), words
        assert words[0] not in ("stat", "top") or "a?2J??" in text
