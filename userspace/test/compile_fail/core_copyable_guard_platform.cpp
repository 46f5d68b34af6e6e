// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: constraint(s| failure|s not satisfied)
// EXPECT: copy_constructible
// A platform whose guard can be copied away from its read section is none.
#include <cnx/replica/default.hpp>

#include <cnx/core/subscriptions.hpp>

struct Copyable {
};

struct World : cnx::replica::Default {
#ifdef MUST_FAIL
	using ReadGuard = Copyable;
#endif
};

using Refused = cnx::Subscriptions<World>;
