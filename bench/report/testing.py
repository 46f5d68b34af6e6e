# SPDX-License-Identifier: GPL-2.0-only
"""What the tests of the report share."""

import os

from .measurements import Problem


class Skipped(Exception):
    """Something that the test needs is not there. The message says what."""


def refused(wanted, function, *arguments):
    try:
        function(*arguments)
    except Problem as problem:
        assert wanted in str(problem), problem
        # main() ends it with a full stop.
        assert "\n" not in str(problem) and not str(problem).endswith("."), f"this is no sentence: {problem}"
    else:
        assert False, f"nothing was refused where this was expected: {wanted}"


def outcome(count, name, test):
    """The lines of a test, and whether it failed."""
    try:
        test()
    except Skipped as reason:
        return [f"ok {count} - plots: {name} # SKIP {reason}"], False
    except Exception as error:
        trace = error.__traceback__
        while trace.tb_next:
            trace = trace.tb_next
        said = str(error).replace("\n", "\n# ")
        return [f"not ok {count} - plots: {name}",
                f"# {type(error).__name__} at {trace.tb_frame.f_code.co_name}, line {trace.tb_lineno}: {said}"], True
    return [f"ok {count} - plots: {name}"], False


def run(tests):
    """Prints TAP. Returns how many of [(name, function)] failed."""
    print("TAP version 13")
    if os.environ.get("CNX_ONLY", "") not in "plots":
        return 0
    bad = 0
    for count, (name, test) in enumerate(tests, 1):
        lines, failed = outcome(count, name, test)
        print("\n".join(lines))
        bad += failed
    print(f"1..{len(tests)}")
    return bad
