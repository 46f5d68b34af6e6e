// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: use of deleted function .*ReadGuard
// A guard stays where its read section was opened.
#include <replica/platform.hpp>

void use()
{
	const cnx::replica::Platform::ReadGuard guard;
#ifdef MUST_FAIL
	const auto second = guard;
#else
	const auto &second = guard;
#endif
	static_cast<void>(second);
}
