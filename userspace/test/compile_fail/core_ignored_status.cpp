// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: ignoring (return|returned) value .*nodiscard
// FLAGS: -Wall -Wextra -Werror
// Nobody may ignore a Status.
#include <cnx/core/result.hpp>

cnx::Status attempt();

cnx::Status use()
{
#ifdef MUST_FAIL
	attempt();
#else
	CNX_TRY(attempt());
#endif
	return {};
}
