# SPDX-License-Identifier: GPL-2.0-only
"""Programs of Debian's packages for the guest, which has no libraries of its own: the programs, and what they are linked
with. Libraries come from the packages that were asked for, or else from this machine."""

import os
import re
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Where the loader looks without being told.
LIBRARIES = "lib/x86_64-linux-gnu"


class Missing(Exception):
    """A sentence on what is not there."""


def fetch(packages):
    """The folders that they are unpacked in."""
    done = subprocess.run([HERE / "programs.sh", *packages], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise Missing(f"the packages {' '.join(packages)} are not there")
    return [Path(line) for line in done.stdout.splitlines()]


def is_elf(path):
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def executables(folder):
    found = (path for name in ("bin", "sbin", "usr/bin", "usr/sbin") for path in sorted((folder / name).glob("*")))
    return [path for path in found if path.is_file() and os.access(path, os.X_OK) and is_elf(path)]


def linked_with(program, folders):
    """The shared libraries of a program, and its loader: the name that each is looked for by, and where it lies here."""
    search = ":".join(str(folder / where / "x86_64-linux-gnu") for folder in folders for where in ("lib", "usr/lib"))
    done = subprocess.run(["ldd", program], capture_output=True, text=True, env={**os.environ, "LD_LIBRARY_PATH": search})
    libraries = {}
    for line in done.stdout.splitlines():
        missing = re.match(r"\s*(\S+) => not found", line)
        if missing:
            raise Missing(f"{program.name} needs {missing[1]}, which neither its packages nor this machine has")
        named = re.match(r"\s*(\S+) => (/\S+)", line)
        loader = re.match(r"\s*(/\S+) \(", line)
        if named:
            libraries[f"{LIBRARIES}/{named[1]}"] = Path(named[2])
        elif loader:
            libraries[loader[1]] = Path(loader[1])
    return libraries


def files(packages):
    """What the guest needs to run the packages' programs: path there, and file here. Raises Missing."""
    folders = fetch(packages)
    needed = {}
    for program in (program for folder in folders for program in executables(folder)):
        needed[f"bin/{program.name}"] = program
        needed.update(linked_with(program, folders))
    return needed
