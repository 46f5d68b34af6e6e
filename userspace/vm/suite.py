#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs the steps of `make test` one after the other and counts their results.

    suite.py [--only PATTERN] [--patience SECONDS] STEP=COMMAND...

A step prints GoogleTest's output, TAP or KTAP. It gets the pattern in CNX_ONLY, and nothing there when the pattern is
the step's own name. A step that fails without a failed test of its own counts as one failure, and so does one that
prints nothing for so long that it must hang: it is killed.
The last line is `N passed, N failed`."""

import argparse
import os
import re
import signal
import subprocess
import sys
import threading
import time

# GoogleTest repeats its failures at the end without a time, and they must not count twice.
PASSED = re.compile(r"\[       OK \] \S+.* \(\d+ ms\)$|ok \d+\b(?!.*# SKIP)")
FAILED = re.compile(r"\[  FAILED  \] \S+.* \(\d+ ms\)$|not ok \d+\b")
SKIPPED = re.compile(r"\[  SKIPPED \] \S+.* \(\d+ ms\)$|ok \d+\b.*# SKIP")
ABORTED = re.compile(r"\[ RUN      \] (\S+)")


class Watchdog:
    """Kills a process and all that it started, once nothing was heard of it for so many seconds."""

    def __init__(self, process, seconds):
        self.process, self.seconds = process, seconds
        self.barked = False
        self.ended = threading.Event()
        self.heard()
        threading.Thread(target=self.watch, daemon=True).start()

    def heard(self):
        self.last = time.monotonic()

    def watch(self):
        while not self.ended.wait(max(0, self.last + self.seconds - time.monotonic())):
            if time.monotonic() - self.last >= self.seconds:
                self.barked = True
                os.killpg(self.process.pid, signal.SIGKILL)
                return


def lines_of(process):
    """What it prints. Whoever interrupts us means it, too, though it is in a session of its own."""
    try:
        yield from process.stdout
    except KeyboardInterrupt:
        os.killpg(process.pid, signal.SIGINT)
        process.wait()
        sys.exit(130)


def run_step(name, command, only, patience):
    print(f"== {name}", flush=True)
    environment = dict(os.environ, CNX_ONLY="" if only == name else only)
    passed, failures, skipped, running = 0, [], 0, None
    start = time.monotonic()
    process = subprocess.Popen(command, shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               errors="replace", env=environment, start_new_session=True)
    watchdog = Watchdog(process, patience)
    for line in lines_of(process):
        watchdog.heard()
        line = line.rstrip("\n")
        print(line, flush=True)
        begun = ABORTED.match(line)
        running = begun[1] if begun else running
        if FAILED.match(line):
            failures.append(f"{name}: {line}")
            running = None
        elif PASSED.match(line):
            passed += 1
            running = None
        elif SKIPPED.match(line):
            skipped += 1
            running = None
    watchdog.ended.set()
    status = process.wait()
    if watchdog.barked:
        failures.append(f"{name}: killed after {patience} s of silence{f', in {running}' if running else ''}")
    elif status and not failures:
        where = f", in {running}" if running else ""
        failures.append(f"{name}: the step ended with status {status}{where}")
    print(f"== {name}: {passed} passed, {len(failures)} failed ({time.monotonic() - start:.0f} s)\n", flush=True)
    return passed, failures, skipped


def main():
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--patience", type=int, default=300, metavar="SECONDS", help="a step may be silent for so long")
    parser.add_argument("steps", nargs="+")
    args = parser.parse_args()
    steps = [step.split("=", 1) for step in args.steps]
    names = [name for name, _ in steps]
    passed, failures, skipped = 0, [], 0
    for name, command in steps:
        if args.only in names and name != args.only:
            continue
        more, bad, left_out = run_step(name, command, args.only, args.patience)
        passed += more
        failures += bad
        skipped += left_out
    if passed + skipped == 0 and not failures:
        failures.append(f"no test matches \"{args.only}\"" if args.only else "no test ran")
    for failure in failures:
        print(f"failed: {failure}")
    if skipped:
        print(f"({skipped} skipped)")
    print(f"{passed} passed, {len(failures)} failed")
    sys.exit(1 if failures else 0)


main()
