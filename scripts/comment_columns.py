# SPDX-License-Identifier: Apache-2.0
#
# Checks the column limit of comments. (clang-format checks it for code. It does not reflow comments here,
# because it would join the lines of examples and tables.)
#
#     comment_columns.py [--fix] FILE ...
#
# --fix wraps the paragraphs that have a line beyond the limit. It joins no lines that were broken early,
# keeps lists and their indentation, and leaves examples and tables alone; the rest is printed, to be fixed by
# hand.
import re
import sys
import textwrap

LIMIT = 110

# Indentation, mark, and the text with its own indentation. A comment behind code, or one of /* */, is only
# checked.
COMMENT = re.compile(r"^(?P<indent>\s*)(?P<mark>//|#)(?P<text>| .*)$")
ITEM = re.compile(r"^(?P<start> *(?:[-*]|\d+\.) )")
RULER = re.compile(r"-{9,}$")
DIRECTIVE = re.compile(r"^ (?:SPDX-|NOLINT|clang-format |shellcheck |type: |noqa)")


def is_too_long(line, mark):
    """A comment beyond the limit, except a word that cannot be broken."""
    if len(line) <= LIMIT or mark not in line:
        return False
    comment = COMMENT.match(line)
    return not comment or " " in comment["text"].strip()


def is_aligned(text):
    """Part of a table, or of an example with comments."""
    return text.lstrip().startswith("|") or "  " in text.strip() or RULER.search(text)


def wrapped(lines):
    """The lines of one paragraph, wrapped. A line after which the next word would have fitted was broken on purpose."""
    first = COMMENT.match(lines[0])
    before = first["indent"] + first["mark"]
    texts = [COMMENT.match(line)["text"] for line in lines]
    item = ITEM.match(texts[0])
    start = item["start"] if item else " " * (len(texts[0]) - len(texts[0].lstrip()))
    runs = [[texts[0][len(start):]]]
    for previous, line, text in zip(lines, lines[1:], texts[1:]):
        if len(previous) + 1 + len(text.split()[0]) <= LIMIT - 10:
            runs.append([])
        runs[-1].append(text.strip())
    out = []
    for number, run in enumerate(runs):
        hanging = before + " " * len(start)
        out += textwrap.wrap(" ".join(run), LIMIT, break_long_words=False, break_on_hyphens=False,
                             initial_indent=before + start if number == 0 else hanging, subsequent_indent=hanging)
    return out


def paragraphs(lines):
    """Runs of lines: each either one paragraph of comment, to be wrapped as a whole, or a single other line."""
    run, hanging = [], ""
    for line in lines:
        comment = COMMENT.match(line)
        text = comment["text"] if comment else ""
        plain = bool(text.strip()) and not DIRECTIVE.match(text) and not is_aligned(text)
        if plain and run and not ITEM.match(text) and line.startswith(hanging) and not line[len(hanging):].startswith(" "):
            run.append(line)
            continue
        plain = plain and not text.startswith("    ")  # an example
        if run:
            yield run, True
            run = []
        if plain:
            item = ITEM.match(text)
            start = item["start"] if item else " " * (len(text) - len(text.lstrip()))
            hanging = comment["indent"] + comment["mark"] + " " * len(start)
            run = [line]
        else:
            yield [line], False
    if run:
        yield run, True


def mended(content, mark):
    out = []
    for lines, is_comment in paragraphs(content.split("\n")):
        fix = is_comment and any(is_too_long(line, mark) for line in lines)
        if fix:
            lines = wrapped(lines)
        elif RULER.search(lines[0]):
            lines = [lines[0][:LIMIT]]
        out += lines
    return "\n".join(out)


def main(arguments):
    fix = "--fix" in arguments
    problems = 0
    for path in (a for a in arguments if a != "--fix"):
        mark = "//" if path.endswith((".c", ".h", ".cpp")) else "#"
        with open(path, encoding="utf-8") as file:
            content = file.read()
        if fix and (new := mended(content, mark)) != content:
            with open(path, "w", encoding="utf-8") as file:
                file.write(new)
            content = new
        for number, line in enumerate(content.split("\n"), 1):
            comment = COMMENT.match(line) if mark == "#" else True
            if comment and is_too_long(line, mark) and (mark == "#" or re.search(r"(^|\s)//", line)):
                print(f"{path}:{number}: a comment beyond column {LIMIT}")
                problems += 1
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
