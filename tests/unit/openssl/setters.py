#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every public function of OpenSSL with which a program could write to a shared certificate, CRL, or key must have a role in the table of
src/openssl/modules/module_class.h, or a reason in not_setters.txt why it needs none.

setters.py TABLE LIST INCLUDE ...     TABLE: module_class.h; INCLUDE: folders with the headers of an OpenSSL 3.x, each

The headers are preprocessed first. Relevant are functions that take or return one of the types by a non-const pointer, also in a list, or as
an argument of a callback; and those that give a const structure out of such an object, if the structure is public and has pointers in it
that are not const. A function that takes a certificate, or a list of certificates, must be named by itself and not by a pattern:
OpenSSL may hold a reference to it from then on.
"""

from __future__ import annotations

import fnmatch
import re
import subprocess
import sys
from pathlib import Path

# Certificates, CRLs and keys, and their parts.
OBJECTS = ("X509", "X509_CRL", "X509_REVOKED", "EVP_PKEY")
PARTS = (
    "X509_NAME", "X509_NAME_ENTRY", "X509_EXTENSION", "X509_PUBKEY", "ASN1_TIME", "ASN1_UTCTIME", "ASN1_GENERALIZEDTIME",
    "ASN1_INTEGER", "ASN1_ENUMERATED", r"ASN1_\w*STRING", "ASN1_TYPE", "ASN1_VALUE", "X509_ALGOR", "GENERAL_NAME", "GENERAL_NAMES",
    "OTHERNAME", "EDIPARTYNAME", "RSA", "DSA", "DH", "EC_KEY",
)
TYPES = OBJECTS + PARTS
LISTS = tuple(f"struct stack_st_{of}" for of in ("X509", "X509_CRL", "X509_OBJECT", "X509_INFO", "GENERAL_NAME")) + ("X509_OBJECT",)
# Headers that cannot be included, or are for other systems.
UNUSABLE = re.compile(r"asn1_mac\.h|__DECC_.*")


def roles_in(table: Path) -> list[str]:
    """The names and prefixes of the table, as patterns."""
    return re.findall(r'^    named_role\{"([\w*]+)", ', table.read_text(), re.MULTILINE)


def callbacks_in(declarations: list[str]) -> re.Pattern[str]:
    """The types of functions that take or return a certificate."""
    certificate = re.compile(r"\b(?:X509|struct stack_st_X509) ?\*")
    names = []
    for declaration in declarations:
        typedef = re.fullmatch(r"typedef ([\w *]*[ *])(?:\( ?\* ?)?(\w+) ?\)? ?\((.*)\)", declaration)
        if typedef and (certificate.search(typedef[1]) or certificate.search(typedef[3])):
            names.append(typedef[2])
    return re.compile(rf"\b(?:{'|'.join(names)})\b")


def structures_in(text: str) -> re.Pattern[str]:
    """Const pointers to public structures, and to lists, with parts that are not const. A string has only its bytes, which no function takes."""
    body = r"\{((?:[^{}]|\{[^{}]*\})*)\}"
    tags = {tag for tag, members in re.findall(rf"struct (\w+) {body}", text) if "*" in members}
    names = [name for tag, name in re.findall(r"typedef struct (\w+) (\w+) ?;", text) if tag in tags or tag.startswith("stack_st_")]
    names += [name for members, name in re.findall(rf"typedef struct \w+ {body} (\w+) ?;", text) if "*" in members]
    parts = [name for name in names if not re.fullmatch(r"ASN1_(?:\w*STRING|\w*TIME|INTEGER|ENUMERATED)", name)]
    return re.compile(rf"\bconst (?:{'|'.join(parts)}|struct stack_st_\w+) ?\*")


def functions_in(include: Path) -> dict[str, str]:
    """The functions that take or return a pointer to one of the types that allows writes; with their declarations."""
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
    taken = re.compile(rf"(?<!const )\b(?:{'|'.join(TYPES)}|{'|'.join(LISTS)}) ?\*")
    found = {}
    text = re.sub(r"\s+", " ", done.stdout)
    declarations = [d.strip() for d in re.split(r"[;{}]", text)]
    callbacks = callbacks_in(declarations)
    structures = structures_in(text)
    of_object = re.compile(rf"\b(?:{'|'.join(OBJECTS)}|RSA|DSA|DH|EC_KEY) ?\*")
    for declaration in declarations:
        # No parentheses before the name and its parameters: this excludes callbacks in structures.
        function = re.fullmatch(r"(?!typedef|static)([\w *]*[\w*] \*?)(\w+) ?\((.*)\)", declaration)
        # A function that returns a function: a getter of a method.
        getter = re.fullmatch(r"(?!typedef|static)([\w *]*[\w*] ?)\( ?\* ?(\w+) ?\((.*)\) ?\) ?\((.*)\)", declaration)
        if getter:
            if taken.search(getter[4]):
                found[getter[2]] = declaration
            continue
        if not function:
            continue
        gives_method = function[1].endswith("X509V3_EXT_METHOD *")  # these contain the description of a type
        may_write = taken.search(function[3]) or taken.search(function[1]) or callbacks.search(f"{function[1]} {function[3]}")
        gives_parts = of_object.search(function[3]) and (
            structures.search(function[1]) or re.search(rf"{structures.pattern} ?\*", function[3])
        )
        if may_write or gives_method or gives_parts:
            found[function[2]] = declaration
    return found


def reasons_in(file: Path) -> dict[str, str]:
    """Names, or patterns of names, with the reason in brackets above them."""
    reasons: dict[str, str] = {}
    text = re.sub(r"^#.*\n", "", file.read_text(), flags=re.MULTILINE)
    for reason, names in re.findall(r"\[(.*?)\]([^[]*)", text, re.DOTALL):
        for name in names.split():
            assert name not in reasons, f"{file.name}: {name} is there twice"
            reasons[name] = reason
    return reasons


def matches(name: str, patterns: list[str] | dict[str, str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


CERTIFICATE = re.compile(r"(?<!const )\b(?:X509|struct stack_st_X509) ?\*(?! ?\*)")


def takes_certificate(name: str, declaration: str) -> bool:
    arguments = re.search(rf"\b{name} ?\((.*)\)", declaration)
    return arguments is not None and CERTIFICATE.search(arguments[1]) is not None


def main() -> int:
    table, list_file = Path(sys.argv[1]), Path(sys.argv[2])
    includes = list(dict.fromkeys(Path(a).resolve() for a in sys.argv[3:]))
    roles, reasons = roles_in(table), reasons_in(list_file)
    problems = []
    if len(roles) < 100:
        problems.append(f"{table}: only {len(roles)} names were found; is this the table?")
    declared: set[str] = set()
    for include in includes:
        functions = functions_in(include)
        if len(functions) < 500:
            problems.append(f"{include}: only {len(functions)} functions were found; are these OpenSSL's headers?")
        declared |= functions.keys()
        with_roles = [name for name in functions if matches(name, roles)]
        for name, declaration in sorted(functions.items()):
            named = name in reasons or (matches(name, reasons) and not takes_certificate(name, declaration))
            if not matches(name, roles) and not named:
                problems.append(f"{include}: has no role, and is not named with a reason: {declaration}")
        print(f"{include}: {len(functions)} functions, of which {len(with_roles)} have roles")
    for pattern in reasons:
        if pattern in roles:
            problems.append(f"{list_file.name}: {pattern} has a role, and need not be here")
        elif not any(fnmatch.fnmatchcase(name, pattern) for name in declared):
            # An entry without a function is outdated. But old headers have fewer functions than new ones.
            if len(includes) > 2:
                problems.append(f"{list_file.name}: there is no {pattern}")
    print("\n".join(problems), file=sys.stderr)
    return 1 if problems else 0


sys.exit(main())
