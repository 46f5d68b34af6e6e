// SPDX-License-Identifier: GPL-2.0-only
// COMPILER: clang++-19
// EXPECT: cannot call function 'allocate' while read section 'read_section' is held
// FLAGS: -Wthread-safety -Werror
// An allocation that may sleep has no place in a read section.
#include <cnx/replica/default.hpp>

using P = cnx::replica::Default;

void *use()
{
	const P::ReadGuard guard;
#ifdef MUST_FAIL
	return P::allocate(64);
#else
	return P::allocate_now(64);
#endif
}
