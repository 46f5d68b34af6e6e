// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: as .this. argument discards qualifiers
// Who gives up what he owns says so: release() consumes.
#include <cnx/replica/default.hpp>

#include <cnx/core/memory.hpp>

int *use(cnx::Owned<cnx::replica::Default, int> number)
{
#ifdef MUST_FAIL
	return number.release();
#else
	return std::move(number).release();
#endif
}
