// SPDX-License-Identifier: GPL-2.0-only
// A payload is read as bytes that mean the same elsewhere.
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

bool receive(const cnx_message &message)
{
	return cnx::payload_as<Reading>(message).has_value();
}
