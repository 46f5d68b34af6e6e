// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: data_. is private within this context
// Data that lives in a lock opens only with the lock.
#include <cnx/replica/default.hpp>

#include <cnx/core/protected.hpp>

int use(cnx::Protected<int, cnx::replica::Default::Mutex> &number)
{
#ifdef MUST_FAIL
	return number.data_;
#else
	return number.with([](int &data) { return data; });
#endif
}
