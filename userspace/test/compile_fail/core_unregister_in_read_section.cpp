// SPDX-License-Identifier: GPL-2.0-only
// COMPILER: clang++-19
// EXPECT: cannot call function 'remove' while read section 'read_section' is held
// FLAGS: -Wthread-safety -Werror
// Unregistering waits for read sections, its caller's own among them.
#include <cnx/replica/default.hpp>

#include <cnx/core/registry.hpp>

using P = cnx::replica::Default;

cnx::Status use(cnx::Registry<P> &registry, cnx::Callback<P> *entry)
{
#ifdef MUST_FAIL
	const P::ReadGuard guard;
#endif
	return registry.remove({&entry, 1});
}
