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

/// A value of a trivially copyable type at the front of `bytes`, whatever its alignment there.
template <typename T>
[[nodiscard]] std::optional<T> load(std::span<const std::byte> bytes)
{
	if (bytes.size() < sizeof(T))
		return std::nullopt;
	T value;
	__builtin_memcpy(&value, bytes.data(), sizeof(T));
	return value;
}

/// Why the bytes of a message were refused.
enum class Malformed : unsigned {
	truncated = CNX_DROP_TRUNCATED,
	bad_length = CNX_DROP_BAD_LENGTH,
	too_large = CNX_DROP_TOO_LARGE,
};

/// The connector message in the body of one netlink message.
/// INVARIANT: made only by parse_message() or by a driver's own message of this kernel; payload has length bytes.
struct ParsedMessage {
	cnx_message message{};
	std::optional<Malformed> malformed;
};

/// The body of one netlink message (what follows its header) as a connector message.
/// The kernel's connector takes a body longer than its cn_msg.len says, since the sender may have padded it; so
/// does this, and the payload is what len says.
[[nodiscard]] inline ParsedMessage parse_message(std::span<const std::byte> body CNX_LIFETIME_BOUND)
{
	if (body.size() > CNX_MAX_MESSAGE)
		return {.message = {}, .malformed = Malformed::too_large};
	const auto header = load<cnx_msg>(body);
	if (!header)
		return {.message = {}, .malformed = Malformed::truncated};
	const auto payload = body.subspan(sizeof(cnx_msg));
	if (header->len > payload.size())
		return {.message = {}, .malformed = Malformed::bad_length};
	return {.message = {.id = header->id,
	                    .seq = header->seq,
	                    .ack = header->ack,
	                    .flags = header->flags,
	                    .length = header->len,
	                    .payload = payload.data()},
	        .malformed = std::nullopt};
}

/// One netlink message of a datagram.
struct NetlinkMessage {
	NetlinkHeader header;
	std::size_t offset; // of its header in the datagram, in bytes
	std::span<const std::byte> body;
};

/// The netlink messages of one datagram, in order.
/// The bytes stay the caller's and must outlive this and every view taken from it.
class Datagram
{
public:
	explicit Datagram(std::span<const std::byte> bytes CNX_LIFETIME_BOUND) : bytes_(bytes) {}

	/// The next message. Nothing at the end, and nothing from a malformed header on: then malformed() says why.
	[[nodiscard]] std::optional<NetlinkMessage> next()
	{
		const auto rest = bytes_.subspan(offset_);
		if (rest.empty() || malformed_)
			return std::nullopt;
		const auto header = load<NetlinkHeader>(rest);
		if (!header) {
			malformed_ = Malformed::truncated;
			return std::nullopt;
		}
		if (header->length < sizeof(NetlinkHeader) || header->length > rest.size()) {
			malformed_ = Malformed::bad_length;
			return std::nullopt;
		}
		const NetlinkMessage message{
		    .header = *header,
		    .offset = offset_,
		    .body = rest.subspan(sizeof(NetlinkHeader), header->length - sizeof(NetlinkHeader)),
		};
		// The last message of a datagram need not be padded.
		const auto advance = netlink_align(header->length);
		offset_ += advance < rest.size() ? advance : rest.size();
		return message;
	}

	[[nodiscard]] std::optional<Malformed> malformed() const { return malformed_; }

private:
	// INVARIANT: offset_ <= bytes_.size().
	std::span<const std::byte> bytes_;
	std::size_t offset_ = 0;
	std::optional<Malformed> malformed_;
};

} // namespace cnx

#endif // CNX_CORE_MESSAGE_HPP
