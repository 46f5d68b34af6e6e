// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: use of deleted function .*Call
// A running call is announced under the guard that its callback was found with.
#include <cnx/replica/default.hpp>

#include <cnx/core/registry.hpp>

using P = cnx::replica::Default;

void use(cnx::Registry<P> &registry, const cnx::Callback<P> &callback)
{
#ifdef MUST_FAIL
	const cnx::Registry<P>::Calls::Call call(registry.calls(), P::ReadGuard(), callback);
#else
	const P::ReadGuard guard;
	const cnx::Registry<P>::Calls::Call call(registry.calls(), guard, callback);
#endif
}
