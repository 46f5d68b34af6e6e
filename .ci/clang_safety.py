#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Has clang judge the core and both its platforms with more warnings than gcc has, each of them an error.

    clang_safety.py     first refuses what each of the warnings is there for, then compiles the tree; prints TAP

Each header is compiled by itself; what is in a template is judged where it is instantiated, which
userspace/test/safety/instances.cpp does over the replica, and the module's own C++ files over the kernel. CNX_ONLY
selects by name."""

import concurrent.futures
import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "userspace/vm"))
from tap import report
CLANG = "clang++-19"

# Locks and read sections; bounds; lifetimes; arithmetic; casts; what is not meant.
WARNINGS = """
-Wall -Wextra
-Wthread-safety -Wthread-safety-beta
-Wunsafe-buffer-usage -Warray-bounds-pointer-arithmetic
-Wdangling -Wreturn-stack-address -Wconditional-uninitialized -Wnull-dereference
-Wconversion -Wsign-conversion -Wshift-sign-overflow -Wdouble-promotion
-Wcast-align -Wcast-qual -Wold-style-cast -Wzero-as-null-pointer-constant
-Wshadow -Wimplicit-fallthrough -Wcomma -Wloop-analysis -Wassign-enum -Wunreachable-code-aggressive -Wheader-hygiene
-Wnon-virtual-dtor -Woverloaded-virtual -Wformat=2 -Wundef -Wextra-semi
""".split()
# cnx/driver.h is C, and is judged as C with the module.
COMMON = [CLANG, "-fsyntax-only", "-Werror", *WARNINGS, f"-I{ROOT}/include", "--system-header-prefix=cnx/driver.h"]
# No constructor runs when a module is loaded, and no destructor when it goes.
KERNEL = ["-std=gnu++23", "-fno-exceptions", "-fno-rtti", "-D__KERNEL__", "-DMODULE", "-D_GLIBCXX_ASSERTIONS",
          "-Wno-missing-field-initializers", "-Wglobal-constructors", "-Wexit-time-destructors", f"-I{ROOT}/kernel"]
REPLICA = ["-std=c++23", f"-I{ROOT}/userspace/replica/include", "-Wno-missing-field-initializers"]
# What the platform does by itself depends on these; the first are those of the stock kernel.
CONFIGURATIONS = (
    ("stock", ["-DCONFIG_PREEMPT_RCU", "-DCONFIG_X86_64", "-DCONFIG_SMP"]),
    ("lockdep", ["-DCONFIG_PREEMPT_RCU", "-DCONFIG_X86_64", "-DCONFIG_SMP", "-DCONFIG_DEBUG_LOCK_ALLOC"]),
    ("one CPU", ["-DCONFIG_X86_64"]),
)

# (what is refused, the warning that has to do it, the code on a line of its own)
MUST_BE_REFUSED = (
    ("a lock that is not given back", "thread-safety-analysis", "void a(P::Mutex &m) { m.lock(); }"),
    ("a lock that is given back and was not taken", "thread-safety-analysis", "void b(P::SpinLock &l) { l.unlock(); }"),
    ("a grace period in a read section", "thread-safety-analysis",
     "void c() { const P::ReadGuard guard; P::synchronize(); }"),
    ("an allocation that may sleep in a read section", "thread-safety-analysis",
     "void *d() { const P::ReadGuard guard; return P::allocate(8); }"),
    ("pointer arithmetic", "unsafe-buffer-usage", "int *e(int *p) { return p + 1; }"),
    ("an index into a pointer", "unsafe-buffer-usage", "int f(int *p, unsigned i) { return p[i]; }"),
    ("a span of a pointer and a size", "unsafe-buffer-usage-in-container",
     "std::span<int> g(int *p, unsigned n) { return {p, n}; }"),
    ("a view of what has gone", "dangling-gsl", "bool h() { cnx::Datagram d{std::vector<std::byte>(4)}; return d.next(); }"),
    ("a view of a local variable", "return-stack-address",
     "cnx::Datagram i() { std::array<std::byte, 4> bytes{}; return cnx::Datagram(bytes); }"),
    ("a number that is cut off", "implicit-int-conversion", "std::uint16_t j(std::uint32_t n) { return n; }"),
    ("a sign that is lost", "sign-conversion", "unsigned k(int n) { return n; }"),
    ("a const that is cast away", "cast-qual", "int *l(const int *p) { return (int *)p; }"),
    ("a name that hides another", "shadow", "int m(int n) { { int n = 1; return n; } }"),
    ("a case that runs into the next", "implicit-fallthrough",
     "int n(int n) { switch (n) { case 1: ++n; case 2: return n; default: return 0; } }"),
    ("a result that is not looked at", "unused-result", "cnx::Status o(); void o2() { o(); }"),
    ("a null pointer that is followed", "null-dereference", "int p() { return *static_cast<int *>(nullptr); }"),
    ("a constructor that nobody runs", "global-constructors", "std::vector<int> q(3);"),
)
PRELUDE = """#include <cnx/replica/default.hpp>
#include <cnx/core/message.hpp>
#include <array>
#include <span>
#include <vector>
using P = cnx::replica::Default;
"""


def compiled(arguments, source=None):
    done = subprocess.run([*COMMON, *arguments], input=source, capture_output=True, text=True, errors="replace")
    return done.returncode == 0, done.stderr


def refusals():
    """(name, whether clang refused it for the right reason, its output), all found out at once."""
    source = PRELUDE + "".join(f"{code}\n" for _, _, code in MUST_BE_REFUSED)
    _, output = compiled([*REPLICA, "-Wglobal-constructors", "-ferror-limit=0", "-x", "c++", "-"], source)
    first = PRELUDE.count("\n") + 1
    for number, (what, warning, _) in enumerate(MUST_BE_REFUSED, first):
        said = [line for line in output.splitlines() if line.startswith(f"<stdin>:{number}:")]
        yield f"{what} is refused", any(f",-W{warning}]" in line for line in said), "\n".join(said or ["it was accepted"])


def header(path, flags):
    # As an included file, where what is meant for the main file alone is not complained of.
    return compiled([*flags, "-x", "c++", "-"], f'#include "{path}"\n')


def jobs():
    """(name, function, arguments) of what must compile."""
    for path in sorted((ROOT / "include/cnx/core").glob("*.hpp")):
        yield f"{path.relative_to(ROOT)}", header, (path, REPLICA)
    yield "include/cnx/driver.hpp", header, (ROOT / "include/cnx/driver.hpp", REPLICA)
    for path in sorted((ROOT / "userspace/replica/include").rglob("*.hpp")):
        yield f"{path.relative_to(ROOT)}", header, (path, REPLICA)
    for flavour in ("memb", "plain"):
        yield (f"the core over the replica, {flavour}", compiled,
               ([*REPLICA, f"-DCNX_REPLICA_FLAVOUR={flavour}", ROOT / "userspace/test/safety/instances.cpp"],))
    for name, defines in CONFIGURATIONS:
        yield f"the core over the kernel, {name}", compiled, ([*KERNEL, *defines, ROOT / "kernel/core.cpp"],)
    for path in sorted((ROOT / "kernel/drivers").rglob("*.cpp")):
        yield f"{path.relative_to(ROOT)}", compiled, ([*KERNEL, *CONFIGURATIONS[0][1], path],)


def judged(chosen):
    """(name, whether it compiled, clang's output) of each, several at a time."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = [(name, pool.submit(function, *arguments)) for name, function, arguments in chosen]
        for name, result in results:
            yield name, *result.result()


def main():
    only = os.environ.get("CNX_ONLY", "")
    if not shutil.which(CLANG):
        return report("clang_safety", [(f"{CLANG} is installed", ["install it, or run make without PACKAGES=no."])])
    chosen = [job for job in jobs() if only in f"clang_safety: {job[0]}"]
    return report("clang_safety", ((name, [] if passed else output.splitlines()[:15])
                                   for name, passed, output in itertools.chain(refusals(), judged(chosen))))


sys.exit(main())
