// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: cannot convert .*optional
// Whether bytes from outside were enough has to be asked before they are used.
#include <cnx/core/message.hpp>

std::uint32_t use(std::span<const std::byte> bytes)
{
#ifdef MUST_FAIL
	return cnx::load<std::uint32_t>(bytes);
#else
	return cnx::load<std::uint32_t>(bytes).value_or(0);
#endif
}
