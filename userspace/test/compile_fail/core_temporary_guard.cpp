// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: use of deleted function .*find
// A guard that ends with the statement protects nothing that was found under it.
#include <cnx/replica/default.hpp>

#include <cnx/core/registry.hpp>

using P = cnx::replica::Default;

bool use(const cnx::Registry<P> &registry)
{
#ifdef MUST_FAIL
	return registry.find(P::ReadGuard(), {1, 1}) != nullptr;
#else
	const P::ReadGuard guard;
	return registry.find(guard, {1, 1}) != nullptr;
#endif
}
