// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: ignoring (return|returned) value .*nodiscard
// FLAGS: -Wall -Wextra -Werror
// Nobody may ignore a Result, even where a function forgot to say so itself.
#include <cnx/core/result.hpp>

cnx::Result<int> attempt();

void use()
{
#ifdef MUST_FAIL
	attempt();
#else
	static_cast<void>(attempt());
#endif
}
