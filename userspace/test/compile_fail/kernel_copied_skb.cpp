// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: use of deleted function .*Skb
// FLAGS: -D__KERNEL__
// An skb has one owner, who frees it or gives it away.
#include "kernel/skb.hpp"

using cnx::kernel::Skb;

Skb use(Skb skb)
{
#ifdef MUST_FAIL
	Skb second = skb;
#else
	Skb second = std::move(skb);
#endif
	return second;
}
