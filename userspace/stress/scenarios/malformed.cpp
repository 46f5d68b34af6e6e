// SPDX-License-Identifier: GPL-2.0-only
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stress/exchange.hpp"

namespace cnx::stress
{
namespace
{

/* A netlink socket that sends whatever it is given. */
class RawSocket
{
public:
	explicit RawSocket(int protocol) : fd_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol)) {}
	RawSocket(const RawSocket &) = delete;
	RawSocket &operator=(const RawSocket &) = delete;
	~RawSocket()
	{
		if (fd_ >= 0)
			::close(fd_);
	}

	/* 0 or an errno. */
	int send(std::span<const std::byte> bytes) const
	{
		sockaddr_nl kernel{};
		kernel.nl_family = AF_NETLINK;
		// SAFETY: every socket address begins as a sockaddr does, and the call is told its true size.
		const auto *to = reinterpret_cast<const sockaddr *>(&kernel);
		return ::sendto(fd_, bytes.data(), bytes.size(), 0, to, sizeof(kernel)) < 0 ? errno : 0;
	}

private:
	int fd_;
};

std::vector<std::byte> noise(Stream &stream, std::size_t size)
{
	std::vector<std::byte> bytes(size);
	for (auto &byte : bytes)
		byte = static_cast<std::byte>(stream.next());
	return bytes;
}

/* One message to nobody's callback with lengths as they are said here, and `body` bytes behind the netlink header. */
std::vector<std::byte> message(Stream &stream, std::size_t body, std::uint32_t netlink_length, std::uint16_t length)
{
	auto bytes = noise(stream, sizeof(nlmsghdr) + body);
	const nlmsghdr netlink{
	    .nlmsg_len = netlink_length, .nlmsg_type = NLMSG_DONE, .nlmsg_flags = 0, .nlmsg_seq = 1, .nlmsg_pid = 0};
	const cnx_msg connector{
	    .id = {CNX_STRESS_IDX, CNX_STRESS_SINK_VAL}, .seq = 1, .ack = 0, .len = length, .flags = 0};
	std::memcpy(bytes.data(), &netlink, sizeof(netlink));
	std::memcpy(bytes.data() + sizeof(netlink), &connector, std::min(body, sizeof(connector)));
	return bytes;
}

/* A datagram that cnx must refuse once, as truncated, of a wrong length, or too large. */
std::vector<std::byte> malformed(Stream &stream)
{
	constexpr std::size_t netlink = sizeof(nlmsghdr);
	const auto whole = [](std::size_t body) { return static_cast<std::uint32_t>(netlink + body); };
	const auto below = [&](std::uint64_t bound) { return static_cast<std::uint32_t>(stream.below(bound)); };
	switch (stream.below(6)) {
	case 0: /* ends within the netlink header */
		return noise(stream, stream.between(1, netlink - 1));
	case 1: /* a netlink header that says that it is shorter than itself */
		return message(stream, 32, below(netlink), 12);
	case 2: { /* one that says that more follows than does */
		const auto body = stream.between(20, 400);
		return message(stream, body, whole(body) + 1 + below(1u << 31), 0);
	}
	case 3: { /* ends within the connector's header */
		const auto body = stream.below(sizeof(cnx_msg));
		return message(stream, body, whole(body), 0);
	}
	case 4: { /* a payload that says that it is longer than it is */
		const auto body = stream.between(sizeof(cnx_msg), 400);
		const auto payload = body - sizeof(cnx_msg);
		return message(stream, body, whole(body),
		               static_cast<std::uint16_t>(payload + 1 + below(65535 - payload)));
	}
	default: { /* more than a message may hold */
		const auto body = CNX_MAX_MESSAGE + stream.between(1, 4096);
		return message(stream, body, whole(body), 0);
	}
	}
}

void flood(Worker &worker, int protocol)
{
	auto client = worker.open();
	if (!client) {
		worker.failed("opening a socket", client.error());
		return;
	}
	const auto dropped = [&] {
		return counter_sum(*client, CNX_DROP_TRUNCATED) + counter_sum(*client, CNX_DROP_BAD_LENGTH) +
		       counter_sum(*client, CNX_DROP_TOO_LARGE);
	};
	const auto before = dropped();
	const RawSocket socket(protocol);
	std::uint64_t sent = 0;
	while (worker.go_on()) {
		if (const int code = socket.send(malformed(worker.stream()))) {
			worker.failed("sending a malformed datagram", {code, std::strerror(code)});
			return;
		}
		++sent;
		/* Bytes without any rule, of which nothing is known but that they do no harm. */
		static_cast<void>(socket.send(noise(worker.stream(), worker.stream().between(1, 600))));
		worker.did(2);
	}
	const auto counted = dropped() - before;
	worker.count("malformed", sent);
	worker.count("dropped and counted", counted);
	if (counted < sent)
		worker.broke({{},
		              "every malformed datagram is counted as dropped",
		              fmt::format("{} or more", sent),
		              fmt::format("{}", counted)});
}

class MalformedFlood : public Scenario
{
public:
	void run(Worker &worker) override
	{
		auto client = worker.open();
		const auto info =
		    client ? client->info() : client::Result<client::Info>(std::unexpected(client.error()));
		if (!info) {
			worker.failed("asking cnx for its protocol", info.error());
			return;
		}
		const int protocol = static_cast<int>(info->protocol);
		const std::jthread flooding = worker.beside(1, [protocol](Worker &own) { flood(own, protocol); });
		ask_until_over(worker, echo_id, 1024);
	}
};

} // namespace

std::unique_ptr<Scenario> make_malformed()
{
	return std::make_unique<MalformedFlood>();
}

} // namespace cnx::stress
