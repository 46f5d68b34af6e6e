# SPDX-License-Identifier: GPL-2.0-only
"""What the project asks of its speed, each requirement with every case in which it was or should have been measured."""

from dataclasses import dataclass

from .measurements import OTHER, median
from .structures import FLOOR, best_peer


@dataclass(frozen=True)
class Case:
    where: str
    value: float
    limit: float
    against: str = ""
    failure: str = ""


@dataclass(frozen=True)
class Requirement:
    label: str
    text: str
    at_least: bool
    cases: tuple
    unit: str = "x"

    def margin(self, case):
        """Above 1 where there is something to spare, below 1 where the requirement is not met."""
        if self.at_least:
            return case.value / case.limit
        return case.limit / case.value if case.value else float("inf")

    def measured(self):
        return [case for case in self.cases if case.value is not None]

    def unmeasured(self):
        return [case for case in self.cases if case.value is None and not case.failure]

    def failed(self):
        return [case for case in self.cases if case.failure]

    def worst(self):
        return min(self.measured(), key=self.margin, default=None)

    def verdict(self):
        # A benchmark of ours that failed is no measurement that is missing: it shows a fault.
        if self.failed() or any(self.margin(case) < 1 for case in self.measured()):
            return "NOT met"
        if not self.measured():
            return "not measured"
        return "met where measured" if self.unmeasured() else "met"

    def evidence(self):
        """The worst case and where it was, what failed, and what was not measured."""
        parts = []
        worst = self.worst()
        if worst:
            bound = "at least" if self.at_least else "at most"
            against = f" against {worst.against}" if worst.against else ""
            count = len(self.measured())
            of = f", the worst of {count} cases" if count > 1 else ""
            parts.append(f"{worst.value:,.{decimals(worst.value)}f}{self.unit} at {worst.where}{against}{of}; "
                         f"{bound} {worst.limit:g}{self.unit} is asked there")
        for case in self.failed():
            parts.append(f"failed at {case.where}: {case.failure}")
        missing = [case.where for case in self.unmeasured()]
        if missing and (worst or self.failed()):
            more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
            parts.append(f"not measured at {'; '.join(missing[:3])}{more}")
        return ". ".join(parts) or "not measured"


def decimals(value):
    """Enough for a value just short of its limit not to look like the limit."""
    return 3 if value < 10 else 1


def place(callbacks, threads):
    return f"N = {callbacks}, T = {threads}"


def compare(where, ours, theirs, what, limit, against=""):
    """The case of how many times as much of something we have as they."""
    mine, other = median(ours, what), median(theirs, what)
    value = mine / other if mine is not None and other else None
    # That a peer failed is no fault of ours; it is in the tables.
    failures = [message for side in (ours, theirs) if side and side.key.structure == "cnx" for message in side.failures]
    return Case(where, value, limit, against, failures[0] if failures else "")


def dispatch_cases(results, opponent, what, limit):
    """A case for each number of callbacks and threads for which there is a limit."""
    for threads in results.seen("dispatch", "threads"):
        for callbacks in results.seen("dispatch", "callbacks"):
            bound = limit(callbacks, threads)
            if bound is None:
                continue
            ours = results.find("dispatch", "cnx", callbacks=callbacks, threads=threads)
            theirs = opponent(callbacks, threads)
            against = theirs.key.structure if theirs else ""
            yield compare(place(callbacks, threads), ours, theirs, what, bound, against)


def always(results, structure):
    """The same opponent in every case."""
    return lambda callbacks, threads: results.find("dispatch", structure, callbacks=callbacks, threads=threads)


def peer_limit(callbacks, threads):
    if callbacks < 16:
        return None
    return 1.5 if threads == 1 and callbacks > 1024 else 2


def floor_limit(callbacks, _):
    return 1.6 if callbacks <= 1024 else 4 if callbacks == 65536 else None


def kernel_limit(callbacks, threads):
    return 50 if (callbacks, threads) == (1024, 2) else None


def churn_cases(results, what, limit):
    """What is measured beside a writer, whatever that does, against the same without one."""
    disturbed = {entry.key for entry in results.family("churn")
                 if entry.key.structure == "cnx" and entry.key.mode != "quiescent"}
    for key in sorted(disturbed, key=lambda key: (key.callbacks, key.threads, key.mode)):
        quiescent = results.find("churn", "cnx", mode="quiescent", callbacks=key.callbacks, threads=key.threads)
        yield compare(f"{place(key.callbacks, key.threads)}, {key.mode}", results.by_key[key], quiescent, what, limit)


def scaling_cases(results):
    """The throughput of one thread beside another against that of one alone, which is the ratio of the times upside
    down."""
    for callbacks in results.seen("dispatch", "callbacks"):
        alone, beside = (results.find("dispatch", "cnx", callbacks=callbacks, threads=threads) for threads in (1, 2))
        yield compare(f"N = {callbacks}", alone, beside, "time", 0.95)


def growth_case(results):
    large, small = (results.find("register", "cnx", callbacks=callbacks) for callbacks in (65536, 1024))
    return compare("N = 65536 against N = 1024", large, small, "time", 1.5)


def memory_cases(results):
    """Whatever benchmark of ours counted it."""
    for key, measurement in results.by_key.items():
        if "cnx" in key.structure.split("/") and measurement.values("bytes_per_registration"):
            where = key.structure if key.family == OTHER else f"{key.family}, {place(key.callbacks, key.threads)}"
            yield Case(where, median(measurement, "bytes_per_registration"), 64)


def requirements(results):
    peers = dispatch_cases(results, lambda *where: best_peer(results, *where), "items_per_second", peer_limit)
    lfhash = dispatch_cases(results, always(results, "rculfhash"), "items_per_second", lambda *_: 2.5)
    floor = dispatch_cases(results, always(results, FLOOR), "time", floor_limit)
    kernel = dispatch_cases(results, always(results, "kernel_connector"), "items_per_second", kernel_limit)
    listed = (
        ("(a)", "at least twice the best peer's throughput from N = 16, or 1.5 times with T = 1 and N above 1024", True,
         peers),
        ("(b)", "at least 2.5 times rculfhash's throughput at every N and T", True, lfhash),
        ("(c)", "at most 1.6 times the floor's time up to N = 1024, and 4 times at N = 65536", False, floor),
        ("(d)", "at least 50 times kernel_connector's throughput at N = 1024, T = 2", True, kernel),
        ("(e), throughput", "while callbacks come and go, at least 0.9 times the quiescent throughput", True,
         churn_cases(results, "items_per_second", 0.9)),
        ("(e), latency", "while callbacks come and go, at most 3 times the quiescent p99.9", False,
         churn_cases(results, "p999", 3)),
        ("(f)", "a thread's throughput with T = 2 is at least 0.95 times that with T = 1", True,
         scaling_cases(results)),
        ("(g)", "one of 65536 registrations takes at most 1.5 times as long as one of 1024", False,
         (growth_case(results),)),
    )
    return [*(Requirement(label, text, at_least, tuple(cases)) for label, text, at_least, cases in listed),
            Requirement("(h)", "at most 64 bytes a registration", False, tuple(memory_cases(results)), " bytes")]


def tap(listed):
    """The requirements as lines of TAP, and whether each that was measured is met."""
    lines = ["TAP version 13"]
    for count, requirement in enumerate(listed, 1):
        verdict = requirement.verdict()
        # A # would begin a directive of TAP.
        text = f"{requirement.label} {requirement.text}: {requirement.evidence()}".replace("#", "\\#")
        skip = " # SKIP" if verdict == "not measured" else ""
        lines.append(f"{'not ok' if verdict == 'NOT met' else 'ok'} {count} - {text}{skip}")
    lines.append(f"1..{len(listed)}")
    return lines, all(requirement.verdict() != "NOT met" for requirement in listed)
