// SPDX-License-Identifier: GPL-2.0-only
// A registration has one owner: copied, it would be unregistered twice.
// EXPECT: deleted (function|constructor)|implicitly deleted
#include <cnx/driver.hpp>

cnx::Registration hand_over(cnx::Registration &registration)
{
#ifdef MUST_FAIL
	return cnx::Registration(registration);
#else
	return cnx::Registration(std::move(registration));
#endif
}
