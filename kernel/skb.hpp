// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_KERNEL_SKB_HPP
#define CNX_KERNEL_SKB_HPP

#include "bindings.h"

#include <cnx/core/annotations.hpp>
#include <cnx/core/message.hpp>
#include <cnx/core/result.hpp>

#include <span>
#include <utility>

namespace cnx::kernel
{

/// The one owner of an skb. Sending consumes it; dropping it frees it.
class Skb
{
public:
	/// What the room of an skb holds to begin with.
	enum class Content : bool { garbage, zeroes };

	/// Room for `bytes` bytes. no_memory. Sleeps only if it may, and only where there is no memory without.
	[[nodiscard]] static Result<Skb> create(std::size_t bytes, bool may_sleep, Content content)
	{
		return own(cnx_k_skb_alloc(bytes, may_sleep, content == Content::zeroes));
	}
	/// One to be kept ready for senders on `cpu`, of zeroes. May sleep. no_memory.
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

	/// The bytes that it carries.
	[[nodiscard]] std::span<const std::byte> bytes() const CNX_LIFETIME_BOUND
	{
		__kernel_size_t size = 0;
		const void *const data = cnx_k_skb_data(skb_, &size);
		CNX_UNSAFE_BUFFERS_BEGIN
		// SAFETY: skbs here are linear, and have `size` bytes there.
		return {static_cast<const std::byte *>(data), size};
		CNX_UNSAFE_BUFFERS_END
	}

	/// What is free behind them.
	[[nodiscard]] std::span<std::byte> room() CNX_LIFETIME_BOUND
	{
		__kernel_size_t size = 0;
		void *const tail = cnx_k_skb_room_of(skb_, &size);
		CNX_UNSAFE_BUFFERS_BEGIN
		// SAFETY: as above, the tailroom of `size` bytes.
		return {static_cast<std::byte *>(tail), size};
		CNX_UNSAFE_BUFFERS_END
	}

	/// The first `bytes` bytes of the room, which are carried from now on. nullptr: there are not so many.
	[[nodiscard]] std::byte *extend(std::size_t bytes)
	{
		// SAFETY: what extend gives has that size.
		return static_cast<std::byte *>(cnx_k_skb_extend(skb_, bytes));
	}

	/// Append the bytes of another. False: there is no room for them.
	[[nodiscard]] bool append(const Skb &other)
	{
		const std::span<const std::byte> bytes = other.bytes();
		std::byte *const at = extend(bytes.size());
		if (!at) [[unlikely]]
			return false;
		__builtin_memcpy(at, bytes.data(), bytes.size());
		return true;
	}

	/// Append a message with its payload. False: there is no room for it.
	[[nodiscard]] bool append(const cnx_message &message)
	{
		const std::size_t whole = datagram_room(message.length);
		std::byte *const at = extend(whole);
		if (!at) [[unlikely]]
			return false;
		CNX_UNSAFE_BUFFERS_BEGIN
		// SAFETY: that is how many bytes it was extended by, and they hold both headers and the payload.
		const std::span bytes(at, whole);
		CNX_UNSAFE_BUFFERS_END
		// The padding is the end of the last word, and there always is one: a part of the headers if nothing
		// else.
		const std::uint32_t padding = 0;
		__builtin_memcpy(bytes.last(sizeof(padding)).data(), &padding, sizeof(padding));
		void *const payload = cnx_write_headers(at, &message);
		if (message.length)
			__builtin_memcpy(payload, message.payload, message.length);
		return true;
	}

	/// Give back what the head has too much of, so that netlink need not. False if there is no memory for that.
	[[nodiscard]] bool fit(bool may_sleep) { return cnx_k_skb_fit(skb_, may_sleep); }

	/// Queue it to a socket. False: netlink has to decide, and it is still here.
	[[nodiscard]] bool queue_to(sock *socket, std::uint32_t group)
	{
		if (!cnx_k_queue(socket, skb_, group)) [[unlikely]]
			return false;
		skb_ = nullptr;
		return true;
	}

	void swap(Skb &other) { std::swap(skb_, other.skb_); }

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

	sk_buff *skb_;
};

} // namespace cnx::kernel

#endif // CNX_KERNEL_SKB_HPP
