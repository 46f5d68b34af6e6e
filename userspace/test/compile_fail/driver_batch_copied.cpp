// SPDX-License-Identifier: GPL-2.0-only
// A batch has one owner: copied, its buffer would be sent and freed.
// EXPECT: deleted (function|constructor)|implicitly deleted
#include <cnx/driver.hpp>

cnx::MessageBatch hand_over(cnx::MessageBatch &batch)
{
#ifdef MUST_FAIL
	return cnx::MessageBatch(batch);
#else
	return cnx::MessageBatch(std::move(batch));
#endif
}
