#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Checks what must not compile: userspace/test/compile_fail/*.cpp.

Each file compiles as it is, and fails with -DMUST_FAIL, with a message that matches the regular expression of each of
its `// EXPECT: regex` lines. A file with `// COMPILER: name` is for that compiler, and is skipped where it is missing.
Prints TAP. CNX_ONLY selects by name."""

import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tap import Tap

ROOT = Path(__file__).resolve().parent.parent.parent
CASES = ROOT / "userspace/test/compile_fail"


def compile_case(compiler, flags, path, *more):
    command = [compiler, "-std=c++23", "-fsyntax-only", f"-I{ROOT}/include", f"-I{ROOT}", f"-I{ROOT}/userspace/replica/include", *flags, *more, path]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    return done.returncode, done.stderr + done.stdout


def judge(path):
    text = path.read_text()
    expected = re.findall(r"//\s*EXPECT:\s*(.+?)\s*$", text, re.M)
    named = re.search(r"//\s*COMPILER:\s*(\S+)", text)
    flags = re.findall(r"//\s*FLAGS:\s*(.+?)\s*$", text, re.M)
    flags = [flag for line in flags for flag in line.split()]
    compiler = named[1] if named else os.environ.get("CXX", "g++")
    if not shutil.which(compiler):
        return [(True, f"{path.stem} # SKIP {compiler} is not installed", "")]
    results = []
    status, output = compile_case(compiler, flags, path)
    results.append((status == 0, f"{path.stem}: its correct twin compiles", output))
    status, output = compile_case(compiler, flags, path, "-DMUST_FAIL")
    missing = [regex for regex in expected if not re.search(regex, output)]
    if not expected:
        output = "the file has no // EXPECT: line"
    elif missing:
        output = f"no message matches: {missing[0]}\n{output}"
    results.append((status != 0 and bool(expected) and not missing, f"{path.stem}: the wrong version is refused", output))
    return results


def main():
    only = os.environ.get("CNX_ONLY", "")
    cases = [path for path in sorted(CASES.glob("*.cpp")) if only in f"compile_fail.{path.stem}"]
    tap = Tap()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for results in pool.map(judge, cases):
            for passed, name, output in results:
                tap.result(passed, name, [] if passed else output.splitlines()[:15])
    sys.exit(tap.end())


main()
