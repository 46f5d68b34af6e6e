#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Takes parts of cnx away, one at a time, and looks whether the tests notice: see table.py.

    run.py FOLDER [--only PATTERN] [--list]

Works in FOLDER, on a copy of the tree's files as they are. One of its tests has to fail for each mutant, and each test has
to pass on the copy as it is. Prints TAP. A test that hangs has failed; a mutant that does not compile, where that
is not what is tested, proves nothing, and is an error of the table."""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "userspace/vm"))
from table import MUTANTS
from tap import Tap

INCLUDES = "-Iinclude -Iuserspace -Iuserspace/replica/include -D_GLIBCXX_ASSERTIONS".split()
WARNINGS = ["-std=c++23", "-w"]
GTEST = "-pthread -lgtest_main -lgmock -lgtest".split()
# Compiling takes nearly all of the time, and takes least so.
COMPILER = "clang++-19"
QUICK = "-O0 -g0".split()
SANITIZERS = {
    "unit": "-fsanitize=address,undefined -fno-sanitize-recover=all -fno-sanitize=function".split(),
    "tsan": "-fsanitize=thread -DCNX_REPLICA_FLAVOUR=plain".split(),
    "fuzz": "-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all".split(),
}
PATIENCE = 120  # seconds that a test may take; most take some


class NotBuilt(Exception):
    """What cannot be compiled cannot be tested."""


def run(command, tree, seconds, **settings):
    """(status, output), where a status of None means that it had to be ended."""
    environment = dict(os.environ, CCACHE_BASEDIR=str(tree), CCACHE_NOHASHDIR="1", CNX_BUILD=str(tree / "build"), **settings)
    process = subprocess.Popen(command, cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment,
                               text=True, errors="replace", start_new_session=True)
    try:
        output, _ = process.communicate(timeout=seconds)
        return process.returncode, output
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return None, process.communicate()[0]


def cached():
    return ["ccache", COMPILER] if shutil.which("ccache") else [COMPILER]


class Tests:
    """Builds and runs what table.py names, in a tree. Each returns whether it passed."""

    def __init__(self, tree):
        self.tree = tree
        self.made = tree / "build" / "mutants"
        self.made.mkdir(parents=True, exist_ok=True)

    def passes(self, test):
        kind, _, what = test.partition(" ")
        return getattr(self, kind)(what)

    def build(self, kind, sources, program, libraries):
        objects = []
        for source in sources:
            made = self.made / (source.replace("/", "_") + f".{program.name}.o")
            status, said = run([*cached(), *INCLUDES, *WARNINGS, *QUICK, *SANITIZERS[kind], "-c", source, "-o", str(made)], self.tree, 900)
            if status != 0:
                raise NotBuilt(said)
            objects.append(str(made))
        status, said = run([COMPILER, *SANITIZERS[kind], *objects, "-o", str(program), *libraries], self.tree, 900)
        if status != 0:
            raise NotBuilt(said)

    def sources(self, main):
        """A program's, which is named after what it tests: the client library, too, if it is that."""
        client = sorted(self.tree.glob("userspace/client/*.cpp")) if Path(main).name.startswith("client_") else []
        return [main, *(str(path.relative_to(self.tree)) for path in client)]

    def gtest(self, kind, what):
        name, _, chosen = what.partition(":")
        program = self.made / f"{kind}-{name}"
        libraries = GTEST + ([] if kind == "tsan" else ["-lurcu-memb", "-lurcu-common"])
        self.build(kind, self.sources(f"userspace/test/{name}.cpp"), program, libraries)
        command = [str(program), "--gtest_brief=1", f"--gtest_filter={chosen or '*'}"]
        if kind == "tsan" and run(["setarch", "-R", "true"], self.tree, 10)[0] == 0:
            command = ["setarch", "-R", *command]
        return run(command, self.tree, PATIENCE, TSAN_OPTIONS="halt_on_error=1")[0] == 0

    def unit(self, what):
        return self.gtest("unit", what)

    def tsan(self, what):
        return self.gtest("tsan", what)

    def fuzzer(self, name, *arguments):
        program = self.made / name
        self.build("fuzz", self.sources(f"userspace/fuzz/{name}.cpp"), program, [])
        return run([str(program), *arguments, "-timeout=10", f"-artifact_prefix={self.made}/",
                    f"userspace/fuzz/corpus/{name}"], self.tree, PATIENCE)[0] == 0

    def corpus(self, name):
        return self.fuzzer(name, "-runs=0")

    def fuzz(self, name):
        scratch = self.made / "new"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        return self.fuzzer(name, "-max_total_time=30", "-max_len=1024", str(scratch))

    def compile_fail(self, case):
        return run(["userspace/vm/compile_fail.py"], self.tree, 900, CNX_ONLY=case)[0] == 0

    def guest(self, script):
        status, said = run(["make", "-j2", "module", "userspace", "guest", "examples"], self.tree, 3600)
        if status != 0:
            raise NotBuilt(said)
        return run(["userspace/vm/vm", "test", "--only", script], self.tree, 1800)[0] == 0


def copy_tree(tree):
    """The files of the working tree that git knows or would. What was built in the copy before stays."""
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, text=True,
                           stdout=subprocess.PIPE).stdout.splitlines()
    for name in names:
        source, target = ROOT / name, tree / name
        if not source.is_file() or target.is_file() and target.read_bytes() == source.read_bytes():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


class Judge:
    def __init__(self, tests, tap):
        self.tests, self.tap = tests, tap
        self.known = {}

    def is_sound(self, test):
        """Whether a test passes on cnx as it is: one that does not could not tell a mutant from it."""
        if test not in self.known:
            try:
                self.known[test], why = self.tests.passes(test), ""
            except NotBuilt as error:
                self.known[test], why = False, str(error)
            self.tap.result(self.known[test], f"{test} passes on cnx as it is", why.splitlines()[-20:])
        return self.known[test]

    def judge(self, mutant):
        path = self.tests.tree / mutant.file
        original = path.read_text() if path.is_file() else ""
        found = original.count(mutant.text)
        if found != 1:
            self.tap.result(False, f"{mutant.name}: its text is in {mutant.file} {found} times instead of once: "
                                   "bring userspace/mutants/table.py up to date")
            return
        start = time.monotonic()
        for test in mutant.tests:
            if not self.is_sound(test):
                continue
            path.write_text(original.replace(mutant.text, mutant.instead))
            try:
                caught = not self.tests.passes(test)
            except NotBuilt as error:
                self.tap.result(False, f"{mutant.name}: it does not compile, and so proves nothing",
                                str(error).splitlines()[-20:])
                return
            finally:
                path.write_text(original)
            if caught:
                self.tap.result(True, f"{mutant.name}: without {mutant.takes_away}, {test} fails "
                                      f"({time.monotonic() - start:.0f} s)")
                return
        self.tap.result(False, f"{mutant.name}: SURVIVED: without {mutant.takes_away}, none of these fails: " +
                               ", ".join(mutant.tests))


def main():
    parser = argparse.ArgumentParser(description="Takes parts of cnx away and looks whether the tests notice.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="mutants, or kinds of tests, with this in their name")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    mutants = [mutant for mutant in MUTANTS
               if options.only in mutant.name or any(test.startswith(options.only + " ") for test in mutant.tests)]
    if not mutants:
        sys.exit(f'cnx: no mutant has "{options.only}" in its name: leave ONLY= out, or look into userspace/mutants/table.py.')
    if options.list:
        for mutant in mutants:
            print(f"{mutant.name:34}{mutant.takes_away}")
        return 0
    tree = options.folder.resolve() / "tree"
    tree.mkdir(parents=True, exist_ok=True)
    copy_tree(tree)
    tap = Tap()
    judge = Judge(Tests(tree), tap)
    for mutant in mutants:
        judge.judge(mutant)
    return tap.end()


sys.exit(main())
