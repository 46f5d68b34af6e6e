// SPDX-License-Identifier: GPL-2.0-only
// COMPILER: clang++-19
// EXPECT: address of stack memory associated with local variable 'guard' returned
// FLAGS: -Wall -Wextra -Werror
// What a table gave under a guard must not outlive it.
#include <cnx/replica/default.hpp>

#include <cnx/core/callback.hpp>
#include <cnx/core/rcu_table.hpp>

using P = cnx::replica::Default;
using Table = cnx::RcuTable<P, cnx::Callback<P>>;

const cnx::Callback<P> *use(const Table &table, const P::ReadGuard &outer)
{
	const P::ReadGuard guard;
	static_cast<void>(outer);
#ifdef MUST_FAIL
	return table.find(guard, 1);
#else
	return table.find(outer, 1);
#endif
}
