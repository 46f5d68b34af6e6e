# SPDX-License-Identifier: GPL-2.0-only
"""For programs that judge documents by the files of the tree that they speak of."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "userspace/vm"))
from tap import report


def read_file(name):
    """A file's text, which of a folder is empty; None where there is none."""
    path = ROOT / name
    return path.read_text(errors="replace") if path.is_file() else "" if path.is_dir() else None


def judge(step, title, findings, self_test, example):
    """Checks a judge, and then has it judge the documents that the command line names; prints TAP. The exit status.

    findings(text, read) yields "LINE: what is wrong", where read(name) yields a file's text or None. The self-test is
    (name, text, how many findings are right) of each case, and the example {name: text} of the files that there are."""
    results = [(name, [] if len(list(findings(text, example.get))) == expected else ["judged wrongly"])
               for name, text, expected in self_test]
    for name in sys.argv[1:]:
        text = read_file(name)
        wrong = ["there is no such document"] if text is None else [f"{name}:{what}" for what in findings(text, read_file)]
        results.append((title.format(name), wrong))
    return report(step, results)
