# SPDX-License-Identifier: GPL-2.0-only
"""Tests of the files that are read and written. They need no matplotlib."""

import json
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from . import dispatch_tests
from .files import load
from .kernel import tests as kernel_tests
from .testing import refused
from .writing import make_report

DOCUMENT = ("prose\n<!-- begin dispatch -->\nold dispatch\n<!-- end dispatch -->\n"
            "more prose\n<!-- begin kernel -->\nold kernel\n<!-- end kernel -->\n")
DISPATCH = json.dumps({"context": {}, "benchmarks": [dispatch_tests.entry("cycle/cnx")]})
KERNEL = json.dumps([kernel_tests.entry("local/cnx", 123)])
OTHER_KERNEL = json.dumps([kernel_tests.entry("local/cnx", 456, mode="uml")])


@contextmanager
def folder(**files):
    """A folder with the document and these files, by their names without .json."""
    with tempfile.TemporaryDirectory() as made:
        for name, text in files.items():
            (Path(made) / f"{name}.json").write_text(text, encoding="utf-8")
        (Path(made) / "document.md").write_text(DOCUMENT, encoding="utf-8")
        yield Path(made)


def make(where, *names):
    """The document afterwards, and the sections that were left as they were."""
    loaded, absent = load([where / f"{name}.json" for name in names])
    make_report(loaded, where / "document.md", where / "plots", False)
    return (where / "document.md").read_text(encoding="utf-8"), [section.name for section in absent]


def all_sections():
    with folder(dispatch=DISPATCH, kernel=KERNEL, uml=OTHER_KERNEL) as where:
        text, absent = make(where, "dispatch", "kernel", "uml", "kvm")
        assert not absent and "old" not in text and text.startswith("prose\n") and "\nmore prose\n" in text
        assert "| `local` | 123 |" in text and "| `local` | 456 |" in text and "| cycle | `cnx` |" in text
        assert text.index("end dispatch") < text.index("123") and make(where, "uml", "kernel", "dispatch") == (text, [])


def one_section():
    with folder(kernel=KERNEL) as where:
        text, absent = make(where, "dispatch", "kernel")
        assert absent == ["dispatch"] and "old dispatch" in text and "old kernel" not in text
    with folder(dispatch=DISPATCH) as where:
        text, absent = make(where, "dispatch", "kernel", "uml")
        assert absent == ["kernel"] and "old kernel" in text and "old dispatch" not in text
        # Who names one file alone does not ask for the other section.
        assert make(where, "dispatch") == (text, [])


def none():
    with folder() as where:
        refused("none.json is not there: run `make bench-dispatch` or `make bench-kernel` first", load,
                [where / "none.json"])
        refused("1.json, ", load, [where / "1.json", where / "2.json"])


def wrong_files():
    truncated = KERNEL[:-9]
    for files, wanted in (({"kernel": truncated}, "is not JSON"), ({"kernel": "{}"}, "has no benchmarks"),
                          ({"kernel": "5"}, "has no benchmarks"), ({"kernel": "[" * 99999}, "is not JSON"),
                          ({"kernel": "[]"}, "has no measurements"), ({"kernel": "[1]"}, "is no object"),
                          ({"kernel": KERNEL.replace("123", "NaN")}, "has no number"),
                          ({"kernel": KERNEL, "uml": KERNEL}, "another local/cnx"),
                          ({"one": DISPATCH, "two": DISPATCH}, "are both of `make bench-dispatch`"),
                          ({"kernel": DISPATCH.replace("cycle/", "\\ud800/")}, "no Unicode")):
        # A good file beside them does not have its section written alone.
        good = {"good": DISPATCH if wanted not in ("no Unicode", "are both of `make bench-dispatch`") else KERNEL}
        with folder(**files, **good) as where:
            before = sorted((path.name, path.read_bytes()) for path in where.iterdir())
            refused(wanted, make, where, *files, *good)
            assert sorted((path.name, path.read_bytes()) for path in where.iterdir()) == before, wanted


def no_markers():
    with folder(dispatch=DISPATCH, kernel=KERNEL) as where:
        document = where / "document.md"
        text = DOCUMENT.replace("<!-- end kernel -->\n", "")
        document.write_text(text, encoding="utf-8")
        refused("no line `<!-- end kernel -->`", make, where, "dispatch", "kernel")
        assert document.read_text(encoding="utf-8") == text


def plots(where, *arguments):
    """The status, the output and the errors of the program, called in the folder."""
    program = Path(__file__).resolve().parents[1] / "plots.py"
    done = subprocess.run([sys.executable, program, *arguments], cwd=where, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def program():
    met = json.dumps([kernel_tests.entry("local/cnx", 150)])
    unmet = json.dumps([kernel_tests.entry("local/cnx", 151)])
    written = "--tables", "met.json", "none.json", "document.md", "plots"
    with folder(met=met, unmet=unmet, dispatch=DISPATCH, wrong="[") as where:
        status, said, errors = plots(where, "--check", "met.json")
        assert status == 0 and said.startswith("TAP version 13\n") and not errors, errors
        status, said, _ = plots(where, "--check", "unmet.json", "dispatch.json")
        assert status == 1 and "\nok 1 - (a)" in said and "\nnot ok 19 - (icount)" in said and "\n1..27\n" in said
        status, said, errors = plots(where, *written)
        assert status == 0 and not said, said
        assert errors == ("plots.py: the section dispatch is left as it is, because nothing of it was measured: "
                          "`make bench-dispatch` does that.\n"), errors
        assert "150" in (where / "document.md").read_text(encoding="utf-8")
        status, said, errors = plots(where, *written[:1], "wrong.json", *written[1:])
        assert status == 1 and not said and errors.startswith("plots.py: wrong.json is not JSON"), errors
        assert errors.count("\n") == 1
        assert plots(where, "document.md", "plots")[0] == plots(where, "--check")[0] == 2


TESTS = (
    ("files: each benchmark has its section, in whatever order the files come", all_sections),
    ("files: the section of a missing file is left as it is", one_section),
    ("files: none at all is refused with the remedy", none),
    ("files: what is malformed is refused, and nothing is written", wrong_files),
    ("files: a document without the markers is left as it is", no_markers),
    ("files: the program says what it left out, and whether it failed", program),
)
