# SPDX-License-Identifier: Apache-2.0
"""What the tests of the `ibid` command share."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

PYTHON = "/usr/bin/python3"

# Uses OpenSSL for certificates, says "ready", and waits for the end of its standard input.
USES_OPENSSL = """
import ssl, sys
contexts = [ssl.create_default_context(cafile="/etc/ssl/certs/ca-certificates.crt") for _ in range(3)]
print("ready", flush=True)
sys.stdin.read()
"""


def run_to_end(words: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    """Runs a command and returns its output as text."""
    settings: dict[str, object] = {"capture_output": True, "text": True, "timeout": 60, **options}
    return subprocess.run(words, **settings)  # type: ignore[call-overload, no-any-return]


def figures(tmp_path: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((tmp_path / "figures.json").read_text())
    return found


def wait_until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, f"not within 20 s: {what}"
        time.sleep(0.01)


def ldd(program: str) -> list[str]:
    """The libraries and the loader of a program."""
    words = run_to_end(["ldd", program]).stdout.split()
    return [word for word in words if word.startswith("/")]


def make_static(folder: Path) -> Path:
    source = folder / "static.c"
    source.write_text("int main(void) { return 4; }\n")
    program = folder / "static"
    subprocess.run(["cc", "-static", "-o", str(program), str(source)], check=True)
    return program


def make_waiting(folder: Path, name: str = "waiting") -> Path:
    """A program of the C library alone that runs until its input ends. (cat may be linked with OpenSSL, or be a part of another program.)"""
    source = folder / f"{name}.c"
    source.write_text("#include <unistd.h>\nint main(void) { char c; while (read(0, &c, 1) > 0) continue; return 0; }\n")
    program = folder / name
    subprocess.run(["cc", "-o", str(program), str(source)], check=True)
    return program


def make_library(folder: Path, name: str, code: str = "int f(void) { return 1; }") -> Path:
    source = folder / f"{name}.c"
    source.write_text(code)
    subprocess.run(["cc", "-shared", "-fPIC", f"-Wl,-soname,{name}", "-o", str(folder / name), str(source)], check=True)
    return folder / name


def make_program(folder: Path, *options: str) -> Path:
    source, program = folder / "program.c", folder / "program"
    source.write_text("int main(void) { return 0; }\n")
    subprocess.run(["cc", "-o", str(program), str(source), "-Wl,--no-as-needed", f"-Wl,-rpath,{folder}", *options], check=True)
    return program


def make_embedding(folder: Path, text: str) -> Path:
    """A program that waits and contains this text, as if a library was linked in statically."""
    source, program = folder / "embeds.c", folder / "embeds"
    source.write_text(f'#include <unistd.h>\nconst char text[] = "{text}";\nint main(void) {{ write(1, "ready\\n", 6); pause(); return text[0]; }}\n')
    subprocess.run(["cc", "-o", str(program), str(source)], check=True)
    return program


def examine(ibid: Path, subject: object, **options: object) -> dict[str, object]:
    found: dict[str, object] = json.loads(run_to_end([str(ibid), "doctor", "--json", str(subject)], **options).stdout)
    return found
