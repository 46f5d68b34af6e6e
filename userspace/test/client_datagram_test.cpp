// SPDX-License-Identifier: MIT
/* The parser of received bytes: good datagrams, and every way in which they can lie. */
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <linux/netlink.h>

#include "client/datagram.hpp"

namespace
{

using namespace cnx::client;
using Bytes = std::vector<std::byte>;

constexpr std::size_t headers = sizeof(nlmsghdr) + sizeof(cnx_msg);

template <class T>
void append(Bytes &bytes, const T &value)
{
	const auto source = std::as_bytes(std::span(&value, 1));
	bytes.insert(bytes.end(), source.begin(), source.end());
}

template <class T>
void poke(Bytes &bytes, std::size_t offset, T value)
{
	ASSERT_LE(offset + sizeof value, bytes.size());
	std::memcpy(bytes.data() + offset, &value, sizeof value);
}

Bytes message(std::string_view payload, std::uint32_t seq = 7)
{
	Bytes bytes;
	EXPECT_TRUE(append_message(bytes, {{1, 2}, seq, 3, 4, cnx::client::bytes(payload)}, 0, seq, 0));
	return bytes;
}

/* An NLMSG_ERROR as the kernel writes it: capped or with the quoted message, with or without a sentence. */
Bytes error(int code, std::uint32_t seq, std::string_view sentence, bool capped)
{
	nlmsghdr header{};
	header.nlmsg_type = NLMSG_ERROR;
	header.nlmsg_flags =
	    static_cast<std::uint16_t>((capped ? NLM_F_CAPPED : 0) | (sentence.empty() ? 0 : NLM_F_ACK_TLVS));
	nlmsgerr body{};
	body.error = code;
	const Bytes quoted = message("quoted", seq);
	std::memcpy(&body.msg, quoted.data(), sizeof body.msg);

	Bytes bytes;
	append(bytes, header);
	append(bytes, body);
	if (!capped)
		bytes.insert(bytes.end(), quoted.begin() + sizeof(nlmsghdr), quoted.end());
	if (!sentence.empty()) {
		/* An attribute of another kind comes first, and is passed over. */
		append(bytes, nlattr{8, NLMSGERR_ATTR_OFFS});
		append(bytes, std::uint32_t{16});
		append(bytes,
		       nlattr{static_cast<std::uint16_t>(sizeof(nlattr) + sentence.size() + 1), NLMSGERR_ATTR_MSG});
		for (const char character : sentence)
			bytes.push_back(static_cast<std::byte>(character));
		bytes.push_back(std::byte{0});
	}
	poke(bytes, 0, static_cast<std::uint32_t>(bytes.size()));
	bytes.resize((bytes.size() + 3) & ~std::size_t{3});
	return bytes;
}

/* Each item must be looked at while `bytes` lives. */
std::vector<Item> parse(const Bytes &bytes)
{
	DatagramReader reader(bytes);
	std::vector<Item> items;
	while (auto item = reader.next())
		items.push_back(*item);
	return items;
}

void expect_malformed(const Item &item, Malformation reason, std::size_t offset = 0)
{
	const auto *malformed = std::get_if<Malformed>(&item);
	ASSERT_NE(malformed, nullptr);
	EXPECT_EQ(malformed->reason, reason);
	EXPECT_EQ(malformed->offset, offset);
}

TEST(client_datagram, empty)
{
	EXPECT_TRUE(parse({}).empty());
	EXPECT_FALSE(DatagramReader().next());
}

TEST(client_datagram, one_message)
{
	const auto bytes = message("hello");
	const auto items = parse(bytes);
	ASSERT_EQ(items.size(), 1u);
	const auto &view = std::get<MessageView>(items[0]);
	EXPECT_EQ(view.id, (Id{1, 2}));
	EXPECT_EQ(view.seq, 7u);
	EXPECT_EQ(view.ack, 3u);
	EXPECT_EQ(view.flags, 4u);
	EXPECT_EQ(text(view.payload), "hello");
}

TEST(client_datagram, zero_payload)
{
	const auto bytes = message("");
	const auto items = parse(bytes);
	ASSERT_EQ(items.size(), 1u);
	EXPECT_TRUE(std::get<MessageView>(items[0]).payload.empty());
}

TEST(client_datagram, largest_payload_and_one_more)
{
	const Bytes payload(CNX_MAX_MESSAGE - sizeof(cnx_msg) + 1);
	Bytes bytes;
	EXPECT_FALSE(append_message(bytes, {{1, 2}, 0, 0, 0, payload}, 0, 0, 0));
	EXPECT_TRUE(bytes.empty());
	ASSERT_TRUE(append_message(bytes, {{1, 2}, 0, 0, 0, std::span(payload).first(payload.size() - 1)}, 0, 0, 0));
	const auto items = parse(bytes);
	ASSERT_EQ(items.size(), 1u);
	EXPECT_EQ(std::get<MessageView>(items[0]).payload.size(), payload.size() - 1);
}

TEST(client_datagram, batch_in_order_with_every_padding)
{
	Bytes bytes;
	for (std::uint32_t seq = 0; seq < 9; ++seq)
		ASSERT_TRUE(append_message(
		    bytes, {{1, 2}, seq, 0, 0, cnx::client::bytes(std::string_view("abcdefghi").substr(0, seq))}, 0,
		    seq, 0));
	EXPECT_EQ(bytes.size() % 4, 0u);
	const auto items = parse(bytes);
	ASSERT_EQ(items.size(), 9u);
	for (std::uint32_t seq = 0; seq < 9; ++seq) {
		EXPECT_EQ(std::get<MessageView>(items[seq]).seq, seq);
		EXPECT_EQ(std::get<MessageView>(items[seq]).payload.size(), seq);
	}
}

TEST(client_datagram, last_padding_may_be_missing)
{
	auto bytes = message("hello");
	bytes.resize(headers + 5);
	const auto items = parse(bytes);
	ASSERT_EQ(items.size(), 1u);
	EXPECT_EQ(text(std::get<MessageView>(items[0]).payload), "hello");
}

TEST(client_datagram, padding_counted_in_nlmsg_len)
{
	auto bytes = message("hello");
	poke(bytes, 0, static_cast<std::uint32_t>(bytes.size()));
	const auto items = parse(bytes);
	ASSERT_EQ(items.size(), 1u);
	EXPECT_EQ(text(std::get<MessageView>(items[0]).payload), "hello");
}

TEST(client_datagram, unaligned_bytes)
{
	auto bytes = message("hello");
	bytes.insert(bytes.begin(), std::byte{});
	DatagramReader reader(std::span<const std::byte>(bytes).subspan(1));
	const auto item = reader.next();
	ASSERT_TRUE(item);
	EXPECT_EQ(text(std::get<MessageView>(*item).payload), "hello");
}

TEST(client_datagram, cut_anywhere_is_malformed_once)
{
	const auto whole = message("hello");
	for (std::size_t size = 1; size < headers + 5; ++size) {
		/* In memory of exactly that size, so that the sanitizer sees any step beyond it. */
		const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
		const auto items = parse(cut);
		ASSERT_EQ(items.size(), 1u) << size;
		expect_malformed(items[0], size < sizeof(nlmsghdr) ? Malformation::Truncated : Malformation::BadLength);
	}
}

TEST(client_datagram, nlmsg_len_lies)
{
	for (const std::uint32_t lie : {0u, 1u, 15u, 0x7fffffffu, 0xfffffff0u, 0xffffffffu}) {
		auto bytes = message("hello");
		poke(bytes, 0, lie);
		const auto items = parse(bytes);
		ASSERT_EQ(items.size(), 1u) << lie;
		expect_malformed(items[0], Malformation::BadLength);
	}
}

TEST(client_datagram, good_ones_before_a_lie_are_kept)
{
	auto bytes = message("good");
	const auto offset = bytes.size();
	const auto bad = message("bad");
	bytes.insert(bytes.end(), bad.begin(), bad.end());
	poke(bytes, offset, std::uint32_t{0xffffffff});
	const auto items = parse(bytes);
	ASSERT_EQ(items.size(), 2u);
	EXPECT_EQ(text(std::get<MessageView>(items[0]).payload), "good");
	expect_malformed(items[1], Malformation::BadLength, offset);
}

TEST(client_datagram, connector_length_lies_and_the_next_message_survives)
{
	for (const std::uint16_t lie : {std::uint16_t{0}, std::uint16_t{4}, std::uint16_t{9}, std::uint16_t{0xffff}}) {
		auto bytes = message("12345678");
		poke(bytes, sizeof(nlmsghdr) + offsetof(cnx_msg, len), lie);
		const auto good = message("good");
		bytes.insert(bytes.end(), good.begin(), good.end());
		const auto items = parse(bytes);
		ASSERT_EQ(items.size(), 2u) << lie;
		expect_malformed(items[0], Malformation::BadLength);
		EXPECT_EQ(text(std::get<MessageView>(items[1]).payload), "good");
	}
}

TEST(client_datagram, connector_header_cut)
{
	auto bytes = message("");
	bytes.resize(headers - 4);
	poke(bytes, 0, static_cast<std::uint32_t>(bytes.size()));
	const auto items = parse(bytes);
	ASSERT_EQ(items.size(), 1u);
	expect_malformed(items[0], Malformation::Truncated);
}

TEST(client_datagram, other_types)
{
	auto bytes = message("noop");
	poke(bytes, offsetof(nlmsghdr, nlmsg_type), std::uint16_t{NLMSG_NOOP});
	EXPECT_TRUE(parse(bytes).empty());
	poke(bytes, offsetof(nlmsghdr, nlmsg_type), std::uint16_t{99});
	const auto items = parse(bytes);
	ASSERT_EQ(items.size(), 1u);
	expect_malformed(items[0], Malformation::BadType);
}

TEST(client_datagram, acknowledgement)
{
	const auto bytes = error(0, 5, "", true);
	const auto items = parse(bytes);
	ASSERT_EQ(items.size(), 1u);
	const auto &view = std::get<AcknowledgementView>(items[0]);
	EXPECT_EQ(view.code, 0);
	EXPECT_EQ(view.seq, 5u);
	EXPECT_TRUE(view.what.empty());
}

TEST(client_datagram, error_with_sentence)
{
	for (const bool capped : {true, false}) {
		auto bytes = error(-ENODEV, 6, "no callback has this id", capped);
		const auto good = message("good");
		bytes.insert(bytes.end(), good.begin(), good.end());
		const auto items = parse(bytes);
		ASSERT_EQ(items.size(), 2u);
		const auto &view = std::get<AcknowledgementView>(items[0]);
		EXPECT_EQ(view.code, ENODEV);
		EXPECT_EQ(view.seq, 6u);
		EXPECT_EQ(view.what, "no callback has this id");
	}
}

TEST(client_datagram, error_that_lies)
{
	for (const int code : {1, INT32_MAX, INT32_MIN, -4096}) {
		const auto bytes = error(code, 6, "", true);
		const auto items = parse(bytes);
		ASSERT_EQ(items.size(), 1u) << code;
		expect_malformed(items[0], Malformation::BadErrno);
	}
	/* The length of the quoted message leads beyond the end, or around. */
	for (const std::uint32_t lie : {0u, 15u, 4096u, 0xffffffffu}) {
		auto bytes = error(-ENODEV, 6, "sentence", false);
		poke(bytes, sizeof(nlmsghdr) + offsetof(nlmsgerr, msg), lie);
		const auto items = parse(bytes);
		ASSERT_EQ(items.size(), 1u) << lie;
		expect_malformed(items[0], Malformation::BadLength);
	}
	/* Attributes with impossible lengths yield no sentence, and no endless walk. */
	for (const std::uint16_t lie : {std::uint16_t{0}, std::uint16_t{3}, std::uint16_t{0xffff}}) {
		auto bytes = error(-ENODEV, 6, "sentence", true);
		poke(bytes, sizeof(nlmsghdr) + sizeof(nlmsgerr), lie);
		const auto items = parse(bytes);
		ASSERT_EQ(items.size(), 1u) << lie;
		EXPECT_TRUE(std::get<AcknowledgementView>(items[0]).what.empty());
	}
}

TEST(client_datagram, every_byte_changed_ends_and_stays_within_bounds)
{
	auto whole = message("hello");
	const auto second = error(-ENODEV, 6, "sentence", false);
	whole.insert(whole.end(), second.begin(), second.end());
	for (std::size_t offset = 0; offset < whole.size(); ++offset) {
		for (unsigned value = 0; value < 256; ++value) {
			auto bytes = whole;
			unsigned sum = 0;
			bytes[offset] = static_cast<std::byte>(value);
			for (const auto &item : parse(bytes))
				if (const auto *view = std::get_if<MessageView>(&item))
					for (const auto byte : view->payload)
						sum += std::to_integer<unsigned>(byte);
			/* Every payload was read, under the sanitizer's eyes. */
			EXPECT_LE(sum, 255u * whole.size());
		}
	}
}

} // namespace
