#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Makes the tables and plots of the benchmarks from what they measured.

    plots.py JSON... DOCUMENT PLOTS   writes the tables between the document's marker lines, and the plots, as SVG, into
                                      the folder PLOTS. Files that are not there are left out. What
                                      `make bench-dispatch` wrote goes between <!-- begin dispatch --> and
                                      <!-- end dispatch -->; what `make bench-kernel` wrote, which may be in several
                                      files, between <!-- begin kernel --> and <!-- end kernel -->.
    plots.py --tables ...             writes the tables alone, which needs no matplotlib
    plots.py --check JSON...          says as TAP which requirements are met, and fails if a measured one is not
    plots.py --self-test              checks itself, as TAP"""

import argparse
import sys
from pathlib import Path

# The helpers stand beside this file in the source tree, where nothing is to be left.
sys.dont_write_bytecode = True

from report import files, measurements, requirements, self_test, writing


def check(loaded):
    """Prints the requirements of all that was measured."""
    listed = [one for section, results in loaded for one in section.requirements(results)]
    lines, met = requirements.tap(listed)
    print("\n".join(lines))
    return 0 if met else 1


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     usage="%(prog)s [--tables] JSON... DOCUMENT PLOTS | --check JSON... | --self-test")
    parser.add_argument("paths", type=Path, nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--tables", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    if not arguments.self_test and len(arguments.paths) < (1 if arguments.check else 3):
        parser.error("give JSON, DOCUMENT and PLOTS, or --check and JSON")
    return arguments


def main():
    arguments = parse_arguments()
    if arguments.self_test:
        return 1 if self_test.self_test() else 0
    try:
        paths = arguments.paths if arguments.check else arguments.paths[:-2]
        loaded, absent = files.load(paths)
        if not arguments.check:
            writing.make_report(loaded, *arguments.paths[-2:], not arguments.tables)
    except measurements.Problem as problem:
        print(f"plots.py: {problem}.", file=sys.stderr)
        return 1
    for section in absent:
        print(f"plots.py: the section {section.name} is left as it is, because nothing of it was measured: "
              f"`{section.command}` does that.", file=sys.stderr)
    return check(loaded) if arguments.check else 0


sys.exit(main())
