// SPDX-License-Identifier: GPL-2.0-only
// Whether a callback may sleep is part of its type; one that does not say cannot be registered.
// EXPECT: constraints? not satisfied|no matching function
#include <cnx/driver.hpp>

struct Driver {
#ifndef MUST_FAIL
	static constexpr cnx_kind kind = CNX_KIND_SLEEPABLE;
#endif
	int receive(const cnx_message &, const cnx_sender &)
	{
		return 0;
	}
};

bool start(Driver &driver)
{
	return cnx::Registration::create({32, 1}, "driver", driver, {}).has_value();
}
