// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: no matching function for call to .*find
// What RCU protects is reached with a witness of the read section or not at all.
#include <cnx/replica/default.hpp>

#include <cnx/core/registry.hpp>

using P = cnx::replica::Default;

bool use(const cnx::Registry<P> &registry)
{
#ifdef MUST_FAIL
	return registry.find(cnx::Id{1, 1}) != nullptr;
#else
	const P::ReadGuard guard;
	return registry.find(guard, cnx::Id{1, 1}) != nullptr;
#endif
}
