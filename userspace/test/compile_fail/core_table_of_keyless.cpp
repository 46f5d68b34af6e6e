// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: constraint(s| failure|s not satisfied)
// A value that does not know its key is none for a table.
#include <cnx/replica/default.hpp>

#include <cnx/core/rcu_table.hpp>

struct Value {
#ifndef MUST_FAIL
	[[nodiscard]] std::uint64_t key() const
	{
		return 1;
	}
#endif
};

using Refused = cnx::RcuTable<cnx::replica::Default, Value>;
