// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: use of deleted function .*Magazines
// Two rows of the same buffers would give each of them out twice.
#include <cnx/replica/default.hpp>

#include <cnx/core/magazines.hpp>

using Ready = cnx::Magazines<cnx::replica::Default, int>;

Ready use(Ready ready)
{
#ifdef MUST_FAIL
	Ready second = ready;
#else
	Ready second = std::move(ready);
#endif
	return second;
}
