# SPDX-License-Identifier: GPL-2.0-only
"""Draws what was measured in the kernel."""

from ..figures import legend_beside, panels, plain_ticks
from .measurements import MODES
from .names import numbers, split

# By bus and batch, as in the other figures. What has none gets a spare one.
LOOKS = {("cnx", 1): ("#d55e00", "o"), ("cnx", 32): ("#0072b2", "s"), ("connector", 1): ("#777777", "X")}
SPARE = ("#009e73", "D")
DASHES = {1: "-", 2: "--"}


def curves(results, mode, family, axis):
    """{(bus, batch, senders): [(x, value)]} of a family, by the number with this label."""
    found = {}
    for one in results.of(mode):
        here = numbers(one.name) if split(one.name) and split(one.name)[0] == family else None
        if here and axis in here and set(here) <= {axis, "batch", "senders"}:
            key = split(one.name)[1], here.get("batch", 1), here.get("senders", 1)
            found.setdefault(key, []).append((here[axis], one.value))
    return {key: sorted(points) for key, points in sorted(found.items())}


def label(bus, batch, senders):
    batched = f", batches of {batch}" if batch > 1 else ""
    return f"{bus}{batched}{f', {senders} senders at once' if senders > 1 else ''}"


def draw_costs(results, mode, family, axis):
    drawn = curves(results, mode, family, axis)
    if not drawn:
        return None
    figure, grid = panels(1, 1, 8, 4.4)
    axes, handles = grid[0][0], {}
    for (bus, batch, senders), points in drawn.items():
        colour, marker = LOOKS.get((bus, batch), SPARE)
        handles[label(bus, batch, senders)], = axes.plot(
            *zip(*points), color=colour, marker=marker, markersize=9 if marker == "X" else 7, markeredgecolor="white",
            markeredgewidth=0.6, linestyle=DASHES.get(senders, ":"), linewidth=3 if marker == "o" else 1.6)
    # Nobody listening is a place on the axis too, which a logarithmic one does not have.
    axes.set_xscale("symlog", base=2, linthresh=1)
    axes.set(yscale="log", xlabel=axis, ylabel=f"{results.unit(mode)} per message")
    plain_ticks(axes.xaxis, sorted({x for points in drawn.values() for x, _ in points}))
    plain_ticks(axes.yaxis)
    legend_beside(axes, handles)
    return figure


# Families that some modes do not measure, and that are not missed there.
NOT_IN_EACH_MODE = ("procevents",)

# The family, the label of what it is drawn by, and what that is to a reader.
DRAWN = (("send", "listeners", "Cost of a message sent, by the number of listeners"),
         ("procevents", "listeners", "Cost of a process event, by the number of listeners"),
         ("receive", "callbacks", "Cost of a message received, by the number of callbacks"))


def figures(results):
    """The file's name, what it shows, how it is drawn, and what it takes to draw it, for each mode."""

    def drawing(mode, family, axis):
        return lambda these: draw_costs(these, mode, family, axis)

    return [(f"kernel-{family}-{mode}.svg", f"{caption} ({mode}: {MODES[mode]})", drawing(mode, family, axis),
             f"measurements of {family} with {mode}") for mode in results.modes() for family, axis, caption in DRAWN
            if family not in NOT_IN_EACH_MODE or curves(results, mode, family, axis)]
