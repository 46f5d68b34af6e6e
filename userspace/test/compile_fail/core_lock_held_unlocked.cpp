// SPDX-License-Identifier: GPL-2.0-only
// COMPILER: clang++-19
// EXPECT: mutex 'mutex' is still held at the end of function
// FLAGS: -Wthread-safety -Werror
// A lock of the replica that is taken by hand must be given back, and clang sees to it.
#include <cnx/replica/default.hpp>

void use(cnx::replica::Default::Mutex &mutex)
{
	mutex.lock();
#ifndef MUST_FAIL
	mutex.unlock();
#endif
}
