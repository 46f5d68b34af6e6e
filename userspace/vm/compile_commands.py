#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Writes compile_commands.json: compile_commands.py OUTPUT BUILD "COMPILER FLAGS" SOURCE...

The user-space sources are given; those of the module are read from the records that Kbuild keeps of its commands."""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
output, build, compiler, *sources = sys.argv[1:]
entries = [
    {"directory": str(ROOT), "file": source, "command": f"{compiler} -c {source}"} for source in sources
]
kernel = (ROOT / build / "kernel").resolve()
config = kernel / ".config-of-build"
if config.exists():
    tree = config.read_text().split()[0]
    for record in sorted(kernel.rglob(".*.o.cmd")):
        lines = record.read_text(errors="replace").splitlines()
        match = re.match(r"(?:saved)?cmd_\S+\.o := (.*?\s(\S+\.(?:c|cpp|cc)))\s*(?:;|$)", lines[0]) if lines else None
        if not match:
            continue
        # Named by their place in the source tree, where an editor opens them.
        source = match[2].replace(f"{kernel}/", f"{ROOT}/kernel/")
        if Path(source).exists():
            entries.append({"directory": tree, "file": source, "command": match[1].replace(match[2], source)})
Path(output).write_text(json.dumps(entries, indent=1) + "\n")
