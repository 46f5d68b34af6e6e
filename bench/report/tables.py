# SPDX-License-Identifier: GPL-2.0-only
"""The results as Markdown."""

import re
import statistics

from .measurements import OTHER, median, variation
from .requirements import requirements
from .structures import FLOOR, best_peer, by_speed, rank

NOT_MEASURED = "not measured"
ABSENT = "absent: its library was not there when this was built"
MODES = ("quiescent", "registering", "growing")
COMMAND = "make bench-dispatch && make plots"


def plain(text):
    """A foreign text on one line, with nothing in it that Markdown would take for its own."""
    return re.sub(r"([\\`*_|<>\[\]])", r"\\\1", " ".join(str(text).split()))


def code(name):
    return "`" + " ".join(str(name).split()).replace("`", "'").replace("|", "\\|") + "`"


def rounded(value):
    """Three digits or so, which is more than the variation leaves certain."""
    if value >= 100:
        return f"{value:,.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 0.1 or value == 0 else f"{value:.2g}"


def counted(count, what):
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def table(header, rows, left=1):
    """The first columns, as many as left says, are text; the others are numbers and stand to the right."""
    lines = [header, ["---"] * left + ["---:"] * (len(header) - left), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def failed(measurement):
    return "failed: " + "; ".join(plain(message) for message in dict.fromkeys(measurement.failures))


def spread(values, scale=1.0):
    """The median, and the variation in brackets."""
    percent = variation(values)
    bracket = "one run" if percent is None else f"{percent:.1f} %"
    return f"{rounded(statistics.median(values) * scale)} ({bracket})"


def cell(measurement, what, scale=1.0):
    """Shows each failure, also that of a single repetition."""
    if measurement is None:
        return NOT_MEASURED
    values = measurement.values(what)
    if not values:
        return failed(measurement) if measurement.failures else NOT_MEASURED
    if measurement.failures:
        total = len(measurement.runs) + len(measurement.failures)
        return f"{spread(values, scale)}; {len(measurement.failures)} of {total} {failed(measurement)}"
    return spread(values, scale)


def measured_with(results):
    def said(name, show=plain):
        value = results.context.get(name)
        return "not recorded" if value in (None, "") else show(value)

    repetitions = f"{said('repetitions')}, interleaved: {said('interleaved')}"
    facts = (("CPU", said("cpu_model")), ("logical CPUs", said("num_cpus")), ("mitigations", said("mitigations")),
             ("kernel", said("kernel", code)), ("compiler", said("compiler")), ("flags", said("flags", code)),
             ("liburcu flavour", said("flavour")), ("huge pages", said("huge_pages")), ("commit", said("commit", code)),
             ("date", said("date")), ("repetitions", repetitions), ("command", f"`{COMMAND}`"))
    return ["### Measured with", "", *table(["what", "value"], facts, left=2), "",
            "Times are medians over the repetitions, with the coefficient of variation in brackets. N is the number of "
            "registered callbacks, T the number of threads."]


def dispatch_times(results, threads):
    columns = results.seen("dispatch", "callbacks")
    rows = [[code(structure)] + [cell(results.find("dispatch", structure, callbacks=callbacks, threads=threads), "time")
                                 for callbacks in columns] for structure in by_speed(results, threads)]
    rows += [[code(name), ABSENT] + [""] * (len(columns) - 1) for name in results.absent()]
    return [f"### Nanoseconds per dispatch, {counted(threads, 'thread')}", "",
            *table(["structure"] + [f"N = {callbacks}" for callbacks in columns], rows)]


def ratio(ours, theirs, what):
    mine, other = median(ours, what), median(theirs, what)
    return None if mine is None or not other else mine / other


def ratio_row(results, threads, title, opponent, what, name_it=False):
    row = [title]
    for callbacks in results.seen("dispatch", "callbacks"):
        theirs = opponent(callbacks)
        value = ratio(results.find("dispatch", "cnx", callbacks=callbacks, threads=threads), theirs, what)
        name = f" {code(theirs.key.structure)}" if name_it and theirs else ""
        row.append(NOT_MEASURED if value is None else f"{rounded(value)}x{name}")
    return row


def dispatch_ratios(results, threads):
    def against(structure):
        return lambda callbacks: results.find("dispatch", structure, callbacks=callbacks, threads=threads)

    def best(callbacks):
        return best_peer(results, callbacks, threads)

    rate = "items_per_second"
    rows = [ratio_row(results, threads, "throughput, `cnx` / best peer", best, rate, name_it=True),
            ratio_row(results, threads, "throughput, `cnx` / `rculfhash`", against("rculfhash"), rate),
            ratio_row(results, threads, "time, `cnx` / `floor`", against(FLOOR), "time"),
            ratio_row(results, threads, "throughput, `cnx` / `kernel_connector`", against("kernel_connector"), rate)]
    lines = [f"### Ratios, {counted(threads, 'thread')}", "",
             *table(["ratio"] + [f"N = {callbacks}" for callbacks in results.seen("dispatch", "callbacks")], rows)]
    if results.absent():
        lines += ["", "Absent, and so not among the peers: " + ", ".join(map(code, results.absent())) + "."]
    return lines


def requirement_table(listed, title):
    rows = [[one.label, plain(one.text), plain(one.evidence()),
             f"**{one.verdict()}**" if one.verdict() == "NOT met" else one.verdict()] for one in listed]
    return [f"### {title}", "", *table(["", "asked", "measured", "result"], rows, left=4)]


def mode_rank(mode):
    return MODES.index(mode) if mode in MODES else len(MODES), mode


def in_order(measurements):
    def order(measurement):
        key = measurement.key
        return key.family, rank(key.structure), key.callbacks, key.batch, key.threads, mode_rank(key.mode)

    return sorted(measurements, key=order)


def churn_table(results):
    rows = []
    for entry in in_order(results.family("churn")):
        latencies = [median(entry, name) for name in ("p50", "p99", "p999")]
        # The median of maxima would hide the one dispatch that took long.
        latencies.append(max(entry.values("max"), default=None))
        rows.append([code(entry.key.structure), code(entry.key.mode), str(entry.key.callbacks), str(entry.key.threads),
                     cell(entry, "items_per_second", 1e-6),
                     *(NOT_MEASURED if value is None else rounded(value) for value in latencies)])
    header = ["structure", "registrations", "N", "T", "million dispatches/s", "p50", "p99", "p99.9", "max"]
    note = "Latencies are nanoseconds of one dispatch; max is the longest in any repetition."
    return ["### Dispatch while callbacks come and go", "", *table(header, rows, left=2), "", note]


def receive_table(results):
    rows = [[code(entry.key.structure), str(entry.key.batch), str(entry.key.threads),
             cell(entry, "items_per_second", 1e-6), cell(entry, "time")]
            for entry in in_order(results.family("receive"))]
    return ["### Receiving", "",
            *table(["structure", "messages in a batch", "T", "million messages/s", "ns per message"], rows)]


def registration_table(results):
    rows = []
    for family in ("register", "remove", "cycle"):
        for entry in in_order(results.family(family)):
            memory = median(entry, "bytes_per_registration")
            rows.append([family, code(entry.key.structure), str(entry.key.callbacks or ""), cell(entry, "time"),
                         "" if memory is None else f"{memory:,.6g}"])
    return ["### Registering", "", *table(["what", "structure", "N", "ns per registration", "bytes per registration"],
                                          rows, left=2), "",
            "To remove includes a registration's share of the grace period, and a cycle is to register and unregister "
            "one callback, with its grace period."]


def pool_table(results):
    rows = [[code(entry.key.structure), str(entry.key.threads), cell(entry, "time"),
             cell(entry, "items_per_second", 1e-6)] for entry in in_order(results.family("pool"))]
    return ["### Pool", "", *table(["pool", "T", "ns per operation", "million operations/s"], rows)]


def other_table(results):
    rows = []
    for entry in in_order(results.family(OTHER)):
        times = entry.real_times()
        shown = failed(entry) if entry.failures else spread(times) if times else NOT_MEASURED
        rate = cell(entry, "items_per_second") if entry.values("items_per_second") else ""
        counters = [f"{plain(name)} = {median(entry, name):,.6g}" for name in entry.counters()]
        rows.append([code(entry.key.structure), str(entry.key.threads), shown, rate, ", ".join(counters)])
    return ["### Others", "", *table(["benchmark", "T", "ns per iteration", "items/s", "counters"], rows)]


def report(results, images):
    """All that stands between the markers, the lines of the images among it."""
    parts = [measured_with(results)]
    for threads in results.seen("dispatch", "threads"):
        parts += [dispatch_times(results, threads), dispatch_ratios(results, threads)]
    parts.append(requirement_table(requirements(results), "Requirements"))
    tables = (("churn", churn_table), ("receive", receive_table), ("register remove cycle", registration_table),
              ("pool", pool_table), (OTHER, other_table))
    for families, make in tables:
        if any(results.family(family) for family in families.split()):
            parts.append(make(results))
    parts.append(["### Plots", "", *images])
    return "\n\n".join("\n".join(part) for part in parts)
