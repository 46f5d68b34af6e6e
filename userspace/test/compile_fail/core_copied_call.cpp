// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: use of deleted function .*Call
// A call ends once.
#include <cnx/replica/default.hpp>

#include <cnx/core/registry.hpp>

using Call = cnx::Registry<cnx::replica::Default>::Calls::Call;

void use(const Call &call)
{
#ifdef MUST_FAIL
	const Call second = call;
#else
	const Call &second = call;
#endif
	static_cast<void>(second);
}
