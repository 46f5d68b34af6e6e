// SPDX-License-Identifier: GPL-2.0-only
// The parser, fed with anything: it says of every datagram what the reference says, and stays within the bytes.
#include "fuzz/input.hpp"
#include "fuzz/reference.hpp"
#include "fuzz/structure.hpp"

#include <cnx/core/message.hpp>

#include <iterator>
#include <memory>

using namespace cnx;
using namespace cnx::fuzz;

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t *data, std::size_t size, std::size_t max_size);

namespace
{

void check_header(const NetlinkMessage &message, std::uint16_t type, std::uint16_t flags,
                  const reference::Message &expected, std::span<const std::byte> datagram)
{
	require(message.start == datagram.data() + expected.offset);
	require(message.header.length == expected.length && message.header.seq == expected.seq &&
	        message.header.portid == expected.portid);
	require(message.header.type == expected.type && type == expected.type);
	require(message.header.flags == expected.flags && flags == expected.flags);
	require(message.body.data() == message.start + sizeof(NetlinkHeader));
	require(message.body.size() == expected.length - sizeof(NetlinkHeader));
}

void check_body(std::span<const std::byte> body, const reference::Message &expected,
                std::span<const std::byte> datagram)
{
	static const std::byte nowhere{};
	const cnx_message untouched{{1, 2}, 3, 4, 5, 6, &nowhere};
	cnx_message message = untouched;
	require(static_cast<cnx_counter>(parse_message(body, message)) == expected.body);
	if (expected.body != CNX_RECEIVED) {
		require(message.id.idx == untouched.id.idx && message.id.val == untouched.id.val &&
		        message.seq == untouched.seq && message.ack == untouched.ack &&
		        message.flags == untouched.flags && message.length == untouched.length &&
		        message.payload == untouched.payload);
		return;
	}
	require(message.id.idx == expected.message.id.idx && message.id.val == expected.message.id.val &&
	        message.seq == expected.message.seq && message.ack == expected.message.ack &&
	        message.flags == expected.message.flags && message.length == expected.message.len);
	require(message.payload == datagram.data() + expected.payload());
	require(expected.payload() + message.length <= datagram.size());
	// What a sender of this very message is told to make room for.
	require(datagram_room(message.length) <= netlink_align(expected.length));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	const auto bytes = std::as_bytes(std::span(data, size));
	const auto expected = reference::understand(bytes);
	Datagram datagram(bytes);
	for (const auto &message : expected.messages) {
		require(datagram.malformed() == Malformed::none && datagram.next());
		check_header(datagram.message(), datagram.type(), datagram.flags(), message, bytes);
		check_body(datagram.body(), message, bytes);
	}
	require(!datagram.next() && !datagram.next());
	require(static_cast<cnx_counter>(datagram.malformed()) == expected.end);
	return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t *data, std::size_t size, std::size_t max_size,
                                               unsigned seed)
{
	Random random(seed);
	// Bytes that are no message at all have to be tried as well.
	if (once_in(random, 4))
		return LLVMFuzzerMutate(data, size, max_size);
	Structure structure(std::as_bytes(std::span(data, size)));
	static constexpr std::array<cnx_id, 2> ids{{{1, 2}, {CNX_CONTROL_IDX, CNX_CONTROL_VAL}}};
	structure.mutate(random, ids, [](std::vector<std::byte> &payload, Random &) {
		std::vector<std::uint8_t> bytes(payload.size() + 16);
		if (!payload.empty())
			std::memcpy(bytes.data(), payload.data(), payload.size());
		bytes.resize(LLVMFuzzerMutate(bytes.data(), payload.size(), bytes.size()));
		payload.assign(std::as_bytes(std::span(bytes)).begin(), std::as_bytes(std::span(bytes)).end());
	});
	const auto mutated = structure.bytes();
	const auto used = std::min(mutated.size(), max_size);
	if (used != 0)
		std::memcpy(data, mutated.data(), used);
	return used;
}
