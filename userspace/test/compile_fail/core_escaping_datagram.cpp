// SPDX-License-Identifier: GPL-2.0-only
// COMPILER: clang++-19
// EXPECT: address of stack memory associated with local variable 'bytes' returned
// FLAGS: -Wall -Wextra -Werror
// A view of bytes from outside must not outlive the bytes.
#include <cnx/core/message.hpp>

#include <array>

cnx::Datagram use(std::span<const std::byte> outer)
{
	const std::array<std::byte, 64> bytes{};
	static_cast<void>(outer);
#ifdef MUST_FAIL
	return cnx::Datagram(bytes);
#else
	static_cast<void>(bytes);
	return cnx::Datagram(outer);
#endif
}
