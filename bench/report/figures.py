# SPDX-License-Identifier: GPL-2.0-only
"""Draws the results. matplotlib is imported only when a figure is wanted, so that all else works without it."""

import io
import math
import statistics
import sys

from .measurements import Problem
from .structures import FLOOR, TYPICAL, by_speed, rank
from .tables import MODES, mode_rank, rounded

# Okabe and Ito's colours and some of Paul Tol's, which differ for colour-blind eyes, with a marker each all the same.
LOOKS = {
    "cnx": ("#d55e00", "o"), "cnx_dispatcher": ("#e69f00", "v"), "cnx_sleepable": ("#a0522d", "^"),
    FLOOR: ("#000000", ""), "kernel_connector": ("#777777", "X"), "rwlock_map": ("#cc79a7", "P"),
    "rculfhash": ("#0072b2", "s"), "ck_ht": ("#009e73", "D"), "tbb": ("#56b4e9", "h"), "cuckoo": ("#999933", "*"),
    "libcds": ("#332288", "<"), "absl_map": ("#882255", ">"),
}
SPARE = (("#117733", "p"), ("#44aa99", "d"), ("#aa4499", "H"), ("#6699cc", "8"))
MODE_LOOKS = (("#0072b2", "o"), ("#d55e00", "s"), ("#009e73", "^"), ("#cc79a7", "D"))
BAR_COLOURS = ("#56b4e9", "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#999999")
PERCENTILES = (("p50", "p50"), ("p99", "p99"), ("p999", "p99.9"), ("max", "max"))
PANEL_COLUMNS = 3


def look(structure, strangers):
    """How the line of a structure looks. A structure that has no look of its own gets a spare one."""
    colour, marker = LOOKS.get(structure) or SPARE[strangers.index(structure) % len(SPARE)]
    ours = structure == "cnx"
    # A thin marker would drown in its white edge at the size of a disc.
    return {"color": colour, "marker": marker, "markersize": 9 if marker in ("*", "X", "P") else 7,
            "linewidth": 3.5 if ours else 1.4, "linestyle": "--" if structure == FLOOR else "-",
            "zorder": 5 if ours else 3, "capsize": 2.5, "elinewidth": 1, "markeredgecolor": "white",
            "markeredgewidth": 0.6}


def label(structure):
    return "floor: no lookup at all" if structure == FLOOR else structure


def strangers(results):
    return sorted(set(results.seen("dispatch", "structure")) - set(LOOKS))


def load():
    """matplotlib's Figure, with the settings that make equal results into equal bytes."""
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise Problem(f"matplotlib is not there for {sys.executable}: install Debian's package python3-matplotlib and "
                      "run this with /usr/bin/python3") from error
    # A matplotlibrc of the user's would make other figures.
    matplotlib.rcdefaults()
    matplotlib.rcParams.update({"svg.hashsalt": "cnx", "svg.fonttype": "none", "font.size": 10, "axes.titlesize": 11, "axes.grid": True,
                                "grid.color": "#dddddd", "axes.axisbelow": True, "axes.spines.top": False,
                                "axes.spines.right": False, "legend.frameon": False})
    return Figure


def panels(rows, columns, width, height, **shared):
    figure = load()(figsize=(width, height), constrained_layout={"h_pad": 0.12})
    return figure, figure.subplots(rows, columns, squeeze=False, **shared)


def plain_ticks(axis, values=None):
    """Numbers instead of powers, at the values alone if they are given, else at 1, 2, 5, 10 on a logarithmic axis."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator
    if values is not None:
        axis.set_major_locator(FixedLocator(values))
    elif axis.get_scale() == "log":
        axis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=99))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))


def bars(samples):
    """Medians, and how far the least and the greatest repetition are from them."""
    middles = [statistics.median(values) for values in samples]
    return middles, [[middle - min(values) for middle, values in zip(middles, samples)],
                     [max(values) - middle for middle, values in zip(middles, samples)]]


def draw_line(axes, points, scale, **style):
    """A line through the medians of [(x, repetitions)]. Returns what stands for it in a legend."""
    middles, errors = bars([[value * scale for value in values] for _, values in points])
    return axes.errorbar([x for x, _ in points], middles, yerr=errors, **style)[0]


def legend_beside(axes, handles):
    axes.legend(handles.values(), handles.keys(), loc="center left", bbox_to_anchor=(1.02, 0.5))


def lines(results, axes, structures, points_of, scale, handles):
    for structure in structures:
        points = points_of(structure)
        if points:
            handles[label(structure)] = draw_line(axes, points, scale, **look(structure, strangers(results)))


def samples(results, structure, what, cases):
    """[(x, repetitions)] of the cases [(x, callbacks, threads)] that were measured."""
    found = [(x, results.find("dispatch", structure, callbacks=callbacks, threads=threads))
             for x, callbacks, threads in cases]
    return [(x, entry.values(what)) for x, entry in found if entry and entry.runs]


def dispatch_callbacks(results):
    numbers, threads = results.seen("dispatch", "callbacks"), results.seen("dispatch", "threads")
    if not any(entry.runs for entry in results.family("dispatch")):
        return None
    rows = math.ceil(len(threads) / PANEL_COLUMNS)
    columns = math.ceil(len(threads) / rows)
    figure, grid = panels(rows, columns, 3.7 * columns + 2.3, 5.6 * rows, sharex=True, sharey=True)
    handles = {}
    for axes, count in zip(grid.flat, threads):
        lines(results, axes, by_speed(results, threads[0]),
              lambda structure: samples(results, structure, "time", [(n, n, count) for n in numbers]), 1, handles)
        axes.set(title=f"{count} thread{'s' if count > 1 else ''}", xscale="log", yscale="log")
        plain_ticks(axes.xaxis, numbers)
        axes.xaxis.set_tick_params(labelbottom=True)
        for tick in axes.get_xticklabels():
            tick.set(rotation=40, horizontalalignment="right", rotation_mode="anchor")
        plain_ticks(axes.yaxis)
    for axes in grid.flat[len(threads):]:
        axes.set_axis_off()
    figure.supxlabel("registered callbacks")
    figure.supylabel("nanoseconds per dispatch")
    legend_beside(grid[0][-1], handles)
    return figure


def dispatch_threads(results):
    threads = results.seen("dispatch", "threads")
    cases = [(count, TYPICAL, count) for count in threads]

    def points_of(structure):
        return samples(results, structure, "items_per_second", cases)

    structures = by_speed(results, threads[0]) if threads else []
    if max((len(points_of(structure)) for structure in structures), default=0) < 2:
        return None
    figure, grid = panels(1, 2, 10.5, 5.2)
    for axes, scale, name in zip(grid[0], ("linear", "log"), ("linear", "logarithmic")):
        handles = {}
        lines(results, axes, structures, points_of, 1e-6, handles)
        ideal = points_of("cnx")
        if ideal:
            first, rates = ideal[0]
            ideals = [statistics.median(rates) * 1e-6 * count / first for count in threads]
            handles["ideal for cnx"], = axes.plot(threads, ideals, color="#000000", linestyle=":", linewidth=1.4,
                                                     zorder=6)
        axes.set(title=f"{name} scales", xscale=scale, yscale=scale, xlabel="threads")
        plain_ticks(axes.xaxis, threads)
        plain_ticks(axes.yaxis)
    # All lines of the linear panel begin at nothing, so that their heights can be compared.
    grid[0][0].set_ylim(bottom=0)
    figure.supylabel(f"million dispatches per second, {TYPICAL} callbacks")
    legend_beside(grid[0][1], handles)
    return figure


def churn_panel(axes, entries, modes, handles):
    for mode, entry in entries.items():
        shift = 0.22 * (modes.index(mode) - (len(modes) - 1) / 2)
        found = [(place + shift, entry.values(name)) for place, (name, _) in enumerate(PERCENTILES)
                 if entry.values(name)]
        colour, marker = MODE_LOOKS[modes.index(mode) % len(MODE_LOOKS)]
        if found:
            handles[mode] = draw_line(axes, found, 1, color=colour, marker=marker, markersize=6, linestyle="",
                                      capsize=2.5)
    axes.set(yscale="log", xlim=(-0.5, len(PERCENTILES) - 0.5))
    axes.set_xticks(range(len(PERCENTILES)), [name for _, name in PERCENTILES])
    axes.grid(False, axis="x")
    for place in range(len(PERCENTILES) - 1):
        axes.axvline(place + 0.5, color="#dddddd", linewidth=0.8)
    plain_ticks(axes.yaxis)


def churn_latency(results):
    """A panel for each structure, number of callbacks and number of threads."""
    drawn = [entry for entry in results.family("churn") if any(entry.values(name) for name, _ in PERCENTILES)]
    if not drawn:
        return None
    modes = [*MODES, *sorted({entry.key.mode for entry in drawn} - set(MODES))]
    cells = {}
    for entry in sorted(drawn, key=lambda entry: (rank(entry.key.structure), entry.key.callbacks, entry.key.threads,
                                                  mode_rank(entry.key.mode))):
        cell = f"{entry.key.structure}, N = {entry.key.callbacks:,}, T = {entry.key.threads}"
        cells.setdefault(cell, {})[entry.key.mode] = entry
    columns = min(4, len(cells))
    rows = -(-len(cells) // columns)
    figure, grid = panels(rows, columns, 3 * columns + 2, 2.8 * rows + 0.4, sharey=True)
    places = [axes for row in grid for axes in row]
    handles = {}
    for axes, (title, here) in zip(places, cells.items()):
        churn_panel(axes, here, modes, handles)
        axes.set_title(title)
    for axes in places[len(cells):]:
        axes.set_visible(False)
    figure.supylabel("nanoseconds of one dispatch")
    legend_beside(grid[0][-1], handles)
    return figure


def receive(results):
    drawn = [entry for entry in results.family("receive") if entry.runs]
    if not drawn:
        return None
    batches = sorted({entry.key.batch for entry in drawn})
    groups = sorted({(entry.key.structure, entry.key.threads) for entry in drawn},
                    key=lambda group: (rank(group[0]), group[1]))
    # Wide enough for the number above each bar.
    figure, grid = panels(1, 1, max(6.5, 2.5 + 0.5 * len(batches) * len(groups)), 4)
    axes, width = grid[0][0], 0.8 / len(groups)
    for index, (structure, threads) in enumerate(groups):
        found = [(batches.index(entry.key.batch) + width * (index - (len(groups) - 1) / 2), entry.values("time"))
                 for entry in drawn if (entry.key.structure, entry.key.threads) == (structure, threads)]
        middles, errors = bars([values for _, values in found])
        boxes = axes.bar([x for x, _ in found], middles, width * 0.92, yerr=errors, capsize=3,
                         color=BAR_COLOURS[index % len(BAR_COLOURS)],
                         label=f"{structure}, {threads} thread{'s' if threads > 1 else ''}")
        axes.bar_label(boxes, [rounded(middle) for middle in middles], padding=2, fontsize=9)
    axes.set_xticks(range(len(batches)), map(str, batches))
    axes.set(xlabel="messages in a batch", ylabel="nanoseconds per message")
    axes.margins(y=0.12)
    axes.grid(False, axis="x")
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
    return figure


# The file's name, what it shows, how it is drawn, and what it takes to draw it.
FIGURES = (
    ("dispatch-callbacks.svg", "Nanoseconds per dispatch by the number of callbacks", dispatch_callbacks,
     "measurements of dispatch"),
    ("dispatch-threads.svg", f"Throughput by the number of threads, with {TYPICAL} callbacks", dispatch_threads,
     f"measurements of dispatch with {TYPICAL} callbacks and several numbers of threads"),
    ("churn-latency.svg", "Latency of a dispatch while callbacks come and go", churn_latency,
     "latencies of churn"),
    ("receive.svg", "Nanoseconds per message by the size of a batch", receive, "measurements of receive"),
)


def svg(figure):
    """The bytes of a figure, the same for the same results on any day."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"
