// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: use of deleted function .*find
// A guard that ends with the statement protects nothing that was found under it in a table.
#include <cnx/replica/default.hpp>

#include <cnx/core/registry.hpp>

using P = cnx::replica::Default;

bool use(const cnx::RcuTable<P, cnx::Callback<P>> &table)
{
#ifdef MUST_FAIL
	return table.find(P::ReadGuard(), 1) != nullptr;
#else
	const P::ReadGuard guard;
	return table.find(guard, 1) != nullptr;
#endif
}
