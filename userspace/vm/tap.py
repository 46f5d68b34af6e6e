# SPDX-License-Identifier: GPL-2.0-only
"""For programs that print TAP, as tap.sh is for scripts."""

import os
import sys


class Tap:
    """Numbers and prints the lines of tests. The details of one are shown where it has some, indented, so that what they
    say of tests is not counted."""

    def __init__(self):
        self.count = 0
        self.failed = 0
        print("TAP version 13", flush=True)

    def result(self, passed, name, details=(), seconds=None):
        self.count += 1
        self.failed += not passed
        took = f" ({seconds:.1f} s)" if seconds is not None else ""
        print(f"{'ok' if passed else 'not ok'} {self.count} - {name}{took}")
        for line in details:
            print(f"#   {line}")
        sys.stdout.flush()

    def end(self):
        """The exit status."""
        print(f"1..{self.count}", flush=True)
        return 1 if self.failed else 0


def report(step, results):
    """Prints [(name, [what is wrong])], as far as CNX_ONLY selects it by "STEP: NAME". The exit status."""
    tap = Tap()
    for name, wrong in results:
        if os.environ.get("CNX_ONLY", "") in f"{step}: {name}":
            tap.result(not wrong, f"{step}: {name}", wrong)
    return tap.end()
