// SPDX-License-Identifier: MIT
/* The client over a stand-in for the kernel: matching of answers, batches, overruns, pages of control replies. */
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <linux/netlink.h>

#include "client_stub.hpp"

namespace
{

using namespace cnx::client;
using namespace cnx::client::test;

struct client_exchange : testing::Test {
	Kernel kernel;
	Client client{std::make_unique<Stub>(kernel)};
};

TEST_F(client_exchange, request_finds_its_reply_among_others)
{
	kernel.answer = [](Kernel &kernel, const Sent &sent) {
		EXPECT_EQ(sent.netlink.nlmsg_flags, NLM_F_REQUEST);
		EXPECT_NE(sent.message.seq, 0u);
		kernel.message({{9, 9}, sent.message.seq, 1, 0, bytes("other id")}, 5);
		kernel.message({{1, 2}, sent.message.seq + 1, 1, 0, bytes("other seq")});
		kernel.message({{1, 2}, sent.message.seq, 0, 0, bytes("other ack")});
		kernel.queue.push_back({{}, ENOBUFS});
		echo(kernel, sent);
	};
	const auto reply = client.request({{1, 2}, 0, 0, 0, bytes("ping")}, Timeout{10});
	ASSERT_TRUE(reply) << reply.error().what;
	EXPECT_EQ(text(reply->payload), "ping");

	/* What was no answer is still there, in order. */
	const auto first = client.receive(Timeout{0});
	ASSERT_TRUE(first);
	EXPECT_EQ(text(std::get<Message>(*first).payload), "other id");
	EXPECT_EQ(std::get<Message>(*first).group, 5u);
	for (const char *expected : {"other seq", "other ack"}) {
		const auto event = client.receive(Timeout{0});
		ASSERT_TRUE(event);
		EXPECT_EQ(text(std::get<Message>(*event).payload), expected);
	}
	const auto overrun = client.receive(Timeout{0});
	ASSERT_TRUE(overrun);
	EXPECT_EQ(std::get<Overrun>(*overrun).count, 1u);
	EXPECT_EQ(client.receive(Timeout{0}).error().code, ETIMEDOUT);
}

TEST_F(client_exchange, refused_request_and_silence)
{
	kernel.answer = [](Kernel &kernel, const Sent &sent) { kernel.acknowledge(sent.netlink.nlmsg_seq, ENODEV); };
	EXPECT_EQ(client.request({{1, 2}, 5, 0, 0, {}}, Timeout{10}).error().code, ENODEV);
	kernel.answer = nullptr;
	EXPECT_EQ(client.request({{1, 2}, 5, 0, 0, {}}, Timeout{10}).error().code, ETIMEDOUT);
}

TEST_F(client_exchange, sending_with_and_without_acknowledgement)
{
	std::uint16_t flags = 0xffff;
	kernel.answer = [&](Kernel &, const Sent &sent) { flags = sent.netlink.nlmsg_flags; };
	EXPECT_TRUE(client.send({{1, 2}, 1, 0, 0, {}}));
	EXPECT_EQ(flags, 0);

	kernel.answer = [](Kernel &kernel, const Sent &sent) {
		EXPECT_EQ(sent.netlink.nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
		kernel.acknowledge(sent.netlink.nlmsg_seq - 1, EPERM); /* a stale one, for another message */
		kernel.acknowledge(sent.netlink.nlmsg_seq, 0);
	};
	EXPECT_TRUE(client.send({{1, 2}, 1, 0, 0, {}}, Answer::Always));
	kernel.answer = [](Kernel &kernel, const Sent &sent) { kernel.acknowledge(sent.netlink.nlmsg_seq, EPERM); };
	EXPECT_EQ(client.send({{1, 2}, 1, 0, 0, {}}, Answer::Always).error().code, EPERM);

	const auto number = client.send({{1, 2}, 1, 0, 0, {}}, Answer::Errors);
	ASSERT_TRUE(number);
	EXPECT_EQ(std::get<Acknowledgement>(*client.receive(Timeout{0})).code, EPERM); /* the stale one */
	const auto event = client.receive(Timeout{0});
	ASSERT_TRUE(event);
	EXPECT_EQ(std::get<Acknowledgement>(*event).seq, *number);

	const Bytes huge(CNX_MAX_MESSAGE);
	EXPECT_EQ(client.send({{1, 2}, 1, 0, 0, huge}).error().code, EMSGSIZE);
}

TEST_F(client_exchange, batch_is_one_datagram_and_refusals_are_told_apart)
{
	kernel.answer = [](Kernel &kernel, const Sent &sent) {
		kernel.acknowledge(sent.netlink.nlmsg_seq, sent.message.id.idx == 2 ? ENODEV : 0);
		if (sent.message.id.idx != 2)
			echo(kernel, sent);
	};
	const std::vector<MessageView> batch{
	    {{1, 0}, 1, 0, 0, bytes("a")}, {{2, 0}, 2, 0, 0, {}}, {{3, 0}, 3, 0, 0, {}}};
	const auto sent = client.send_batch(batch, Answer::Always);
	ASSERT_TRUE(sent) << sent.error().what;
	EXPECT_EQ(kernel.datagrams, 1u);
	ASSERT_EQ(sent->refused.size(), 1u);
	EXPECT_EQ(sent->refused[0].seq, sent->first + 1);
	EXPECT_EQ(std::get<Message>(*client.receive(Timeout{0})).seq, 1u);
	EXPECT_EQ(std::get<Message>(*client.receive(Timeout{0})).seq, 3u);
	EXPECT_TRUE(client.send_batch({}));
	EXPECT_EQ(kernel.datagrams, 1u);
}

TEST_F(client_exchange, foreign_and_malformed_are_counted)
{
	kernel.message({{1, 2}, 1, 0, 0, bytes("forged")});
	kernel.queue.back().sender = 1234;
	kernel.queue.push_back({Bytes(7)});
	kernel.message({{1, 2}, 2, 0, 0, bytes("true")});
	const auto event = client.receive(Timeout{0});
	ASSERT_TRUE(event);
	EXPECT_EQ(text(std::get<Message>(*event).payload), "true");
	EXPECT_EQ(client.ignored().foreign, 1u);
	EXPECT_EQ(client.ignored().malformed, 1u);
}

TEST_F(client_exchange, datagram_beyond_the_buffer)
{
	const Bytes payload(10000);
	Incoming large;
	while (large.bytes.size() < 300 * 1024)
		ASSERT_TRUE(append_message(large.bytes, {{1, 2}, 1, 0, 0, payload}, 0, 1, 0));
	kernel.queue = {large, large};

	const auto drain = [&] {
		std::size_t whole = 0;
		for (;;) {
			const auto event = client.receive(Timeout{0});
			if (!event)
				return std::pair{whole, event.error().code};
			++whole;
		}
	};
	const auto [some, first] = drain();
	EXPECT_EQ(first, EMSGSIZE);
	const auto [all, second] = drain();
	EXPECT_EQ(second, ETIMEDOUT);
	EXPECT_GT(all, some);
}

TEST_F(client_exchange, list_follows_cursors_and_longer_records)
{
	kernel.answer = [](Kernel &kernel, const Sent &sent) {
		cnx_control_request request;
		std::memcpy(&request, sent.message.payload.data(), sizeof request);
		EXPECT_EQ(request.op, CNX_CONTROL_LIST);
		std::vector<cnx_callback_record> records(2);
		for (auto &record : records) {
			record.id = {static_cast<std::uint32_t>(request.cursor), 1};
			std::memset(record.name, 'x', sizeof record.name); /* without its NUL */
		}
		kernel.control(sent, records, request.cursor < 20 ? request.cursor + 10 : 0, 8);
	};
	const auto list = client.list();
	ASSERT_TRUE(list) << list.error().what;
	ASSERT_EQ(list->size(), 6u);
	EXPECT_EQ(list->back().id, (Id{20, 1}));
	EXPECT_EQ(list->back().name.size(), std::size_t{CNX_NAME_SIZE});
}

TEST_F(client_exchange, control_replies_that_make_no_sense)
{
	/* A cursor that stands still would never end. */
	kernel.answer = [](Kernel &kernel, const Sent &sent) {
		kernel.control(sent, std::vector<cnx_callback_record>(1), 5);
	};
	EXPECT_EQ(client.list().error().code, EPROTO);
	/* Records shorter than they must be. */
	kernel.answer = [](Kernel &kernel, const Sent &sent) { kernel.control(sent, std::vector<char>(3)); };
	EXPECT_EQ(client.list().error().code, EPROTO);
	EXPECT_EQ(client.counters().error().code, EPROTO);
	EXPECT_EQ(client.info().error().code, EPROTO);
	EXPECT_EQ(client.show({1, 2}).error().code, EPROTO);
	/* No header at all. */
	kernel.answer = [](Kernel &kernel, const Sent &sent) {
		kernel.message({sent.message.id, sent.message.seq, 1, 0, {}});
	};
	EXPECT_EQ(client.info().error().code, EPROTO);
}

TEST_F(client_exchange, counters_of_an_older_module)
{
	struct Short {
		std::uint32_t cpu = 3, reserved = 0;
		std::uint64_t value[2] = {10, 20};
	};
	kernel.answer = [](Kernel &kernel, const Sent &sent) { kernel.control(sent, std::vector<Short>(1)); };
	const auto counters = client.counters();
	ASSERT_TRUE(counters) << counters.error().what;
	ASSERT_EQ(counters->size(), 1u);
	EXPECT_EQ(counters->front().cpu, 3u);
	EXPECT_EQ(counters->front().value, (std::vector<std::uint64_t>{10, 20}));
}

TEST_F(client_exchange, counters_of_a_module_that_keeps_none)
{
	kernel.answer = [](Kernel &kernel, const Sent &sent) { kernel.control(sent, std::vector<std::uint64_t>{7}); };
	const auto counters = client.counters();
	ASSERT_TRUE(counters) << counters.error().what;
	ASSERT_EQ(counters->size(), 1u);
	EXPECT_EQ(counters->front().cpu, 7u);
	EXPECT_TRUE(counters->front().value.empty());
}

/* The requests that came, as "5 33 0" for op, id.idx and count. */
struct Asked {
	std::vector<std::string> requests;

	cnx_control_request note(const Sent &sent)
	{
		const auto request = request_in(sent);
		requests.push_back(std::to_string(request.op) + " " + std::to_string(request.id.idx) + " " +
		                   std::to_string(request.count));
		return request;
	}
};

TEST_F(client_exchange, join_is_a_subscription_whose_losses_are_known_from_before)
{
	Asked asked;
	kernel.answer = [&](Kernel &kernel, const Sent &sent) {
		asked.note(sent);
		kernel.control(sent, std::vector<char>());
	};
	EXPECT_EQ(client.join(0).error().code, EINVAL);
	EXPECT_TRUE(client.join(5));
	EXPECT_TRUE(client.join(CNX_CONTROL_IDX));
	EXPECT_TRUE(client.leave(5));
	EXPECT_EQ(client.leave(5).error().code, ENOENT);
	EXPECT_EQ(client.leave(0).error().code, ENOENT);
	EXPECT_TRUE(kernel.joined.empty());
	EXPECT_EQ(asked.requests, (std::vector<std::string>{"7 77 0", "3 0 0", "5 5 0", "5 4294967295 0", "6 5 0"}));
}

TEST_F(client_exchange, join_without_subscriptions_is_a_membership)
{
	for (const int code : {EOPNOTSUPP, ENOSPC}) {
		kernel.answer = [code](Kernel &kernel, const Sent &sent) {
			kernel.acknowledge(sent.netlink.nlmsg_seq, code);
		};
		EXPECT_TRUE(client.join(5)) << code;
		EXPECT_EQ(kernel.joined, std::vector<std::uint32_t>{5});
		EXPECT_EQ(client.join(5).error().code, EEXIST);
		EXPECT_EQ(client.join(CNX_GROUPS + 1).error().code, code);
		EXPECT_EQ(client.subscribe(6).error().code, code);
		EXPECT_TRUE(client.leave(5));
		EXPECT_EQ(client.leave(5).error().code, ENOENT);
		EXPECT_TRUE(kernel.joined.empty());
	}
	kernel.answer = [](Kernel &kernel, const Sent &sent) { kernel.acknowledge(sent.netlink.nlmsg_seq, EPERM); };
	EXPECT_EQ(client.join(5).error().code, EPERM);
	EXPECT_TRUE(kernel.joined.empty());
}

TEST_F(client_exchange, batches_are_asked_for_with_every_group)
{
	Asked asked;
	kernel.answer = [&](Kernel &kernel, const Sent &sent) {
		asked.note(sent);
		kernel.control(sent, std::vector<char>());
	};
	Options options;
	options.batches = true;
	Client batched{std::make_unique<Stub>(kernel), options};
	EXPECT_TRUE(batched.join(5));
	EXPECT_EQ(batched.leave(0).error().code, ENOENT);
	EXPECT_EQ(asked.requests, (std::vector<std::string>{"7 77 0", "3 0 0", "5 0 1", "5 5 1"}));

	/* An older module refuses group 0, and the client works all the same. */
	kernel.answer = [](Kernel &kernel, const Sent &sent) { kernel.acknowledge(sent.netlink.nlmsg_seq, EINVAL); };
	Client older{std::make_unique<Stub>(kernel), options};
	EXPECT_EQ(older.receive(Timeout{0}).error().code, ETIMEDOUT);
}

TEST_F(client_exchange, losses_follow_cursors)
{
	kernel.answer = [](Kernel &kernel, const Sent &sent) {
		const auto request = request_in(sent);
		EXPECT_EQ(request.op, CNX_CONTROL_LOSSES);
		std::vector<cnx_loss> records(2);
		for (auto &record : records) {
			record.portid = request.id.idx ? request.id.idx : 5;
			record.id = {static_cast<std::uint32_t>(request.cursor), 1};
			record.lost = 3;
		}
		kernel.control(sent, records, request.cursor < 20 ? request.cursor + 10 : 0, 8);
	};
	const auto own = client.losses();
	ASSERT_TRUE(own) << own.error().what;
	ASSERT_EQ(own->size(), 6u);
	EXPECT_EQ(own->back().portid, client.portid());
	EXPECT_EQ(own->back().id, (Id{20, 1}));
	EXPECT_EQ(own->back().lost, 3u);
	EXPECT_EQ(client.losses(0)->front().portid, 5u);

	kernel.answer = [](Kernel &kernel, const Sent &sent) { kernel.acknowledge(sent.netlink.nlmsg_seq, EPERM); };
	EXPECT_EQ(client.losses(0).error().code, EPERM);
}

TEST_F(client_exchange, losses_that_make_no_sense)
{
	cnx_loss own{};
	own.portid = client.portid();
	/* A cursor that stands still, a page with nothing on it, somebody else's loss, and a record that is too short.
	 */
	kernel.answer = [&](Kernel &kernel, const Sent &sent) { kernel.control(sent, std::vector{own}, 5); };
	EXPECT_EQ(client.losses().error().code, EPROTO);
	kernel.answer = [](Kernel &kernel, const Sent &sent) { kernel.control(sent, std::vector<cnx_loss>(), 5); };
	EXPECT_EQ(client.losses().error().code, EPROTO);
	kernel.answer = [](Kernel &kernel, const Sent &sent) { kernel.control(sent, std::vector<cnx_loss>(1)); };
	EXPECT_EQ(client.losses().error().code, EPROTO);
	kernel.answer = [](Kernel &kernel, const Sent &sent) { kernel.control(sent, std::vector<std::uint64_t>(2)); };
	EXPECT_EQ(client.losses().error().code, EPROTO);
}

TEST(client_event, decoded)
{
	cnx_event event{};
	event.version = CNX_CONTROL_VERSION;
	event.op = CNX_EVENT_REGISTERED;
	event.flags = CNX_CALLBACK_SLEEPABLE;
	event.id = {1, 2};
	std::strcpy(event.name, "echo");
	const auto source = std::as_bytes(std::span(&event, 1));
	Message message{control_id, 1, 0, 0, 0, {source.begin(), source.end()}};
	const auto decoded = callback_event(message);
	ASSERT_TRUE(decoded);
	EXPECT_TRUE(decoded->registered);
	EXPECT_TRUE(decoded->sleepable);
	EXPECT_EQ(decoded->id, (Id{1, 2}));
	EXPECT_EQ(decoded->name, "echo");

	message.ack = 1;
	EXPECT_FALSE(callback_event(message));
	message.ack = 0;
	message.payload.pop_back();
	EXPECT_FALSE(callback_event(message));
	message.id = {1, 2};
	EXPECT_FALSE(callback_event(message));
}

} // namespace
