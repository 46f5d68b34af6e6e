#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Refuses a line that leaves the type system's protection and does not say why that is sound.

Such lines are: reinterpret_cast, const_cast, a static_cast to a pointer, inline assembly, and an opt-out of the thread
safety analysis. Each needs a `SAFETY:` comment on the line or within the six lines above it.

    safety.py               checks include/cnx, kernel, userspace and bench
    safety.py --self-test   checks the check, as TAP"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "userspace/vm"))
from tap import report

FOLDERS = ("include/cnx", "kernel", "userspace", "bench")
CXX = {".cpp", ".hpp", ".cc", ".hh"}
SUFFIXES = CXX | {".c", ".h"}
ABOVE = 6

UNSAFE = (
    (re.compile(r"\breinterpret_cast\s*<"), "reinterpret_cast"),
    (re.compile(r"\bconst_cast\s*<"), "const_cast"),
    (re.compile(r"\bstatic_cast\s*<(?:[^<>]|<[^<>]*>)*\*\s*(?:const\s*)?>"), "static_cast to a pointer"),
    (re.compile(r"\b(?:__asm__|__asm|asm)\s*(?:volatile|__volatile__|goto|inline|__inline)?\s*\("), "inline assembly"),
    (re.compile(r"NO_THREAD_SAFETY|no_thread_safety_analysis"), "an opt-out of the thread safety analysis"),
)


def code_lines(text):
    """The lines with comments and string literals blanked out, so that a word in them is not taken for code."""

    def blank(match):
        return re.sub(r"[^\n]", " ", match[0])

    pattern = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'", re.S)
    return pattern.sub(blank, text).split("\n")


def findings(text):
    """(line number, what) of each unsafe line that has no SAFETY comment."""
    lines = text.split("\n")
    for number, code in enumerate(code_lines(text)):
        if code.lstrip().startswith("#"):
            # The macro that names the opt-out is not yet a use of it.
            continue
        for pattern, what in UNSAFE:
            if pattern.search(code) and not any("SAFETY:" in line for line in lines[max(0, number - ABOVE):number + 1]):
                yield number + 1, what


def check():
    bad = 0
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in SUFFIXES or not path.is_file():
                continue
            for number, what in findings(path.read_text(errors="replace")):
                print(f"{path.relative_to(ROOT)}:{number}: {what} without a SAFETY: comment within {ABOVE} lines above")
                bad += 1
    return bad


SELF_TEST = (
    ("a cast without a reason", "auto p = reinterpret_cast<char *>(q);", 1),
    ("a const_cast without a reason", "auto p = const_cast<char *>(q);", 1),
    ("a static_cast to a pointer", "auto p = static_cast<Thing *>(q);", 1),
    ("a static_cast to a pointer to a template", "auto p = static_cast<const Box<int> *>(q);", 1),
    ("a static_cast to a number is no concern", "auto n = static_cast<int>(q);", 0),
    ("a reason above", "// SAFETY: q is ours.\nauto p = reinterpret_cast<char *>(q);", 0),
    ("a reason on the line", "auto p = const_cast<char *>(q); // SAFETY: it was not const.", 0),
    ("a reason in a block comment", "/* SAFETY: it is\n * aligned. */\nauto p = reinterpret_cast<int *>(q);", 0),
    ("a reason too far above", "// SAFETY: far.\n" + "\n" * 6 + "auto p = reinterpret_cast<int *>(q);", 1),
    ("inline assembly", "asm volatile(\"nop\");", 1),
    ("an opt-out", "void f() CNX_NO_THREAD_SAFETY_ANALYSIS;", 1),
    ("the macro of the opt-out", "#define NO_THREAD_SAFETY __attribute__((no_thread_safety_analysis))", 0),
    ("a word in a comment", "// No reinterpret_cast<int *>(x) is needed here.", 0),
    ("a word in a string", "log(\"reinterpret_cast<int *>(x)\");", 0),
    ("two on two lines", "auto p = const_cast<char *>(q);\nauto r = const_cast<char *>(q);", 2),
)


def self_test():
    results = [(name, [] if len(list(findings(text))) == expected else ["judged wrongly"])
               for name, text, expected in SELF_TEST]
    results.append(("every unsafe line of the tree gives its reason", ["see above"] if check() else []))
    return report("safety check", results)


sys.exit(1 if (self_test() if "--self-test" in sys.argv[1:] else check()) else 0)
