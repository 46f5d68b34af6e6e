// SPDX-License-Identifier: GPL-2.0-only
// COMPILER: clang++-19
// EXPECT: address of stack memory associated with (local variable|parameter) 'skb' returned
// FLAGS: -D__KERNEL__ -Wall -Wextra -Werror
// The room of an skb goes with the skb.
#include "kernel/skb.hpp"

using cnx::kernel::Skb;

std::span<std::byte> use(Skb &outer, Skb skb)
{
	static_cast<void>(outer);
	static_cast<void>(skb);
#ifdef MUST_FAIL
	return skb.room();
#else
	return outer.room();
#endif
}
