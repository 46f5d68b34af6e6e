// SPDX-License-Identifier: GPL-2.0-only
// Whether anybody got a message is not to be overlooked.
// FLAGS: -Wall -Wextra -Werror
// EXPECT: ignoring return(ed)? value
#include <cnx/driver.hpp>

void publish(int reading, const cnx_destination &to)
{
#ifndef MUST_FAIL
	static_cast<void>
#endif
	    (cnx::send({32, 1}, 1, reading, to, CNX_NO_SLEEP));
}
