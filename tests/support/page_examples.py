# SPDX-License-Identifier: Apache-2.0
"""Turns the C++ blocks of a page (```cpp) into a GoogleTest source.

The blocks of one section (a heading and what follows up to the next) belong together. A block with an assert() at the start of a line is the body
of a test; the declarations of other blocks come before it, in a namespace for the section. A line

    <!-- if CONDITION -->

before a block compiles it only if the preprocessor's CONDITION holds. Other projects' C++, which is not compiled, is in blocks with another
name (```c++).

page_examples.py PAGE PREAMBLE OUTPUT
"""

import re
import sys
from pathlib import Path

BLOCK = re.compile(r"(?m)^(?:<!-- if (?P<condition>.+?) -->\n)?```cpp\n(?P<code>(?s:.*?))^```$")


def section(number: int, text: str, first_line: int, page: str) -> list[str]:
    """The source of one section; empty if it has no block."""
    out: list[str] = []
    tests = 0
    for block in BLOCK.finditer(text):
        line = first_line + text[: block.start("code")].count("\n")
        code = block["code"]
        if "…" in code:
            raise SystemExit(f"{page}:{line}: an example with an ellipsis cannot be compiled")
        is_body = re.search(r"(?m)^assert\(", code) is not None
        tests += is_body
        condition = [f"#if {block['condition']}"] if block["condition"] else []
        head = [f"TEST(page, example_{number}_{tests}_holds) {{"] if is_body else []
        out += [*condition, *head, f'#line {line} "{page}"', code, *(["}"] if is_body else []), *(["#endif"] if condition else [])]
    if out and not tests:
        raise SystemExit(f"{page}:{first_line}: no example of this section checks anything")
    return [f"namespace section_{number} {{", *out, f"}} // namespace section_{number}"] if out else []


def main() -> int:
    page, preamble, output = sys.argv[1:]
    text = Path(page).read_text(encoding="utf-8")
    source = [
        "// Taken from a page by page_examples.py. Change the page.",
        "#undef NDEBUG // the examples assert",
        "#include <cassert>",
        f'#include "{preamble}"',
        "#include <gtest/gtest.h>",
        "namespace {",
    ]
    line, number = 1, 0
    for part in re.split(r"(?m)^(?=## )", text):
        source += section(number, part, line, page)
        line += part.count("\n")
        number += 1
    Path(output).write_text("\n".join([*source, "} // namespace", ""]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
