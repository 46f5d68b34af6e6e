#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Makes the tables and plots of the benchmarks from what they measured.

    plots.py JSON DOCUMENT PLOTS   writes the tables between the document's marker lines, and the plots, as SVG, into
                                   the folder PLOTS
    plots.py --tables ...          writes the tables alone, which needs no matplotlib
    plots.py --section NAME ...    the marker lines are <!-- begin NAME --> and <!-- end NAME -->; NAME is dispatch
                                   where it is not given
    plots.py --check JSON          says as TAP which requirements are met, and fails if a measured one is not
    plots.py --self-test           checks itself, as TAP"""

import argparse
import os
import sys
from pathlib import Path
from urllib.parse import quote

# The helpers stand beside this file in the source tree, where nothing is to be left.
sys.dont_write_bytecode = True

from report import document, figures, measurements, requirements, self_test, tables


def draw(results):
    """[(file name, caption, SVG or None, what is missing for it)] of all figures."""
    drawn = ((name, caption, make(results), needed) for name, caption, make, needed in figures.FIGURES)
    return [(name, caption, figures.svg(figure) if figure else None, needed) for name, caption, figure, needed in drawn]


def image_lines(drawn, folder):
    """The Markdown of the figures. The folder is relative to the document."""
    links = [f"![{caption}]({quote(f'{folder}/{name}')})" if image else
             f"{caption}: not drawn, because there are no {needed}." for name, caption, image, needed in drawn]
    note = "Points are medians; the bars reach from the least to the greatest repetition."
    return [note, *(line for link in links for line in ("", link))]


def write(path, text):
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise measurements.Problem(f"{path} cannot be written ({error.strerror}): make its folder writable, or give "
                                   "another path") from error


def make_report(results, path, plots, section, with_plots):
    """Writes only when nothing can go wrong any more but the writing."""
    old = document.read(path, section)
    drawn = draw(results) if with_plots else []
    folder = Path(os.path.relpath(plots, path.parent)).as_posix()
    images = image_lines(drawn, folder) if with_plots else []
    new = document.replace_section(old, section, tables.report(results, images), path)
    for name, _, image, _ in drawn:
        if image:
            write(plots / name, image)
    write(path, new)


def check(results):
    lines, met = requirements.tap(requirements.requirements(results))
    print("\n".join(lines))
    return 0 if met else 1


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("json", type=Path, nargs="?", metavar="JSON")
    parser.add_argument("document", type=Path, nargs="?", metavar="DOCUMENT")
    parser.add_argument("plots", type=Path, nargs="?", metavar="PLOTS")
    parser.add_argument("--section", default="dispatch", metavar="NAME")
    parser.add_argument("--tables", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    if not arguments.self_test and not (arguments.plots or arguments.check and arguments.json):
        parser.error("give JSON, DOCUMENT and PLOTS, or --check and JSON")
    return arguments


def main():
    arguments = parse_arguments()
    if arguments.self_test:
        return 1 if self_test.self_test() else 0
    try:
        results = measurements.from_file(arguments.json)
        if arguments.check:
            return check(results)
        make_report(results, arguments.document, arguments.plots, arguments.section, not arguments.tables)
    except measurements.Problem as problem:
        print(f"plots.py: {problem}.", file=sys.stderr)
        return 1
    return 0


sys.exit(main())
