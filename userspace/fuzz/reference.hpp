// SPDX-License-Identifier: GPL-2.0-only
// How a datagram is to be understood, said a second time and as plainly as can be: offsets from its start, and one rule
// after the other. Slow, and knows nothing of include/cnx/core.
#ifndef CNX_FUZZ_REFERENCE_HPP
#define CNX_FUZZ_REFERENCE_HPP

#include <cnx/uapi.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace cnx::fuzz::reference
{

/// Why something is dropped; CNX_RECEIVED: it is not.
using Reason = cnx_counter;

struct Message {
	std::size_t offset; // of its netlink header in the datagram
	std::uint32_t length;
	std::uint16_t type;
	std::uint16_t flags;
	std::uint32_t seq;
	std::uint32_t portid;
	Reason body;     // what is wrong with the rest
	cnx_msg message; // where nothing is

	[[nodiscard]] std::size_t payload() const { return offset + 16 + sizeof(cnx_msg); }
};

struct Datagram {
	std::vector<Message> messages;
	Reason end; // what is wrong with the header that ended it
};

template <typename T>
T number(std::span<const std::byte> bytes, std::size_t offset)
{
	T value;
	std::memcpy(&value, &bytes[offset], sizeof(T));
	return value;
}

inline Reason judge(std::uint32_t length, std::span<const std::byte> bytes, Message &message)
{
	if (length < 16 + sizeof(cnx_msg))
		return CNX_DROP_TRUNCATED;
	if (length > 16 + CNX_MAX_MESSAGE)
		return CNX_DROP_TOO_LARGE;
	message.message = number<cnx_msg>(bytes, message.offset + 16);
	if (16 + sizeof(cnx_msg) + message.message.len > length)
		return CNX_DROP_BAD_LENGTH;
	return CNX_RECEIVED;
}

inline Datagram understand(std::span<const std::byte> bytes)
{
	Datagram datagram{.messages = {}, .end = CNX_RECEIVED};
	for (std::size_t at = 0; at < bytes.size();) {
		const std::size_t left = bytes.size() - at;
		if (left < 16) {
			datagram.end = CNX_DROP_TRUNCATED;
			break;
		}
		const auto length = number<std::uint32_t>(bytes, at);
		if (length < 16 || length > left) {
			datagram.end = CNX_DROP_BAD_LENGTH;
			break;
		}
		Message message{.offset = at,
		                .length = length,
		                .type = number<std::uint16_t>(bytes, at + 4),
		                .flags = number<std::uint16_t>(bytes, at + 6),
		                .seq = number<std::uint32_t>(bytes, at + 8),
		                .portid = number<std::uint32_t>(bytes, at + 12),
		                .body = CNX_RECEIVED,
		                .message = {}};
		message.body = judge(length, bytes, message);
		datagram.messages.push_back(message);
		at += length;
		while (at % 4 != 0)
			++at;
	}
	return datagram;
}

} // namespace cnx::fuzz::reference

#endif // CNX_FUZZ_REFERENCE_HPP
