#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Strains cnx in a virtual machine for hours, in rounds with a seed each, and watches what the kernel holds after each.

    soak.py HOURS [--round SECONDS] [--mix SCENARIOS] [--seed NUMBER]      results in build/soak.json
    soak.py --table                                     the last results, into the section "Long haul" of doc/reliability.md
    soak.py --self-test

It fails where a round broke an invariant, where cnx stress or the guest did, and where a figure goes on growing."""

import argparse
import json
import os
import random
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
BUILD = Path(os.environ.get("CNX_BUILD") or ROOT / "build")
RESULT = BUILD / "soak.json"
PAGE = ROOT / "doc/reliability.md"
SECTION = "## Long haul\n"

# The figures that are watched, and by how much each may differ from one part of a run to another without being a drift.
# Memory goes up and down with what is cached; what is counted comes back to the same number.
FIGURES = {
    "available_kib": ("MemAvailable, KiB", -1, 16384),
    "slab_kib": ("Slab, KiB", 1, 4096),
    "unreclaimable_kib": ("SUnreclaim, KiB", 1, 2048),
    "percpu_kib": ("Percpu, KiB", 1, 256),
    "vmalloc_kib": ("VmallocUsed, KiB", 1, 512),
    "skbs": ("skbs in use", 1, 1024),
    "callbacks": ("callbacks registered", 1, 0),
    # Those that are free in a CPU's slab are not told from those in use.
    "namespaces": ("network namespaces", 1, 16),
}
FEWEST = 6
# The counts of cnx stress that are injected faults: what is malformed, memory that is taken or not to be had, CPUs and
# drivers that go.
FAULTS = ("malformed", "memory taken", "allocations failed", "caches dropped", "off and on", "reloads")


def fail(sentence):
    print(f"cnx: {sentence}", file=sys.stderr)
    sys.exit(1)


def drift(values, direction, allowance):
    """How far a figure has gone for good: from the most that it was in the first third of the rounds to the least in the
    last, so that ups and downs are none. None if the rounds are too few to tell. The first round is not among them."""
    settled = [value * direction for value in values[1:]]
    if len(settled) < FEWEST:
        return None
    third = len(settled) // 3
    gone = min(settled[-third:]) - max(settled[:third])
    return gone if gone > allowance else 0


def total(rounds, *names):
    return sum(scenario["counts"].get(name, 0) for report in rounds for scenario in report["scenarios"] for name in names)


def broken_in(report):
    """The invariants that a round broke, but for cnx stress's own look at memory. It looks as soon as its threads have
    ended, when what was only cached is still in use by CPUs, and the samples are of the same figures after that."""
    return [one for one in report["broken"] if one["invariant"] != "memory is back to where it was"]


def judge(result):
    """What is wrong with a run, in sentences."""
    wrong = []
    for number, report in enumerate(result["rounds"], 1):
        wrong += [f"round {number} (seed {report['seed']}): {one['scenario']}: {one['invariant']}: expected "
                  f"{one['expected']}, seen {one['seen']}" for one in broken_in(report)]
    for name, (title, direction, allowance) in FIGURES.items():
        gone = drift([sample[name] for sample in result["samples"]], direction, allowance)
        if gone:
            wrong.append(f"{title}: it has gone by {gone} for good")
    for before, after in zip(result["counters"], result["counters"][1:]):
        wrong += [f"the counter {name} went back from {before[name]} to {after[name]}"
                  for name in before if name in after and after[name] < before[name]]
    if not result["rounds"]:
        wrong.append("no round came to its end")
    return wrong


def counters_of(stats):
    """The counters of the whole of cnx in what `cnx stats -j` prints."""
    found = stats.get("counters", stats)
    return {name: value for name, value in found.items() if isinstance(value, int)}


def take(result, line):
    if not line.startswith("soak "):
        return
    _, what, text = line.split(" ", 2)
    try:
        value = json.loads(text)
    except ValueError:
        result["garbled"].append(line[:200])
        return
    if what == "round":
        result["rounds"].append(value)
        print(f"  SOAK    round {len(result['rounds'])}, seed {value['seed']}: {value['result']}", flush=True)
    elif what == "sample":
        result["samples"].append(value)
    elif what == "counters":
        result["counters"].append(counters_of(value))


def soak(args):
    seconds = int(args.hours * 3600)
    if seconds < 1:
        fail(f"HOURS={args.hours} is no time; use a number such as 1 or 0.1.")
    seed = args.seed if args.seed is not None else random.randrange(1 << 30)
    began = datetime.now(timezone.utc)
    result = {"hours_asked": args.hours, "began": began.isoformat(timespec="seconds"), "seed": seed, "mix": args.mix,
              "round_seconds": args.round, "rounds": [], "samples": [], "counters": [], "garbled": []}
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True)
    result["commit"] = commit.stdout.strip() or "unknown"
    # A round takes its time, a little for each scenario's end, and the settling.
    timeout = 2 * seconds + 600
    command = [ROOT / "userspace/vm/vm", "run", "soak", HERE / "guest.sh", "--timeout", str(timeout),
               "--append", f"cnx_soak={seconds}:{args.round}:{args.mix}:{seed}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as machine:
        for line in machine.stdout:
            take(result, line.rstrip("\n"))
            RESULT.parent.mkdir(parents=True, exist_ok=True)
            RESULT.write_text(json.dumps(result, indent=1) + "\n")
        status = machine.wait()
    result["took_seconds"] = round((datetime.now(timezone.utc) - began).total_seconds())
    wrong = judge(result)
    if status:
        wrong.append("the guest did not end as it should; see above")
    if result["garbled"]:
        wrong.append(f"a line of the guest cannot be read: {result['garbled'][0]}")
    result["wrong"] = wrong
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print("\n".join(text_of(result)))
    for sentence in wrong:
        print(f"cnx: {sentence}", file=sys.stderr)
    return 1 if wrong else 0


def figures(result):
    rounds = result["rounds"]
    return [
        ("rounds", len(rounds)),
        ("messages sent", total(rounds, "sent", "asked")),
        ("messages received", total(rounds, "received", "replies")),
        ("lost and counted", total(rounds, "lost and counted")),
        ("lost without being counted", uncounted(rounds)),
        ("rounds that ended with memory not back yet", sum(1 for report in rounds
                                                           if len(broken_in(report)) != len(report["broken"]))),
        ("registrations", total(rounds, "registered")),
        ("namespaces", total(rounds, "namespaces")),
        ("faults injected", total(rounds, *FAULTS)),
    ]


def uncounted(rounds):
    """cnx stress holds what each listener received and was told to have missed against what was sent, and breaks off where
    a message is neither. So that there is none is known of the rounds that held."""
    broken = sum(1 for report in rounds if broken_in(report))
    return f"unknown in {broken} rounds, which broke" if broken else 0


def text_of(result):
    return [f"{name}: {value}" for name, value in figures(result)]


def rows(result):
    yield "| | |"
    yield "|---|---|"
    for name, value in figures(result):
        yield f"| {name} | {value:,} |" if isinstance(value, int) else f"| {name} | {value} |"
    yield ""
    yield "| After a round | at the beginning | after the first | after the last | drift |"
    yield "|---|---|---|---|---|"
    samples = result["samples"]
    for name, (title, direction, allowance) in FIGURES.items():
        values = [sample[name] for sample in samples]
        gone = drift(values, direction, allowance)
        yield (f"| {title} | {values[0]:,} | {values[min(1, len(values) - 1)]:,} | {values[-1]:,} | "
               f"{'too few rounds to tell' if gone is None else gone or 'none'} |")


def table():
    if not RESULT.exists():
        fail(f"there is no {RESULT}; run make soak HOURS=1 first.")
    result = json.loads(RESULT.read_text())
    text = PAGE.read_text() if PAGE.exists() else "# Reliability\n"
    before, _, rest = text.partition(SECTION)
    _, heading, after = rest.partition("\n## ")
    took = result.get("took_seconds")
    lasted = f"{took / 60:.0f} minutes" if took else "a time that was cut short"
    section = f"""{SECTION}
`make soak HOURS=...` strains cnx in a virtual machine with two CPUs, in rounds of `cnx stress` with a seed each, and looks
after each what the kernel holds once all has come to rest. It fails where a round breaks an invariant, and where a figure
goes on growing: where the least of the last third of the rounds is beyond the most of the first. cnx stress holds what each
listener received, and was told to have missed, against what was sent, so a message that is lost without being counted
breaks the round.

The last run that is written down here took {lasted} of {result['hours_asked']:g} hours asked for, on {result['began'][:10]}, of
{result['commit']}, with the mix `{result['mix']}` from seed {result['seed']} on, in rounds of {result['round_seconds']} s.
{'Nothing was found wrong.' if not result.get('wrong') else 'It found: ' + '; '.join(result['wrong']) + '.'}

{chr(10).join(rows(result))}
"""
    PAGE.write_text(before.rstrip("\n") + "\n\n" + section + ("\n## " + after if heading else ""))
    return 0


def self_test():
    """TAP: what is a drift, and what is none."""
    growing = [1000 + 100 * i for i in range(20)]
    wavering = [1000 + (i * 7919) % 300 for i in range(20)]
    cases = [
        ("what grows in each round is a drift", drift(growing, 1, 256) > 0),
        ("what shrinks is one where less is worse", drift([-v for v in growing], -1, 256) > 0),
        ("what goes up and down is none", drift(wavering, 1, 0) == 0),
        ("nor is what grew in the first round alone", drift([0] + [5000] * 19, 1, 0) == 0),
        ("one namespace left in each round is a drift", drift(list(range(60)), *FIGURES["namespaces"][1:]) > 0),
        ("of a few rounds nothing is said", drift(growing[:4], 1, 0) is None),
        ("a broken invariant is reported",
         judge({"rounds": [{"seed": 1, "broken": [{"scenario": "x", "invariant": "y", "expected": 1, "seen": 2}],
                            "scenarios": []}], "samples": [dict.fromkeys(FIGURES, 0)], "counters": []}) != []),
    ]
    for number, (name, passed) in enumerate(cases, 1):
        print(f"{'ok' if passed else 'not ok'} {number} - soak: {name}")
    print(f"1..{len(cases)}")
    return 0 if all(passed for _, passed in cases) else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("hours", type=float, nargs="?")
    parser.add_argument("--round", type=int, default=60)
    parser.add_argument("--mix", default="all")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--self-test", action="store_true")
    args = parser.parse_args()
    if args.self_test:
        return self_test()
    if args.table:
        return table()
    if args.hours is None:
        fail("how long? Use make soak HOURS=1.")
    return soak(args)


sys.exit(main())
