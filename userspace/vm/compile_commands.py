#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Writes compile_commands.json: compile_commands.py OUTPUT BUILD "COMPILER FLAGS" SOURCE...

The user-space sources are given; those of the module are read from the records that Kbuild keeps of its commands."""

import json
import re
import sys
from pathlib import Path

# What Kbuild passes to gcc and clang, which reads the file, does not know; and what keeps floating point from the code,
# for clang then refuses the headers of the standard library.
GCC_ONLY = re.compile(r"-Wp,-MMD|-fno-allow-store-data-races|-mindirect-branch|-mfunction-return|-mrecord-mcount|"
                      r"-mno-(80387|sse|mmx|3dnow|avx)|-mpreferred-stack-boundary|-mskip-rax-setup|"
                      r"-falign-(jumps|loops)|-fconserve-stack|"
                      r"-fmin-function-alignment|-fzero-call-used-regs|-mharden-sls|-mno-fp-ret-in-387|--param|"
                      r"allow-store-data-races|-Wimplicit-fallthrough=|-Wno-(maybe|alloc|stringop|restrict|packed)")

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
            command = match[1].replace(match[2], source)
            kept = [word for word in command.split() if not GCC_ONLY.match(word)]
            entries.append({"directory": tree, "file": source, "command": " ".join(kept)})
Path(output).write_text(json.dumps(entries, indent=1) + "\n")
