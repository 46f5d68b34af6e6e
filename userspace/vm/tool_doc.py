#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Makes doc/tool.md: boots the VM, has userspace/vm/tool_doc.sh run the tool's verbs in it, and writes what they printed.

    tool_doc.py FILE             makes it
    tool_doc.py --check FILE     refuses one that lacks a verb of the tool, or has one that the tool has not"""

import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = Path(os.environ.get("CNX_BUILD") or ROOT / "build")
sys.path.insert(0, str(HERE.parent / "packaging"))
import help_text  # noqa: E402

HEAD = """<!-- SPDX-License-Identifier: GPL-2.0-only -->
# The cnx tool, verb by verb

Each block below is what the tool printed in the project's virtual machine: `make tool-doc` boots it, runs the commands of
`userspace/vm/tool_doc.sh`, and writes this text. Process ids, port ids and counters are those of that run.

Each verb takes `-j` for JSON on one line, and `-p` with it for indented JSON; errors are JSON then, too. An error is one
sentence with the remedy, on the standard error. The exit codes:

{codes}

`man cnx` and `man cnx-VERB` say all that there is to know ([how to install them](install.md)).
"""


def fail(sentence):
    print(f"cnx: {sentence}", file=sys.stderr)
    sys.exit(1)


def exit_codes(general):
    notes = " ".join(general.notes)
    codes = re.findall(r"(\d+) ([^,.]+)", notes.partition("Exit codes:")[2])
    return "\n".join(["| Exit code | Meaning |", "|---|---|", *(f"| {code} | {what} |" for code, what in codes)])


def session():
    """What the guest printed, between the marks that it printed, too."""
    done = subprocess.run([HERE / "vm", "run", "tool-doc", HERE / "tool_doc.sh"], stdout=subprocess.PIPE, text=True)
    begin, end = "<!-- begin -->\n", "<!-- end -->\n"
    if done.returncode or begin not in done.stdout or end not in done.stdout:
        print(done.stdout, file=sys.stderr)
        fail("the session did not run to its end, so the document stays as it was; see above, and build/vm/tool-doc.")
    return done.stdout.partition(begin)[2].partition(end)[0]


def make(path):
    text = HEAD.format(codes=exit_codes(help_text.of_tool(BUILD / "cnx"))) + session()
    path.write_text("".join(f"{line.rstrip()}\n" for line in text.rstrip().splitlines()))
    print(f"  DOC     {path}")


def check(path):
    text = path.read_text() if path.exists() else ""
    shown = set(re.findall(r"^## cnx (\S+)$", text, re.M))
    verbs = {*help_text.verb_names(BUILD / "cnx"), "help"}
    typed = set(re.findall(r"(?:^# |[|\"'] ?)cnx (\w+)", text, re.M))
    if verbs - shown or verbs - typed:
        fail(f"{path} does not show: {', '.join(sorted(verbs - (shown & typed)))}; run make tool-doc.")
    if shown - verbs:
        fail(f"{path} shows what the tool does not have: {', '.join(sorted(shown - verbs))}; run make tool-doc.")


def main():
    words = sys.argv[1:]
    if len(words) == 2 and words[0] == "--check":
        check(Path(words[1]))
    elif len(words) == 1 and not words[0].startswith("-"):
        make(Path(words[0]))
    else:
        sys.exit(__doc__)


main()
