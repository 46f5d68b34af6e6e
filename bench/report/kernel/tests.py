# SPDX-License-Identifier: GPL-2.0-only
"""Tests of what is made of the in-kernel benchmark's JSON. Only one of them needs matplotlib."""

import json

from .. import figures as any_figures
from ..measurements import Problem
from ..requirements import tap
from ..testing import Skipped, refused
from .figures import curves, figures
from .measurements import from_texts
from .names import counterpart, numbers, on, order
from .requirements import requirements
from .tables import report


def entry(name, value, mode="icount", **rest):
    return {"name": name, "value": value, "unit": "instructions" if mode == "icount" else "nanoseconds", "mode": mode,
            "kernel": "6.1.0", "p50": value, "p99": value, "p999": value, "max": value, **rest}


def results(*entries):
    return from_texts([("kernel.json", json.dumps(entries))])


def verdicts(*entries):
    return [one.verdict() for one in requirements(results(*entries))]


def names():
    assert on("connector", "send/cnx/listeners:1/batch:1") == "send/connector/listeners:1/batch:1"
    assert numbers("receive/cnx/callbacks:16/batch:1/senders:2") == {"callbacks": 16, "batch": 1, "senders": 2}
    assert numbers("procevents/cnx/fork") is None and numbers("local/cnx") == {}
    sorted_names = ["receive/cnx/callbacks:1", "send/cnx/listeners:2", "send/cnx/listeners:16", "register/cnx",
                    "local/cnx", "other/cnx", "other/cnx/" + "9" * 9999, "other/cnx/a"]
    assert sorted(reversed(sorted_names), key=order) == sorted_names


def opponents():
    found = results(entry("send/connector/listeners:1/batch:1", 2000), entry("odd/connector/batch:32", 1),
                    entry("odd/connector/batch:1", 2))
    assert counterpart(found, "icount", "send/cnx/listeners:1/batch:32").value == 2000
    assert counterpart(found, "icount", "odd/cnx/batch:32").value == 1
    assert counterpart(found, "icount", "send/cnx/listeners:2/batch:32") is None
    assert counterpart(found, "uml", "send/cnx/listeners:1/batch:1") is None


def comparison():
    text = report(results(entry("send/cnx/listeners:1/batch:32", 300, mean=310, p999=400, max=1e6),
                          entry("send/connector/listeners:1/batch:1", 2000, p999=2500, max=3000),
                          entry("local/cnx", 178), entry("procevents/connector/listeners:1/fork", 12)), [])
    assert "| `send/listeners:1/batch:32` | 300 | 2,000 | 0.150x | 310 | 400 | 1,000,000 | not measured | 2,500 | 3,000 |" in text
    assert "| `send/listeners:1/batch:1` | not measured | 2,000 |  | not measured | not measured | not measured | not measured | 2,500 |" in text
    assert "| `local` | 178 | not measured |  | not measured | 178 | 178 | not measured | not measured | not measured |" in text
    assert "| `procevents/listeners:1/fork` | not measured | 12.0 |" in text
    assert text.index("`send/listeners:1/batch:32`") < text.index("`procevents/") < text.index("`local`")


def unknown_names():
    text = report(results(entry("boot", 7, p50=6, p99=8, p999=9, max=10), entry("a|b/`c`", 1), entry("/cnx", 1)), [])
    assert "| `boot` | 7.00 | 6.00 | 8.00 | 9.00 | 10.0 |" in text and "| `a\\|b/'c'` | 1.00 |" in text
    assert "| `/cnx` | 1.00 |" in text and "per message" not in text


def conditions():
    text = report(results(entry("local/cnx", 1), entry("register/cnx", 1, mode="uml", machine="One_CPU",
                                                       mitigations="spectre_v2:\n Retpolines"),
                          entry("local/cnx", 1, mode="uml", kernel="6.2.0", machine="One_CPU")), [])
    assert "| icount (QEMU counting instructions) | instructions | `6.1.0` | not stated | not stated |" in text
    assert "| uml (user-mode Linux) | nanoseconds | `6.1.0`; `6.2.0` | One\\_CPU | spectre\\_v2: Retpolines |" in text
    assert "kvm" not in text and "### Nanoseconds per message, uml" in text
    assert "not stated" in report(results(entry("local/cnx", 1, machine="")), [])


def icount(**changes):
    """Measurements that just meet what is asked of icount, but for the changes."""
    asked = {"receive/cnx/callbacks:1/batch:1": 1000, "receive/cnx/callbacks:1000/batch:1": 1030,
             "receive/cnx/callbacks:1/batch:32": 150, "receive/connector/callbacks:1/batch:1": 1000,
             "send/cnx/listeners:0/batch:1": 100, "send/connector/listeners:0/batch:1": 100,
             "send/cnx/listeners:1/batch:1": 800, "send/connector/listeners:1/batch:1": 1000,
             "send/cnx/listeners:16/batch:1": 5000, "send/connector/listeners:16/batch:1": 5000,
             "send/cnx/listeners:1/batch:32": 150, "send/cnx/listeners:16/batch:32": 400,
             "send/cnx/listeners:2/batch:1": 70, "local/cnx": 150,
             "procevents/cnx/listeners:1/batch:1": 900, "procevents/connector/listeners:1/batch:1": 1000,
             "procevents/cnx/listeners:16/batch:1": 500, "procevents/connector/listeners:16/batch:1": 1000,
             "procevents/cnx/listeners:1/batch:32": 250, "procevents/nobody": 90,
             "procevents/cnx/listeners:0/batch:1": 10, "procevents/cnx/excluding:1/batch:1": 15, **changes}
    return [entry(name, value, **({"p999": 2 * value} if name.startswith("send/cnx") else {}))
            for name, value in asked.items()]


def beside(**changes):
    asked = {"receive/cnx/callbacks:1/batch:1": 1000, "receive/connector/callbacks:1/batch:1": 1000,
             "send/cnx/listeners:1/batch:1": 700, "send/connector/listeners:1/batch:1": 700,
             "receive/cnx/callbacks:1/batch:32": 250, "send/cnx/listeners:1/batch:32": 175,
             "receive/cnx/callbacks:1/batch:1/senders:2": 80, "receive/connector/callbacks:1/batch:1/senders:2": 100,
             "receive/cnx/callbacks:1000/batch:1/senders:2": 30,
             "receive/connector/callbacks:1000/batch:1/senders:2": 100, **changes}
    return [entry(name, value, mode="uml") for name, value in asked.items()]


# Which requirements, by their place, are not met when a measurement is a little worse than is asked.
WORSE = (({"receive/cnx/callbacks:1/batch:1": 1001}, icount, [0]),
         ({"receive/cnx/callbacks:1000/batch:1": 1031}, icount, [1]),
         ({"receive/cnx/callbacks:1/batch:32": 151}, icount, [2]),
         ({"send/cnx/listeners:0/batch:1": 101}, icount, [3]),
         ({"send/cnx/listeners:1/batch:1": 801}, icount, [4]),
         ({"send/cnx/listeners:16/batch:1": 5001}, icount, [5]),
         ({"send/cnx/listeners:1/batch:32": 151}, icount, [6]),
         ({"send/cnx/listeners:16/batch:32": 401}, icount, [7]),
         ({"local/cnx": 151}, icount, [9]),
         ({"procevents/cnx/listeners:1/batch:1": 901}, icount, [10]),
         ({"procevents/cnx/listeners:16/batch:1": 501}, icount, [11]),
         ({"procevents/cnx/listeners:1/batch:32": 251}, icount, [12]),
         ({"procevents/cnx/excluding:1/batch:1": 16}, icount, [13]),
         ({"receive/cnx/callbacks:1/batch:1": 1001}, beside, [14]),
         ({"send/cnx/listeners:1/batch:1": 701}, beside, [14]),
         ({"receive/cnx/callbacks:1/batch:32": 251}, beside, [15]),
         ({"send/cnx/listeners:1/batch:32": 176}, beside, [15]),
         ({"receive/cnx/callbacks:1/batch:1/senders:2": 81}, beside, [16]),
         ({"receive/cnx/callbacks:1000/batch:1/senders:2": 31}, beside, [17]))


def demands():
    assert verdicts(*icount()) == ["met"] * 14 + ["not measured"] * 4
    assert verdicts(*beside()) == ["not measured"] * 14 + ["met"] * 4
    for changes, mode, bad in WORSE:
        found = verdicts(*mode(**changes))
        assert [place for place, verdict in enumerate(found) if verdict == "NOT met"] == bad, (changes, found)


def tails():
    for listeners in (1, 2, 16):
        name = f"send/cnx/listeners:{listeners}/batch:1"
        found = requirements(results(entry(name, 10, p50=100, p999=201)))[8]
        assert found.verdict() == "NOT met" and found.evidence().startswith(f"2.010x at {name};")
    assert verdicts(entry("send/cnx/listeners:1/batch:1", 10, p999=20))[8] == "met where measured"


def missing_measurements():
    assert set(verdicts(entry("local/cnx", 1, mode="kvm"))) == {"not measured"}
    lines, met = tap(requirements(results(entry("local/cnx", 151))))
    assert not met and lines[10].startswith("not ok 10 - (icount)") and lines[1].endswith("# SKIP")
    assert lines[-1] == "1..18" and tap(requirements(results(entry("local/cnx", 150))))[1]


def lines_drawn():
    found = results(*icount(), *beside(), entry("send/cnx/listeners:1/batch:1/odd:1", 5),
                    entry("send/cnx/listeners:none/batch:1", 5), entry("send", 5))
    assert curves(found, "icount", "send", "listeners") == {
        ("cnx", 1, 1): [(0, 100), (1, 800), (2, 70), (16, 5000)], ("cnx", 32, 1): [(1, 150), (16, 400)],
        ("connector", 1, 1): [(0, 100), (1, 1000), (16, 5000)]}
    assert curves(found, "uml", "receive", "callbacks")["cnx", 1, 2] == [(1, 80), (1000, 30)]
    assert [name for name, *_ in figures(found)] == ["kernel-send-icount.svg", "kernel-procevents-icount.svg",
                                                     "kernel-receive-icount.svg",
                                                     "kernel-send-uml.svg", "kernel-receive-uml.svg"]
    assert [make(results(entry("local/cnx", 1))) for _, _, make, _ in figures(found)] == [None] * 5


def drawing():
    try:
        any_figures.load()
    except Problem as problem:
        raise Skipped("matplotlib is not there") from problem
    found = results(*icount(), *beside())
    for name, _, make, _ in figures(found):
        image = any_figures.svg(make(found))
        assert image == any_figures.svg(make(found)), name
        assert ("instructions per message" in image) == ("icount" in name) and "cnx, batches of 32" in image
        assert ("2 senders at once" in image) == (name == "kernel-receive-uml.svg")


def bad(wanted, *entries, dumps=json.dumps):
    refused(wanted, from_texts, [("kernel.json", dumps(list(entries)))])


def bad_values():
    good = entry("local/cnx", 5)
    for label in ("value", "p50", "p99", "p999", "max"):
        for value in (-1, 0, "5", None, True, [], float("nan"), float("inf"), 10**400):
            bad(f"measurement 2 of kernel.json has no number above 0 for its {label}", entry("x", 1),
                {**good, label: value})
    for label in ("name", "unit", "mode", "kernel", "machine", "mitigations"):
        for value in (5, None, ["a"], {}, "\ud800", "\x1b[1m"):
            bad(f"has no text for its {label}", {**good, label: value})
    for label in ("name", "unit", "mode", "kernel", "value", "p50", "p99", "p999", "max"):
        bad(f"for its {label}", {other: value for other, value in good.items() if other != label})
        bad(f"for its {label}", {**good, label: ""})


def bad_wholes():
    bad("has the mode tcg, which is none of icount, kvm, uml", entry("local/cnx", 1, mode="tcg"))
    bad("has the unit ticks", entry("local/cnx", 1, mode="kvm", unit="ticks"))
    bad("has the unit nanoseconds, which icount does not", entry("local/cnx", 1, unit="nanoseconds"))
    bad("nanoseconds and instructions", entry("a", 1, mode="kvm"), entry("b", 1, mode="kvm", unit="instructions"))
    bad("measurement 2 of kernel.json is another x of the mode icount", entry("x", 1), entry("x", 1))
    bad("measurement 1 of kernel.json is no object", [])
    bad("has no measurements", dumps=lambda _: "[]")
    bad("has no measurements", dumps=lambda _: '{"benchmarks": []}')
    bad("is not JSON", entry("x", 1), dumps=lambda entries: json.dumps(entries)[:-1])
    results(entry("x", 1), entry("x", 1, mode="uml"))


def several_files():
    found = from_texts([("1.json", json.dumps([entry("x", 1)])), ("2.json", json.dumps([entry("x", 2, mode="uml")]))])
    assert found.modes() == ["icount", "uml"] and found.find("uml", "x").value == 2
    refused("measurement 1 of 2.json is another x", from_texts,
            [("1.json", json.dumps([entry("x", 1)])), ("2.json", json.dumps([entry("x", 2)]))])


TESTS = (
    ("kernel: a name gives its family, bus and numbers", names),
    ("kernel: a batch is compared with the connector's single message", opponents),
    ("kernel: each thing has a row with both buses", comparison),
    ("kernel: unknown names go to a plain table", unknown_names),
    ("kernel: the tables say where they are from", conditions),
    ("kernel: each requirement has its limit", demands),
    ("kernel: the tail is asked of each number of listeners", tails),
    ("kernel: what is missing is not measured", missing_measurements),
    ("kernel: each mode has its figures, and each bus and batch its line", lines_drawn),
    ("kernel: a figure is drawn, twice the same", drawing),
    ("kernel: a value that is wrong or missing is refused", bad_values),
    ("kernel: a whole that is wrong is refused", bad_wholes),
    ("kernel: several files are one whole", several_files),
)
