// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: no matching function for call to .*load
// Bytes from outside become values, never owners.
#include <cnx/core/message.hpp>

struct Record {
	int value;
#ifdef MUST_FAIL
	~Record()
	{
		value = 0;
	}
#endif
};

bool use(std::span<const std::byte> bytes)
{
	return cnx::load<Record>(bytes).has_value();
}
