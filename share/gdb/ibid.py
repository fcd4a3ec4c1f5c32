# SPDX-License-Identifier: Apache-2.0
"""Pretty printers for GDB: a handle, a view, a weak reference, an atomic handle and a loan show their value; a cache shows its entries.

    (gdb) print host
    $1 = ibid::handle (2 references) = {value = "example.org"}
    (gdb) print routes
    $2 = ibid::cache "routes" (1 entry) = {["example.org"] = "10.0.0.1"}

GDB loads this file automatically from its data directory, as gdb/python/gdb/printer/ibid.py. `cmake --install` and the packages put it there, below
the prefix. From another place: (gdb) source …/ibid.py. It only reads memory, and calls no function of the program.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import gdb
import gdb.printing
import gdb.types

LAYOUT = "ibid::layout_1::"
COUNTED_IN = 7  # the lowest bits of a handle: where it is counted
PROMOTED = 1 << 31


def number(value: gdb.Value, bits: int = 64) -> int:
    """The value of an integer or of an atomic integer, whatever name the standard library gives its member."""
    integer = gdb.selected_inferior().architecture().integer_type(bits, False)
    return int(value.address.cast(integer.pointer()).dereference())


def constant(name: str, otherwise: int) -> int:
    try:
        return int(gdb.parse_and_eval(LAYOUT + name))
    except gdb.error:
        return otherwise


def tag_bits() -> int:
    """How many bits of a slot, from bit 48 on, are not part of the entry's address."""
    sixteen = header_type() is None or header_type().sizeof == 24
    return constant("detail::slot_bits::tag_bits", 16 if sixteen else 8)


def header_type() -> gdb.Type | None:
    try:
        return gdb.lookup_type(LAYOUT + "detail::value_header")
    except gdb.error:
        return None


def header_of(value_address: int) -> gdb.Value | None:
    header = header_type()
    if header is None:
        return None
    return gdb.Value(value_address - header.sizeof).cast(header.pointer()).dereference()


def references(value_address: int) -> str:
    header = header_of(value_address)
    if header is None:
        return ""
    count = number(header["count"], 32)
    if count & PROMOTED:
        return " (hot)"
    return f" ({count} reference{'' if count == 1 else 's'})"


def at(address: int, of: gdb.Type) -> gdb.Value:
    return gdb.Value(address).cast(of.pointer()).dereference()


class Shown:
    """Base of the printers for what refers to one value."""

    name = ""

    def __init__(self, value: gdb.Value) -> None:
        self.value = value
        self.type = value.type.strip_typedefs().template_argument(0)

    def address(self) -> int:
        raise NotImplementedError

    def note(self) -> str:
        return references(self.address())

    def to_string(self) -> str:
        return f"ibid::{self.name}{self.note()}" if self.address() else f"ibid::{self.name} (empty)"

    def children(self) -> Iterator[tuple[str, gdb.Value]]:
        if self.address():
            yield "value", at(self.address(), self.type)


class Handle(Shown):
    name = "handle"

    def address(self) -> int:
        return int(self.value["word_"]) & ~COUNTED_IN


class AtomicHandle(Shown):
    name = "atomic_handle"

    def address(self) -> int:
        stock = 255 << 48 if tag_bits() else COUNTED_IN
        return number(self.value["word_"]) & ~stock

    def note(self) -> str:
        return ""  # the count includes references that it holds in advance


class View(Shown):
    name = "view"

    def address(self) -> int:
        return int(self.value["part_"])

    def note(self) -> str:
        return ""


class Weak(Shown):
    name = "weak"

    def address(self) -> int:
        return int(self.value["value_"])

    def ended(self) -> bool:
        header = header_of(self.address())
        return header is not None and number(header["count"], 32) == 0

    def note(self) -> str:
        return " (ended)" if self.ended() else references(self.address())

    def children(self) -> Iterator[tuple[str, gdb.Value]]:
        if self.address() and not self.ended():
            yield from super().children()


class Loan(Shown):
    name = "loan"

    def address(self) -> int:
        node = self.value["node_"]
        return int(node.dereference()["value"].address) if int(node) else 0

    def note(self) -> str:
        return ""


class Cache:
    """Entries in no order. An entry that another thread is moving at this moment may be shown twice, or not at all."""

    def __init__(self, value: gdb.Value) -> None:
        self.value = value
        of = value.type.strip_typedefs()
        self.key, self.mapped, key_of = (of.template_argument(i) for i in range(3))
        self.beside = str(key_of).endswith("key_beside")

    def entries(self) -> Iterator[int]:
        table = self.value["table_"]
        header = header_type()
        if header is None or not int(table):
            return
        tag = ((1 << tag_bits()) - 1) << 48
        shards = table.dereference()["shards_"]
        first = shards.address.cast(shards.type.template_argument(0).pointer())
        for shard in range(int(shards.type.template_argument(1))):
            array = number((first + shard).dereference()["table"]["array_"])
            for slot in range(1 << (array & 63) if array else 0):
                where = (array & ~63) + 8 * slot
                word = int(at(where, gdb.selected_inferior().architecture().integer_type(64, False))) & ~tag
                if word:
                    entry = word + header.sizeof
                    if number(header_of(entry)["count"], 32):
                        yield entry

    def key_before(self, value: int) -> int:
        """[ key beside | header | value ], as owned_entry.h lays it out."""
        header = header_type()
        to = max(header.alignof, self.mapped.alignof)
        return value - (self.key.sizeof + header.sizeof + to - 1) // to * to

    def to_string(self) -> str:
        if not int(self.value["table_"]):
            return "ibid::cache (destroyed)"
        name = self.value["name_"]
        quoted = f' "{name.string()}"' if int(name) else ""
        count = sum(1 for _ in self.entries())
        return f"ibid::cache{quoted} ({count} entr{'y' if count == 1 else 'ies'})"

    def display_hint(self) -> str:
        return "map" if self.beside else "array"

    def children(self) -> Iterator[tuple[str, gdb.Value]]:
        for i, value in enumerate(self.entries()):
            if self.beside:
                yield f"[{2 * i}]", at(self.key_before(value), self.key)
                yield f"[{2 * i + 1}]", at(value, self.mapped)
            else:
                yield f"[{i}]", at(value, self.mapped)


PRINTERS = {
    "handle": Handle,
    "atomic_handle": AtomicHandle,
    "view": View,
    "weak": Weak,
    "loan": Loan,
    "cache": Cache,
}


class Printers(gdb.printing.PrettyPrinter):
    def __init__(self) -> None:
        super().__init__("ibid", [gdb.printing.SubPrettyPrinter(name) for name in PRINTERS])
        self.pattern = re.compile(f"^{LAYOUT}({'|'.join(PRINTERS)})<.*>$")

    def __call__(self, value: gdb.Value) -> Shown | Cache | None:
        of = gdb.types.get_basic_type(value.type)
        match = self.pattern.match(of.tag or "") if of.code == gdb.TYPE_CODE_STRUCT else None
        if match is None:
            return None
        chosen = next(p for p in self.subprinters if p.name == match[1])
        return PRINTERS[match[1]](value) if chosen.enabled else None


gdb.printing.register_pretty_printer(None, Printers(), replace=True)
