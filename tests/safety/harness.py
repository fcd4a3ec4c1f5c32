# SPDX-License-Identifier: Apache-2.0
"""Runs a small program stock and with the preload, and requires identical results.

Law: it compares standard output, the exit status or signal, and standard error without the lines that begin with `ibid-hits`
or `figure`. A program that does not end in time has the outcome "hung", which differs from every other. Each run has its own
empty folder.

IBID_PRELOAD, IBID_BUILD   name the library under test: the file, or the build folder
SAFETY_UNHELPED            do not require that ibid helps: with a preload that does nothing, all tests must pass; if not, the test is wrong
IBID_OPENSSL               another OpenSSL instead of the system's
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PROGRAMS = HERE / "programs"
PYTHON = "/usr/bin/python3"  # the system's: its ssl module uses the system's OpenSSL

# Another OpenSSL instead of the system's ('./dev openssl').
OPENSSL = Path(os.environ["IBID_OPENSSL"]).resolve() if "IBID_OPENSSL" in os.environ else None
LIBRARIES = {
    "tls": ("-lssl", "-lcrypto", "-lpthread", "-ldl"),
    "crypto": ("-lcrypto", "-lpthread", "-ldl"),
    "none": ("-lpthread", "-ldl"),
}


def preload() -> Path:
    """The library under test. IBID_PRELOAD names the file, or IBID_BUILD the build folder."""
    named = os.environ.get("IBID_PRELOAD")
    path = Path(named) if named else ROOT / os.environ.get("IBID_BUILD", "build/release") / "lib/libibid_preload.so"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there; run ./dev build, or set IBID_PRELOAD to the file")
    return path.resolve()


@dataclass(frozen=True)
class Mode:
    """A way to run a program."""

    name: str
    env: tuple[tuple[str, str], ...] = ()
    ibid: bool = True

    def __str__(self) -> str:
        return self.name


STOCK = Mode("stock", ibid=False)
DEFAULT = Mode("default")
ALL = Mode("scope-all", (("IBID_SCOPE", "all"),))
RETAIN_NOTHING = Mode("retain-0", (("IBID_RETAIN", "0"),))
MODES = (DEFAULT, ALL, RETAIN_NOTHING)
# For programs that compare the addresses of objects that they parsed themselves: with IBID_SCOPE=all two such
# objects may be one.
OWN_OBJECTS = (DEFAULT, RETAIN_NOTHING)


@dataclass(frozen=True)
class Library:
    """A shared library beside the program: `source` in programs/, compiled to NAME.so in the folder of the run's programs."""

    source: str
    libraries: str = "tls"
    flags: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.source


@dataclass(frozen=True)
class Case:
    """A program and how it is run.

    `program`   its source below programs/: C, C++ or Python
    `arguments` words; {pki} is the folder of certificates, {here} that of the compiled libraries
    `plugins`   libraries that it opens: the first is {here}/NAME.so for programs/…/NAME.c
    `before`, `after`   libraries in LD_PRELOAD before and after ibid; stock has them, too
    `audit`     a library in LD_AUDIT
    `helped`    what ibid must have shared at least once: certificates, trust_stores, signatures. Only in modes with retention.
    `shows`     a pattern that stock's output must contain; it proves that the program did its work
    """

    program: str
    arguments: tuple[str, ...] = ()
    name: str = ""
    libraries: str = "tls"
    flags: tuple[str, ...] = ()
    plugins: tuple[Library, ...] = ()
    before: tuple[Library, ...] = ()
    after: tuple[Library, ...] = ()
    audit: Library | None = None
    env: tuple[tuple[str, str], ...] = ()
    modes: tuple[Mode, ...] = MODES
    helped: tuple[str, ...] = ()
    shows: str = ""
    seconds: float = 20.0
    wrapper: tuple[str, ...] = ()

    def __str__(self) -> str:
        words = [Path(self.program).stem, *([self.name] if self.name else self.arguments)]
        return "-".join(re.sub(r"[^\w.]+", "_", word) for word in words)


@dataclass
class Outcome:
    status: int | str
    stdout: str
    stderr: str
    figures: dict[str, list[float]] = field(default_factory=dict)
    hits: dict[str, int] = field(default_factory=dict)

    def visible(self) -> str:
        return f"status {self.status}\n--- standard output\n{self.stdout}--- standard error\n{self.stderr}"


def read_outcome(status: int | str, stdout: bytes, stderr: bytes) -> Outcome:
    outcome = Outcome(status, stdout.decode(errors="backslashreplace"), "")
    rest = []
    for line in stderr.decode(errors="backslashreplace").splitlines():
        words = line.split()
        if len(words) == 3 and words[0] == "figure":
            outcome.figures.setdefault(words[1], []).append(float(words[2]))
        elif len(words) == 3 and words[0] == "ibid-hits":
            outcome.hits[words[1]] = outcome.hits.get(words[1], 0) + int(words[2])
        else:
            rest.append(line)
    outcome.stderr = "".join(f"{line}\n" for line in rest)
    return outcome


def difference(stock: Outcome, other: Outcome, mode: Mode) -> str:
    lines = difflib.unified_diff(
        stock.visible().splitlines(), other.visible().splitlines(), "stock", f"ibid, {mode}", lineterm="", n=3
    )
    shown = [line[:300] for line in lines]
    return "\n".join([*shown[:80], *([f"… {len(shown) - 80} lines more"] if len(shown) > 80 else [])])


class Stage:
    """Compiles programs once, runs them, and keeps the outcomes of stock."""

    def __init__(self, folder: Path, certificates: Path) -> None:
        self.folder_ = folder
        self.pki = certificates
        self.programs = folder / "programs"
        self.programs.mkdir()
        self.built_: dict[tuple[object, ...], Path] = {}
        self.stock_: dict[Case, Outcome] = {}

    # Compiling ----------------------------------------------------------------------------------------------

    def build(self, source: str, libraries: str, flags: Sequence[str], *, shared: bool) -> Path:
        key = (source, libraries, tuple(flags), shared)
        if key in self.built_:
            return self.built_[key]
        path = PROGRAMS / source
        digest = hashlib.sha256(repr(key).encode()).hexdigest()[:8]
        if shared:
            target = self.programs / (f"{path.stem}-{digest}.so" if flags else f"{path.stem}.so")
        else:
            target = self.programs / f"{path.stem}-{digest}"
        compiler = ["c++", "-std=c++17"] if path.suffix == ".cpp" else ["cc", "-std=gnu11"]
        command = [*compiler, "-O2", "-g", "-Wall", "-Wextra", "-Wno-deprecated-declarations"]
        command += ["-I", str(PROGRAMS), "-I", str(ROOT / "include"), "-I", str(path.parent)]
        command += ["-shared", "-fPIC"] if shared else ["-rdynamic"]
        command += [*(flag.format(source=path.parent) for flag in flags), "-o", str(target), str(path)]
        command += ["-I", str(OPENSSL / "include"), "-L", str(OPENSSL / "lib")] if OPENSSL else []
        command += LIBRARIES[libraries]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}"
        assert not done.stderr, f"the compiler warns:\n{done.stderr}"
        self.built_[key] = target
        return target

    def library(self, library: Library) -> Path:
        return self.build(library.source, library.libraries, library.flags, shared=True)

    def command(self, case: Case) -> list[str]:
        for plugin in case.plugins:
            self.library(plugin)
        if case.program.endswith(".py"):
            program = [PYTHON, "-I", "-W", "ignore", str(PROGRAMS / case.program)]
        else:
            program = [str(self.build(case.program, case.libraries, case.flags, shared=False))]
        arguments = [a.format(pki=self.pki, here=self.programs) for a in case.arguments]
        return [*case.wrapper, *program, *arguments]

    # Running ------------------------------------------------------------------------------------------------

    def environment(self) -> dict[str, str]:
        env = {"PATH": "/usr/bin:/bin", "SAFETY_PKI": str(self.pki), "SAFETY_HERE": str(self.programs)}
        return {**env, "LD_LIBRARY_PATH": str(OPENSSL / "lib")} if OPENSSL else env

    def run(self, case: Case, mode: Mode, *, arguments: Sequence[str] = ()) -> Outcome:
        """One run. `arguments` come after those of the case."""
        command = [*self.command(case), *arguments]
        preloads = [self.library(b) for b in case.before]
        preloads += [preload()] if mode.ibid else []
        preloads += [self.library(a) for a in case.after]
        env = self.environment()
        env.update(dict(case.env))
        env.update(dict(mode.env))
        if preloads:
            env["LD_PRELOAD"] = ":".join(str(p) for p in preloads)
        if case.audit:
            env["LD_AUDIT"] = str(self.library(case.audit))
        folder = Path(tempfile.mkdtemp(dir=self.folder_))
        try:
            return self.run_in_(folder, command, env, case.seconds)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @staticmethod
    def run_in_(folder: Path, command: list[str], env: dict[str, str], seconds: float) -> Outcome:
        # Files instead of pipes, because a child that hangs keeps a pipe open. A process group of its own, so
        # that it is ended with its children.
        with open(folder / ".stdout", "w+b") as out, open(folder / ".stderr", "w+b") as err:
            process = subprocess.Popen(
                command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
            )
            status: int | str
            try:
                status = process.wait(seconds)
            except subprocess.TimeoutExpired:
                status = "hung"
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
            out.seek(0)
            err.seek(0)
            return read_outcome(status, out.read(), err.read())

    def stock(self, case: Case) -> Outcome:
        if case not in self.stock_:
            outcome = self.run(case, STOCK)
            if outcome.status == 77:
                pytest.skip(outcome.stdout.strip().splitlines()[-1])
            assert outcome.stdout, f"the program has printed nothing:\n{outcome.visible()}"
            assert re.search(case.shows, outcome.stdout), f"not what the test is about:\n{outcome.visible()}"
            self.stock_[case] = outcome
        return self.stock_[case]

    def as_stock(self, case: Case, mode: Mode) -> Outcome:
        """Runs the case in that mode and requires the same outcome as in stock. Returns the outcome."""
        stock = self.stock(case)
        outcome = self.run(case, mode)
        if outcome.visible() != stock.visible():
            again = self.run(case, STOCK)
            assert again.visible() == stock.visible(), (
                "two runs without ibid differ already, so the program is at fault:\n" + difference(stock, again, STOCK)
            )
            raise AssertionError(f"{case} differs from stock:\n{difference(stock, outcome, mode)}")
        if mode != RETAIN_NOTHING and "SAFETY_UNHELPED" not in os.environ:
            for what in case.helped:
                assert outcome.hits.get(what, 0) > 0, f"ibid shared no {what}; the test tests nothing: {outcome.hits}"
        return outcome

    def bounded(
        self, case: Case, mode: Mode, within: Callable[[Outcome, Outcome], str | None], attempts: int = 3
    ) -> None:
        """Requires that `within(stock, ibid)` finds no fault in the figures, in one of `attempts`."""
        complaint: str | None = None
        for _ in range(attempts):
            stock, outcome = self.run(case, STOCK), self.run(case, mode)
            assert outcome.visible() == stock.visible(), f"{case}:\n{difference(stock, outcome, mode)}"
            assert stock.figures, f"the program has printed no figure:\n{stock.visible()}"
            complaint = within(stock, outcome)
            if complaint is None:
                return
        raise AssertionError(f"{case}, {mode}: {complaint}")


def crossed(cases: Sequence[Case]) -> list[tuple[Case, Mode]]:
    """Each case in each of its modes, for pytest.mark.parametrize("case, mode", …)."""
    return [(case, mode) for case in cases for mode in case.modes]
