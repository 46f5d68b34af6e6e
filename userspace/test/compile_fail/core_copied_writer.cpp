// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: use of deleted function .*Writer
// There is one right to change a table.
#include <cnx/replica/default.hpp>

#include <cnx/core/callback.hpp>
#include <cnx/core/rcu_table.hpp>

using P = cnx::replica::Default;
using Writer = cnx::RcuTable<P, cnx::Callback<P>>::Writer;

std::size_t use(Writer &writer)
{
#ifdef MUST_FAIL
	Writer second = writer;
#else
	Writer &second = writer;
#endif
	return second.size();
}
