// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: ignoring return value .*give
// FLAGS: -Wall -Wextra -Werror
// A magazine that is full leaves the buffer with its giver, who must not lose it.
#include <cnx/replica/default.hpp>

#include <cnx/core/magazines.hpp>

bool use(cnx::Magazines<cnx::replica::Default, int> &ready, int &buffer)
{
#ifdef MUST_FAIL
	ready.give(buffer);
	return true;
#else
	return ready.give(buffer);
#endif
}
