// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: cannot use .typeid. with .-fno-rtti
// FLAGS: -fno-exceptions -fno-rtti
// No type is asked for at run time.
#include <cnx/core/result.hpp>

#include <typeinfo>

bool use(const cnx::Status &status)
{
#ifdef MUST_FAIL
	return typeid(status) == typeid(cnx::Status);
#else
	return status.has_value();
#endif
}
