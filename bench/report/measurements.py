# SPDX-License-Identifier: GPL-2.0-only
"""Reads Google Benchmark's JSON into one Measurement for each benchmark, with all of its repetitions."""

import json
import statistics
from dataclasses import dataclass, field


class Problem(Exception):
    """Something the user can put right. The message is one sentence with the remedy."""


# What the name of each known family holds after the family: words by their place, and numbers as label:number.
SHAPES = {
    "dispatch": (("structure",), ("callbacks",)),
    "churn": (("structure", "mode"), ("callbacks",)),
    "receive": (("structure",), ("batch",)),
    "register": (("structure",), ("callbacks",)),
    "remove": (("structure",), ("callbacks",)),
    "cycle": (("structure",), ()),
    "pool": (("structure",), ()),
}
OTHER = "other"

# Google Benchmark appends these to a name. They say how something was timed, not what it was.
TIMING = {"real_time", "process_time", "manual_time", "iterations", "min_time", "min_warmup_time", "repeats"}

# These have a meaning of their own in an entry; every other numeric field is a counter of the benchmark.
STANDARD = {"family_index", "per_family_instance_index", "repetitions", "repetition_index", "threads", "iterations",
            "real_time", "cpu_time", "items_per_second"}
IMPOSSIBLE = 1e100
NANOSECONDS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}


@dataclass(frozen=True)
class Key:
    """Which benchmark. For the family OTHER, the structure is the whole name."""
    family: str
    structure: str
    mode: str = ""
    callbacks: int = 0
    batch: int = 0
    threads: int = 1


@dataclass
class Measurement:
    key: Key
    runs: list = field(default_factory=list)
    failures: list = field(default_factory=list)

    def values(self, what):
        """One value for each repetition that has it: a field of the entry, or "time" for nanoseconds per operation."""
        if what == "time":
            return [self.key.threads * 1e9 / rate for rate in self.values("items_per_second")]
        return [value for value in (number(run, what) for run in self.runs) if value is not None]

    def real_times(self):
        return [number(run, "real_time") * NANOSECONDS.get(str(run.get("time_unit")), 1) for run in self.runs
                if number(run, "real_time") is not None]

    def counters(self):
        return sorted({name for run in self.runs for name in run if name not in STANDARD and
                       number(run, name) is not None})


@dataclass
class Results:
    context: dict
    by_key: dict

    def find(self, family, structure, **rest):
        return self.by_key.get(Key(family, structure, **rest))

    def family(self, name):
        return [measurement for key, measurement in self.by_key.items() if key.family == name]

    def seen(self, family, part):
        """Every value that a part of the key has in a family, in order."""
        return sorted({getattr(measurement.key, part) for measurement in self.family(family)})

    def absent(self):
        """The peers that were not built and so have no measurement."""
        names = {name.strip() for name in str(self.context.get("absent") or "").split(",")}
        return sorted(names - {"", "none"} - set(self.seen("dispatch", "structure")))


def number(entry, name):
    """A number, or None: Google Benchmark writes NaN or Infinity for what it could not compute."""
    value = entry.get(name)
    usable = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < IMPOSSIBLE
    return value if usable else None


def median(measurement, what):
    """The median over the repetitions, or None where nothing was measured."""
    values = measurement.values(what) if measurement else []
    return statistics.median(values) if values else None


def variation(values):
    """The coefficient of variation in percent, or None where it has no meaning."""
    if len(values) < 2 or statistics.fmean(values) == 0:
        return None
    return 100 * statistics.stdev(values) / statistics.fmean(values)


def parse_name(name, threads=1):
    """The Key of a run's name. The threads of the entry count where the name has none."""
    family, *parts = name.split("/")
    words, numbers = [], {"threads": threads}
    for part in parts:
        label, _, value = part.partition(":")
        if label in TIMING:
            continue
        if value.isdecimal():
            numbers[label] = int(value)
        else:
            words.append(part)
    word_labels, number_labels = SHAPES.get(family, ((), ()))
    if family in SHAPES and len(words) == len(word_labels) and set(numbers) == {"threads", *number_labels}:
        return Key(family, **dict(zip(word_labels, words)), **numbers)
    return Key(OTHER, name, threads=numbers["threads"])


def add_entry(by_key, entry):
    name = entry.get("run_name", entry.get("name"))
    if not isinstance(name, str):
        raise Problem("the JSON has a benchmark without a name: run `make bench-dispatch` again")
    key = parse_name(name, max(1, int(number(entry, "threads") or 1)))
    measurement = by_key.setdefault(key, Measurement(key))
    if entry.get("error_occurred"):
        measurement.failures.append(str(entry.get("error_message") or "it gave no message"))
    elif key.family != OTHER and (number(entry, "items_per_second") or 0) <= 1 / IMPOSSIBLE:
        # Without a rate there is no time per operation; the time per iteration would be taken for it.
        measurement.failures.append("it reported no items_per_second")
    else:
        measurement.runs.append(entry)


def from_json(text, name):
    """The Results in a text; the name of its file is for the errors."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Problem(f"{name} is not JSON ({error}), perhaps because its run was interrupted: "
                      "run `make bench-dispatch` again") from error
    entries = data.get("benchmarks") if isinstance(data, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries) or not entries:
        raise Problem(f"{name} has no benchmarks in it: run `make bench-dispatch`, without a filter that matches none")
    by_key = {}
    for entry in entries:
        # The aggregates are computed here instead, from the repetitions, which the error bars need in any case.
        if entry.get("run_type") != "aggregate":
            add_entry(by_key, entry)
    if not by_key:
        raise Problem(f"{name} has aggregates only: run `make bench-dispatch` again, "
                      "without --benchmark_report_aggregates_only")
    context = data.get("context")
    return Results(context if isinstance(context, dict) else {}, by_key)
