#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Refuses a document whose code is not that of a file which is built and run.

Each fenced block in C, C++ or Python stands below a line `<!-- path/of/the/file -->`, and is one run of whole lines of
that file, indented as in there or less.

    snippets.py DOCUMENT...     checks itself, then the documents; prints TAP"""

import re
import sys
import textwrap

from documents import judge

LANGUAGES = {"c", "cpp", "python"}
SOURCE = re.compile(r"<!-- (\S+) -->$")


def blocks(text):
    """(line number, language, file named above or None, lines) of each fenced block."""
    lines = text.split("\n")
    start = None
    for number, line in enumerate(lines):
        if not line.startswith("```"):
            continue
        if start is None:
            start = number
            continue
        above = next((above for above in reversed(lines[:start]) if above.strip()), "")
        source = SOURCE.match(above)
        yield start + 1, lines[start][3:].strip(), source and source[1], lines[start + 1:number]
        start = None
    if start is not None:
        yield start + 1, "", None, None


def dedented(lines):
    return textwrap.dedent("\n".join(lines))


def contains(text, wanted):
    lines = text.split("\n")
    return any(dedented(lines[at:at + len(wanted)]) == dedented(wanted) for at in range(len(lines) - len(wanted) + 1))


def findings(text, read):
    """What is wrong with a document; `read` yields a file's text, or None where there is no such file."""
    for number, language, source, lines in blocks(text):
        if lines is None:
            yield f"{number}: the block does not end"
        elif language not in LANGUAGES:
            continue
        elif source is None:
            yield f"{number}: the block names no file; put <!-- path --> above it"
        elif not lines:
            yield f"{number}: the block is empty"
        elif (file := read(source)) is None:
            yield f"{number}: there is no file {source}"
        elif not contains(file, lines):
            yield f"{number}: {source} has no such lines; copy them from there"


EXAMPLE = {"a.c": "int a;\n\tint b;\n\tint c;\n"}
SELF_TEST = (
    ("lines of the file", "<!-- a.c -->\n```c\nint a;\n\tint b;\n```", 0),
    ("less indented", "<!-- a.c -->\n\n```c\nint b;\nint c;\n```", 0),
    ("another line", "<!-- a.c -->\n```c\nint d;\n```", 1),
    ("part of a line", "<!-- a.c -->\n```c\nint\n```", 1),
    ("a line left out", "<!-- a.c -->\n```c\nint a;\n\tint c;\n```", 1),
    ("more than the file", "<!-- a.c -->\n```c\n\tint c;\nint d;\n```", 1),
    ("no file named", "text\n```c\nint a;\n```", 1),
    ("a file that is not there", "<!-- b.c -->\n```c\nint a;\n```", 1),
    ("an empty block", "<!-- a.c -->\n```c\n```", 1),
    ("a block without an end", "<!-- a.c -->\n```c\nint a;", 1),
    ("a command is no code", "```sh\nmake\n```", 0),
)

sys.exit(judge("snippets", "the code in {} is that of its files", findings, SELF_TEST, EXAMPLE))
