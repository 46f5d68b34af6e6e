// SPDX-License-Identifier: GPL-2.0-only
// COMPILER: clang++-19
// EXPECT: address of stack memory associated with local variable 'guard' returned
// FLAGS: -Wall -Wextra -Werror
// Subscriptions that were found under a guard must not outlive it.
#include <cnx/replica/default.hpp>

#include <cnx/core/subscriptions.hpp>

using P = cnx::replica::Default;

std::span<const cnx::Subscription> use(const cnx::Subscriptions<P> &subscriptions, const P::ReadGuard &outer)
{
	const P::ReadGuard guard;
	static_cast<void>(outer);
#ifdef MUST_FAIL
	return subscriptions.of_group(guard, 1);
#else
	return subscriptions.of_group(outer, 1);
#endif
}
