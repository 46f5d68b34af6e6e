// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: a reference to the data would leave its lock
// What is in a lock is not to be reached when the lock has been given back.
#include <cnx/replica/default.hpp>

#include <cnx/core/protected.hpp>

int use(cnx::Protected<int, cnx::replica::Default::Mutex> &number)
{
#ifdef MUST_FAIL
	return number.with([](int &data) -> int & { return data; });
#else
	return number.with([](int &data) -> int { return data; });
#endif
}
