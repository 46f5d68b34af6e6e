// SPDX-License-Identifier: GPL-2.0-only
// Only bytes that mean the same elsewhere may be sent: a type with an owner inside is refused.
// EXPECT: constraints? not satisfied|no matching function
#include <cnx/driver.hpp>

struct Reading {
	int value;
#ifdef MUST_FAIL
	~Reading()
	{
		value = 0;
	}
#endif
};

cnx::Status publish(const Reading &reading, const cnx_destination &to)
{
	return cnx::send({32, 1}, 1, reading, to, CNX_NO_SLEEP);
}
