// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: use of deleted function .*Counters
// Counters are freed once, by their one owner.
#include <cnx/replica/default.hpp>

#include <cnx/core/counters.hpp>

using Few = cnx::Counters<cnx::replica::Default, unsigned, 4>;

Few use(Few counters)
{
#ifdef MUST_FAIL
	Few second = counters;
#else
	Few second = std::move(counters);
#endif
	return second;
}
