#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Refuses a document that refers to what is not there any more.

Between backticks, `path/of/a/file` must be a file of the tree, and `path/of/a/file#name` must be one in which the name
stands as a word: a function, a type, a test.

    references.py DOCUMENT...    checks itself, then the documents; prints TAP. CNX_ONLY selects by name."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "userspace/vm"))
from tap import report
REFERENCE = re.compile(r"`([A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)+)(?:#([^`\s]+))?`")


def findings(text, read):
    """(line number, what is wrong) of each reference; `read` yields a file's text, or None where there is no such file."""
    for number, line in enumerate(text.split("\n"), 1):
        for path, name in REFERENCE.findall(line):
            file = read(path)
            if file is None:
                yield number, f"there is no {path}: name the file that has taken its place"
            elif name and not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", file):
                yield number, f"{path} has no {name} any more: name what has taken its place"


def read_file(name):
    path = ROOT / name
    return path.read_text(errors="replace") if path.is_file() else "" if path.is_dir() else None


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


def main():
    results = [(name, [] if len(list(findings(text, EXAMPLE.get))) == expected else ["judged wrongly"])
               for name, text, expected in SELF_TEST]
    for name in sys.argv[1:]:
        text = read_file(name)
        wrong = ["there is no such document"] if text is None else [f"{name}:{number}: {what}" for number, what in findings(text, read_file)]
        results.append((f"what {name} refers to is there", wrong))
    return report("references", results)


sys.exit(main())
