# SPDX-License-Identifier: Apache-2.0
"""The reference of the public headers, include/ibid/*.h and include/ibid_openssl.h: one page for each, made from its comments.

Clang parses the headers (libclang from PyPI). Public are the names in namespace ibid, except for namespace detail, and the public members of types.
The comment of a name is directly before it, or behind it on its line.

Law: a public name without a comment is an error. In a class, one overload's comment is enough for all overloads. No comment is needed for a deleted
declaration, or for a usual copy, move, assignment or destructor.

The module (ibid.cppm) exports each public name of the core.

    reference.py    prints the public names that have no comment; the exit status is 1 if there is one
"""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator

from clang import cindex

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "include"
HIDDEN = {"detail", "process"}  # namespaces; `process` has what the modules of one process share
TYPES = {"CLASS_DECL", "STRUCT_DECL", "CLASS_TEMPLATE", "CLASS_TEMPLATE_PARTIAL_SPECIALIZATION", "ENUM_DECL"}
DATA = {"VAR_DECL", "FIELD_DECL", "TYPE_ALIAS_DECL", "TYPE_ALIAS_TEMPLATE_DECL", "ENUM_CONSTANT_DECL"}
FUNCTIONS = {"FUNCTION_DECL", "FUNCTION_TEMPLATE", "CXX_METHOD", "CONVERSION_FUNCTION", "CONSTRUCTOR", "DESTRUCTOR"}
SHOWN = TYPES | FUNCTIONS | DATA | {"CONCEPT_DECL"}
NOT_IN_MODULE = {"ibid/gc.h", "ibid/fmt.h", "ibid/openssl.h", "ibid_openssl.h"}  # they need another library
SIGNS = {"==": "equals", "<=>": "order", "->": "arrow", "*": "star", "()": "call", "=": "assign"}
OPENS, CLOSES = "([{", ")]}"


@dataclass
class Entry:
    """One declaration. `members` has what a type declares."""

    name: str
    where: str  # file and line
    declaration: str
    comment: str
    needs_none: bool = False
    is_type: bool = False
    is_data: bool = False
    members: list["Entry"] = field(default_factory=list)


@dataclass
class Header:
    name: str  # the name that programs include
    about: str
    entries: list[Entry]


def headers() -> list[Path]:
    return sorted((INCLUDE / "ibid").glob("*.h")) + [INCLUDE / "ibid_openssl.h"]


def include_name(path: Path) -> str:
    """The name that programs include."""
    return str(path.relative_to(INCLUDE)) if path.is_relative_to(INCLUDE) else path.name


def without_marks(comment: str) -> str:
    """The text of a comment, without // or /* */."""
    if comment.lstrip().startswith("/*"):
        lines = re.sub(r"^\s*/\*+|\*/\s*$", "", comment.strip()).splitlines()
        return "\n".join(re.sub(r"^\s*\* ?", "", line) for line in lines).strip("\n").strip(" ")
    return "\n".join(re.sub(r"^\s*//[/!<]*", "", line).removeprefix(" ") for line in comment.splitlines() if "NOLINT" not in line).strip("\n")


def about(text: str) -> str:
    """The comment at a header's head, without the line of its licence."""
    if text.startswith("/*"):
        return without_marks(text[text.index("*/") + 2 :].lstrip().partition("*/")[0] + "*/")
    lines = text.splitlines()[1:]
    head = [line for i, line in enumerate(lines) if all(other.startswith("//") for other in lines[: i + 1])]
    return without_marks("\n".join(head))


def declaration(text: str) -> str:
    """The declaration without body, constructor initializers and "= default". Its line breaks stay."""
    depth, requirement = 0, False
    out: list[str] = []
    i = 0
    while i < len(text):
        c = text[i]
        if c in OPENS:
            if c == "{" and depth == 0 and not (requirement and re.search(r"\brequires\s*(\([^()]*\))?\s*$", "".join(out))):
                break
            depth += 1
        elif c in CLOSES:
            depth -= 1
        elif depth == 0 and c == ";":
            break
        elif depth == 0 and c == ":" and text[i : i + 2] != "::" and (not out or out[-1] != ":"):
            if re.search(r"\)\s*(noexcept|const|requires\s*\(.*\))?\s*$", "".join(out), re.DOTALL):
                break
        if text.startswith("requires", i):
            requirement = True
        out.append(c)
        i += 1
    lines = [line.rstrip() for line in "".join(out).rstrip().splitlines()]
    shown = "\n".join(re.sub(r"\s*//.*", "", line) for line in lines if not line.lstrip().startswith("//"))
    shown = re.sub(r"\s*\bIBID_(LIFETIMEBOUND|MODULE_LOCAL|NO_THREAD_SAFETY_ANALYSIS)\b", "", shown)
    shown = re.sub(r"\[\[(nodiscard|gnu::\w+)(, gnu::\w+)*\]\]\s*", "", shown)
    return re.sub(r"^\s*inline\s+", "", re.sub(r"\s*= default$", "", shown)).strip()


def dedented(text: str, column: int) -> str:
    """Without the indentation of its first line, which begins in that column."""
    return re.sub(rf"(?m)^ {{{column - 1}}}", "", text)


class Reader:
    """What Clang makes of the headers, all in one translation unit."""

    def __init__(self, paths: list[Path]) -> None:
        # Some of them declare public names, which a program gets by including a public header.
        inner = sorted((INCLUDE / "ibid/detail").rglob("*.h")) if INCLUDE in paths[0].parents else []
        self.paths = {str(p): p for p in [*paths, *inner]}
        self.texts = {p: Path(p).read_bytes() for p in self.paths}
        self.inner = {str(p) for p in inner}
        source = "".join(f'#include "{p}"\n' for p in paths)
        built_in = subprocess.run(["g++", "-print-file-name=include"], capture_output=True, text=True, check=True).stdout.strip()
        words = ["-std=c++20", "-xc++", "-fparse-all-comments", "-Wno-everything", f"-I{INCLUDE}", "-isystem", built_in, "-U__SSE2__", "-DXXH_VECTOR=0", "-DGC_THREADS"]
        self.unit = cindex.Index.create().parse("reference.cpp", words, unsaved_files=[("reference.cpp", source)])
        errors = [str(d) for d in self.unit.diagnostics if d.severity >= cindex.Diagnostic.Error]
        if errors:
            raise SystemExit("reference.py: Clang cannot read the headers:\n" + "\n".join(errors[:10]))

    def read(self) -> list[Header]:
        found: dict[str, list[Entry]] = {path: [] for path in self.paths}
        for path, entry in self.walk(self.unit.cursor, top=True):
            found[path].append(entry)
        for path in sorted(self.inner):
            home = "ibid/handle.h" if path.endswith("/shown.h") else "ibid/cache.h"
            found.setdefault(str(INCLUDE / home), []).extend(found.pop(path))
        return [Header(include_name(Path(p)), about(self.texts[p].decode()), found[p]) for p in found]

    def walk(self, scope: cindex.Cursor, top: bool) -> Iterator[tuple[str, Entry]]:
        for cursor in scope.get_children():
            path = cursor.location.file.name if cursor.location.file else ""
            if path not in self.paths:
                continue
            try:
                kind = cursor.kind.name
            except ValueError:  # a kind that the Python bindings do not know yet
                continue
            if kind in ("NAMESPACE", "LINKAGE_SPEC", "UNEXPOSED_DECL") and cursor.spelling not in HIDDEN:
                yield from self.walk(cursor, top)
            elif kind == "FRIEND_DECL":
                for child in cursor.get_children():
                    if child.kind.name in FUNCTIONS and child.is_definition():
                        yield path, self.entry(child, cursor)
            elif kind in SHOWN and cursor.spelling and (top or cursor.access_specifier == cindex.AccessSpecifier.PUBLIC):
                if kind in TYPES and not cursor.is_definition() and not self.is_alone(cursor):
                    continue
                if "(unnamed" in cursor.spelling or kind == "VAR_DECL" and "detail::" in cursor.type.spelling and top:
                    continue
                if kind in FUNCTIONS and cursor.lexical_parent != cursor.semantic_parent and not top:
                    continue
                yield path, self.entry(cursor, cursor)

    @staticmethod
    def is_alone(cursor: cindex.Cursor) -> bool:
        """A template that is only declared; programs specialize it."""
        return cursor.kind.name == "CLASS_TEMPLATE" and cursor.get_definition() is None

    def entry(self, cursor: cindex.Cursor, commented: cindex.Cursor) -> Entry:
        path = cursor.location.file.name
        text = self.texts[path]
        kind = cursor.kind.name
        whole = text[commented.extent.start.offset : cursor.extent.end.offset].decode()
        whole = re.sub(r"^friend\s+", "friend ", whole)
        shown = whole if kind in ("CONCEPT_DECL",) else declaration(whole)
        if kind in DATA:
            shown = re.sub(r"^inline ", "", whole)
            if "= [" in shown or shown.count("\n") > 3:
                shown = shown.partition(" = ")[0]
        scope = cursor.semantic_parent.spelling if cursor.semantic_parent else ""
        name = scope if kind in FUNCTIONS and cursor.spelling.startswith(f"{scope}<") else cursor.spelling
        if conversion := re.search(r"\boperator (\w[^()]*)\(", shown):
            name = "operator " + conversion[1].strip()
        if kind == "CLASS_TEMPLATE_PARTIAL_SPECIALIZATION":
            name = cursor.displayname
        entry = Entry(name, f"{Path(path).relative_to(ROOT)}:{cursor.location.line}", dedented(shown, commented.extent.start.column), self.comment(commented), is_type=kind in TYPES, is_data=kind in DATA)
        entry.needs_none = self.says_nothing_new(cursor, kind, whole)
        if entry.is_type:
            entry.members = [m for _, m in self.walk(cursor, top=False)]
            if kind == "ENUM_DECL":
                entry.members = [self.entry(c, c) for c in cursor.get_children() if c.kind.name == "ENUM_CONSTANT_DECL"]
        return entry

    @staticmethod
    def says_nothing_new(cursor: cindex.Cursor, kind: str, whole: str) -> bool:
        if re.search(r"=\s*delete$", whole):
            return True
        if kind == "DESTRUCTOR" or kind == "CONSTRUCTOR" and (cursor.is_copy_constructor() or cursor.is_move_constructor()):
            return True
        if kind in ("CONSTRUCTOR", "FUNCTION_DECL", "CXX_METHOD") and re.search(r"=\s*default$", whole):
            return True
        if cursor.spelling == "operator=":
            argument = next(iter(cursor.get_arguments()), None)
            return argument is not None and argument.type.spelling.replace("const ", "").rstrip("& ").split("<")[0].split("::")[-1] == cursor.semantic_parent.spelling
        return False

    def comment(self, cursor: cindex.Cursor) -> str:
        """The comment directly at the declaration. (Clang also accepts a comment further up.)"""
        raw = cursor.raw_comment
        if not raw:
            return ""
        text = self.texts[cursor.location.file.name].decode()
        start = len(self.texts[cursor.location.file.name][: cursor.extent.start.offset].decode())
        at = text.rfind(raw, 0, start)
        between = text[at + len(raw) : start] if at >= 0 else ""
        if at >= 0 and between.count("\n") > 1:
            return ""
        return without_marks(raw)


def undocumented(header: Header) -> list[str]:
    missing = []

    def look(entries: list[Entry], scope: str) -> None:
        said = {e.name for e in entries if e.comment}
        for e in entries:
            if not e.comment and e.name not in said and not e.needs_none:
                missing.append(f"{e.where}: {scope}{e.name} has no comment")
            look(e.members, f"{scope}{e.name}::")

    look(header.entries, "")
    return missing


# --- pages --------------------------------------------------------------------------------------------------


def escaped(text: str) -> str:
    """Escapes Markdown's characters, except between backticks."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(p if p.startswith("`") else re.sub(r"([\\*_<>\[\]#|])", r"\\\1", p).replace("\\<", "&lt;").replace("\\>", "&gt;") for p in parts)


def markdown(comment: str) -> str:
    """Paragraphs, lists, and examples, which are indented by four."""
    out: list[str] = []
    in_code = in_item = False
    before = ""
    for line in comment.splitlines():
        if named := re.match(r"(\w+): {2,}(.*)", line):  # a list of parameters
            line = f"- `{named[1]}`: {named[2]}"
        code = line.startswith("    ") and (in_code or not in_item and before == "")
        before = line
        if code and not in_code:
            out += ["", "```cpp"]
        elif in_code and not code:
            if not line.strip():
                out.append("")
                continue
            while out[-1] == "":
                out.pop()
            out += ["```", ""]
        in_code = code
        if code:
            out.append(line[4:])
        elif item := re.match(r"\s*[-*] (.*)", line):
            out += ([""] if not in_item else []) + ["- " + escaped(item[1])]
            in_item = True
        elif in_item and line.startswith("  "):
            out.append("  " + escaped(line.strip()))
        else:
            if in_item and line.strip():
                out.append("")
            in_item = False
            out.append(escaped(line.strip()))
    while out and out[-1] == "":
        out.pop()
    return "\n".join(out + (["```"] if in_code else []))


def anchor(scope: str, name: str, used: set[str]) -> str:
    for sign, word in SIGNS.items():
        name = name.replace(f"operator{sign}", f"operator-{word}")
    base = re.sub(r"[^\w]+", "-", f"{scope}{name}").strip("-").lower()
    free, n = base, 1
    while free in used:
        n += 1
        free = f"{base}-{n}"
    used.add(free)
    return free


def grouped(entries: list[Entry]) -> list[list[Entry]]:
    """Groups the overloads of a name, at the position of the first."""
    groups: dict[str, list[Entry]] = {}
    for e in entries:
        groups.setdefault(e.name if not e.is_type else f"{e.name} {e.where}", []).append(e)
    return list(groups.values())


def fields_table(entries: list[Entry]) -> list[str]:
    rows = [f"| `{' '.join(e.declaration.split())}` | {' '.join(escaped(e.comment).split())} |" for e in entries]
    return ["", "| | |", "| --- | --- |", *rows]


def page(header: Header) -> str:
    used: set[str] = set()
    out = [f"# {header.name}", "", f"`#include <{header.name}>` ([source](../../include/{header.name}))", "", markdown(header.about)]

    def add(entries: list[Entry], scope: str, level: int) -> None:
        plain = [e for e in entries if is_row(e)]
        rest = [e for e in entries if not is_row(e)]
        if plain and level > 2:
            out.extend(fields_table(plain))
            entries = rest
        for group in grouped(entries):
            if all(e.needs_none and not e.comment and not e.is_type for e in group) and not group[0].name == scope.rstrip(":"):
                continue
            first = group[0]
            inside = re.sub(r"<.*>", "", scope.removesuffix("::")).rpartition("::")[2]
            title = f"{inside}::{first.name}" if inside else first.name
            out.extend(["", f"{'#' * level} `{title}` {{ #{anchor(scope, first.name, used)} }}"])
            for i, e in enumerate(group):
                if i > 0 and not e.comment and not e.is_type:  # the previous comment is for this overload, too
                    continue
                alike = [e] + [a for a in itertools.takewhile(lambda a: not a.comment, group[i + 1 :])]
                out.extend(["", "```cpp", *(a.declaration for a in alike), "```", "", markdown(e.comment)])
                if e.is_type:
                    add(e.members, f"{scope}{e.name}::", min(level + 1, 4))

    add(header.entries, "", 2)
    return "\n".join(out) + "\n"


def is_row(e: Entry) -> bool:
    """Whether it is a row of a table: data, a constant or an alias of a type, with a comment of one line."""
    return e.is_data and "\n" not in e.comment + e.declaration


def not_exported(all_headers: list[Header]) -> list[str]:
    """The core's public names that its module does not export."""
    module = INCLUDE / "ibid/ibid.cppm"
    exported = set(re.findall(r"(?m)^using ibid::(.+);$", module.read_text()))
    names = {e.name for h in all_headers if h.name not in NOT_IN_MODULE for e in h.entries if "<" not in e.name or e.name.startswith("operator")}
    return [f"{module.relative_to(ROOT)}: does not export {name}" for name in sorted(names - exported)]


def problems(all_headers: list[Header]) -> list[str]:
    return check_itself() + [line for h in all_headers for line in undocumented(h)] + not_exported(all_headers)


def check_itself() -> list[str]:
    """Tests undocumented() with a header: it must report exactly the names that begin with missing_."""
    path = ROOT / "tests/docs/undocumented.h"
    found = {re.split(r"[: ]+", line.rpartition(" has no")[0])[-1] for line in undocumented(Reader([path]).read()[0])}
    wanted = set(re.findall(r"\bmissing_\w+", path.read_text().partition("#pragma once")[2]))
    return [f"{path.relative_to(ROOT)}: {name} is {'not reported' if name in wanted else 'reported'}" for name in sorted(found ^ wanted)]


def main() -> int:
    wrong = problems(Reader(headers()).read())
    print("\n".join(wrong) if wrong else "every public name has a comment, and the module exports those of the core", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
