// SPDX-License-Identifier: MIT
/* The client over a stand-in for the kernel: matching of answers, batches, overruns, pages of control replies. */
#include <cerrno>
#include <cstring>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <linux/netlink.h>

#include "client/datagram.hpp"
#include "client/transport.hpp"

namespace
{

using namespace cnx::client;
using Bytes = std::vector<std::byte>;

struct Incoming {
	Bytes bytes;
	int code = 0; /* an errno instead of a datagram */
	std::uint32_t sender = 0;
	std::uint32_t group = 0;
};

/* What the stand-in was sent, one message of it. */
struct Sent {
	MessageView message;
	nlmsghdr netlink;
};

/* The kernel as the test tells it: `answer` is called for each message sent, and queues what comes back. */
struct Kernel {
	std::deque<Incoming> queue;
	std::function<void(Kernel &, const Sent &)> answer;
	std::vector<std::uint32_t> joined;
	std::uint32_t groups = CNX_GROUPS;
	std::size_t datagrams = 0;

	void message(const MessageView &view, std::uint32_t group = 0)
	{
		Incoming incoming;
		ASSERT_TRUE(append_message(incoming.bytes, view, 0, view.seq, 0));
		incoming.group = group;
		queue.push_back(std::move(incoming));
	}

	void acknowledge(std::uint32_t seq, int code)
	{
		nlmsghdr header{};
		header.nlmsg_len = sizeof header + sizeof(nlmsgerr);
		header.nlmsg_type = NLMSG_ERROR;
		header.nlmsg_flags = NLM_F_CAPPED;
		nlmsgerr body{};
		body.error = -code;
		body.msg.nlmsg_len = sizeof(nlmsghdr);
		body.msg.nlmsg_seq = seq;
		Incoming incoming;
		const auto first = std::as_bytes(std::span(&header, 1));
		const auto second = std::as_bytes(std::span(&body, 1));
		incoming.bytes.assign(first.begin(), first.end());
		incoming.bytes.insert(incoming.bytes.end(), second.begin(), second.end());
		queue.push_back(std::move(incoming));
	}

	/* The reply to a control request: `records` copies of a record of `T`. */
	template <class T>
	void control(const Sent &sent, const std::vector<T> &records, std::uint64_t cursor = 0, std::size_t extra = 0)
	{
		cnx_control_request request;
		ASSERT_EQ(sent.message.payload.size(), sizeof request);
		std::memcpy(&request, sent.message.payload.data(), sizeof request);
		cnx_control_reply reply{};
		reply.version = CNX_CONTROL_VERSION;
		reply.op = request.op;
		reply.count = static_cast<std::uint32_t>(records.size());
		reply.cursor = cursor;
		Bytes payload(sizeof reply + records.size() * (sizeof(T) + extra));
		std::memcpy(payload.data(), &reply, sizeof reply);
		for (std::size_t index = 0; index < records.size(); ++index)
			std::memcpy(payload.data() + sizeof reply + index * (sizeof(T) + extra), &records[index],
			            sizeof(T));
		message({sent.message.id, sent.message.seq, sent.message.ack + 1, 0, payload});
	}
};

class Stub final : public Transport
{
public:
	explicit Stub(Kernel &kernel) : kernel_(kernel) {}

	int fd() const override { return -1; }
	std::uint32_t portid() const override { return 77; }

	Result<void> transmit(std::span<const std::byte> datagram) override
	{
		++kernel_.datagrams;
		const Bytes bytes(datagram.begin(), datagram.end());
		DatagramReader reader(bytes);
		std::size_t offset = 0;
		while (const auto item = reader.next()) {
			Sent sent{std::get<MessageView>(*item), {}};
			std::memcpy(&sent.netlink, bytes.data() + offset, sizeof sent.netlink);
			offset += NLMSG_ALIGN(sent.netlink.nlmsg_len);
			if (kernel_.answer)
				kernel_.answer(kernel_, sent);
		}
		return {};
	}

	Result<Datagram> receive(std::span<std::byte> buffer, Deadline) override
	{
		if (kernel_.queue.empty())
			return std::unexpected(Error{ETIMEDOUT, "nothing"});
		const auto incoming = std::move(kernel_.queue.front());
		kernel_.queue.pop_front();
		if (incoming.code)
			return std::unexpected(Error{incoming.code, "as told"});
		const auto stored = std::min(buffer.size(), incoming.bytes.size());
		std::memcpy(buffer.data(), incoming.bytes.data(), stored);
		return Datagram{stored, incoming.bytes.size(), incoming.sender, incoming.group};
	}

	Result<void> join(std::uint32_t group) override
	{
		if (group > kernel_.groups)
			return std::unexpected(Error{EINVAL, "beyond the table"});
		kernel_.joined.push_back(group);
		return {};
	}

	Result<void> leave(std::uint32_t group) override
	{
		std::erase(kernel_.joined, group);
		return {};
	}

private:
	Kernel &kernel_;
};

struct client_exchange : testing::Test {
	Kernel kernel;
	Client client{std::make_unique<Stub>(kernel)};
};

void echo(Kernel &kernel, const Sent &sent)
{
	kernel.message({sent.message.id, sent.message.seq, sent.message.ack + 1, 0, sent.message.payload});
}

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

TEST_F(client_exchange, join_by_table_or_by_subscription)
{
	std::vector<std::uint16_t> asked;
	kernel.answer = [&](Kernel &kernel, const Sent &sent) {
		cnx_control_request request;
		std::memcpy(&request, sent.message.payload.data(), sizeof request);
		asked.push_back(request.op);
		kernel.control(sent, std::vector<char>());
	};
	kernel.groups = 32;
	EXPECT_EQ(client.join(0).error().code, EINVAL);
	EXPECT_TRUE(client.join(5));
	EXPECT_EQ(kernel.joined, std::vector<std::uint32_t>{5});
	EXPECT_TRUE(asked.empty());
	EXPECT_TRUE(client.join(33));
	EXPECT_TRUE(client.join(CNX_CONTROL_IDX));
	EXPECT_TRUE(client.leave(33));
	EXPECT_TRUE(client.leave(5));
	EXPECT_EQ(client.leave(4000).error().code, ENOENT);
	EXPECT_TRUE(kernel.joined.empty());
	EXPECT_EQ(asked,
	          (std::vector<std::uint16_t>{CNX_CONTROL_SUBSCRIBE, CNX_CONTROL_SUBSCRIBE, CNX_CONTROL_UNSUBSCRIBE}));
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
