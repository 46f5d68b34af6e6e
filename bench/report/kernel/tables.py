# SPDX-License-Identifier: GPL-2.0-only
"""What was measured in the kernel, as Markdown."""

from ..tables import NOT_MEASURED, code, plain, requirement_table, rounded, table
from .measurements import COMMAND, MODES
from .names import OURS, counterpart, on, order, split
from .requirements import requirements


def measured_with(results):
    def said(mode, what, show):
        return "; ".join(map(show, results.said(mode, what))) or "not stated"

    rows = [[f"{mode} ({MODES[mode]})", results.unit(mode), said(mode, "kernel", code), said(mode, "machine", plain),
             said(mode, "mitigations", plain)] for mode in results.modes()]
    return ["### Measured in the kernel with", "",
            *table(["mode", "unit", "kernel", "machine", "mitigations"], rows, left=5), "",
            f"The command is `{COMMAND} && make plots`."]


def tail(measurement):
    if not measurement:
        return [NOT_MEASURED] * 3
    mean = rounded(measurement.mean) if measurement.mean else NOT_MEASURED
    return [mean, rounded(measurement.p999), rounded(measurement.max)]


def compared(results, mode):
    """A row for each thing that was measured of either bus."""
    names = {on(OURS, one.name) for one in results.of(mode) if split(one.name)}
    rows = []
    for name in sorted(names, key=order):
        family, _, rest = split(name)
        ours, theirs = results.find(mode, name), counterpart(results, mode, name)
        rows.append([code("/".join((family, *rest))), *(rounded(one.value) if one else NOT_MEASURED
                                                        for one in (ours, theirs)),
                     f"{ours.value / theirs.value:.3f}x" if ours and theirs else "", *tail(ours), *tail(theirs)])
    header = ["measured", "cnx", "connector", "cnx / connector", "cnx mean", "cnx p99.9", "cnx max",
              "connector mean", "connector p99.9", "connector max"]
    unit = results.unit(mode).capitalize()
    return [f"### {unit} per message, {mode}", "", *table(header, rows), "",
            "A message of a batch stands beside one message of the connector, which has no batches. The p99.9 and the "
            "maximum of a batch are those of the whole batch, divided by its messages. What stands first is the median. On one "
            "CPU the mean, the p99.9 and the maximum of cnx have the work in them that makes skbs ready, which is done "
            "beside the senders where there are several CPUs. Counted as instructions it looks dearer than it is: to "
            "clear a page counts as one for each byte."]


def others(results, mode):
    rows = [[code(one.name), *(rounded(number) for number in (one.value, one.p50, one.p99, one.p999, one.max))]
            for one in sorted(results.of(mode), key=lambda one: one.name) if not split(one.name)]
    return [f"### Other {results.unit(mode)}, {mode}", "",
            *table(["measured", "value", "p50", "p99", "p99.9", "max"], rows)] if rows else []


def report(results, images):
    """All that stands between the markers, the lines of the images among it."""
    parts = [measured_with(results)]
    for mode in results.modes():
        if any(split(one.name) for one in results.of(mode)):
            parts.append(compared(results, mode))
        parts.append(others(results, mode))
    parts += [requirement_table(requirements(results), "Requirements in the kernel"),
              ["### Plots of the kernel's measurements", "", *images]]
    return "\n\n".join("\n".join(part) for part in parts if part)
