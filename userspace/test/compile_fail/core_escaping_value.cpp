// SPDX-License-Identifier: GPL-2.0-only
// COMPILER: clang++-19
// EXPECT: address of stack memory associated with local variable 'guard' returned
// FLAGS: -Wall -Wextra -Werror
// What was found under a guard must not outlive it.
#include <cnx/replica/default.hpp>

#include <cnx/core/registry.hpp>

using P = cnx::replica::Default;

const cnx::Callback<P> *use(const cnx::Registry<P> &registry, const P::ReadGuard &outer)
{
	const P::ReadGuard guard;
	static_cast<void>(outer);
#ifdef MUST_FAIL
	return registry.find(guard, {1, 1});
#else
	return registry.find(outer, {1, 1});
#endif
}
