// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: discards qualifiers
// FLAGS: -D__KERNEL__
// Who hands an skb to netlink says that it is gone.
#include "kernel/skb.hpp"

using cnx::kernel::Skb;

sk_buff *use(Skb skb)
{
#ifdef MUST_FAIL
	return skb.release();
#else
	return std::move(skb).release();
#endif
}
