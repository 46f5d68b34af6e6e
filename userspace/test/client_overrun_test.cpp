// SPDX-License-Identifier: MIT
/* Overruns: where they stand in the stream, and that their numbers add up to what was missed. */
#include <cerrno>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "client_stub.hpp"

namespace
{

using namespace cnx::client;
using namespace cnx::client::test;

constexpr std::uint32_t own_portid = 77;
constexpr Id ticker{33, 1};

/* A module that counts what its one listener misses, and a driver that sends to it. */
struct client_overrun : testing::Test {
	Kernel kernel;
	Client client{std::make_unique<Stub>(kernel)};
	std::map<Id, std::uint64_t> lost;
	std::uint64_t unnamed = 0;
	std::uint32_t sent = 0;
	unsigned questions = 0;
	unsigned most_records = 2; /* of a page */

	client_overrun()
	{
		kernel.answer = [this](Kernel &, const Sent &message) { answer(message); };
		/* What was missed earlier is no affair of this client's. */
		lost[{9, 9}] = 1000;
		unnamed = 5;
	}

	void answer(const Sent &message)
	{
		if (message.message.id != control_id) {
			if (!echo(kernel, message))
				++lost[message.message.id];
			return;
		}
		const auto request = request_in(message);
		if (request.op == CNX_CONTROL_LOSSES)
			answer_losses(message, request);
		else if (request.op == CNX_CONTROL_COUNTERS)
			answer_counters(message);
		else
			kernel.control(message, std::vector<char>());
	}

	void answer_losses(const Sent &message, const cnx_control_request &request)
	{
		++questions;
		EXPECT_EQ(request.id.idx, own_portid);
		std::vector<cnx_loss> records;
		std::uint64_t serial = 0;
		for (const auto &[id, number] : lost) {
			if (++serial <= request.cursor)
				continue;
			if (records.size() == most_records)
				return kernel.control(message, records, serial - 1);
			records.push_back({own_portid, 0, {id.idx, id.val}, number});
		}
		kernel.control(message, records);
	}

	void answer_counters(const Sent &message)
	{
		cnx_counters record{};
		record.value[CNX_LOST_UNNAMED] = unnamed;
		kernel.control(message, std::vector{record});
	}

	void tick(unsigned times = 1)
	{
		for (; times; --times)
			if (!kernel.message({ticker, ++sent, 0, 0, {}}, ticker.idx))
				++lost[ticker];
	}

	/* The events that are there in words, as "1 2 overrun:5 8". */
	std::string drain()
	{
		std::string text;
		for (;;) {
			const auto event = client.receive(Timeout{0});
			if (!event && event.error().code == ETIMEDOUT)
				return text;
			if (!text.empty())
				text += ' ';
			if (!event)
				text += "error:" + std::to_string(event.error().code);
			else if (const auto *message = std::get_if<Message>(&*event))
				text += std::to_string(message->seq);
			else if (const auto *overrun = std::get_if<Overrun>(&*event))
				text += "overrun:" + (overrun->missed ? std::to_string(*overrun->missed) : "unknown");
			else
				text += "acknowledgement";
		}
	}
};

TEST_F(client_overrun, stands_behind_what_was_queued)
{
	ASSERT_TRUE(client.join(ticker.idx));
	kernel.room = 3;
	tick(8);
	EXPECT_EQ(drain(), "1 2 3 overrun:5");
	tick(2);
	EXPECT_EQ(drain(), "9 10");
	tick(4);
	EXPECT_EQ(drain(), "11 12 13 overrun:1");
	tick(4);
	lost[{40, 1}] = 6; /* another driver's messages count as well */
	EXPECT_EQ(drain(), "15 16 17 overrun:7");
	EXPECT_EQ(lost[ticker], 7u);
}

TEST_F(client_overrun, stands_ahead_of_what_comes_while_the_number_is_asked_for)
{
	ASSERT_TRUE(client.join(ticker.idx));
	kernel.room = 3;
	tick(5);
	kernel.answer = [this](Kernel &, const Sent &message) {
		tick(); /* finds room ahead of the answer */
		answer(message);
	};
	EXPECT_EQ(drain(), "1 2 3 overrun:2 6");
}

TEST_F(client_overrun, none_where_nothing_was_missed)
{
	ASSERT_TRUE(client.join(ticker.idx));
	kernel.room = 2;
	tick(2);
	/* A lossless sender finds no room, is told, and comes again. */
	EXPECT_FALSE(kernel.message({{40, 1}, 100, 0, 0, {}}, 40));
	EXPECT_EQ(drain(), "1 2");
	EXPECT_TRUE(kernel.message({{40, 1}, 100, 0, 0, {}}, 40));
	EXPECT_EQ(drain(), "100");
	/* The next one that is told is the first. */
	tick(3);
	std::optional<Overrun> overrun;
	while (const auto event = client.receive(Timeout{0}))
		if (std::holds_alternative<Overrun>(*event))
			overrun = std::get<Overrun>(*event);
	ASSERT_TRUE(overrun);
	EXPECT_EQ(overrun->count, 1u);
	EXPECT_EQ(overrun->missed, 1u);
}

TEST_F(client_overrun, answers_that_nothing_waits_for_may_be_lost_too)
{
	ASSERT_TRUE(client.join(ticker.idx));
	kernel.room = 1;
	kernel.answer = [](Kernel &kernel, const Sent &message) {
		kernel.acknowledge(message.netlink.nlmsg_seq, EPERM);
	};
	EXPECT_TRUE(client.send({{1, 2}, 1, 0, 0, {}}, Answer::Errors));
	EXPECT_TRUE(client.send({{1, 2}, 1, 0, 0, {}}, Answer::Errors));
	kernel.answer = [this](Kernel &, const Sent &message) { answer(message); };
	EXPECT_EQ(drain(), "acknowledgement overrun:0");
	/* The queue was seen empty, so none is on the way any more. */
	kernel.error = kernel.congested = true;
	EXPECT_EQ(drain(), "");
}

TEST_F(client_overrun, what_the_kernel_had_no_memory_to_count_is_unknown)
{
	ASSERT_TRUE(client.join(ticker.idx));
	kernel.error = kernel.congested = true;
	++unnamed;
	EXPECT_EQ(drain(), "overrun:unknown");
	kernel.error = kernel.congested = true;
	EXPECT_EQ(drain(), "");
}

TEST_F(client_overrun, unknown_without_a_subscription)
{
	kernel.room = 1;
	tick(2);
	EXPECT_EQ(drain(), "1 overrun:unknown");
	/* What was missed before is not known, though it is by the time that it is told. */
	tick(2);
	ASSERT_TRUE(client.join(ticker.idx));
	EXPECT_EQ(drain(), "3 overrun:unknown");
	tick(2);
	EXPECT_EQ(drain(), "5 overrun:1");
	EXPECT_EQ(questions, 3u); /* the first one's answer is lost */
}

TEST_F(client_overrun, unknown_while_a_group_is_joined_by_membership)
{
	ASSERT_TRUE(client.join(ticker.idx));
	kernel.answer = [](Kernel &kernel, const Sent &message) {
		kernel.acknowledge(message.netlink.nlmsg_seq, ENOSPC);
	};
	ASSERT_TRUE(client.join(40));
	kernel.answer = [this](Kernel &, const Sent &message) { answer(message); };
	kernel.room = 1;
	tick(2);
	EXPECT_EQ(drain(), "1 overrun:unknown");
	ASSERT_TRUE(client.leave(40));
	/* And is made up for. */
	tick(2);
	EXPECT_EQ(drain(), "3 overrun:2");
}

TEST_F(client_overrun, unknown_where_the_question_is_not_answered)
{
	ASSERT_TRUE(client.join(ticker.idx));
	kernel.room = 2;
	tick(5);
	kernel.answer = nullptr;
	EXPECT_EQ(drain(), "1 2 overrun:unknown");
	tick(3);
	kernel.answer = [](Kernel &kernel, const Sent &message) {
		kernel.acknowledge(message.netlink.nlmsg_seq, EOPNOTSUPP);
	};
	EXPECT_EQ(drain(), "6 7 overrun:unknown");
	tick(3);
	kernel.answer = [](Kernel &kernel, const Sent &message) { kernel.control(message, std::vector<char>(3)); };
	EXPECT_EQ(drain(), "9 10 overrun:unknown");
	tick(3);
	/* What was not told is, when it can be. */
	kernel.answer = [this](Kernel &, const Sent &message) { answer(message); };
	EXPECT_EQ(drain(), "12 13 overrun:6");
}

TEST_F(client_overrun, an_older_module_does_not_count)
{
	kernel.answer = [](Kernel &kernel, const Sent &message) {
		if (request_in(message).op == CNX_CONTROL_LOSSES)
			kernel.acknowledge(message.netlink.nlmsg_seq, EOPNOTSUPP);
		else
			kernel.control(message, std::vector<char>());
	};
	ASSERT_TRUE(client.join(ticker.idx));
	EXPECT_TRUE(kernel.joined.empty());
	kernel.room = 1;
	tick(2);
	EXPECT_EQ(drain(), "1 overrun:unknown");
}

TEST_F(client_overrun, the_question_is_asked_again_when_its_answer_is_lost)
{
	ASSERT_TRUE(client.join(ticker.idx));
	questions = 0;
	most_records = 10;
	kernel.room = 2;
	tick(4);
	kernel.answer = [this](Kernel &, const Sent &message) {
		if (questions < 3)
			tick(4);
		answer(message);
	};
	/* The first three times the queue is full again; the number covers what was missed then. */
	EXPECT_EQ(drain(), "1 2 overrun:8 5 6 9 10 13 14");
	EXPECT_EQ(lost[ticker], 8u);

	/* It is not asked for ever. */
	questions = 0;
	tick(3);
	kernel.answer = [this](Kernel &, const Sent &message) {
		tick(3);
		answer(message);
	};
	std::optional<Event> overrun;
	for (unsigned events = 0; events < 100 && !overrun; ++events)
		if (const auto event = client.receive(Timeout{0}); event && std::holds_alternative<Overrun>(*event))
			overrun = *event;
	ASSERT_TRUE(overrun);
	EXPECT_EQ(std::get<Overrun>(*overrun).missed, std::nullopt);
	EXPECT_GT(questions, 1u);
	EXPECT_LT(questions, 100u);
}

TEST_F(client_overrun, a_signal_is_not_swallowed)
{
	ASSERT_TRUE(client.join(ticker.idx));
	kernel.room = 1;
	tick(2);
	kernel.answer = [this](Kernel &kernel, const Sent &message) {
		if (std::exchange(kernel.room, 2) == 1)
			kernel.queue.push_back({{}, EINTR});
		answer(message);
	};
	EXPECT_EQ(drain(), "1 overrun:1 error:" + std::to_string(EINTR));
}

TEST_F(client_overrun, while_an_answer_is_awaited)
{
	ASSERT_TRUE(client.join(ticker.idx));
	kernel.room = 3;
	tick(5);
	/* Nothing is queued behind an overflow, so this answer is lost. */
	const auto reply = client.request({{50, 1}, 0, 0, 0, bytes("lost")}, Timeout{10});
	ASSERT_FALSE(reply);
	EXPECT_EQ(reply.error().code, ETIMEDOUT);
	EXPECT_NE(reply.error().what.find("overran"), std::string::npos) << reply.error().what;
	EXPECT_EQ((lost[{50, 1}]), 1u);
	EXPECT_EQ(drain(), "1 2 3 overrun:3");

	kernel.room = 2;
	kernel.answer = [this](Kernel &, const Sent &message) {
		answer(message);
		if (message.message.id != control_id)
			tick(3);
	};
	ASSERT_TRUE(client.request({{50, 1}, 0, 0, 0, bytes("heard")}, Timeout{10}));
	EXPECT_EQ(drain(), "6 overrun:2");
}

TEST_F(client_overrun, a_control_request_behind_one_is_repeated)
{
	ASSERT_TRUE(client.join(ticker.idx));
	kernel.room = 1;
	tick(2);
	/* Receiving has told nothing yet, but the kernel has told the client. */
	ASSERT_TRUE(client.receive(Timeout{0}));
	kernel.room = 2;
	tick(4);
	std::vector<std::uint32_t> subscribed;
	kernel.answer = [&](Kernel &kernel, const Sent &message) {
		const auto request = request_in(message);
		if (request.op != CNX_CONTROL_SUBSCRIBE)
			return answer(message);
		if (!subscribed.empty())
			return kernel.acknowledge(message.netlink.nlmsg_seq, EEXIST);
		subscribed.push_back(request.id.idx);
		kernel.control(message, std::vector<char>());
	};
	/* The request is performed and its answer lost; that it was is what the second one is told. */
	const auto joined = client.join(40);
	EXPECT_TRUE(joined) << joined.error().what;
	EXPECT_EQ(drain(), "overrun:1 3 4 overrun:2");
	EXPECT_EQ(client.join(41).error().code, EEXIST);
}

TEST_F(client_overrun, what_is_not_kept_is_counted)
{
	constexpr unsigned flood = 70000;
	ASSERT_TRUE(client.join(ticker.idx));
	kernel.answer = [this](Kernel &, const Sent &message) {
		if (message.message.id != control_id)
			tick(flood);
		answer(message);
	};
	ASSERT_TRUE(client.request({{50, 1}, 0, 0, 0, {}}, Timeout{10}));
	unsigned received = 0;
	std::uint64_t missed = 0;
	bool behind = false;
	while (const auto event = client.receive(Timeout{0})) {
		if (const auto *overrun = std::get_if<Overrun>(&*event)) {
			missed += overrun->missed.value_or(0);
			behind = received + missed == flood;
		} else {
			EXPECT_EQ(std::get<Message>(*event).seq, ++received);
		}
	}
	EXPECT_GT(received, 60000u);
	EXPECT_EQ(received + missed, flood);
	EXPECT_TRUE(behind);
}

TEST_F(client_overrun, a_sender_that_never_stops)
{
	ASSERT_TRUE(client.join(ticker.idx));
	kernel.room = 3;
	kernel.meanwhile = [this](Kernel &) { tick(2); };
	std::uint64_t received = 0;
	std::uint64_t missed = 0;
	const auto take = [&](const Event &event) {
		if (const auto *overrun = std::get_if<Overrun>(&event))
			missed += overrun->missed.value_or(0);
		else
			received += std::get<Message>(event).id == ticker; /* the list may come late */
	};
	for (unsigned step = 0; step < 100; ++step) {
		const auto event = client.receive(Timeout{0});
		ASSERT_TRUE(event);
		take(*event);
	}
	EXPECT_FALSE(client.list());
	kernel.meanwhile = nullptr;
	tick(5);
	while (const auto event = client.receive(Timeout{0}))
		take(*event);
	EXPECT_EQ(missed, lost[ticker]);
	EXPECT_EQ(received + missed, sent);
}

/* The driver sends whenever the client does anything, faster than the client reads at times. */
TEST_F(client_overrun, numbers_add_up_in_any_interleaving)
{
	for (unsigned seed = 0; seed < 300; ++seed) {
		SCOPED_TRACE(seed);
		Kernel fresh;
		kernel = fresh;
		kernel.answer = [this](Kernel &, const Sent &message) { answer(message); };
		lost = {{{9, 9}, seed}, {ticker, 0}};
		sent = 0;
		std::mt19937 random(seed);
		client = Client{std::make_unique<Stub>(kernel)};
		ASSERT_TRUE(client.join(ticker.idx));
		kernel.room = 1 + random() % 8;
		const unsigned burst = 1 + random() % 6;
		const unsigned rarity = burst + random() % 3;
		const auto traffic = [&] {
			if (random() % rarity == 0)
				tick(random() % burst);
			if (random() % 16 == 0 && !kernel.message({{41, 1}, 0, 0, 0, {}}, 41))
				++lost[{41, 1}];
		};
		/* Where the queue is never filled in the moment in which it is empty, an overrun has an exact place. */
		const bool exact = seed % 2 == 0;
		if (!exact)
			kernel.meanwhile = [&](Kernel &) { traffic(); };

		std::uint64_t received = 0;
		std::uint64_t missed = 0;
		std::uint64_t unknown = 0;
		std::uint32_t last = 0;
		const auto take = [&](const Event &event) {
			if (const auto *overrun = std::get_if<Overrun>(&event)) {
				missed += overrun->missed.value_or(0);
				unknown += !overrun->missed;
			} else if (const auto *message = std::get_if<Message>(&event); message->id == ticker) {
				EXPECT_GT(message->seq, last);
				last = message->seq;
				/* No message comes ahead of the news that one before it is missing. */
				EXPECT_TRUE(!exact || message->seq - 1 - received <= missed);
				++received;
			}
		};
		for (unsigned step = 0; step < 200; ++step) {
			traffic();
			if (random() % 20 == 0)
				static_cast<void>(client.request({{50, 1}, 0, 0, 0, {}}, Timeout{0}));
			else if (random() % 20 == 0)
				static_cast<void>(client.list());
			else if (const auto event = client.receive(Timeout{0}))
				take(*event);
		}
		/* Once more in peace, for the questions that had no answer. */
		kernel.meanwhile = nullptr;
		tick(20);
		while (const auto event = client.receive(Timeout{0}))
			take(*event);
		std::uint64_t all = 0;
		for (const auto &[id, number] : lost)
			all += id == Id{9, 9} ? 0 : number;
		ASSERT_EQ(missed, all);
		ASSERT_EQ(received + lost[ticker], sent);
		ASSERT_TRUE(!exact || unknown == 0);
	}
}

} // namespace
