// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_KERNEL_SKB_HPP
#define CNX_KERNEL_SKB_HPP

#include "bindings.h"

#include <cnx/core/message.hpp>
#include <cnx/core/result.hpp>

#include <new>
#include <optional>
#include <span>
#include <utility>

namespace cnx::kernel
{

/// The one owner of an skb. Sending consumes it; dropping it frees it.
class Skb
{
public:
	/// Room for `bytes` bytes. no_memory. Sleeps only if it may.
	[[nodiscard]] static Result<Skb> create(std::size_t bytes, bool may_sleep)
	{
		sk_buff *const skb = cnx_k_skb_alloc(bytes, may_sleep);
		if (!skb)
			return std::unexpected(Error::no_memory);
		return Skb(skb);
	}
	/// One to be kept ready for senders on `cpu`. May sleep. no_memory.
	[[nodiscard]] static Result<Skb> create_ready(std::size_t bytes, unsigned cpu)
	{
		sk_buff *const skb = cnx_k_skb_alloc_ready(bytes, cpu);
		if (!skb)
			return std::unexpected(Error::no_memory);
		return Skb(skb);
	}
	/// Takes over what release() gave up.
	[[nodiscard]] static Skb adopt(sk_buff *skb) { return Skb(skb); }

	Skb(Skb &&other) noexcept : skb_(std::exchange(other.skb_, nullptr)) {}
	Skb &operator=(Skb &&) = delete;
	~Skb()
	{
		if (skb_)
			cnx_k_skb_free(skb_);
	}

	/// Another skb over the same bytes. no_memory.
	[[nodiscard]] Result<Skb> clone(bool may_sleep) const
	{
		sk_buff *const skb = cnx_k_skb_clone(skb_, may_sleep);
		if (!skb)
			return std::unexpected(Error::no_memory);
		return Skb(skb);
	}

	/// Append a whole message and return where its payload goes, zero-filled; nothing if there is no room.
	[[nodiscard]] std::optional<std::span<std::byte>> append(const cnx_message &message)
	{
		void *const at = cnx_k_skb_append(skb_, datagram_room(message.length));
		if (!at)
			return std::nullopt;
		const NetlinkHeader netlink{
		    .length = static_cast<std::uint32_t>(sizeof(NetlinkHeader) + sizeof(cnx_msg) + message.length),
		    .type = netlink_type_done,
		    .flags = 0,
		    .seq = message.seq,
		    .portid = 0};
		const cnx_msg header{.id = message.id,
		                     .seq = message.seq,
		                     .ack = message.ack,
		                     .len = message.length,
		                     .flags = message.flags};
		// SAFETY: append() gave datagram_room(length) bytes, which hold both headers and the payload.
		const std::span bytes(static_cast<std::byte *>(at), datagram_room(message.length));
		__builtin_memcpy(bytes.data(), &netlink, sizeof(netlink));
		__builtin_memcpy(bytes.subspan(sizeof(netlink)).data(), &header, sizeof(header));
		return bytes.subspan(sizeof(netlink) + sizeof(header), message.length);
	}

	/// Take the last `bytes` bytes back.
	void retract(std::size_t bytes) { cnx_k_skb_retract(skb_, bytes); }

	/// Give back what the head has too much of, so that netlink need not. False if there is no memory for that.
	[[nodiscard]] bool fit(bool may_sleep) { return cnx_k_skb_fit(skb_, may_sleep); }

	[[nodiscard]] sk_buff *release() && { return std::exchange(skb_, nullptr); }

private:
	explicit Skb(sk_buff *skb) : skb_(skb) {}

	sk_buff *skb_;
};

} // namespace cnx::kernel

#endif // CNX_KERNEL_SKB_HPP
