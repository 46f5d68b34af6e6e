// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: could not convert|cannot convert
// No number stands for an error: a function that fails says with which.
#include <cnx/core/result.hpp>

cnx::Status use()
{
#ifdef MUST_FAIL
	return -12;
#else
	return std::unexpected(cnx::Error::no_memory);
#endif
}
