// SPDX-License-Identifier: GPL-2.0-only
// COMPILER: clang++-19
// EXPECT: unsafe pointer arithmetic
// FLAGS: -Wunsafe-buffer-usage -Werror
// A place in a buffer is reached through a span, which knows its bounds.
#include <cnx/core/message.hpp>

const std::byte *use(std::span<const std::byte> bytes)
{
#ifdef MUST_FAIL
	return bytes.data() + 1;
#else
	return bytes.subspan(1).data();
#endif
}
