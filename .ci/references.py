#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Refuses a document that refers to what is not there any more.

Between backticks, `path/of/a/file` must be a file of the tree, and `path/of/a/file#name` must be one in which the name
stands as a word: a function, a type, a test.

    references.py DOCUMENT...    checks itself, then the documents; prints TAP. CNX_ONLY selects by name."""

import re
import sys

from documents import judge

REFERENCE = re.compile(r"`([A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)+)(?:#([^`\s]+))?`")


def findings(text, read):
    """Yields "LINE: what is wrong" for each reference; `read` yields a file's text, or None where there is no such file."""
    for number, line in enumerate(text.split("\n"), 1):
        for path, name in REFERENCE.findall(line):
            file = read(path)
            if file is None:
                yield f"{number}: there is no {path}: name the file that has taken its place"
            elif name and not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", file):
                yield f"{number}: {path} has no {name} any more: name what has taken its place"


EXAMPLE = {"a/b.hpp": "void publish(View view);"}
SELF_TEST = (
    ("a file that is there", "see `a/b.hpp`", 0),
    ("a file that is not", "see `a/c.hpp`", 1),
    ("a name in a file", "see `a/b.hpp#publish`", 0),
    ("a name that is only a part of a word", "see `a/b.hpp#publis`", 1),
    ("a name that is gone", "see `a/b.hpp#hide`", 1),
    ("two in a line", "`a/b.hpp` and `a/c.hpp`", 1),
    ("code that is no path", "`std::atomic` and `make test`", 0),
)

sys.exit(judge("references", "what {} refers to is there", findings, SELF_TEST, EXAMPLE))
