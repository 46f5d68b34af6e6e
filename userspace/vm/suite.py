#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs the steps of `make test` one after the other and counts their results.

    suite.py [--only PATTERN] [--patience SECONDS] [--beside STEP]... STEP=COMMAND...

A step prints GoogleTest's output, TAP or KTAP. It gets the pattern in CNX_ONLY, and nothing there when the pattern is
the step's own name. A step that fails without a failed test of its own counts as one failure, and so does one that
prints nothing for so long that it must hang: it is killed.
Steps that are named by --beside take turns at the lowest priority while the others run, with the time that those leave,
and what they print is shown in the end.
The last line is `N passed, N failed`."""

import argparse
import contextlib
import os
import queue
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


class Running:
    """The steps that run now, each in a session of its own. Whoever interrupts us means them, too."""

    def __init__(self):
        self.lock = threading.Lock()
        self.processes = set()
        self.interrupted = False

    def start(self, command, environment):
        with self.lock:
            if self.interrupted:
                raise KeyboardInterrupt
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                       errors="replace", env=environment, start_new_session=True)
            self.processes.add(process)
            return process

    def ended(self, process):
        with self.lock:
            self.processes.discard(process)

    def interrupt(self):
        with self.lock:
            self.interrupted = True
            for process in self.processes:
                # What a step runs in the background may have been made deaf to SIGINT.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
            for process in self.processes:
                process.wait()


RUNNING = Running()
# A session may have its own share of the processors, beside which the priorities within it do not count.
LOWEST = ["sh", "-c", 'echo 19 >/proc/self/autogroup; exec nice -n 19 sh -c "$1"', "sh"]


def run_step(name, command, args, say, beside=False):
    say(f"== {name}")
    environment = dict(os.environ, CNX_ONLY="" if args.only == name else args.only)
    passed, failures, skipped, running = 0, [], 0, None
    start = time.monotonic()
    process = RUNNING.start([*(LOWEST if beside else ["sh", "-c"]), command], environment)
    watchdog = Watchdog(process, args.patience)
    for line in process.stdout:
        watchdog.heard()
        line = line.rstrip("\n")
        say(line)
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
    RUNNING.ended(process)
    if watchdog.barked:
        failures.append(f"{name}: killed after {args.patience} s of silence{f', in {running}' if running else ''}")
    elif status and not failures:
        where = f", in {running}" if running else ""
        failures.append(f"{name}: the step ended with status {status}{where}")
    say(f"== {name}: {passed} passed, {len(failures)} failed ({time.monotonic() - start:.0f} s)\n")
    return passed, failures, skipped


class Beside(threading.Thread):
    """Runs steps while others run, and keeps what they print until it is shown."""

    def __init__(self, steps, args):
        super().__init__(daemon=True)
        self.steps, self.args = steps, args
        self.lines = queue.Queue()
        self.results = []
        self.start()

    def run(self):
        try:
            for name, command in self.steps:
                self.results.append(run_step(name, command, self.args, self.lines.put, beside=True))
        except KeyboardInterrupt:
            pass
        finally:
            self.lines.put(None)

    def shown(self):
        for line in iter(self.lines.get, None):
            print(line, flush=True)
        return self.results


def interrupted_once(*_):
    """Ending the steps takes a moment, in which some are impatient."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def main():
    signal.signal(signal.SIGINT, interrupted_once)
    signal.signal(signal.SIGTERM, interrupted_once)
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--patience", type=int, default=300, metavar="SECONDS", help="a step may be silent for so long")
    parser.add_argument("--beside", action="append", default=[], metavar="STEP", help="runs while the others do")
    parser.add_argument("steps", nargs="+")
    args = parser.parse_args()
    steps = [step.split("=", 1) for step in args.steps]
    names = [name for name, _ in steps]
    for name in args.beside:
        if name not in names:
            parser.error(f"there is no step {name} to run beside the others")
    if args.only in names:
        steps = [step for step in steps if step[0] == args.only]
    try:
        beside = Beside([step for step in steps if step[0] in args.beside], args)
        results = [run_step(*step, args, lambda line: print(line, flush=True)) for step in steps if step[0] not in args.beside]
        results += beside.shown()
    except KeyboardInterrupt:
        RUNNING.interrupt()
        sys.exit(130)
    passed = sum(result[0] for result in results)
    failures = [failure for result in results for failure in result[1]]
    skipped = sum(result[2] for result in results)
    if passed + skipped == 0 and not failures:
        failures.append(f"no test matches \"{args.only}\"" if args.only else "no test ran")
    for failure in failures:
        print(f"failed: {failure}")
    if skipped:
        print(f"({skipped} skipped)")
    print(f"{passed} passed, {len(failures)} failed")
    sys.exit(1 if failures else 0)


main()
