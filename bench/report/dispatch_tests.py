# SPDX-License-Identifier: GPL-2.0-only
"""Tests of what is made of Google Benchmark's JSON. They need no matplotlib."""

import json
from pathlib import Path

from .document import read, replace_section
from .measurements import Key, from_json, median, parse_name, variation
from .requirements import requirements, tap
from .structures import best_peer, by_speed
from .tables import ABSENT, dispatch_ratios, dispatch_times, other_table, plain, report
from .testing import refused


def entry(name, rate=1e6, threads=1, **rest):
    return {"name": name, "run_name": name, "run_type": "iteration", "threads": threads, "real_time": 5.0,
            "time_unit": "us", "items_per_second": rate, **rest}


def failure(name, message):
    return {"name": name, "run_name": name, "run_type": "iteration", "error_occurred": True, "error_message": message}


def results(*entries, **context):
    return from_json(json.dumps({"context": context, "benchmarks": entries}), "test.json")


def dispatch(structure, *rates, callbacks=1024, threads=1):
    name = f"dispatch/{structure}/callbacks:{callbacks}/threads:{threads}"
    return [entry(name, rate, threads) for rate in rates]


def names():
    assert parse_name("dispatch/cnx/callbacks:16/threads:2") == Key("dispatch", "cnx", callbacks=16, threads=2)
    assert parse_name("churn/tbb/growing/callbacks:1/threads:4") == Key("churn", "tbb", "growing", 1, threads=4)
    assert parse_name("receive/cnx/batch:8", 2) == Key("receive", "cnx", batch=8, threads=2)
    assert parse_name("cycle/cnx") == Key("cycle", "cnx")
    assert parse_name("pool/malloc/min_time:0.5/repeats:9/real_time/threads:2") == Key("pool", "malloc", threads=2)


def unknown_names():
    for name in ("sort/cnx", "dispatch/cnx", "dispatch/cnx/callbacks:many", "churn/cnx/callbacks:1",
                 "receive/cnx/size:1"):
        assert parse_name(name) == Key("other", name)
    table = "\n".join(other_table(results(entry("sort/cnx", swaps=7), entry("BM_Plain"))))
    assert "| `sort/cnx` | 1 | 5,000 (one run) | 1,000,000 (one run) | swaps = 7 |" in table
    assert "| `BM_Plain` | 1 |" in table


def statistic():
    found = results(*dispatch("cnx", 1e9, 2e9, 4e9, threads=2), {"name": "x", "run_type": "aggregate"})
    assert median(found.find("dispatch", "cnx", callbacks=1024, threads=2), "time") == 1
    assert abs(variation([1, 2, 3]) - 50) < 1e-9 and variation([1]) is None and variation([0, 0]) is None
    assert "1.00 (65.5 %)" in "\n".join(dispatch_times(found, 2))


def ratios():
    found = results(*dispatch("cnx", 6e6), *dispatch("rculfhash", 2e6), *dispatch("tbb", 3e6), *dispatch("floor", 12e6))
    table = "\n".join(dispatch_ratios(found, 1))
    assert "best peer | 2.00x `tbb` |" in table and "`rculfhash` | 3.00x |" in table
    assert "`floor` | 2.00x |" in table and "`kernel_connector` | not measured |" in table


def order():
    found = results(*dispatch("slow", 1), *dispatch("quick", 2), *dispatch("floor", 3), *dispatch("cnx_sleepable", 1),
                    *dispatch("cnx", 1), failure("dispatch/broken/callbacks:1024/threads:1", "no"))
    assert by_speed(found, 1) == ["cnx", "cnx_sleepable", "floor", "quick", "slow", "broken"]
    assert best_peer(found, 1024, 1).key.structure == "quick" and best_peer(found, 1, 1) is None


def errors():
    found = results(*dispatch("cnx", 1e6), failure("dispatch/tbb/callbacks:1024/threads:1", "a | b"),
                    failure("dispatch/cnx/callbacks:1024/threads:1", "lost one"), failure("odd", "why"),
                    {"name": "pool/malloc"})
    text = report(found, [])
    assert "| `tbb` | failed: a \\| b |" in text and "1,000 (one run); 1 of 2 failed: lost one" in text
    assert "| `odd` | 1 | failed: why |" in text and "failed: it reported no items\\_per\\_second" in text
    assert requirements(found)[1].verdict() == "NOT met"
    found = results(failure("register/cnx/callbacks:1024", "lost"), entry("register/cnx/callbacks:65536"))
    assert requirements(found)[7].evidence() == "failed at N = 65536 against N = 1024: lost"


def absent():
    found = results(*dispatch("cnx", 1e6), *dispatch("tbb", 1e6, threads=2), absent="libcds, tbb")
    for threads in (1, 2):
        assert f"| `libcds` | {ABSENT} |" in "\n".join(dispatch_times(found, threads))
    assert f"`tbb` | {ABSENT}" not in report(found, []) and not results(entry("cycle/cnx"), absent="").absent()


def demands():
    listed = requirements(results(
        *dispatch("cnx", 199), *dispatch("tbb", 100), *dispatch("floor", 300), *dispatch("cnx", 150, callbacks=16384),
        *dispatch("tbb", 100, callbacks=16384), entry("register/cnx/callbacks:1024", 3),
        entry("register/cnx/callbacks:65536", 1), entry("cycle/cnx", bytes_per_registration=64),
        entry("churn/cnx/quiescent/callbacks:16/threads:1", 10, p999=5),
        entry("churn/cnx/registering/callbacks:16/threads:1", 9, p999=15)))
    assert {one.label: one.verdict() for one in listed} == {
        "(a)": "NOT met", "(b)": "not measured", "(c)": "met", "(d)": "not measured", "(e), throughput": "met",
        "(e), latency": "met", "(f)": "not measured", "(g)": "NOT met", "(h)": "met"}
    assert listed[0].evidence().startswith("1.990x at N = 1024, T = 1 against tbb")
    lines, met = tap(listed)
    assert not met and lines[1].startswith("not ok 1 - (a)") and lines[2].endswith("# SKIP") and lines[-1] == "1..9"


def replacement():
    text = "before\n<!-- begin dispatch -->\nold\n<!-- end dispatch -->\nafter\n"
    once = replace_section(text, "dispatch", "new", "x.md")
    assert once == "before\n<!-- begin dispatch -->\n\nnew\n\n<!-- end dispatch -->\nafter\n"
    assert replace_section(once, "dispatch", "new", "x.md") == once
    assert plain("<b>|\n_x_") == "\\<b\\>\\| \\_x\\_"


def markers():
    begin, end = "<!-- begin dispatch -->", "<!-- end dispatch -->"
    for text, wanted in ((begin, f"no line `{end}`"), (end, f"no line `{begin}`"), (f"{end}\n{begin}", "exchange"),
                         (f"{begin}\n{begin}\n{end}", "2 lines")):
        refused(wanted, replace_section, text, "dispatch", "", "x.md")


def bad_json():
    refused("is not JSON", from_json, '{"benchmarks": [', "x.json")
    for text in ("[]", "{}", '{"benchmarks": []}', '{"benchmarks": [1]}'):
        refused("has no benchmarks", from_json, text, "x.json")
    refused("aggregates only", from_json, '{"benchmarks": [{"name": "x", "run_type": "aggregate"}]}', "x.json")
    refused("without a name", from_json, '{"benchmarks": [{"threads": "two"}]}', "x.json")


def missing_document():
    refused("write one with the lines `<!-- begin dispatch -->`", read, Path("nowhere") / "to be found", "dispatch")


TESTS = (
    ("a name gives its family, structure and numbers", names),
    ("an unknown name goes to the generic table", unknown_names),
    ("the median and the variation are over the repetitions, without the aggregates", statistic),
    ("the ratios are those of the medians, and name the best peer", ratios),
    ("ours come first, then the floor, then the peers by their speed", order),
    ("an entry with an error is shown, also where other repetitions went well", errors),
    ("an absent peer has its row in each table", absent),
    ("a requirement is judged by its worst case", demands),
    ("a second run changes nothing between the markers", replacement),
    ("markers that are missing, doubled or exchanged are refused", markers),
    ("bad JSON is refused", bad_json),
    ("a missing document is refused with the remedy", missing_document),
)
