// SPDX-License-Identifier: MIT
/* The C API over a stand-in for the kernel: what it hands out and for how long, and that bad arguments change nothing.
 */
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "client/c_api.hpp"
#include "client_stub.hpp"

namespace
{

using namespace cnx::client;
using namespace cnx::client::test;

std::string text_of(const cnx_client_message &message)
{
	const char *characters = static_cast<const char *>(message.payload); // SAFETY: tests send text
	return {characters, message.length};
}

cnx_client_message message_for(std::uint32_t idx, std::string_view payload)
{
	cnx_client_message message{};
	message.id = {idx, 1};
	message.payload = payload.data();
	message.length = payload.size();
	return message;
}

struct client_c : testing::Test {
	Kernel kernel;
	cnx_client handle{Client{std::make_unique<Stub>(kernel)}};
	cnx_client *client = &handle;
};

TEST_F(client_c, request_and_how_long_its_reply_lives)
{
	kernel.answer = [](Kernel &kernel, const Sent &sent) {
		kernel.message({{5, 5}, 9, 0, 0, bytes("meanwhile")}, 5);
		echo(kernel, sent);
	};
	const auto question = message_for(1, "ping");
	cnx_client_message reply{};
	ASSERT_EQ(cnx_client_request(client, &question, 10, &reply), 0) << cnx_client_error();
	EXPECT_EQ(text_of(reply), "ping");
	EXPECT_EQ(reply.id.idx, 1u);
	EXPECT_EQ(reply.ack, 1u);

	cnx_client_event event{};
	ASSERT_EQ(cnx_client_receive(client, 0, &event), 0);
	ASSERT_EQ(event.kind, CNX_CLIENT_MESSAGE);
	EXPECT_EQ(text_of(event.message), "meanwhile");
	EXPECT_EQ(event.message.group, 5u);
	/* Receiving leaves the reply alone, and requesting the event. */
	EXPECT_EQ(text_of(reply), "ping");
	cnx_client_message second{};
	ASSERT_EQ(cnx_client_request(client, &question, 10, &second), 0);
	EXPECT_EQ(text_of(event.message), "meanwhile");
}

TEST_F(client_c, failures_have_a_code_and_a_sentence)
{
	kernel.answer = [](Kernel &kernel, const Sent &sent) { kernel.acknowledge(sent.netlink.nlmsg_seq, ENODEV); };
	const auto question = message_for(1, "ping");
	cnx_client_message reply{};
	EXPECT_EQ(cnx_client_request(client, &question, 10, &reply), -ENODEV);
	EXPECT_EQ(cnx_client_error_code(), ENODEV);
	EXPECT_NE(std::string(cnx_client_error()).find("refused"), std::string::npos) << cnx_client_error();
	EXPECT_EQ(reply.payload, nullptr);

	kernel.answer = nullptr;
	EXPECT_EQ(cnx_client_request(client, &question, 0, &reply), -ETIMEDOUT);
	const std::string sentence = cnx_client_error();
	EXPECT_FALSE(sentence.empty());

	/* Another thread has failures of its own. */
	std::thread([] {
		EXPECT_EQ(cnx_client_error_code(), 0);
		EXPECT_STREQ(cnx_client_error(), "");
		EXPECT_EQ(cnx_client_fd(nullptr), -EINVAL);
		EXPECT_EQ(cnx_client_error_code(), EINVAL);
	}).join();
	EXPECT_EQ(cnx_client_error_code(), ETIMEDOUT);
	EXPECT_EQ(sentence, cnx_client_error());
}

TEST_F(client_c, a_long_sentence_is_cut)
{
	const std::string sentence(2000, 'x');
	EXPECT_EQ(c::report(ENODEV, sentence.c_str()), -ENODEV);
	EXPECT_EQ(std::string(cnx_client_error()), sentence.substr(0, 511));
}

TEST_F(client_c, events_of_each_kind)
{
	kernel.message({{1, 2}, 3, 4, 5, {}}, 6);
	cnx_client_event event{};
	ASSERT_EQ(cnx_client_receive(client, 0, &event), 0);
	ASSERT_EQ(event.kind, CNX_CLIENT_MESSAGE);
	EXPECT_EQ(event.message.id.val, 2u);
	EXPECT_EQ(event.message.seq, 3u);
	EXPECT_EQ(event.message.ack, 4u);
	EXPECT_EQ(event.message.flags, 5u);
	EXPECT_EQ(event.message.length, 0u);

	kernel.queue.push_back({{}, ENOBUFS});
	ASSERT_EQ(cnx_client_receive(client, 0, &event), 0);
	ASSERT_EQ(event.kind, CNX_CLIENT_OVERRUN);
	EXPECT_EQ(event.overrun.count, 1u);
	EXPECT_FALSE(event.overrun.missed_known);

	kernel.answer = [](Kernel &kernel, const Sent &sent) { kernel.acknowledge(sent.netlink.nlmsg_seq, EPERM); };
	const auto message = message_for(1, "x");
	std::uint32_t number = 0;
	for (const int answer : {CNX_CLIENT_ANSWER_ERRORS, CNX_CLIENT_ANSWER_EACH}) {
		ASSERT_EQ(cnx_client_send(client, &message, answer, &number), 0);
		ASSERT_EQ(cnx_client_receive(client, 0, &event), 0);
		ASSERT_EQ(event.kind, CNX_CLIENT_ACKNOWLEDGEMENT);
		EXPECT_EQ(event.acknowledgement.code, EPERM);
		EXPECT_EQ(event.acknowledgement.seq, number);
		EXPECT_STREQ(event.acknowledgement.what, "");
	}

	event.kind = CNX_CLIENT_OVERRUN;
	EXPECT_EQ(cnx_client_receive(client, 0, &event), -ETIMEDOUT);
	EXPECT_EQ(event.kind, CNX_CLIENT_OVERRUN);
}

TEST_F(client_c, sends_with_every_answer)
{
	std::uint16_t flags = 0xffff;
	kernel.answer = [&](Kernel &kernel, const Sent &sent) {
		flags = sent.netlink.nlmsg_flags;
		if (flags & NLM_F_ACK)
			kernel.acknowledge(sent.netlink.nlmsg_seq, 0);
	};
	const auto message = message_for(1, "x");
	EXPECT_EQ(cnx_client_send(client, &message, CNX_CLIENT_ANSWER_NONE, nullptr), 0);
	EXPECT_EQ(flags, 0);
	EXPECT_EQ(cnx_client_send(client, &message, CNX_CLIENT_ANSWER_ERRORS, nullptr), 0);
	EXPECT_EQ(flags, NLM_F_REQUEST);
	EXPECT_EQ(cnx_client_send(client, &message, CNX_CLIENT_ANSWER_ALWAYS, nullptr), 0);
	EXPECT_EQ(flags, NLM_F_REQUEST | NLM_F_ACK);
	cnx_client_event event{};
	EXPECT_EQ(cnx_client_receive(client, 0, &event), -ETIMEDOUT);
	EXPECT_EQ(cnx_client_send(client, &message, CNX_CLIENT_ANSWER_EACH, nullptr), 0);
	EXPECT_EQ(flags, NLM_F_REQUEST | NLM_F_ACK);
	EXPECT_EQ(cnx_client_receive(client, 0, &event), 0);
	for (const int wrong : {-1, 4, 1000})
		EXPECT_EQ(cnx_client_send(client, &message, wrong, nullptr), -EINVAL) << wrong;

	auto huge = message;
	const std::string payload(CNX_MAX_MESSAGE, 'x');
	huge.payload = payload.data();
	huge.length = payload.size();
	EXPECT_EQ(cnx_client_send(client, &huge, CNX_CLIENT_ANSWER_NONE, nullptr), -EMSGSIZE);
	huge.length = SIZE_MAX;
	EXPECT_EQ(cnx_client_send(client, &huge, CNX_CLIENT_ANSWER_NONE, nullptr), -EMSGSIZE);
}

TEST_F(client_c, a_batch_and_its_refusals)
{
	kernel.answer = [](Kernel &kernel, const Sent &sent) {
		kernel.acknowledge(sent.netlink.nlmsg_seq, sent.message.id.idx == 2 ? ENODEV : 0);
	};
	const cnx_client_message batch[] = {message_for(1, "a"), message_for(2, "b"), message_for(3, "")};
	std::uint32_t first = 0;
	ASSERT_EQ(cnx_client_send_batch(client, batch, 3, CNX_CLIENT_ANSWER_ALWAYS, &first), 1);
	EXPECT_EQ(kernel.datagrams, 1u);
	cnx_client_acknowledgement refusal{};
	ASSERT_EQ(cnx_client_refused(client, 0, &refusal), 0);
	EXPECT_EQ(refusal.seq, first + 1);
	EXPECT_EQ(refusal.code, ENODEV);
	EXPECT_EQ(cnx_client_refused(client, 1, &refusal), -ENOENT);
	EXPECT_EQ(cnx_client_refused(client, SIZE_MAX, &refusal), -ENOENT);

	/* The next one has its own. */
	EXPECT_EQ(cnx_client_send_batch(client, batch, 1, CNX_CLIENT_ANSWER_ALWAYS, nullptr), 0);
	EXPECT_EQ(cnx_client_refused(client, 0, &refusal), -ENOENT);
	EXPECT_EQ(cnx_client_send_batch(client, nullptr, 0, CNX_CLIENT_ANSWER_NONE, nullptr), 0);
	EXPECT_EQ(kernel.datagrams, 2u);
}

TEST_F(client_c, groups_and_what_is_passed_over)
{
	kernel.answer = [](Kernel &kernel, const Sent &sent) { kernel.control(sent, std::vector<char>()); };
	EXPECT_EQ(cnx_client_join(client, 0), -EINVAL);
	EXPECT_EQ(cnx_client_join(client, 5), 0);
	EXPECT_EQ(cnx_client_leave(client, 5), 0);
	EXPECT_EQ(cnx_client_leave(client, 5), -ENOENT);
	std::uint32_t portid = 0;
	EXPECT_EQ(cnx_client_portid(client, &portid), 0);
	EXPECT_EQ(portid, 77u);
	EXPECT_EQ(cnx_client_fd(client), -1);

	kernel.message({{1, 2}, 1, 0, 0, bytes("forged")});
	kernel.queue.back().sender = 1234;
	kernel.queue.push_back({Bytes(7)});
	cnx_client_event event{};
	EXPECT_EQ(cnx_client_receive(client, 0, &event), -ETIMEDOUT);
	std::uint64_t foreign = 0;
	std::uint64_t malformed = 0;
	EXPECT_EQ(cnx_client_ignored(client, &foreign, nullptr), 0);
	EXPECT_EQ(cnx_client_ignored(client, nullptr, &malformed), 0);
	EXPECT_EQ(foreign, 1u);
	EXPECT_EQ(malformed, 1u);
}

TEST_F(client_c, null_where_a_pointer_is_wanted)
{
	const auto message = message_for(1, "x");
	auto empty = message;
	empty.payload = nullptr;
	cnx_client_message reply{};
	cnx_client_event event{};
	cnx_client_acknowledgement refusal{};
	std::uint32_t number = 0;
	std::uint64_t count = 0;

	EXPECT_EQ(cnx_client_open(nullptr, nullptr), -EINVAL);
	cnx_client_close(nullptr);
	EXPECT_EQ(cnx_client_fd(nullptr), -EINVAL);
	EXPECT_EQ(cnx_client_portid(nullptr, &number), -EINVAL);
	EXPECT_EQ(cnx_client_portid(client, nullptr), -EINVAL);
	EXPECT_EQ(cnx_client_join(nullptr, 1), -EINVAL);
	EXPECT_EQ(cnx_client_leave(nullptr, 1), -EINVAL);
	EXPECT_EQ(cnx_client_send(nullptr, &message, CNX_CLIENT_ANSWER_NONE, &number), -EINVAL);
	EXPECT_EQ(cnx_client_send(client, nullptr, CNX_CLIENT_ANSWER_NONE, &number), -EINVAL);
	EXPECT_EQ(cnx_client_send(client, &empty, CNX_CLIENT_ANSWER_NONE, &number), -EINVAL);
	EXPECT_EQ(cnx_client_send_batch(nullptr, &message, 1, CNX_CLIENT_ANSWER_NONE, &number), -EINVAL);
	EXPECT_EQ(cnx_client_send_batch(client, nullptr, 1, CNX_CLIENT_ANSWER_NONE, &number), -EINVAL);
	EXPECT_EQ(cnx_client_send_batch(client, &empty, 1, CNX_CLIENT_ANSWER_NONE, &number), -EINVAL);
	EXPECT_EQ(cnx_client_send_batch(client, &message, 1, 77, &number), -EINVAL);
	EXPECT_EQ(cnx_client_refused(nullptr, 0, &refusal), -EINVAL);
	EXPECT_EQ(cnx_client_refused(client, 0, nullptr), -EINVAL);
	EXPECT_EQ(cnx_client_request(nullptr, &message, 0, &reply), -EINVAL);
	EXPECT_EQ(cnx_client_request(client, nullptr, 0, &reply), -EINVAL);
	EXPECT_EQ(cnx_client_request(client, &empty, 0, &reply), -EINVAL);
	EXPECT_EQ(cnx_client_request(client, &message, 0, nullptr), -EINVAL);
	EXPECT_EQ(cnx_client_receive(nullptr, 0, &event), -EINVAL);
	EXPECT_EQ(cnx_client_receive(client, 0, nullptr), -EINVAL);
	EXPECT_EQ(cnx_client_ignored(nullptr, &count, &count), -EINVAL);
	EXPECT_EQ(kernel.datagrams, 0u);
}

TEST(client_c_open, options_of_other_versions)
{
	/* What a later header may look like. */
	struct Later {
		cnx_client_options known = CNX_CLIENT_OPTIONS_INIT;
		std::uint64_t more = 0;
	} later;
	later.known.size = sizeof later;
	/* A protocol that nobody has, so that the answer does not depend on the machine. */
	later.known.protocol = 31;

	cnx_client *client = nullptr;
	EXPECT_EQ(cnx_client_open(&client, &later.known), -EPROTONOSUPPORT) << cnx_client_error();
	later.more = 1;
	EXPECT_EQ(cnx_client_open(&client, &later.known), -E2BIG);
	for (const std::size_t wrong : {std::size_t{0}, std::size_t{8}, sizeof(cnx_client_options) - 8, SIZE_MAX}) {
		cnx_client_options options = CNX_CLIENT_OPTIONS_INIT;
		options.size = wrong;
		/* Also: there is no client after a failure. */
		client = reinterpret_cast<cnx_client *>(&options); // SAFETY: never looked at
		EXPECT_EQ(cnx_client_open(&client, &options), -EINVAL) << wrong;
		EXPECT_EQ(client, nullptr);
	}
}

TEST_F(client_c, nothing_is_thrown_at_the_caller)
{
	const auto message = message_for(1, "x");
	kernel.answer = [](Kernel &, const Sent &) { throw std::bad_alloc(); };
	EXPECT_EQ(cnx_client_send(client, &message, CNX_CLIENT_ANSWER_NONE, nullptr), -ENOMEM);
	kernel.answer = [](Kernel &, const Sent &) { throw 7; };
	EXPECT_EQ(cnx_client_send(client, &message, CNX_CLIENT_ANSWER_NONE, nullptr), -EIO);
	kernel.answer = nullptr;
	EXPECT_EQ(cnx_client_send(client, &message, CNX_CLIENT_ANSWER_NONE, nullptr), 0);
}

} // namespace
