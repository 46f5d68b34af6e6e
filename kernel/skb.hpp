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
		return own(cnx_k_skb_alloc(bytes, may_sleep));
	}
	/// One to be kept ready for senders on `cpu`. May sleep. no_memory.
	[[nodiscard]] static Result<Skb> create_ready(std::size_t bytes, unsigned cpu)
	{
		return own(cnx_k_skb_alloc_ready(bytes, cpu));
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
	[[nodiscard]] Result<Skb> clone(bool may_sleep) const { return own(cnx_k_skb_clone(skb_, may_sleep)); }

	/// Append a message with its payload. False: there is no room for it.
	[[nodiscard]] bool append(const cnx_message &message)
	{
		const auto payload = extend(message);
		if (!payload)
			return false;
		if (message.length)
			__builtin_memcpy(payload->data(), message.payload, message.length);
		return true;
	}

	/// Append a message and return where its payload goes, zero-filled; nothing if there is no room for it.
	[[nodiscard]] std::optional<std::span<std::byte>> reserve(const cnx_message &header)
	{
		const auto payload = extend(header);
		if (payload && header.length)
			__builtin_memset(payload->data(), 0, header.length);
		return payload;
	}

	/// Take the last `bytes` bytes back.
	void retract(std::size_t bytes) { cnx_k_skb_retract(skb_, bytes); }

	/// Give back what the head has too much of, so that netlink need not. False if there is no memory for that.
	[[nodiscard]] bool fit(bool may_sleep) { return cnx_k_skb_fit(skb_, may_sleep); }

	[[nodiscard]] sk_buff *release() && { return std::exchange(skb_, nullptr); }

private:
	explicit Skb(sk_buff *skb) : skb_(skb) {}

	/// What an allocator gave.
	[[nodiscard]] static Result<Skb> own(sk_buff *skb)
	{
		if (!skb)
			return std::unexpected(Error::no_memory);
		return Skb(skb);
	}

	/// Room for a message behind what is there, with its headers and its padding written. The payload is whatever
	/// the memory held, and the caller has to write all of it.
	[[nodiscard]] std::optional<std::span<std::byte>> extend(const cnx_message &message)
	{
		void *const at = cnx_k_skb_append(skb_, datagram_room(message.length));
		if (!at)
			return std::nullopt;
		// SAFETY: append gave datagram_room(length) bytes, which hold both headers and the payload.
		const std::span bytes(static_cast<std::byte *>(at), datagram_room(message.length));
		// The padding is the end of the last word, and there always is one: a part of the headers if nothing
		// else.
		const std::uint32_t padding = 0;
		__builtin_memcpy(bytes.last(sizeof(padding)).data(), &padding, sizeof(padding));
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
		__builtin_memcpy(bytes.data(), &netlink, sizeof(netlink));
		__builtin_memcpy(bytes.subspan(sizeof(netlink)).data(), &header, sizeof(header));
		return bytes.subspan(sizeof(netlink) + sizeof(header), message.length);
	}

	sk_buff *skb_;
};

} // namespace cnx::kernel

#endif // CNX_KERNEL_SKB_HPP
