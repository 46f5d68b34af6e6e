#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Which reports of data races (KCSAN) in a kernel's log are not about cnx.

    races.py LOG     shows the lines of those that are"""

import re
import sys
from pathlib import Path

# Where a value has changed by itself, only who read it is known.
TITLE = re.compile(r"BUG: KCSAN: data-race in (\S+)(?: \[\S+\])?(?: / (\S+))?")
# Races between these functions are Linux's own, whoever called them.
KNOWN = {
    # A sleeper reads without a mark whether its timer has woken it.
    frozenset(("hrtimer_wakeup", "schedule_hrtimeout_range_clock")),
    # Who polls is woken by a plain write, and goes to sleep by a marked one.
    frozenset(("poll_schedule_timeout.constprop.0", "pollwake")),
    # A task marks itself as having used a right, in flags of which an interrupt on its CPU reads another.
    frozenset(("ns_capable", "rcu_core")),
}
END = re.compile(r"(^|\] )={20,}$")
STACK = re.compile(r" of \d+ bytes by |Reported by ")
# What is below it in a stack was only in the interrupt's way.
INTERRUPT = re.compile(r"\basm_(sysvec_\w+|common_interrupt)\+")


def reports(lines):
    """(the range of its lines, the functions that it is about, whether it is whole) of each report."""
    for first, line in enumerate(lines):
        title = TITLE.search(line)
        if title:
            end = next((number for number in range(first, len(lines)) if END.search(lines[number])), None)
            yield range(first, len(lines) if end is None else end), title.groups(), end is not None


def names_cnx(lines):
    """Whether a stack among these has a function of cnx's, but for one that was interrupted."""
    interrupted = False
    for line in lines:
        interrupted = not STACK.search(line) and (interrupted or bool(INTERRUPT.search(line)))
        if "[cnx" in line and not interrupted:
            return True
    return False


def of_the_kernel(lines):
    """The reports in which no module of cnx has a part, neither by what it does nor by what it has called, and those
    that are known; each as the range of its lines. Linux has some that its authors know and have judged harmless. One
    that breaks off is not among them."""
    for where, functions, whole in reports(lines):
        known = frozenset(functions) in KNOWN
        if whole and (known or not names_cnx(lines[where.start:where.stop])):
            yield where


def main():
    lines = Path(sys.argv[1]).read_text(errors="replace").replace("\r", "").splitlines()
    passed_over = {where.start for where in of_the_kernel(lines)}
    for where, _, _ in reports(lines):
        if where.start not in passed_over:
            print(*lines[where.start:where.stop], sep="\n")


if __name__ == "__main__":
    main()
