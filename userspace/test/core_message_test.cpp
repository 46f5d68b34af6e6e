// SPDX-License-Identifier: GPL-2.0-only
#include "core_world.hpp"

namespace cnx::test
{
namespace
{

using Reason = Malformed;

/// What parse_message() says of some bytes.
struct Parsed {
	cnx_message message{};
	Reason malformed{};
};

Parsed parse(const Bytes &body)
{
	Parsed parsed;
	parsed.malformed = parse_message(body, parsed.message);
	return parsed;
}

TEST(CoreMessage, ViewsAWellFormedOne)
{
	const Bytes bytes = connector_message({3, 4}, 10);
	const auto parsed = parse(bytes);
	ASSERT_EQ(parsed.malformed, Malformed::none);
	EXPECT_EQ(parsed.message.id.idx, 3u);
	EXPECT_EQ(parsed.message.id.val, 4u);
	EXPECT_EQ(parsed.message.seq, 7u);
	EXPECT_EQ(parsed.message.ack, 8u);
	EXPECT_EQ(parsed.message.flags, 9u);
	EXPECT_EQ(parsed.message.length, 10u);
	EXPECT_EQ(parsed.message.payload, bytes.data() + sizeof(cnx_msg));
}

TEST(CoreMessage, TakesNoPayload)
{
	const auto parsed = parse(connector_message({1, 1}, 0));
	EXPECT_EQ(parsed.malformed, Malformed::none);
	EXPECT_EQ(parsed.message.length, 0u);
}

TEST(CoreMessage, TakesABodyLongerThanItsLengthSays)
{
	const auto parsed = parse(connector_message({1, 1}, 8, 5));
	EXPECT_EQ(parsed.malformed, Malformed::none);
	EXPECT_EQ(parsed.message.length, 5u);
}

TEST(CoreMessage, RefusesEveryTruncatedHeader)
{
	const Bytes whole = connector_message({1, 1}, 0);
	for (std::size_t size = 0; size < whole.size(); ++size) {
		// An allocation of its own for each, so that AddressSanitizer sees a read beyond it.
		const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
		EXPECT_EQ(parse(part).malformed, Malformed::truncated) << size;
	}
}

TEST(CoreMessage, RefusesALengthBeyondItsBytes)
{
	EXPECT_EQ(parse(connector_message({1, 1}, 4, 5)).malformed, Malformed::bad_length);
	EXPECT_EQ(parse(connector_message({1, 1}, 0, 1)).malformed, Malformed::bad_length);
	EXPECT_EQ(parse(connector_message({1, 1}, 4, 65535)).malformed, Malformed::bad_length);
}

TEST(CoreMessage, TakesTheLimitAndNotOneMore)
{
	constexpr std::size_t most = CNX_MAX_MESSAGE - sizeof(cnx_msg);
	EXPECT_EQ(parse(connector_message({1, 1}, most)).malformed, Malformed::none);
	EXPECT_EQ(parse(connector_message({1, 1}, most + 1)).malformed, Malformed::too_large);
	EXPECT_EQ(parse(connector_message({1, 1}, most + 1, 1)).malformed, Malformed::too_large);
}

TEST(CoreMessage, LoadsAtAnyAlignment)
{
	for (std::size_t shift = 0; shift < 8; ++shift) {
		Bytes bytes(shift);
		append(bytes, std::uint64_t{0x0123456789abcdef});
		EXPECT_EQ(load<std::uint64_t>(std::span(bytes).subspan(shift)), 0x0123456789abcdefu);
		EXPECT_EQ(load<std::uint64_t>(std::span(bytes).subspan(shift + 1)), std::nullopt);
	}
}

TEST(CoreMessage, RoomIsWhatADatagramNeeds)
{
	for (std::size_t payload = 0; payload < 9; ++payload)
		EXPECT_EQ(datagram_room(payload), datagram_of({connector_message({1, 1}, payload)}).size());
}

std::vector<std::size_t> bodies_of(const Bytes &bytes, Reason &malformed)
{
	Datagram datagram(bytes);
	std::vector<std::size_t> sizes;
	while (datagram.next())
		sizes.push_back(datagram.body().size());
	EXPECT_FALSE(datagram.next()) << "a datagram that has ended goes on";
	malformed = datagram.malformed();
	return sizes;
}

TEST(CoreDatagram, IsEmpty)
{
	Reason malformed{};
	EXPECT_TRUE(bodies_of({}, malformed).empty());
	EXPECT_EQ(malformed, Malformed::none);
}

TEST(CoreDatagram, SkipsPaddingBetweenMessages)
{
	Reason malformed{};
	const auto sizes = bodies_of(datagram_of({Bytes(21), Bytes(22), Bytes(23), Bytes(24)}), malformed);
	EXPECT_EQ(sizes, (std::vector<std::size_t>{21, 22, 23, 24}));
	EXPECT_EQ(malformed, Malformed::none);
}

TEST(CoreDatagram, NeedsNoPaddingAtItsEnd)
{
	for (std::size_t cut = 0; cut <= 3; ++cut) {
		Reason malformed{};
		Bytes bytes = datagram_of({Bytes(20), Bytes(21)});
		bytes.resize(bytes.size() - cut);
		EXPECT_EQ(bodies_of(bytes, malformed), (std::vector<std::size_t>{20, 21})) << cut;
		EXPECT_EQ(malformed, Malformed::none) << cut;
	}
}

TEST(CoreDatagram, GivesWhatComesBeforeATruncatedHeader)
{
	for (std::size_t rest = 1; rest < sizeof(NetlinkHeader); ++rest) {
		Reason malformed{};
		Bytes bytes = datagram_of({Bytes(20), Bytes(24)});
		bytes.resize(bytes.size() + rest);
		EXPECT_EQ(bodies_of(bytes, malformed), (std::vector<std::size_t>{20, 24})) << rest;
		EXPECT_EQ(malformed, Malformed::truncated) << rest;
	}
}

TEST(CoreDatagram, GivesWhatComesBeforeABadLength)
{
	// Too small for the header itself, one more than there is, and what overflows when it is rounded or added.
	for (const std::uint32_t length : {0u, 1u, 15u, 37u, 0x7fffffffu, 0x80000000u, 0xfffffffdu, 0xffffffffu}) {
		Reason malformed{};
		Bytes bytes = datagram_of({Bytes(20)});
		append(bytes, NetlinkHeader{length, netlink_type_done, 0, 0, 0});
		bytes.resize(bytes.size() + 20);
		EXPECT_EQ(bodies_of(bytes, malformed), (std::vector<std::size_t>{20})) << length;
		EXPECT_EQ(malformed, Malformed::bad_length) << length;
	}
}

TEST(CoreDatagram, KnowsWhereAMessageBegan)
{
	const Bytes bytes = datagram_of({Bytes(1), Bytes(2)});
	Datagram datagram(bytes);
	ASSERT_TRUE(datagram.next());
	EXPECT_EQ(datagram.message().start, bytes.data());
	ASSERT_TRUE(datagram.next());
	EXPECT_EQ(datagram.message().start, bytes.data() + 20);
}

TEST(CoreDatagram, SurvivesRandomBytes)
{
	std::uint32_t state = 1;
	const auto random = [&state] { return state = state * 1664525u + 1013904223u; };
	for (unsigned round = 0; round < 20000; ++round) {
		Bytes bytes(random() >> 16 & 127);
		for (auto &byte : bytes)
			byte = static_cast<std::byte>(random() >> 24);
		// Most lengths of a random datagram are absurd; plausible ones reach further.
		if (bytes.size() >= 4 && (random() >> 31)) {
			const std::uint32_t length = random() >> 16 & 127;
			std::memcpy(bytes.data(), &length, sizeof(length));
		}
		Datagram datagram(bytes);
		std::size_t seen = 0;
		while (datagram.next()) {
			const auto body = datagram.body();
			seen += sizeof(NetlinkHeader) + body.size();
			ASSERT_LE(seen, bytes.size());
			cnx_message parsed;
			ASSERT_TRUE(parse_message(body, parsed) != Malformed::none ||
			            parsed.length + sizeof(cnx_msg) <= body.size());
		}
	}
}

} // namespace
} // namespace cnx::test
