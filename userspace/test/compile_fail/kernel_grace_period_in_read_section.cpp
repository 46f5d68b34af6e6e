// SPDX-License-Identifier: GPL-2.0-only
// COMPILER: clang++-19
// EXPECT: cannot call function 'synchronize' while read section 'read_section' is held
// FLAGS: -D__KERNEL__ -DCONFIG_PREEMPT_RCU -Wthread-safety -Werror
// The kernel's read sections are known to clang as the replica's are.
#include "kernel/platform.hpp"

using P = cnx::kernel::Platform;

void use()
{
#ifdef MUST_FAIL
	const P::ReadGuard guard;
#else
	{
		const P::ReadGuard guard;
	}
#endif
	P::synchronize();
}
