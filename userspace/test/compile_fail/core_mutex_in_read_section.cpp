// SPDX-License-Identifier: GPL-2.0-only
// COMPILER: clang++-19
// EXPECT: cannot call function 'lock' while read section 'read_section' is held
// FLAGS: -Wthread-safety -Werror
// A mutex may sleep, which a read section must not. A spinlock does not.
#include <cnx/replica/default.hpp>

using P = cnx::replica::Default;

#ifdef MUST_FAIL
using Lock = P::Mutex;
#else
using Lock = P::SpinLock;
#endif

void use(Lock &lock)
{
	const P::ReadGuard guard;
	lock.lock();
	lock.unlock();
}
