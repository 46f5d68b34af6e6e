// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: exception handling disabled
// FLAGS: -fno-exceptions -fno-rtti
// Errors are values, in the core and in the module, which has no exceptions.
#include <cnx/core/result.hpp>

cnx::Status use()
{
#ifdef MUST_FAIL
	throw cnx::Error::no_memory;
#else
	return std::unexpected(cnx::Error::no_memory);
#endif
}
