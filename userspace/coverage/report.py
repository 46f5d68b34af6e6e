#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Prints how many lines and branches of include/cnx/core were reached, file by file, and what was not.

    report.py PROGRAM...         reads PROGRAM.lcov and PROGRAM.json of each, which llvm-cov wrote

Something is reached if one of the programs did. Lines are as llvm-cov has them, which adds up what the instantiations of a template reach. Branches it does not add up,
and so they are here: a branch is reached if some instantiation took it. One in a macro is another one wherever the
macro stands. Exits with 1 where less is reached than must be."""

import json
import re
import sys
from collections import defaultdict

CORE = re.compile(r".*/(include/cnx/core/[^/]+)$")
LINES, BRANCHES = 95, 85  # per cent
EXPANSION = 1  # the kind of a region that is a macro's place


def add_lines(path, lines):
    """To {file: {line: count}}."""
    current = None
    for text in open(path):
        kind, _, value = text.strip().partition(":")
        if kind == "SF":
            core = CORE.match(value)
            current = lines.setdefault(core[1], {}) if core else None
        elif kind == "DA" and current is not None:
            line, count = value.split(",")[:2]
            current[int(line)] = current.get(int(line), 0) + int(count)


def places(function):
    """For each file of a function where it stands: its own file, or the one where its macro was used."""
    origin = {}
    for *where, _, file, expanded, kind in function["regions"]:
        if kind == EXPANSION:
            origin[expanded] = (file, tuple(where))
    found = {}
    for file, name in enumerate(function["filenames"]):
        at, within = file, []
        while at in origin:
            at, where = origin[at]
            within.append(where)
        found[file] = (function["filenames"][at], within[-1][0] if within else None, tuple(within))
    return found


def add_branches(path, branches):
    """To {file: {place: [taken, not taken]}}, where a place begins with its line."""
    for function in json.load(open(path))["data"][0]["functions"]:
        if not any(CORE.match(name) for name in function["filenames"]):
            continue
        where = places(function)
        for *span, taken, not_taken, file, _, _ in function["branches"]:
            name, line, within = where[file]
            core = CORE.match(name)
            if not core:
                continue
            counts = branches[core[1]].setdefault((line or span[0], within, tuple(span)), [0, 0])
            counts[0] += taken
            counts[1] += not_taken


def percent(part, whole):
    return 100 * part / whole if whole else 100.0


def main():
    lines, branches = {}, defaultdict(dict)
    try:
        for program in sys.argv[1:]:
            add_lines(program + ".lcov", lines)
            add_branches(program + ".json", branches)
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"cnx: the coverage cannot be read ({error}): use make coverage.")
    if not lines:
        sys.exit("cnx: nothing of include/cnx/core was measured: run make clean and make coverage.")
    sums = [0, 0, 0, 0]
    print(f"{'':44}{'lines':>14}{'branches':>20}")
    for file in sorted(lines):
        all_lines, all_branches = lines[file], branches[file]
        row = [sum(1 for count in all_lines.values() if count), len(all_lines),
               sum((taken > 0) + (missed > 0) for taken, missed in all_branches.values()), 2 * len(all_branches)]
        sums = [total + one for total, one in zip(sums, row)]
        show(file, row)
        missing = [str(line) for line, count in sorted(all_lines.items()) if not count]
        half = sorted({place[0] for place, counts in all_branches.items() if not all(counts)})
        if missing:
            print("    lines never reached: " + " ".join(missing))
        if half:
            print("    branches that never or always were taken, in lines: " + " ".join(map(str, half)))
    show("all of include/cnx/core", sums)
    reached = percent(*sums[:2]), percent(*sums[2:])
    if reached[0] < LINES or reached[1] < BRANCHES:
        sys.exit(f"cnx: {LINES} % of the lines and {BRANCHES} % of the branches must be reached: "
                 "add tests, or inputs to the corpus, for those above.")


def show(name, row):
    print(f"{name:44}{row[0]:5}/{row[1]:<5}{percent(*row[:2]):5.1f} %{row[2]:6}/{row[3]:<5}{percent(*row[2:]):5.1f} %")


main()
