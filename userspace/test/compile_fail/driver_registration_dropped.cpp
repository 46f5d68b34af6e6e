// SPDX-License-Identifier: GPL-2.0-only
// A registration that nobody keeps ends before anybody could send to it.
// FLAGS: -Werror=unused-result
// EXPECT: ignoring return(ed)? value
#include <cnx/driver.hpp>

struct Silent {
	static constexpr cnx_kind kind = CNX_KIND_ATOMIC;
	int receive(const cnx_message &, const cnx_sender &) { return 0; }
};

void start(Silent &receiver)
{
#ifndef MUST_FAIL
	const auto registration =
#endif
	    cnx::Registration::create({32, 1}, "silent", receiver, {});
}
