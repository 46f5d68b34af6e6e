// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: use of deleted function .*of_group
// A guard that ends with the statement protects no subscriptions either.
#include <cnx/replica/default.hpp>

#include <cnx/core/subscriptions.hpp>

using P = cnx::replica::Default;

bool use(const cnx::Subscriptions<P> &subscriptions)
{
#ifdef MUST_FAIL
	return subscriptions.of_group(P::ReadGuard(), 1).empty();
#else
	const P::ReadGuard guard;
	return subscriptions.of_group(guard, 1).empty();
#endif
}
