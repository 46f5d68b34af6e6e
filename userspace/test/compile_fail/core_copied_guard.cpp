// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: use of deleted function .*ReadGuard
// A guard stays where its read section was opened.
#include <cnx/replica/default.hpp>

void use()
{
	const cnx::replica::Default::ReadGuard guard;
#ifdef MUST_FAIL
	const auto second = guard;
#else
	const auto &second = guard;
#endif
	static_cast<void>(second);
}
