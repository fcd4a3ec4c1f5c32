# SPDX-License-Identifier: Apache-2.0
"""Turns the examples in a header's comments into a GoogleTest source, one test for each example.

An example is a run of comment lines after an empty one, indented by five spaces after the slashes (further lines may be
indented more):

    //
    //     ibid::handle<std::string> a = ibid::intern(std::string("ibidem"));

A header without an example is an error: every public header shows how it is used.
"""

import re
import sys
from pathlib import Path

EXAMPLE_LINE = re.compile(r"^//     (?P<code>.*)$")
FIRST_LINE = re.compile(r"^//     \S")
# Diagrams of data (an ellipsis, a bracketed layout) are not code.
NOT_CODE = re.compile(r"[…|]|^\s*\[")


def examples(header: str) -> list[tuple[int, list[str]]]:
    """The runs of example lines, each with the number of its first line."""
    found: list[tuple[int, list[str]]] = []
    inside = False
    before = ""
    for number, line in enumerate(header.splitlines(), start=1):
        match = EXAMPLE_LINE.match(line)
        if match is not None and (inside or (before == "//" and FIRST_LINE.match(line))):
            if not inside:
                found.append((number, []))
            found[-1][1].append(match["code"])
            inside = True
        else:
            inside = False
        before = line
    return [(n, code) for n, code in found if not NOT_CODE.search("\n".join(code))]


def main() -> int:
    header, include, preamble, output = sys.argv[1:]
    found = examples(Path(header).read_text(encoding="utf-8"))
    if not found:
        print(f"{header}: no example in any comment", file=sys.stderr)
        return 1
    name = re.sub(r"\W", "_", include)
    tests = []
    for i, (number, code) in enumerate(found):
        body = "\n".join("    " + line for line in code)
        tests.append(f'TEST(example, of_{name}_{i}_compiles_and_holds) {{\n#line {number} "{header}"\n{body}\n}}\n')
    source = (
        f"// Taken from {include} by header_examples.py. Change the header.\n"
        "#undef NDEBUG // the examples assert\n"
        "#include <cassert>\n\n"
        f'#include "{include}"\n\n'
        f'#include "{preamble}"\n\n'
        "#include <gtest/gtest.h>\n\n"
        "namespace {\n\n" + "\n".join(tests) + "\n} // namespace\n"
    )
    Path(output).write_text(source, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
