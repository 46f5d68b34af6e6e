// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: use of deleted function .*Owned
// What is owned has one owner.
#include <cnx/replica/default.hpp>

#include <cnx/core/memory.hpp>

using Number = cnx::Owned<cnx::replica::Default, int>;

Number use(Number number)
{
#ifdef MUST_FAIL
	Number second = number;
#else
	Number second = std::move(number);
#endif
	return second;
}
