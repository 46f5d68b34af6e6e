#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Counts the places where the sources are let off a check, so that their number cannot grow unnoticed.

    exceptions.py            checks itself and the tree against .ci/exceptions; prints TAP
    exceptions.py --write    writes .ci/exceptions anew

.ci/exceptions has a line for each file and kind: PATH KIND COUNT. Each place gives its reason: a SAFETY: comment beside
an unsafe buffer, and a comment beside any other. CNX_ONLY selects by name."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "userspace/vm"))
from tap import report
LIST = ROOT / ".ci/exceptions"
FOLDERS = ("include", "kernel", "userspace", "bench")
SUFFIXES = {".c", ".h", ".cpp", ".hpp"}
ABOVE, BELOW = 6, 2
OWN = {"unsafe-buffers", "thread-safety"}

# kind: (what stands in the source, what has to stand beside it)
KINDS = {
    "unsafe-buffers": (re.compile(r"\bCNX_UNSAFE_BUFFERS_BEGIN\b"), re.compile(r"SAFETY:")),
    "thread-safety": (re.compile(r"no_thread_safety_analysis|NO_THREAD_SAFETY"), re.compile(r"SAFETY:")),
    "clang-tidy": (re.compile(r"\bNOLINT"), re.compile(r"//|/\*")),
    "cppcheck": (re.compile(r"cppcheck-suppress"), re.compile(r"//|/\*")),
    "sparse": (re.compile(r"\b__force\b"), re.compile(r"//|/\*")),
    "warning": (re.compile(r"diagnostic\s+ignored"), re.compile(r"//|/\*")),
}


def places(text):
    """(line number, kind, whether it gives a reason) of each exception in a source."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        named = re.match(r"\s*#\s*(define|if|ifdef|ifndef)\b", line)
        for kind, (exception, reason) in KINDS.items():
            # What the sources call an exception by is not one where it is defined.
            if exception.search(line) and not (named and kind in OWN):
                beside = lines[max(0, number - ABOVE):number] + lines[number + 1:number + 1 + BELOW]
                yield number + 1, kind, any(reason.search(other) for other in beside)


def tree():
    """({(path, kind): count}, [what gives no reason])"""
    counts, bare = {}, []
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in SUFFIXES or not path.is_file():
                continue
            name = str(path.relative_to(ROOT))
            for number, kind, reason in places(path.read_text(errors="replace")):
                counts[name, kind] = counts.get((name, kind), 0) + 1
                if not reason:
                    bare.append(f"{name}:{number}: an exception of kind {kind} without its reason in a comment beside it")
    return counts, bare


def listed(text):
    """{(path, kind): count} of the list."""
    rows = (line.split() for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return {(path, kind): int(count) for path, kind, count in rows}


def differences(counts, expected):
    for key in sorted(counts.keys() | expected.keys()):
        now, then = counts.get(key, 0), expected.get(key, 0)
        if now != then:
            path, kind = key
            yield (f"{path} has {now} exceptions of kind {kind}, and .ci/exceptions says {then}: do without, or run "
                   f".ci/exceptions.py --write and let the difference be reviewed.")


SELF_TEST = (
    ("an exception with its reason", "CNX_UNSAFE_BUFFERS_BEGIN\n// SAFETY: it is inside.\n", [("unsafe-buffers", True)]),
    ("an exception without", "CNX_UNSAFE_BUFFERS_BEGIN\n// It is inside.\n", [("unsafe-buffers", False)]),
    ("the name that is defined", "#define CNX_UNSAFE_BUFFERS_BEGIN x\n", []),
    ("an exception to a check of lint", "// Why.\nf(); // NOLINT(bugprone)\n", [("clang-tidy", True)]),
    ("two kinds", "// Why.\n(int __force *)p; // cppcheck-suppress x\n", [("cppcheck", True), ("sparse", True)]),
)


def checks():
    """(name, what is wrong)"""
    for name, text, expected in SELF_TEST:
        found = [(kind, reason) for _, kind, reason in places(text)]
        yield name, [] if found == expected else [f"found {found}"]
    grown = list(differences({("a", "sparse"): 2}, {("a", "sparse"): 1, ("b", "sparse"): 1}))
    yield "one more and one less are found", [] if len(grown) == 2 else grown
    counts, bare = tree()
    yield "every exception gives its reason", bare
    yield "there are as many as .ci/exceptions says", list(differences(counts, listed(LIST.read_text())))


def main():
    if "--write" in sys.argv[1:]:
        rows = [f"{path} {kind} {count}\n" for (path, kind), count in sorted(tree()[0].items())]
        LIST.write_text("# SPDX-License-Identifier: GPL-2.0-only\n"
                        "# Where the sources are let off a check: PATH KIND COUNT. Written by .ci/exceptions.py --write.\n" +
                        "".join(rows))
        return 0
    return report("exceptions", checks())


sys.exit(main())
