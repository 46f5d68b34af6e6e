// SPDX-License-Identifier: GPL-2.0-only
// A payload that no message can hold is found when the driver is compiled, not when it sends.
// EXPECT: the payload is larger than a message may be
#include <cnx/driver.hpp>

struct Block {
#ifdef MUST_FAIL
	char bytes[CNX_MAX_MESSAGE];
#else
	char bytes[CNX_MAX_MESSAGE - sizeof(cnx_msg)];
#endif
};

cnx::Status publish(const Block &block, const cnx_destination &to)
{
	return cnx::send({32, 1}, 1, block, to, CNX_NO_SLEEP);
}
