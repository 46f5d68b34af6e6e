#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Builds for each kernel that userspace/vm/matrix/kernels lists, boots those that are to be booted, and keeps the table in
README.md.

    matrix.py names              the kernels' names
    matrix.py run NAME           builds, and runs the guest suite; prints TAP, and leaves build/matrix/NAME/result.json
    matrix.py build NAME         the same without the guest suite
    matrix.py table              writes what the last runs came to into README.md; a kernel that was not run keeps its row
"""

import json
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
BUILD = Path(os.environ.get("CNX_BUILD") or ROOT / "build")
README = ROOT / "README.md"
BEGIN, END = "<!-- The table is written by make test-matrix. -->", "<!-- End of the table. -->"
HEAD = ["| Kernel | Release | Modules | Guest suite | On | Of |", "|---|---|---|---|---|---|"]
# The emulator runs a kernel that is no cloud kernel somewhat slower, and how long guests wait is scaled by this.
PATIENCE = os.environ.get("CNX_PATIENCE") or "2"


def fail(sentence):
    print(f"cnx: {sentence}", file=sys.stderr)
    sys.exit(1)


def kernels():
    listed = {}
    for line in (HERE / "kernels").read_text().splitlines():
        words = line.split("#")[0].split()
        if words:
            name, how, what, boots = words
            listed[name] = (how, what, boots == "boot")
    return listed


def output_of(*command):
    """What a command prints; it has said itself why where it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def tree_of(how, what):
    if how == "headers":
        return output_of(HERE / "fetch.sh", "headers", what)
    if how == "source":
        return output_of(HERE / "source.sh", *what.split(":"))
    return output_of(HERE.parent / "uml/tree.sh", what)


def build(name, how, tree):
    command = ["make", "--no-print-directory", "-C", ROOT, "module", "PACKAGES=no", f"KDIR={tree}",
               f"BUILD={(BUILD / 'matrix' / name).relative_to(ROOT)}"]
    if how == "um":
        command.append("ARCH=um")
    # Kbuild's lines are no test's, and TAP is what is printed here.
    return subprocess.run(command, stdout=sys.stderr).returncode == 0


def suite(name, what):
    """Runs the guest suite, passes on what it prints, and counts; None if there is no such kernel to boot."""
    image = output_of(HERE / "fetch.sh", "image", what)
    if image is None:
        return None
    environment = dict(os.environ, CNX_KERNEL=image, CNX_MODULES=str(BUILD / "matrix" / name / "kernel"),
                       CNX_PATIENCE=PATIENCE)
    passed = failed = skipped = 0
    command = [ROOT / "userspace/vm/vm", "test", "--only", os.environ.get("CNX_ONLY", "")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as vm:
        for line in vm.stdout:
            match = re.match(r"(not ok|ok) \d+ - (.*)", line)
            if not match:
                # The plan is ours to say, at the end.
                if not re.match(r"1\.\.\d+$|TAP version", line):
                    print(line, end="", flush=True)
                continue
            skip = "# SKIP" in match[2]
            skipped += skip
            passed += match[1] == "ok" and not skip
            failed += match[1] == "not ok"
            print(f"{match[1]} {passed + failed + skipped + 1} - {match[2]}", flush=True)
    return {"passed": passed, "failed": failed, "skipped": skipped}


def run(name, boots_too=True):
    listed = kernels()
    if name not in listed:
        fail(f"there is no kernel {name} in userspace/vm/matrix/kernels; it has {', '.join(listed)}.")
    how, what, boots = listed[name]
    boots = boots and boots_too
    print("TAP version 13", flush=True)
    tree = tree_of(how, what)
    built = tree is not None and build(name, how, tree)
    print(f"{'ok' if built else 'not ok'} 1 - the modules build for {name}, without a warning", flush=True)
    result = {"built": built, "date": date.today().isoformat(), "suite": None,
              "commit": output_of("git", "-C", ROOT, "describe", "--always", "--dirty") or "unknown",
              "release": (Path(tree) / "include/config/kernel.release").read_text().strip() if tree else "unknown"}
    tests = 1
    if built and boots:
        result["suite"] = suite(name, what)
        if result["suite"]:
            tests += sum(result["suite"].values())
    print(f"1..{tests}")
    if not os.environ.get("CNX_ONLY"):
        folder = BUILD / "matrix" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "result.json").write_text(json.dumps(result, indent=1) + "\n")
    good = built and (not boots or (result["suite"] and not result["suite"]["failed"]))
    return 0 if good else 1


def row(name, result):
    if result["suite"]:
        came = f"{result['suite']['passed']} passed, {result['suite']['failed']} failed"
        if result["suite"]["skipped"]:
            came += f", {result['suite']['skipped']} skipped"
    else:
        came = "not booted"
    built = "built" if result["built"] else "do not build"
    return f"| {name} | {result['release']} | {built} | {came} | {result['date']} | {result['commit']} |"


def table():
    text = README.read_text()
    try:
        before, rest = text.split(BEGIN)
        old, after = rest.split(END)
    except ValueError:
        fail(f"README.md has no lines \"{BEGIN}\" and \"{END}\" between which the table goes; put them back.")
    rows = {line.split("|")[1].strip(): line for line in old.strip().splitlines()[2:]}
    for name in kernels():
        result = BUILD / "matrix" / name / "result.json"
        if result.exists():
            rows[name] = row(name, json.loads(result.read_text()))
    lines = HEAD + [rows[name] for name in kernels() if name in rows]
    README.write_text(before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + after)


def main():
    words = sys.argv[1:]
    if words == ["names"]:
        print("\n".join(kernels()))
        return 0
    if len(words) == 2 and words[0] in ("run", "build"):
        return run(words[1], words[0] == "run")
    if words == ["table"]:
        table()
        return 0
    fail("usage: matrix.py names | run NAME | build NAME | table")


sys.exit(main())
