// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: leaving_. is private within this context
// What the registry keeps under its lock is nobody else's to change.
#include <cnx/replica/default.hpp>

#include <cnx/core/registry.hpp>

std::uint64_t use(cnx::Callback<cnx::replica::Default> &callback)
{
#ifdef MUST_FAIL
	return callback.leaving_;
#else
	return callback.serial();
#endif
}
