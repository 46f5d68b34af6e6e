// SPDX-License-Identifier: MIT
/* A stand-in for the kernel, under a client. */
#ifndef CNX_CLIENT_STUB_HPP
#define CNX_CLIENT_STUB_HPP

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <linux/netlink.h>

#include "client/datagram.hpp"
#include "client/transport.hpp"

namespace cnx::client::test
{

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

inline cnx_control_request request_in(const Sent &sent)
{
	cnx_control_request request{};
	EXPECT_EQ(sent.message.payload.size(), sizeof request);
	std::memcpy(&request, sent.message.payload.data(), std::min(sent.message.payload.size(), sizeof request));
	return request;
}

/*
 * The kernel as the test tells it: `answer` is called for each message sent, and queues what comes back. The queue is
 * one of netlink: what it has no room for is lost, the next receive says so ahead of what is queued, and nothing more
 * is queued until it has been read empty.
 */
struct Kernel {
	std::deque<Incoming> queue;
	std::function<void(Kernel &, const Sent &)> answer;
	std::vector<std::uint32_t> joined;
	std::uint32_t groups = CNX_GROUPS;
	std::size_t datagrams = 0;
	std::size_t room = std::numeric_limits<std::size_t>::max(); /* datagrams */
	bool congested = false;
	bool error = false;
	std::function<void(Kernel &)> meanwhile; /* called at each call of the client's */

	/* False: it is lost. */
	bool deliver(Incoming incoming)
	{
		if (!congested && queue.size() < room) {
			queue.push_back(std::move(incoming));
			return true;
		}
		error |= !std::exchange(congested, true);
		return false;
	}

	bool message(const MessageView &view, std::uint32_t group = 0)
	{
		Incoming incoming;
		EXPECT_TRUE(append_message(incoming.bytes, view, 0, view.seq, 0));
		incoming.group = group;
		return deliver(std::move(incoming));
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
		deliver(std::move(incoming));
	}

	/* The reply to a control request: `records` copies of a record of `T`. */
	template <class T>
	void control(const Sent &sent, const std::vector<T> &records, std::uint64_t cursor = 0, std::size_t extra = 0)
	{
		cnx_control_reply reply{};
		reply.version = CNX_CONTROL_VERSION;
		reply.op = request_in(sent).op;
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
		if (kernel_.meanwhile)
			kernel_.meanwhile(kernel_);
		return {};
	}

	Result<Datagram> receive(std::span<std::byte> buffer, Deadline) override
	{
		if (kernel_.meanwhile)
			kernel_.meanwhile(kernel_);
		if (std::exchange(kernel_.error, false)) {
			kernel_.congested &= !kernel_.queue.empty();
			return std::unexpected(Error{ENOBUFS, "full"});
		}
		if (kernel_.queue.empty()) {
			kernel_.congested = false;
			return std::unexpected(Error{ETIMEDOUT, "nothing"});
		}
		const auto incoming = std::move(kernel_.queue.front());
		kernel_.queue.pop_front();
		kernel_.congested &= !kernel_.queue.empty();
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

/* Answers with what was sent. False: the answer is lost. */
inline bool echo(Kernel &kernel, const Sent &sent)
{
	return kernel.message({sent.message.id, sent.message.seq, sent.message.ack + 1, 0, sent.message.payload});
}

} // namespace cnx::client::test

#endif // CNX_CLIENT_STUB_HPP
