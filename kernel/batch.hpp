// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_KERNEL_BATCH_HPP
#define CNX_KERNEL_BATCH_HPP

#include "bindings.h"
#include "skb.hpp"
#include "transport.hpp"

#include <cnx/core/result.hpp>

#include <span>
#include <utility>

namespace cnx::kernel
{

/// A driver's struct cnx_batch, in the core's terms. It owns the skb in it until finish().
/// INVARIANT: the skb ends with the `reserved` bytes of the pending message, if one is pending.
class Batch
{
public:
	[[nodiscard]] static Status begin(cnx_batch &batch, std::size_t capacity, cnx_context context,
	                                  Transport &transport)
	{
		batch = {.skb = nullptr, .reserved = 0, .messages = 0, .first = {}, .context = context};
		if (capacity == 0)
			return std::unexpected(Error::invalid);
		if (capacity > CNX_MAX_BATCH)
			return std::unexpected(Error::too_large);
		batch.skb = CNX_TRY(transport.allocate(capacity, context == CNX_MAY_SLEEP)).release();
		return {};
	}

	/// `batch` has an skb.
	explicit Batch(cnx_batch &batch) : batch_(batch) {}

	/// Where the payload of one more message goes. busy: one is pending. no_space, too_large.
	[[nodiscard]] Result<std::span<std::byte>> reserve(const cnx_message &header)
	{
		if (batch_.reserved)
			return std::unexpected(Error::busy);
		if (sizeof(cnx_msg) + header.length > CNX_MAX_MESSAGE)
			return std::unexpected(Error::too_large);
		Skb skb = Skb::adopt(batch_.skb);
		const auto payload = skb.reserve(header);
		batch_.skb = std::move(skb).release();
		if (!payload)
			return std::unexpected(Error::no_space);
		batch_.reserved = static_cast<std::uint32_t>(datagram_room(header.length));
		if (batch_.messages == 0)
			batch_.first = header.id;
		return *payload;
	}

	/// invalid: nothing is pending.
	[[nodiscard]] Status commit()
	{
		if (!batch_.reserved)
			return std::unexpected(Error::invalid);
		batch_.reserved = 0;
		++batch_.messages;
		return {};
	}

	/// Take back what is pending, if anything is.
	void drop()
	{
		const auto pending = std::exchange(batch_.reserved, 0);
		if (pending == 0)
			return;
		Skb skb = Skb::adopt(batch_.skb);
		skb.retract(pending);
		batch_.skb = std::move(skb).release();
	}

	/// The datagram of what was committed. Ends the batch.
	[[nodiscard]] Skb finish()
	{
		drop();
		batch_.messages = 0;
		return Skb::adopt(std::exchange(batch_.skb, nullptr));
	}

private:
	cnx_batch &batch_;
};

} // namespace cnx::kernel

#endif // CNX_KERNEL_BATCH_HPP
