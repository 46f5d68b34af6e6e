# SPDX-License-Identifier: GPL-2.0-only
"""What the project asks of its speed in the kernel."""

from ..requirements import Case, Requirement
from .names import counterpart


def against_connector(results, mode, limits):
    """A case for each of our measurements named in {name: limit}."""
    for name, limit in limits.items():
        mine, other = results.find(mode, name), counterpart(results, mode, name)
        value = mine.value / other.value if mine and other else None
        yield Case(name, value, limit, other.name if other else "")


def growth(results, mode):
    one, many = (f"receive/cnx/callbacks:{count}/batch:1" for count in (1, 1000))
    few, lots = results.find(mode, one), results.find(mode, many)
    return Case(many, lots.value / few.value if few and lots else None, 1.03, one)


def tails(results, mode):
    for listeners in (1, 2, 16):
        found = results.find(mode, f"send/cnx/listeners:{listeners}/batch:1")
        yield Case(f"send/cnx/listeners:{listeners}/batch:1", found.p999 / found.p50 if found else None, 2)


def excluded(results, mode):
    """What happens costs with a listener who did not ask for it, against what it costs with none: the whole of the
    system call, of which the measurements leave out what it costs without cnx."""
    name, none = "procevents/cnx/excluding:1/batch:1", "procevents/cnx/listeners:0/batch:1"
    call, one, nobody = (results.find(mode, found) for found in ("procevents/nobody", name, none))
    value = (call.value + one.value) / (call.value + nobody.value) if call and one and nobody else None
    return Case(name, value, 1.05, none)


def local(results, mode):
    found = results.find(mode, "local/cnx")
    return Case("local/cnx", found.value if found else None, 150)


def requirements(results):
    def compared(mode, text, limits):
        return Requirement(f"({mode})", text, False, tuple(against_connector(results, mode, limits)))

    return [
        compared("icount", "to receive a message costs at most what it costs the connector",
                 {"receive/cnx/callbacks:1/batch:1": 1.00}),
        Requirement("(icount)", "to receive with 1000 callbacks costs at most 1.03 times as much as with 1", False,
                    (growth(results, "icount"),)),
        compared("icount", "a message received in a batch of 32 costs at most 0.15 times the connector's",
                 {"receive/cnx/callbacks:1/batch:32": 0.15}),
        compared("icount", "to send with nobody listening costs at most what it costs the connector",
                 {"send/cnx/listeners:0/batch:1": 1.00}),
        compared("icount", "to send to 1 listener costs at most 0.8 times the connector's",
                 {"send/cnx/listeners:1/batch:1": 0.80}),
        compared("icount", "to send to 16 listeners costs at most what it costs the connector",
                 {"send/cnx/listeners:16/batch:1": 1.00}),
        compared("icount", "a message sent to 1 listener in a batch of 32 costs at most 0.15 times the connector's",
                 {"send/cnx/listeners:1/batch:32": 0.15}),
        compared("icount", "a message sent to 16 listeners in a batch of 32 costs at most 0.08 times the connector's",
                 {"send/cnx/listeners:16/batch:32": 0.08}),
        Requirement("(icount)", "the p99.9 of a send is at most twice its median", False,
                    tuple(tails(results, "icount"))),
        Requirement("(icount)", "a message from driver to driver takes at most 150 instructions", False,
                    (local(results, "icount"),), " instructions"),
        compared("icount", "a process event costs at most 0.9 times the connector's with 1 listener",
                 {"procevents/cnx/listeners:1/batch:1": 0.90}),
        compared("icount", "a process event costs at most half of the connector's with 16 listeners",
                 {"procevents/cnx/listeners:16/batch:1": 0.50}),
        compared("icount", "a process event in a batch costs at most 0.25 times the connector's",
                 {"procevents/cnx/listeners:1/batch:32": 0.25}),
        Requirement("(icount)", "a listener who did not ask for an event makes it cost at most 1.05 times as much as "
                    "no listener does", False, (excluded(results, "icount"),)),
        compared("uml", "to receive, or to send to 1 listener, costs at most what it costs the connector",
                 {"receive/cnx/callbacks:1/batch:1": 1.00, "send/cnx/listeners:1/batch:1": 1.00}),
        compared("uml", "a message in a batch of 32 costs at most 0.25 times the connector's",
                 {"receive/cnx/callbacks:1/batch:32": 0.25, "send/cnx/listeners:1/batch:32": 0.25}),
        compared("uml", "beside another sender, to receive with 1 callback costs at most 0.8 times the connector's",
                 {"receive/cnx/callbacks:1/batch:1/senders:2": 0.8}),
        compared("uml", "beside another sender, to receive with 1000 callbacks costs at most 0.3 times the connector's",
                 {"receive/cnx/callbacks:1000/batch:1/senders:2": 0.3}),
    ]
