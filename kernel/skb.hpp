// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_KERNEL_SKB_HPP
#define CNX_KERNEL_SKB_HPP

#include "bindings.h"

#include <cnx/core/annotations.hpp>
#include <cnx/core/message.hpp>
#include <cnx/core/result.hpp>

#include <cstddef>
#include <cstdint>
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

	/// One to be kept ready to become a clone of any other. It is one of this already. May sleep. no_memory.
	[[nodiscard]] Result<Skb> clone_ready() const { return own(cnx_k_skb_clone_ready(skb_)); }

	/// Another skb over the same bytes. no_memory.
	[[nodiscard]] Result<Skb> clone(bool may_sleep) const { return own(cnx_k_skb_clone(skb_, may_sleep)); }
	/// The same, out of one that was kept ready.
	[[nodiscard]] Skb clone(Skb &&ready) const
	{
		cnx_k_skb_become_clone(ready.skb_, skb_);
		return std::move(ready);
	}

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
		// SAFETY: cnx_write_headers() returns where the payload goes, which has that many bytes; and so many
		// are at message.payload, as Transport::fits() has seen to.
		copy(static_cast<std::byte *>(payload), static_cast<const std::byte *>(message.payload),
		     message.length);
		return true;
	}

	/// Append a netlink message that says nothing. False: there is no room for it.
	[[nodiscard]] bool append_noop()
	{
		nlmsghdr header{};
		header.nlmsg_len = sizeof(header);
		header.nlmsg_type = NLMSG_NOOP;
		std::byte *const at = extend(sizeof(header));
		if (at)
			__builtin_memcpy(at, &header, sizeof(header));
		return at;
	}

	/// Give back what the head has too much of, so that netlink need not. False if there is no memory for that.
	[[nodiscard]] bool fit(bool may_sleep) { return cnx_k_skb_fit(skb_, may_sleep); }

	/// Queue it to a socket. False: it is still here, since the socket is full, or is closing, or has missed
	/// something already, unless that does not matter.
	[[nodiscard]] bool queue_to(sock *socket, std::uint32_t group, bool though_it_missed = false)
	{
		if (!cnx_k_queue(socket, skb_, group, though_it_missed)) [[unlikely]]
			return false;
		skb_ = nullptr;
		return true;
	}

	void swap(Skb &other) { std::swap(skb_, other.skb_); }

	[[nodiscard]] sk_buff *release() && { return std::exchange(skb_, nullptr); }

private:
	explicit Skb(sk_buff *skb) : skb_(skb) {}

	/// Few bytes, as messages have, are copied sooner by words than by the kernel's memcpy(), which is one
	/// instruction that takes its time to begin.
	[[gnu::always_inline]] static void copy(std::byte *to, const std::byte *from, std::size_t size)
	{
		constexpr std::size_t few = 128;
		if (size < sizeof(std::uint64_t) || size > few) {
			__builtin_memcpy(to, from, size);
			return;
		}
		// SAFETY: no word that is copied below ends behind `size`. To check each would take longer than to copy
		// it.
		CNX_UNSAFE_BUFFERS_BEGIN
		const auto copy_word = [to, from](std::size_t at) {
			__builtin_memcpy(to + at, from + at, sizeof(std::uint64_t));
		};
		CNX_UNSAFE_BUFFERS_END
		// The last word may overlap with the one before it.
		const std::size_t last = size - sizeof(std::uint64_t);
		for (std::size_t at = 0; at < last; at += sizeof(std::uint64_t))
			copy_word(at);
		copy_word(last);
	}

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
