// SPDX-License-Identifier: GPL-2.0-only
// COMPILER: clang++-19
// A reservation is a part of its batch, and must not outlive it.
// EXPECT: address of stack memory associated with (local variable|parameter) 'batch' returned
// FLAGS: -Wall -Wextra -Werror
#include <cnx/driver.hpp>

#ifdef MUST_FAIL
cnx::Result<cnx::MessageBatch::Reservation> reserve(const cnx_message &header, cnx::MessageBatch batch)
#else
cnx::Result<cnx::MessageBatch::Reservation> reserve(const cnx_message &header, cnx::MessageBatch &batch)
#endif
{
	return batch.reserve(header);
}
