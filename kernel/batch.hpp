// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_KERNEL_BATCH_HPP
#define CNX_KERNEL_BATCH_HPP

#include "bindings.h"
#include "skb.hpp"
#include "transport.hpp"

#include <cnx/core/annotations.hpp>
#include <cnx/core/result.hpp>

#include <cstddef>
#include <span>
#include <utility>

namespace cnx::kernel
{

/// The two ends of a driver's struct cnx_batch; what is between them is inline in cnx/driver.h.
/// INVARIANT: the batch owns its skb, whose own length stays 0 until finish().
class Batch
{
public:
	[[nodiscard]] static Status begin(cnx_batch &batch, std::size_t capacity, cnx_context context,
	                                  Transport &transport)
	{
		batch = {};
		batch.context = context;
		if (capacity == 0)
			return std::unexpected(Error::invalid);
		if (capacity > CNX_MAX_BATCH)
			return std::unexpected(Error::too_large);
		auto skb = CNX_TRY(transport.allocate(capacity, context == CNX_MAY_SLEEP, Skb::Content::zeroes));
		const std::span<std::byte> room = skb.room();
		// SAFETY: any byte may be written as an unsigned char.
		batch.next = reinterpret_cast<unsigned char *>(room.data());
		CNX_UNSAFE_BUFFERS_BEGIN
		// SAFETY: the end of the same room.
		batch.end = batch.next + room.size();
		CNX_UNSAFE_BUFFERS_END
		batch.skb = std::move(skb).release();
		return {};
	}

	/// The datagram of what was committed. Ends the batch, which has an skb.
	[[nodiscard]] static Skb finish(cnx_batch &batch)
	{
		Skb skb = Skb::adopt(std::exchange(batch.skb, nullptr));
		const std::span<std::byte> room = skb.room();
		// SAFETY: `next` was moved within the room alone, by the sizes of what was committed.
		static_cast<void>(
		    skb.extend(static_cast<std::size_t>(reinterpret_cast<std::byte *>(batch.next) - room.data())));
		return skb;
	}
};

} // namespace cnx::kernel

#endif // CNX_KERNEL_BATCH_HPP
