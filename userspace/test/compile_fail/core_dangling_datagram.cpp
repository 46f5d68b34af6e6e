// SPDX-License-Identifier: GPL-2.0-only
// COMPILER: clang++-19
// EXPECT: object backing the pointer will be destroyed at the end of the full-expression
// FLAGS: -Wdangling -Werror
// A view of a buffer that ends with the statement is a view of nothing.
#include <cnx/core/message.hpp>

#include <vector>

std::vector<std::byte> receive();

bool use()
{
#ifdef MUST_FAIL
	cnx::Datagram datagram{receive()};
#else
	const auto bytes = receive();
	cnx::Datagram datagram{bytes};
#endif
	return datagram.next();
}
