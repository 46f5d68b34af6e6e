// SPDX-License-Identifier: MIT
/*
 * In the place of client/c_open.cpp: a client whose kernel is an echo at 32:1, and knows nobody else. With it, what
 * calls the shared library from other languages is tested without a kernel.
 */
#include <cerrno>
#include <cstring>
#include <deque>
#include <memory>
#include <vector>

#include <linux/netlink.h>

#include "client/c_api.hpp"
#include "client/datagram.hpp"
#include "client/transport.hpp"

using namespace cnx::client;

namespace
{

using Bytes = std::vector<std::byte>;

Bytes nobody(std::uint32_t seq)
{
	struct {
		nlmsghdr header{};
		nlmsgerr body{};
	} refusal;
	refusal.header.nlmsg_len = sizeof refusal;
	refusal.header.nlmsg_type = NLMSG_ERROR;
	refusal.header.nlmsg_flags = NLM_F_CAPPED;
	refusal.body.error = -ENODEV;
	refusal.body.msg.nlmsg_len = sizeof(nlmsghdr);
	refusal.body.msg.nlmsg_seq = seq;
	const auto bytes = std::as_bytes(std::span(&refusal, 1));
	return {bytes.begin(), bytes.end()};
}

class Echo final : public Transport
{
public:
	int fd() const override { return -1; }
	std::uint32_t portid() const override { return 77; }

	Result<void> transmit(std::span<const std::byte> datagram) override
	{
		DatagramReader reader(datagram);
		nlmsghdr first;
		std::memcpy(&first, datagram.data(), sizeof first);
		for (std::uint32_t seq = first.nlmsg_seq; const auto item = reader.next(); ++seq) {
			const auto &message = std::get<MessageView>(*item);
			auto &answer = queue_.emplace_back();
			if (message.id == Id{32, 1})
				append_message(answer, {message.id, message.seq, message.ack + 1, 0, message.payload},
				               0, 0, 0);
			else
				answer = nobody(seq);
		}
		return {};
	}

	Result<Datagram> receive(std::span<std::byte> buffer, Deadline) override
	{
		if (queue_.empty())
			return std::unexpected(Error{ETIMEDOUT, "nothing arrived in time"});
		const Bytes datagram = std::move(queue_.front());
		queue_.pop_front();
		const std::size_t stored = std::min(buffer.size(), datagram.size());
		std::memcpy(buffer.data(), datagram.data(), stored);
		return Datagram{stored, datagram.size(), 0, 0};
	}

	Result<void> join(std::uint32_t) override { return {}; }
	Result<void> leave(std::uint32_t) override { return {}; }

private:
	std::deque<Bytes> queue_;
};

} // namespace

int cnx_client_open(struct cnx_client **client, const struct cnx_client_options *)
{
	*client = std::make_unique<cnx_client>(Client{std::make_unique<Echo>()}).release();
	return 0;
}
