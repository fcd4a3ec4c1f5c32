# SPDX-License-Identifier: Apache-2.0
"""docs/operators/programs.md: what came of all programs, in one table, and what was not tried."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Sequence

from .measure import CLIENT_ROUNDS, HELD, ROUNDS, Ratio
from .result import Result


def cell(figure: Ratio | None) -> str:
    """× as much as stock, or what is to be said instead."""
    if figure is None:
        return "–"
    return f"{figure.value:.2f} ×" if figure.told else "no difference seen"


def verdict(result: Result) -> str:
    """What an operator should expect. A fall of 5 % is help, a rise of 5 % is a price."""
    heavier = any(f.value > 1.05 for f in (result.memory, result.cpu) if f and f.told)
    if not result.helped and result.reason:
        other = "no process that could be counted" in result.reason
        return ("other TLS" if other else "is disabled") + (", heavier" if heavier else "")
    if result.hits + result.misses == 0 and (result.role == "client" or "GnuTLS" in result.note or "inside" in result.note):
        return "other TLS"
    told = [f for f in (result.memory, result.cpu) if f and f.told]
    if result.hits == 0:
        return "heavier" if any(f.value > 1.05 for f in told) else "nothing to share"
    if result.memory is None:
        return "shares; not measured"
    if any(f.value < 0.95 for f in told):
        return "helped, at a price" if any(f.value > 1.05 for f in told) else "helped"
    return "heavier" if any(f.value > 1.05 for f in told) else "shares; no difference seen"


def anchor(text: str) -> str:
    return text.replace("|", "\\|")


def row(r: Result) -> str:
    # Debian's revision says nothing to whoever has another system.
    version = r.version.split(":")[-1].split("-")[0].split("+")[0]
    return f"| {anchor(r.name)} | {version} | {r.role} | {r.exchanges} | {r.hits or '–'} | {cell(r.memory)} | {cell(r.cpu)} | {verdict(r)} |"


def openssl_version() -> str:
    return " ".join(subprocess.run(["openssl", "version"], capture_output=True, text=True).stdout.split()[:2])


def system() -> str:
    return platform.freedesktop_os_release()["PRETTY_NAME"]


def page(results: Sequence[Result]) -> str:
    same = [r for r in results if r.same]
    different = [r for r in results if r.difference]
    left_out = [r for r in results if r.not_tried]
    lines = [
        "# Programs tried",
        "",
        f"`./dev programs --install --page` runs {len(same) + len(different)} unmodified servers, clients and libraries of {system()} ({openssl_version()}), stock and under ibid, and",
        "writes this page. Each goes through TLS exchanges, sound and broken: another CA, expired, not yet valid, another host, a missing intermediate,",
        "revoked, no client certificate, a client certificate for another purpose. Exit status, output, logs and what the peer saw must be the same.",
        f"**{len(same)} did as in stock, {len(different)} differently.** Where the machine had no time for it, memory and CPU were not measured.",
        "",
        "- *hits*: what ibid shared in one run. A short program that makes one connection has nothing to share.",
        f"- *memory*: a server's private memory (`Private_Dirty` of all its processes) while it holds {HELD} connections, all with one client certificate if it",
        "  asks for one; a client's peak of resident memory, in which ibid's own code counts. × as much as stock: below 1 is less.",
        f"- *CPU*: of these handshakes; of a client's run, start and end included. Medians of {ROUNDS} runs (clients: {CLIENT_ROUNDS}) by turns; runs that overlap are",
        "  \"no difference seen\".",
        "- *nothing to share*: no lookup found anything: one connection in each process, or a server that asks for no certificate. *other TLS*: not the system's",
        "  OpenSSL, but GnuTLS or a copy inside the program. *is disabled*: the reason is below the table.",
        "",
        "| program | version | is | exchanges | hits | memory | CPU | |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | --- |",
        *(row(r) for r in sorted(same, key=lambda r: (r.role != "server", r.name.lower()))),
        "",
    ]
    reasons: dict[str, list[str]] = {}
    for r in same:
        if r.reason and not verdict(r).startswith("other TLS"):
            reasons.setdefault(r.reason, []).append(r.name)
        elif r.note and not r.reason and not verdict(r).startswith("other TLS"):
            reasons.setdefault(r.note, []).append(r.name)
    if reasons:
        lines += ["## Why not", ""]
        lines += [f"- {reason}: {'; '.join(sorted(names))}." for reason, names in sorted(reasons.items())]
        lines.append("")
    if different:
        lines += ["## Different", "", *(f"### {r.name}\n\n```\n{r.difference}\n```\n" for r in different)]
    if left_out:
        lines += ["## Not tried", "", "| program | why |", "| --- | --- |"]
        lines += [f"| {anchor(r.name)} | {anchor(' '.join(r.not_tried.split())[:160])} |" for r in left_out]
        lines.append("")
    return "\n".join(lines)
