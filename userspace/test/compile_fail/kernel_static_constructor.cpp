// SPDX-License-Identifier: GPL-2.0-only
// COMPILER: clang++-19
// EXPECT: declaration requires a global constructor
// FLAGS: -D__KERNEL__ -Wglobal-constructors -Werror
// The module loader runs no constructor, so no object may need one.
#include "kernel/platform.hpp"

#ifdef MUST_FAIL
cnx::kernel::Platform::Mutex mutex;
#else
constinit cnx::kernel::Platform::Mutex *mutex = nullptr;
#endif
