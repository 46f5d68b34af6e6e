# SPDX-License-Identifier: GPL-2.0-only
"""What the name of a measurement says: family/bus/label:number/..., where the bus is ours or the kernel's own."""

import re

OURS, THEIRS = "cnx", "connector"
FAMILIES = ("receive", "send", "deliver", "procevents", "register", "local")


def split(name):
    """The family, the bus and the list of the rest; None where no bus is named."""
    family, *rest = name.split("/")
    return (family, rest[0], rest[1:]) if family and rest and rest[0] in (OURS, THEIRS) else None


def on(bus, name):
    """The same measurement of the other bus. The name has one."""
    family, _, rest = split(name)
    return "/".join((family, bus, *rest))


def unbatched(name):
    return re.sub(r"/batch:\d+(?=/|$)", "/batch:1", name)


def numbers(name):
    """{label: number} of what stands behind the bus, or None if anything there is no number."""
    found = [re.fullmatch(r"(\w+):([0-9]{1,9})", part) for part in split(name)[2]]
    return {match[1]: int(match[2]) for match in found} if all(found) else None


def order(name):
    """Sorts families as above, and numbers by their size."""
    family, _, rest = split(name)
    pieces = [re.fullmatch(r"(.*?)([0-9]{0,9})", part, re.DOTALL).groups() for part in rest]
    return (FAMILIES.index(family) if family in FAMILIES else len(FAMILIES), family,
            [(text, int(digits or 0)) for text, digits in pieces], name)


def counterpart(results, mode, name):
    """The connector's measurement that one of ours is compared with. It has no batches, so that it sends and receives
    the messages of a batch one by one."""
    theirs = on(THEIRS, name)
    return results.find(mode, theirs) or results.find(mode, unbatched(theirs))
