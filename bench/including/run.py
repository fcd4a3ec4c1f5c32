# SPDX-License-Identifier: Apache-2.0
"""The cost of including ibid: compile time and bytes of code, for one value type and for each further one.

One translation unit that interns values of N types is compiled with ibid's headers, with ibid's headers and the compiled library
(IBID_SEPARATE), and with Boost.Flyweight. Times are the compiler's CPU seconds in alternating runs; each is the minimum of the
rounds, because other programs only add to it. Bytes are code, constants and unwinding tables in the object file, as `size` prints
them, minus those of a program that uses only std::string.

    ./dev bench including [--compiler g++] [--rounds 5] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The argument's type often differs from the value type, as with a literal in programs.
TYPES = (("std::string", "text"), ("std::u16string", "u16"), ("std::u32string", "u32"), ("std::wstring", "wide"))
LITERALS = "const char* text; const char16_t* u16; const char32_t* u32; const wchar_t* wide;"
# Goals of "cost of including": bytes for the first type and for each further one, and time as a part of
# Flyweight's.
GOALS = (12_000, 6_000, 3.5 / 4.2)


@dataclass(frozen=True)
class Way:
    name: str
    includes: tuple[str, ...]
    use: str  # of TYPE and a literal
    flags: tuple[str, ...] = ()


WAYS = (
    Way("a std::string alone", (), "{{ const {type} s({literal}); sum += s.size(); }}"),
    Way("ibid, headers alone", ("<ibid/intern.h>",), "sum += ibid::intern<{type}>({literal})->size();"),
    Way("ibid, with ibid::compiled", ("<ibid/intern.h>",), "sum += ibid::intern<{type}>({literal})->size();", ("-DIBID_SEPARATE",)),
    Way("Boost.Flyweight", ("<boost/flyweight.hpp>",), "{{ const boost::flyweight<{type}> f({literal}); sum += f.get().size(); }}"),
)


def source(way: Way, types: int) -> str:
    lines = [f"#include {i}" for i in (*way.includes, "<string>")]
    lines += [LITERALS, "int main() {", "std::size_t sum = 0;"]
    lines += [way.use.format(type=t, literal=literal) for t, literal in TYPES[:types]]
    return "\n".join([*lines, "return sum > 0 ? 0 : 1;", "}", ""])


def compile_once(compiler: str, way: Way, file: Path) -> float:
    """CPU seconds. The object file is beside the source."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [compiler, "-std=c++20", "-O2", *way.flags, f"-I{ROOT / 'include'}", "-c", file, "-o", file.with_suffix(".o")],
        check=True,
        env={**os.environ, "CCACHE_DISABLE": "1"},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def text(file: Path) -> int:
    return int(subprocess.run(["size", file], check=True, capture_output=True, text=True).stdout.splitlines()[1].split()[0])


def measure(compiler: str, rounds: int, folder: Path) -> list[dict]:
    ways = [w for w in WAYS if "boost" not in w.use or Path("/usr/include/boost/flyweight.hpp").exists()]
    seconds: dict[tuple[str, int], float] = {}
    sizes: dict[tuple[str, int], int] = {}
    for _ in range(rounds):
        for i, way in enumerate(ways):
            for types in (1, len(TYPES)):
                file = folder / f"{i}_{types}.cpp"
                file.write_text(source(way, types))
                took = compile_once(compiler, way, file)
                seconds[way.name, types] = min(took, seconds.get((way.name, types), took))
                sizes[way.name, types] = text(file.with_suffix(".o"))
    rows = []
    for way in ways:
        alone = sizes[WAYS[0].name, 1]
        further = len(TYPES) - 1
        rows.append(
            {
                "way": way.name,
                "seconds": seconds[way.name, 1],
                "seconds_further": (seconds[way.name, len(TYPES)] - seconds[way.name, 1]) / further,
                "bytes": sizes[way.name, 1] - alone if way is not WAYS[0] else alone,
                "bytes_further": round((sizes[way.name, len(TYPES)] - sizes[way.name, 1]) / further),
            }
        )
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], prog="./dev bench including")
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if shutil.which(args.compiler) is None:
        print(f"{args.compiler} is not installed", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(args.compiler, args.rounds, Path(folder))
    if args.json:
        print(json.dumps({"compiler": args.compiler, "rows": rows}, indent=2))
        return 0
    flyweight = next((r["seconds"] for r in rows if "Flyweight" in r["way"]), None)
    print(f"{'':28}{'seconds':>9}{'each further':>14}{'bytes':>9}{'each further':>14}   ({args.compiler} -O2)")
    for row in rows:
        times = f"   {row['seconds'] / flyweight:.2f} x Flyweight's seconds" if flyweight else ""
        print(f"{row['way']:28}{row['seconds']:>9.2f}{row['seconds_further']:>14.2f}{row['bytes']:>9}{row['bytes_further']:>14}{times}")
    print(f"\nGoals: {GOALS[0]} bytes, {GOALS[1]} for each further type, {GOALS[2]:.2f} x Flyweight's seconds.")
    for row in rows:
        if row["way"].startswith("ibid"):
            met = (row["bytes"] <= GOALS[0], row["bytes_further"] <= GOALS[1], not flyweight or row["seconds"] <= GOALS[2] * flyweight)
            print(f"  {row['way']}: " + ", ".join("met" if m else "not met" for m in met))
    return 0


if __name__ == "__main__":
    sys.exit(main())
