# SPDX-License-Identifier: GPL-2.0-only
"""Reads the JSON of the in-kernel benchmark. It comes from a guest, perhaps from a run that was cut short, so nothing
in it is taken for granted."""

import json
from dataclasses import dataclass

from ..measurements import Problem

COMMAND = "make bench-kernel"

# How a step was timed, each with what it says of that.
MODES = {"icount": "QEMU counting instructions", "kvm": "a guest under KVM", "uml": "user-mode Linux"}
UNITS = ("instructions", "nanoseconds")
WORDS = ("name", "unit", "mode", "kernel")
MAY_SAY = ("machine", "mitigations")
NUMBERS = ("value", "p50", "p99", "p999", "max")
MAY_COUNT = ("mean",)
# More than any step can take. NaN and the infinities are not below it.
IMPOSSIBLE = 1e100


@dataclass(frozen=True)
class Measurement:
    """Numbers are in the unit, and for one message of a batch."""
    name: str
    unit: str
    mode: str
    kernel: str
    value: float
    p50: float
    p99: float
    p999: float
    max: float
    mean: float | None = None
    machine: str = ""
    mitigations: str = ""


@dataclass
class Results:
    by_place: dict

    def find(self, mode, name):
        return self.by_place.get((mode, name))

    def modes(self):
        return [mode for mode in MODES if self.of(mode)]

    def of(self, mode):
        return [one for one in self.by_place.values() if one.mode == mode]

    def unit(self, mode):
        """There is only one in a mode."""
        return self.of(mode)[0].unit

    def said(self, mode, what):
        """What the measurements of a mode say of themselves, each thing once."""
        return [text for text in dict.fromkeys(getattr(one, what) for one in self.of(mode)) if text]


def word(entry, label, where):
    text = entry.get(label)
    # Some come from /sys line by line. What is not printable would spoil the document, or could not be written at all.
    text = " ".join(text.split()) if isinstance(text, str) else None
    if text is None or not text.isprintable() or not text and label not in MAY_SAY:
        raise Problem(f"{where} has no text for its {label}: run `{COMMAND}` again")
    return text


def number(entry, label, where):
    value = entry.get(label)
    usable = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < IMPOSSIBLE
    if not usable:
        raise Problem(f"{where} has no number above 0 for its {label}: run `{COMMAND}` again")
    return value


def measurement(entry, where):
    if not isinstance(entry, dict):
        raise Problem(f"{where} is no object: run `{COMMAND}` again")
    words = {label: word(entry, label, where) for label in (*WORDS, *MAY_SAY) if label in WORDS or label in entry}
    if words["mode"] not in MODES:
        raise Problem(f"{where} has the mode {words['mode']}, which is none of {', '.join(MODES)}: run `{COMMAND}` "
                      "again, or teach bench/report/kernel/measurements.py the mode")
    if words["unit"] not in UNITS or words["mode"] == "icount" and words["unit"] != "instructions":
        raise Problem(f"{where} has the unit {words['unit']}, which {words['mode']} does not measure in: "
                      f"run `{COMMAND}` again")
    return Measurement(**words, **{label: number(entry, label, where) for label in (*NUMBERS, *MAY_COUNT)
                                  if label in NUMBERS or label in entry})


def add_file(by_place, text, name):
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Problem(f"{name} is not JSON ({error}), perhaps because its run was interrupted: "
                      f"run `{COMMAND}` again") from error
    if not isinstance(entries, list) or not entries:
        raise Problem(f"{name} has no measurements in it: run `{COMMAND}` again")
    for count, entry in enumerate(entries, 1):
        one = measurement(entry, f"measurement {count} of {name}")
        if (one.mode, one.name) in by_place:
            raise Problem(f"measurement {count} of {name} is another {one.name} of the mode {one.mode}: give the "
                          "files of one run for each mode")
        by_place[one.mode, one.name] = one


def from_texts(files):
    """The Results in all of [(name of a file, its text)] together."""
    by_place, units = {}, {}
    for name, text in files:
        add_file(by_place, text, name)
    for one in by_place.values():
        if units.setdefault(one.mode, one.unit) != one.unit:
            raise Problem(f"the mode {one.mode} has {units[one.mode]} and {one.unit}, which cannot be compared: give "
                          "the files of one run for each mode")
    return Results(by_place)
