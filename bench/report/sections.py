# SPDX-License-Identifier: GPL-2.0-only
"""The sections of the document, each with the benchmark that it is made from."""

from dataclasses import dataclass
from typing import Callable

from . import figures, measurements, requirements, tables
from .kernel import figures as kernel_figures
from .kernel import measurements as kernel_measurements
from .kernel import requirements as kernel_requirements
from .kernel import tables as kernel_tables
from .measurements import Problem


@dataclass(frozen=True)
class Section:
    """All but the first three are functions of what from_texts() returns."""
    name: str
    command: str
    about_figures: str
    from_texts: Callable
    figures: Callable
    report: Callable
    requirements: Callable


def dispatch_from_texts(files):
    if len(files) > 1:
        raise Problem(f"{files[0][0]} and {files[1][0]} are both of `{DISPATCH.command}`: give one of them")
    (name, text), = files
    return measurements.from_json(text, name)


DISPATCH = Section("dispatch", "make bench-dispatch",
                   "Points are medians; the bars reach from the least to the greatest repetition.",
                   dispatch_from_texts, lambda _: figures.FIGURES, tables.report, requirements.requirements)
KERNEL = Section("kernel", kernel_measurements.COMMAND, "Points are the values of the tables.",
                 kernel_measurements.from_texts, kernel_figures.figures, kernel_tables.report,
                 kernel_requirements.requirements)
SECTIONS = (DISPATCH, KERNEL)
