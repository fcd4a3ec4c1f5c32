# SPDX-License-Identifier: Apache-2.0
"""Writes docs/operators/programs.md: a table of all results, and the programs that were not tried."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Sequence

from .measure import CLIENT_ROUNDS, HELD, ROUNDS, Ratio
from .result import Result


def cell(figure: Ratio | None) -> str:
    """The ratio to stock, or a text if there is none."""
    if figure is None:
        return "–"
    return f"{figure.value:.2f} ×" if figure.told else "no difference seen"


def verdict(result: Result) -> str:
    """What an operator should expect. 5 % less counts as a gain, 5 % more as a cost."""
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
    # Debian's revision is of no use on another system.
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
        "# Tested programs",
        "",
        f"`./dev programs --install --page` runs {len(same) + len(different)} unmodified servers, clients and libraries of {system()} ({openssl_version()}) without ibid",
        '("stock") and under ibid, and writes this page. Each runs valid and invalid TLS exchanges: another CA, expired, not yet valid, another host, a',
        "missing intermediate, revoked, no client certificate, a client certificate for another purpose. Exit status, output, logs and what the peer saw",
        f"must be the same. **{len(same)} programs behaved as in stock, {len(different)} differently.** If the machine was too busy, memory and CPU were not measured.",
        "",
        "- *hits*: what ibid shared in one run. A short program that makes one connection has nothing to share.",
        f"- *memory*, relative to stock (below 1 is less): for a server, private memory (`Private_Dirty` of all its processes) while it holds {HELD} connections,",
        "  all with one client certificate if the server asks for one; for a client, the peak of resident memory, which includes ibid's code.",
        f"- *CPU*, relative to stock: for a server, of these handshakes; for a client, of the whole run. Medians of {ROUNDS} alternating runs (clients: {CLIENT_ROUNDS}); if",
        '  the runs overlap: "no difference seen".',
        "- *nothing to share*: no lookup was a hit; for example one connection in each process, or a server that asks for no certificate. *other TLS*: GnuTLS,",
        "  or a copy of OpenSSL inside the program. *is disabled*: the reason is below the table.",
        "",
        "| program | version | role | exchanges | hits | memory | CPU | |",
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
