// SPDX-License-Identifier: MIT
/* The client under asio, over a socket whose other end is the test: who waits is served, and ends clean. */
#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include <cnx/asio.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client_asio_world.hpp"

namespace
{

using namespace cnx::client;
using namespace cnx::client::test;
using namespace asio::experimental::awaitable_operators;

TEST_F(client_asio, receives_what_is_here_and_what_comes)
{
	tell(1);
	tell(2);
	auto first = start(client->receive());
	settle();
	ASSERT_TRUE(*first);
	EXPECT_EQ(words(**first), "1 told");
	auto second = start(client->receive());
	auto third = start(client->receive());
	settle();
	ASSERT_TRUE(*second);
	EXPECT_EQ(words(**second), "2 told");
	EXPECT_FALSE(*third);
	tell(3);
	settle();
	ASSERT_TRUE(*third);
	EXPECT_EQ(words(**third), "3 told");
	/* And waits again, though nothing was read after the last. */
	auto fourth = start(client->receive());
	settle();
	EXPECT_FALSE(*fourth);
	tell(4);
	settle();
	EXPECT_TRUE(*fourth);
}

TEST_F(client_asio, a_datagram_of_several_is_served_in_turn)
{
	auto first = start(client->receive());
	auto second = start(client->receive());
	settle();
	Incoming both;
	append_message(both.bytes, {{33, 1}, 1, 0, 0, bytes("a")}, 0, 0, 0);
	append_message(both.bytes, {{33, 1}, 2, 0, 0, bytes("b")}, 0, 0, 0);
	append_message(both.bytes, {{33, 1}, 3, 0, 0, bytes("c")}, 0, 0, 0);
	kernel.queue.push_back(both);
	flush();
	settle();
	ASSERT_TRUE(*first && *second);
	EXPECT_EQ(words(**first), "1 a");
	EXPECT_EQ(words(**second), "2 b");
	/* The third is here though the descriptor is not readable. */
	auto third = start(client->receive());
	settle();
	ASSERT_TRUE(*third);
	EXPECT_EQ(words(**third), "3 c");
}

TEST_F(client_asio, requests_find_their_answers_whoever_reads)
{
	auto listener = start(client->receive());
	auto first = start(client->request({.id = {1, 1}, .payload = bytes("one")}, forever));
	auto second = start(client->request({.id = {1, 1}, .payload = bytes("two")}, forever));
	settle();
	const auto [one, one_header] = sent();
	const auto [two, two_header] = sent();
	EXPECT_EQ(one_header.nlmsg_flags, NLM_F_REQUEST);
	EXPECT_NE(one.seq, two.seq);
	EXPECT_NE(one.seq, 0u);

	reply(two, "second");
	settle();
	ASSERT_TRUE(*second && **second);
	EXPECT_EQ(text((**second)->payload), "second");
	EXPECT_FALSE(*first);
	EXPECT_FALSE(*listener);
	tell(9);
	reply(one, "first");
	settle();
	ASSERT_TRUE(*first && **first);
	EXPECT_EQ(text((**first)->payload), "first");
	ASSERT_TRUE(*listener);
	EXPECT_EQ(words(**listener), "9 told");
}

TEST_F(client_asio, what_no_request_wants_is_kept_for_receive)
{
	auto request = start(client->request({.id = {1, 1}, .payload = bytes("one")}, forever));
	settle();
	const auto [asked, header] = sent();
	tell(5);
	tell(6);
	/* Each differs from the answer in one thing. */
	kernel.message({{1, 2}, asked.seq, 1, 0, {}});
	kernel.message({{1, 1}, asked.seq + 1, 1, 0, {}});
	kernel.message({{1, 1}, asked.seq, 2, 0, {}});
	flush();
	kernel.acknowledge(header.nlmsg_seq + 1, ENODEV);
	kernel.acknowledge(header.nlmsg_seq, 0);
	flush();
	settle();
	EXPECT_FALSE(*request);
	reply(asked, "answer");
	settle();
	ASSERT_TRUE(*request && **request);
	for (const char *expected : {"5 told", "6 told"}) {
		auto event = start(client->receive());
		settle();
		ASSERT_TRUE(*event);
		EXPECT_EQ(words(**event), expected);
	}
	for (unsigned left = 0; left < 5; ++left) {
		auto event = start(client->receive());
		settle();
		ASSERT_TRUE(*event);
		EXPECT_TRUE(**event);
	}
	auto nothing = start(client->receive(Timeout{0}));
	context.restart();
	context.run();
	ASSERT_TRUE(*nothing);
	EXPECT_EQ(words(**nothing), "error " + std::to_string(ETIMEDOUT));
}

TEST_F(client_asio, what_is_read_ahead_is_bounded_and_nothing_of_it_is_lost)
{
	auto request = start(client->request({.id = {1, 1}}, forever));
	settle();
	const auto asked = sent().first;
	std::uint32_t seq = 0;
	for (unsigned datagram = 0; datagram < 66; ++datagram) {
		Incoming many;
		for (unsigned message = 0; message < 1000; ++message)
			append_message(many.bytes, {{33, 1}, ++seq, 0, 0, {}}, 0, 0, 0);
		kernel.queue.push_back(std::move(many));
		flush();
		settle();
	}
	reply(asked, "behind all that");
	settle();
	EXPECT_FALSE(*request);

	std::uint32_t received = 0;
	while (!*request && received < seq) {
		auto event = start(client->receive());
		settle();
		ASSERT_TRUE(*event && **event);
		ASSERT_EQ(std::get<Message>(***event).seq, ++received);
	}
	ASSERT_TRUE(*request && **request);
	EXPECT_LT(received, 1000u);
}

TEST_F(client_asio, a_refused_request_and_a_silent_one)
{
	auto refused = start(client->request({.id = {9, 9}, .payload = {}}, forever));
	settle();
	kernel.acknowledge(sent().second.nlmsg_seq, ENODEV);
	flush();
	settle();
	ASSERT_TRUE(*refused);
	EXPECT_EQ((**refused).error().code, ENODEV);

	auto silent = start(client->request({.id = {1, 1}, .payload = {}}, Timeout{20}));
	context.restart();
	context.run();
	ASSERT_TRUE(*silent);
	EXPECT_EQ((**silent).error().code, ETIMEDOUT);

	const Bytes huge(CNX_MAX_MESSAGE);
	auto too_large = start(client->request({.id = {1, 1}, .payload = huge}, forever));
	settle();
	ASSERT_TRUE(*too_large);
	EXPECT_EQ((**too_large).error().code, EMSGSIZE);
}

TEST_F(client_asio, sends_and_waits_for_the_acknowledgement_if_asked)
{
	auto plain = start(client->send({.id = {1, 1}, .payload = bytes("x")}));
	settle();
	ASSERT_TRUE(*plain && **plain);
	EXPECT_EQ(sent().second.nlmsg_flags, 0);

	auto accepted = start(client->send({.id = {1, 1}, .payload = bytes("x")}, Answer::Always));
	auto denied = start(client->send({.id = {1, 1}, .payload = bytes("y")}, Answer::Always));
	settle();
	EXPECT_FALSE(*accepted);
	const auto first = sent().second;
	EXPECT_EQ(first.nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
	kernel.acknowledge(sent().second.nlmsg_seq, EPERM);
	kernel.acknowledge(first.nlmsg_seq, 0);
	flush();
	settle();
	ASSERT_TRUE(*accepted && *denied);
	ASSERT_TRUE(**accepted);
	EXPECT_EQ(***accepted, first.nlmsg_seq);
	EXPECT_EQ((**denied).error().code, EPERM);
}

TEST_F(client_asio, a_cancelled_wait_leaves_the_stream_whole)
{
	asio::cancellation_signal signal;
	std::optional<Result<Event>> cancelled;
	asio::co_spawn(
	    context, client->receive(),
	    asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr problem, Result<Event> event) {
		    EXPECT_FALSE(problem);
		    cancelled = std::move(event);
	    }));
	settle();
	EXPECT_FALSE(cancelled);
	signal.emit(asio::cancellation_type::terminal);
	settle();
	ASSERT_TRUE(cancelled);
	EXPECT_EQ(words(*cancelled), "error " + std::to_string(ECANCELED));
	tell(1);
	auto next = start(client->receive());
	settle();
	ASSERT_TRUE(*next);
	EXPECT_EQ(words(**next), "1 told");
}

TEST_F(client_asio, a_timer_beside_it_ends_the_wait)
{
	asio::steady_timer timer(context, std::chrono::milliseconds(10));
	bool timed_out = false;
	asio::co_spawn(
	    context,
	    [&]() -> asio::awaitable<void> {
		    const auto winner = co_await (client->receive() || timer.async_wait(asio::use_awaitable));
		    timed_out = winner.index() == 1;
	    },
	    asio::detached);
	context.restart();
	context.run();
	EXPECT_TRUE(timed_out);
	tell(1);
	auto next = start(client->receive());
	settle();
	ASSERT_TRUE(*next);
}

TEST_F(client_asio, closing_ends_what_waits_and_the_descriptor)
{
	const int descriptor = client->client().fd();
	auto receiving = start(client->receive());
	auto requesting = start(client->request({.id = {1, 1}, .payload = {}}, forever));
	auto unstarted = client->receive();
	settle();
	client.reset();
	EXPECT_GE(::fcntl(descriptor, F_GETFD), 0); /* those who wait still hold it */
	settle();
	ASSERT_TRUE(*receiving && *requesting);
	EXPECT_EQ(words(**receiving), "error " + std::to_string(ECANCELED));
	EXPECT_EQ((**requesting).error().code, ECANCELED);

	auto late = start(std::move(unstarted));
	settle();
	ASSERT_TRUE(*late);
	EXPECT_EQ(words(**late), "error " + std::to_string(ECANCELED));
	late.reset();
	EXPECT_EQ(::fcntl(descriptor, F_GETFD), -1);
	EXPECT_EQ(errno, EBADF);
}

TEST_F(client_asio, coroutines_may_go_with_their_context)
{
	auto context = std::make_unique<asio::io_context>();
	std::array<int, 2> ends{};
	ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
	{
		auto other = AsyncClient::adopt(context->get_executor(), Client{std::make_unique<Wire>(ends[0])});
		ASSERT_TRUE(other);
		asio::co_spawn(*context, other->receive(), asio::detached);
		context->poll();
	}
	/* The coroutine that has not heard of it yet goes with the context, and the sanitizer sees that all does. */
	context.reset();
	EXPECT_EQ(::fcntl(ends[0], F_GETFD), -1);
	::close(ends[1]);
}

TEST_F(client_asio, a_broken_descriptor_is_everybodys_error)
{
	auto receiving = start(client->receive());
	auto requesting = start(client->request({.id = {1, 1}, .payload = {}}, forever));
	settle();
	sent();
	::close(std::exchange(far, -1));
	settle();
	ASSERT_TRUE(*receiving && *requesting);
	EXPECT_EQ(words(**receiving), "error " + std::to_string(ENOTCONN));
	EXPECT_EQ((**requesting).error().code, ENOTCONN);
}

TEST_F(client_asio, a_stream_that_never_pauses_lets_others_run)
{
	Incoming many;
	for (std::uint32_t seq = 1; seq <= 1000; ++seq)
		append_message(many.bytes, {{33, 1}, seq, 0, 0, {}}, 0, 0, 0);
	kernel.queue.push_back(many);
	flush();
	unsigned received = 0;
	unsigned before_other = 0;
	asio::co_spawn(
	    context,
	    [&]() -> asio::awaitable<void> {
		    while (const auto event = co_await client->receive(Timeout{0}))
			    ++received;
	    },
	    asio::detached);
	asio::post(context, [&] { before_other = received; });
	context.restart();
	context.run();
	EXPECT_EQ(received, 1000u);
	EXPECT_LT(before_other, 100u);
}

TEST_F(client_asio, what_is_read_behind_the_descriptors_back_is_handed_over)
{
	auto receiving = start(client->receive());
	settle();
	tell(1);
	/* It finds no answer, and reads what is here. */
	EXPECT_EQ(client->client().request({.id = {1, 1}}, Timeout{0}).error().code, ETIMEDOUT);
	settle();
	ASSERT_TRUE(*receiving);
	EXPECT_EQ(words(**receiving), "1 told");
}

TEST_F(client_asio, what_asio_cannot_wait_for_is_refused)
{
	const auto adopted = AsyncClient::adopt(context.get_executor(), Client{std::make_unique<Stub>(kernel)});
	ASSERT_FALSE(adopted);
	EXPECT_EQ(adopted.error().code, EBADF);
}

TEST_F(client_asio, the_context_ends_when_nobody_waits)
{
	auto timed_out = start(client->receive(Timeout{1}));
	context.restart();
	context.run();
	ASSERT_TRUE(*timed_out);

	/* A wait that was given up and one that begins before that is known do not trouble each other. */
	auto short_one = start(client->receive(Timeout{1}));
	std::optional<Result<Event>> next;
	asio::co_spawn(
	    context,
	    [&]() -> asio::awaitable<void> {
		    static_cast<void>(co_await client->receive(Timeout{1}));
		    next = co_await client->receive(std::chrono::seconds(20));
	    },
	    asio::detached);
	asio::steady_timer timer(context, std::chrono::milliseconds(30));
	timer.async_wait([&](const asio::error_code &) { tell(8); });
	context.restart();
	context.run();
	ASSERT_TRUE(next);
	EXPECT_EQ(words(*next), "8 told");
}

} // namespace
