// SPDX-License-Identifier: GPL-2.0-only
// COMPILER: clang++-19
// EXPECT: cannot call function 'synchronize' while read section 'read_section' is held
// FLAGS: -Wthread-safety -Werror
// A read section that waits for a grace period waits for itself.
#include <cnx/replica/default.hpp>

using P = cnx::replica::Default;

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
