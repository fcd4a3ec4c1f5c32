#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every public function of OpenSSL that could write to a shared certificate, CRL or public key is met, or not_setters.txt says why
it need not be.

setters.py LIBRARY LIST INCLUDE ...     LIBRARY: libibid_preload.so; INCLUDE: folders with the headers of an OpenSSL 3.x, each

The headers are taken as the preprocessor leaves them; what takes one of the types by a pointer that is not const is looked at.
"""

from __future__ import annotations

import fnmatch
import re
import subprocess
import sys
from pathlib import Path

TYPES = ("X509", "X509_CRL", "X509_REVOKED", "EVP_PKEY")
# Headers that stop whoever includes them, or are for other systems.
UNUSABLE = re.compile(r"asn1_mac\.h|__DECC_.*")


def met_by(library: str) -> set[str]:
    """The functions of OpenSSL that ibid stands before."""
    lines = subprocess.run(
        ["readelf", "-W", "--dyn-syms", library], check=True, capture_output=True, text=True
    ).stdout
    return set(re.findall(r" (\w+)@OPENSSL_3\.0\.0$", lines, re.MULTILINE))


def writers_in(include: Path) -> dict[str, str]:
    """The functions that get a pointer to one of the types and may write through it, with their declarations."""
    headers = sorted(
        h.name for h in (include / "openssl").glob("*.h") if not UNUSABLE.fullmatch(h.name)
    )
    source = "#include <stdio.h>\n" + "".join(f"#include <openssl/{h}>\n" for h in headers)
    done = subprocess.run(
        ["cc", "-E", "-P", "-DOPENSSL_SUPPRESS_DEPRECATED", f"-I{include}", "-x", "c", "-"],
        input=source,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        sys.exit(f"{include}: the preprocessor says:\n{done.stderr}")
    pointer = re.compile(rf"(?<!const )\b(?:{'|'.join(TYPES)}) ?\*")
    found = {}
    for declaration in map(str.strip, re.split(r"[;{}]", re.sub(r"\s+", " ", done.stdout))):
        # What comes before the name and its parameters has no parentheses: callbacks in structures do.
        function = re.fullmatch(r"(?!typedef|static)[\w *]*[\w*] \*?(\w+) ?\((.*)\)", declaration)
        if function and pointer.search(function[2]):
            found[function[1]] = declaration
    return found


def reasons_in(file: Path) -> dict[str, str]:
    """Names, or patterns of names, each with the reason in brackets above it."""
    reasons: dict[str, str] = {}
    text = re.sub(r"^#.*\n", "", file.read_text(), flags=re.MULTILINE)
    for reason, names in re.findall(r"\[(.*?)\]([^[]*)", text, re.DOTALL):
        for name in names.split():
            assert name not in reasons, f"{file.name}: {name} is there twice"
            reasons[name] = reason
    return reasons


def main() -> int:
    library, list_file, includes = sys.argv[1], Path(sys.argv[2]), list(dict.fromkeys(Path(a).resolve() for a in sys.argv[3:]))
    met, reasons = met_by(library), reasons_in(list_file)
    problems = []
    declared: set[str] = set()
    for include in includes:
        writers = writers_in(include)
        if len(writers) < 200:
            problems.append(f"{include}: only {len(writers)} functions were found; are these OpenSSL's headers?")
        declared |= writers.keys()
        for name, declaration in sorted(writers.items()):
            if name not in met and not any(fnmatch.fnmatchcase(name, pattern) for pattern in reasons):
                problems.append(f"{include}: neither met nor named with a reason: {declaration}")
        print(f"{include}: {len(writers)} functions, of which {len(writers.keys() & met)} are met")
    for pattern in reasons:
        if pattern in met:
            problems.append(f"{list_file.name}: {pattern} is met, and need not be here")
        elif not any(fnmatch.fnmatchcase(name, pattern) for name in declared):
            # A list that is longer than what there is was not read for a while; but old headers know less than new ones.
            if len(includes) > 1:
                problems.append(f"{list_file.name}: there is no {pattern}")
    print("\n".join(problems), file=sys.stderr)
    return 1 if problems else 0


sys.exit(main())
