// SPDX-License-Identifier: GPL-2.0-only
// Sending consumes a batch, so it needs a batch that is given away.
// EXPECT: discards qualifiers|as 'this' argument|passing .*MessageBatch
#include <cnx/driver.hpp>

cnx::Status flush(cnx::MessageBatch &batch, const cnx_destination &to)
{
#ifdef MUST_FAIL
	return batch.send(to);
#else
	return std::move(batch).send(to);
#endif
}
