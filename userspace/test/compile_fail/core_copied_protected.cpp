// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: use of deleted function .*Protected
// A copy would be data out of its lock.
#include <cnx/replica/default.hpp>

#include <cnx/core/protected.hpp>

using Number = cnx::Protected<int, cnx::replica::Default::Mutex>;

int use(const Number &number)
{
#ifdef MUST_FAIL
	Number second(number);
	return second.with([](int &data) { return data; });
#else
	static_cast<void>(number);
	Number second(1);
	return second.with([](int &data) { return data; });
#endif
}
