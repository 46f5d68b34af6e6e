// SPDX-License-Identifier: GPL-2.0-only
// From untrusted bytes to typed views. Everything that reads a length from outside is in this file.
#ifndef CNX_CORE_MESSAGE_HPP
#define CNX_CORE_MESSAGE_HPP

#include <cnx/callback.h>
#include <cnx/core/annotations.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>

namespace cnx
{

using Id = ::cnx_id;

/// An id as one word, in the order in which its halves lie in memory: that is one load.
[[nodiscard]] constexpr std::uint64_t key_of(Id id)
{
	return std::bit_cast<std::uint64_t>(id);
}

inline constexpr Id control_id{CNX_CONTROL_IDX, CNX_CONTROL_VAL};

/// The layout of a netlink message header, as struct nlmsghdr of linux/netlink.h has it.
struct NetlinkHeader {
	std::uint32_t length; // this header included
	std::uint16_t type;
	std::uint16_t flags;
	std::uint32_t seq;
	std::uint32_t portid;
};
static_assert(sizeof(NetlinkHeader) == 16);

inline constexpr std::uint16_t netlink_flag_request = 0x1; // NLM_F_REQUEST
inline constexpr std::uint16_t netlink_flag_ack = 0x4;     // NLM_F_ACK
inline constexpr std::uint16_t netlink_type_noop = 1;      // NLMSG_NOOP
inline constexpr std::uint16_t netlink_type_done = 3;      // NLMSG_DONE, what the connector has always used

[[nodiscard]] constexpr std::size_t netlink_align(std::size_t bytes)
{
	return (bytes + 3) & ~std::size_t{3};
}

/// What one netlink message takes in a datagram, its padding included.
[[nodiscard]] constexpr std::size_t datagram_room(std::size_t payload)
{
	return netlink_align(sizeof(NetlinkHeader) + sizeof(cnx_msg) + payload);
}

/// The payload of a message that is being handled.
[[nodiscard]] inline std::span<const std::byte> payload_of(const cnx_message &message)
{
	CNX_UNSAFE_BUFFERS_BEGIN
	// SAFETY: payload and length are one checked view, as cnx/callback.h promises.
	return {static_cast<const std::byte *>(message.payload), message.length};
	CNX_UNSAFE_BUFFERS_END
}

/// A value of a trivially copyable type at the front of `bytes`, whatever its alignment there.
template <typename T>
requires std::is_trivially_copyable_v<T>
[[nodiscard]] std::optional<T> load(std::span<const std::byte> bytes)
{
	if (bytes.size() < sizeof(T))
		return std::nullopt;
	T value;
	__builtin_memcpy(&value, bytes.data(), sizeof(T));
	return value;
}

/// The same from the middle of bytes that are known to reach so far.
template <typename T>
requires std::is_trivially_copyable_v<T>
[[nodiscard, gnu::always_inline]] inline T load_at(std::span<const std::byte> bytes, std::size_t offset)
{
	T value;
	__builtin_memcpy(&value, bytes.subspan(offset, sizeof(T)).data(), sizeof(T));
	return value;
}

/// Why the bytes of a message were refused, as the counter that is raised for it.
enum class Malformed : unsigned {
	none = CNX_RECEIVED,
	truncated = CNX_DROP_TRUNCATED,
	bad_length = CNX_DROP_BAD_LENGTH,
	too_large = CNX_DROP_TOO_LARGE,
};

/// The body of one netlink message (what follows its header) as a connector message. What is written to `message`, all
/// of it and only where nothing is malformed, is a view of the body, whose payload has length bytes. The kernel's
/// connector takes a body longer than its cn_msg.len says, since the sender may have padded it; so does this, and the
/// payload is what len says.
[[nodiscard, gnu::always_inline]] inline Malformed parse_message(std::span<const std::byte> body CNX_LIFETIME_BOUND,
                                                                 cnx_message &message)
{
	if (body.size() < sizeof(cnx_msg)) [[unlikely]]
		return Malformed::truncated;
	if (body.size() > CNX_MAX_MESSAGE) [[unlikely]]
		return Malformed::too_large;
	const auto payload = body.subspan(sizeof(cnx_msg));
	const auto length = load_at<std::uint16_t>(body, offsetof(cnx_msg, len));
	if (length > payload.size()) [[unlikely]]
		return Malformed::bad_length;
	message.id = load_at<Id>(body, offsetof(cnx_msg, id));
	message.seq = load_at<std::uint32_t>(body, offsetof(cnx_msg, seq));
	message.ack = load_at<std::uint32_t>(body, offsetof(cnx_msg, ack));
	message.flags = load_at<std::uint16_t>(body, offsetof(cnx_msg, flags));
	message.length = length;
	message.payload = payload.data();
	return Malformed::none;
}

/// One netlink message of a datagram.
struct NetlinkMessage {
	NetlinkHeader header;
	std::span<const std::byte> body;
	const std::byte *start; // its header in the datagram
};

/// The netlink messages of one datagram, in order.
/// The bytes stay the caller's and must outlive this and every view taken from it.
class CNX_VIEW Datagram
{
public:
	explicit Datagram(std::span<const std::byte> bytes CNX_LIFETIME_BOUND) : rest_(bytes) {}

	/// Go to the next message, or to the first. False at the end, and from a malformed header on: then malformed()
	/// says why.
	[[nodiscard, gnu::always_inline]] bool next()
	{
		if (rest_.size() < sizeof(NetlinkHeader))
			return rest_.empty() ? false : end(Malformed::truncated);
		const std::size_t length = load_at<std::uint32_t>(rest_, offsetof(NetlinkHeader, length));
		if (length < sizeof(NetlinkHeader) || length > rest_.size()) [[unlikely]]
			return end(Malformed::bad_length);
		current_ = rest_.first(length);
		// The last message of a datagram need not be padded.
		const auto advance = netlink_align(length);
		if (advance < rest_.size())
			rest_ = rest_.subspan(advance);
		else
			rest_ = {};
		return true;
	}

	// Of the message that next() went to.
	[[nodiscard, gnu::always_inline]] std::uint16_t type() const
	{
		return load_at<std::uint16_t>(current_, offsetof(NetlinkHeader, type));
	}
	[[nodiscard, gnu::always_inline]] std::uint16_t flags() const
	{
		return load_at<std::uint16_t>(current_, offsetof(NetlinkHeader, flags));
	}
	[[nodiscard, gnu::always_inline]] std::span<const std::byte> body() const
	{
		return current_.subspan(sizeof(NetlinkHeader));
	}
	[[nodiscard, gnu::always_inline]] NetlinkMessage message() const
	{
		return {.header = {.length = load_at<std::uint32_t>(current_, offsetof(NetlinkHeader, length)),
		                   .type = type(),
		                   .flags = flags(),
		                   .seq = load_at<std::uint32_t>(current_, offsetof(NetlinkHeader, seq)),
		                   .portid = load_at<std::uint32_t>(current_, offsetof(NetlinkHeader, portid))},
		        .body = body(),
		        .start = current_.data()};
	}

	[[nodiscard]] Malformed malformed() const { return malformed_; }

private:
	[[gnu::always_inline]] bool end(Malformed why)
	{
		malformed_ = why;
		rest_ = {};
		return false;
	}

	// INVARIANT: current_ and rest_ are parts of the datagram; once next() has returned true, current_ is a netlink
	// message with its header.
	std::span<const std::byte> rest_;
	std::span<const std::byte> current_;
	Malformed malformed_ = Malformed::none;
};

} // namespace cnx

#endif // CNX_CORE_MESSAGE_HPP
