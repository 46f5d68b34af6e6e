# SPDX-License-Identifier: GPL-2.0-only
"""Which structures are ours, which are peers, and in which order they are shown."""

from .measurements import median

OURS = ("cnx", "cnx_dispatcher", "cnx_sleepable")
FLOOR = "floor"
# The tables of dispatch are sorted by what was measured with this many callbacks.
TYPICAL = 1024


def is_peer(structure):
    return structure != FLOOR and structure != "cnx" and not structure.startswith("cnx_")


def rank(structure):
    """Sorts our own structures first, then the floor, then the peers by name."""
    if is_peer(structure):
        return 2, 0, structure
    if structure == FLOOR:
        return 1, 0, structure
    return 0, OURS.index(structure) if structure in OURS else len(OURS), structure


def by_speed(results, threads):
    """The structures of the family dispatch, the peers among them from the fastest to the slowest."""

    def order(structure):
        time = median(results.find("dispatch", structure, callbacks=TYPICAL, threads=threads), "time")
        return rank(structure)[0], float("inf") if time is None or not is_peer(structure) else time, rank(structure)

    return sorted(results.seen("dispatch", "structure"), key=order)


def best_peer(results, callbacks, threads):
    """The peer with the highest throughput, or None."""
    found = [results.find("dispatch", structure, callbacks=callbacks, threads=threads)
             for structure in results.seen("dispatch", "structure") if is_peer(structure)]
    measured = [peer for peer in found if peer and peer.runs]
    return min(measured, key=lambda peer: median(peer, "time"), default=None)
