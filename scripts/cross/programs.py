# SPDX-License-Identifier: Apache-2.0
"""Which programs are compiled, from which tests. Several files form one translation unit, because compiling the headers takes most of the time."""

from __future__ import annotations

from dataclasses import dataclass

CORE = "tests/unit/core"
POOL = "tests/unit/pool"
STRESS = "tests/stress"


@dataclass(frozen=True)
class Program:
    name: str
    units: tuple[tuple[str, ...], ...]  # files of each translation unit
    defines: tuple[str, ...] = ()
    has_tests: bool = True  # GoogleTest's; without them the exit status is the result
    patience: int = 600  # seconds


# Files that need more than C++ and the core, by what they need.
NEEDS = {
    f"{CORE}/errno_test.cpp": {"linux"},  # /proc
    f"{CORE}/late_sandbox_test.cpp": {"linux"},  # seccomp
    f"{CORE}/chain_test.cpp": {"linux", "macos", "freebsd"},  # threads with small stacks
    f"{POOL}/fork_test.cpp": {"linux", "macos", "freebsd"},
}


def tests(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}_test.cpp" for name in names)


PROGRAMS = (
    Program("print_hash", ((f"{CORE}/print_hash.cpp",),), has_tests=False),
    Program("every_member", ((f"{CORE}/every_member.cpp",),), has_tests=False),
    Program(
        "core_test",
        (
            tests(CORE, "allocator", "canonical", "end", "fields", "for_each", "foreign_count", "handle", "hash", "intern", "key"),
            tests(CORE, "make", "members", "race", "reclaimer", "recursion", "retention", "slot_memory", "statistics", "value", "view"),
            tests(CORE, "weak_table", "weak", "chain", "errno", "late_sandbox", "outliving"),
        ),
    ),
    Program("pool_test", (tests(POOL, "loan", "hooks", "generations", "budget", "threads", "fence", "fork"),)),
    Program(
        "stress_test",
        (
            tests(f"{STRESS}/core", "everything") + tests(f"{STRESS}/pool", "races", "traffic"),
            tests(f"{STRESS}/core", "hot_values"),
            tests(f"{STRESS}/core", "pairs"),
        ),
        defines=("IBID_TEST_HITS_WITHOUT_LOCK",),
        patience=1800,
    ),
    Program(
        "portable_test",  # the portable code, on systems for which there is faster code
        (tests(CORE, "race", "reclaimer") + tests(POOL, "fence") + tests(f"{STRESS}/core", "everything"),),
        defines=("IBID_TEST_HITS_WITHOUT_LOCK", "IBID_PORTABLE"),
        patience=1800,
    ),
)


def units_for(program: Program, system: str) -> list[list[str]]:
    """The files of each unit that this system can compile."""
    kept = [[f for f in unit if system in NEEDS.get(f, {system})] for unit in program.units]
    return [unit for unit in kept if unit]
