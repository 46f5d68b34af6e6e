// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: is private within this context
// An owner comes from the allocator that can refuse, or takes over by name what another gave up.
#include <cnx/replica/default.hpp>

#include <cnx/core/memory.hpp>

using Number = cnx::Owned<cnx::replica::Default, int>;

Number use(int *released)
{
#ifdef MUST_FAIL
	return Number(released);
#else
	return Number::adopt(released);
#endif
}
