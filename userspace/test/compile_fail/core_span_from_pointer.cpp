// SPDX-License-Identifier: GPL-2.0-only
// COMPILER: clang++-19
// EXPECT: two-parameter std::span construction is unsafe
// FLAGS: -Wunsafe-buffer-usage -Werror
// Bounds are not made up.
#include <cnx/core/message.hpp>

std::span<const std::byte> use(const cnx_message &message)
{
#ifdef MUST_FAIL
	// SAFETY: only compiled to be refused.
	return {static_cast<const std::byte *>(message.payload), message.length};
#else
	return cnx::payload_of(message);
#endif
}
