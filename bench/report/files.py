# SPDX-License-Identifier: GPL-2.0-only
"""Finds out which benchmark each of the given files is from."""

import json

from .measurements import Problem
from .sections import DISPATCH, KERNEL, SECTIONS

COMMANDS = " or ".join(f"`{section.command}`" for section in SECTIONS)


def text_of(path):
    """None where there is no such file: not everybody runs all benchmarks."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Problem(f"{path} cannot be read ({error.strerror}): make it readable, or run {COMMANDS}, whichever "
                      "writes it, again") from error


def section_of(path, text):
    """Google Benchmark writes an object, the in-kernel benchmark a list."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Problem(f"{path} is not JSON ({error}), perhaps because its run was interrupted: "
                      f"run {COMMANDS}, whichever writes it, again") from error
    if isinstance(data, list):
        return KERNEL
    if isinstance(data, dict) and "benchmarks" in data:
        return DISPATCH
    raise Problem(f"{path} has no benchmarks in it: run {COMMANDS}, whichever writes it, again")


def load(paths):
    """([(section, its results)], the sections for which a file is missing)."""
    # A file given twice is no second measurement.
    texts = [(path, text_of(path)) for path in dict.fromkeys(paths)]
    missing = [path for path, text in texts if text is None]
    if len(missing) == len(texts):
        which = f"{missing[0]} is not there" if len(texts) == 1 else f"none of {', '.join(map(str, missing))} is there"
        raise Problem(f"{which}: run {COMMANDS} first")
    found = {}
    for path, text in texts:
        if text is not None:
            found.setdefault(section_of(path, text), []).append((path, text))
    loaded = [(section, section.from_texts(found[section])) for section in SECTIONS if section in found]
    return loaded, [section for section in SECTIONS if missing and section not in found]
