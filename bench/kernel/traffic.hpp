// SPDX-License-Identifier: GPL-2.0-only
// Both buses' sockets and datagrams, as user space has them.
#ifndef CNX_BENCH_KERNEL_TRAFFIC_HPP
#define CNX_BENCH_KERNEL_TRAFFIC_HPP

#include <test/guest/raw.hpp>

#include <linux/connector.h>

namespace cnx::bench
{

inline constexpr std::uint32_t bench_idx = 0x40; // as in module/bench.h
inline constexpr std::uint32_t group = 12;
inline constexpr std::size_t payload = 64;

inline int protocol_of(const std::string &bus)
{
	return bus == "connector" ? NETLINK_CONNECTOR : test::protocol();
}

inline test::Socket socket_of(const std::string &bus)
{
	return test::Socket(protocol_of(bus));
}

/// How a socket says that it listens: to netlink, as on either bus, or to cnx.
enum class Listening { member, subscriber };

/// A socket that the bus sends to, with room for all that it will.
inline test::Socket listener_of(const std::string &bus, Listening listening, std::uint32_t to = group)
{
	test::Socket socket = socket_of(bus);
	const int room = 1 << 24;
	// A message that never comes is an error, and no wait without an end.
	const timeval patience{.tv_sec = 5, .tv_usec = 0};
	const int joined =
	    listening == Listening::member ? socket.join(to) : test::ask(socket, CNX_CONTROL_SUBSCRIBE, {to, 0}).error;
	if (joined != 0 || ::setsockopt(socket.fd(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) != 0 ||
	    ::setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0)
		test::give_up("a listener could not join");
	return socket;
}

inline std::vector<test::Socket> listeners_of(const std::string &bus, unsigned count,
                                              Listening listening = Listening::member)
{
	std::vector<test::Socket> sockets;
	for (unsigned i = 0; i < count; ++i)
		sockets.push_back(listener_of(bus, listening));
	return sockets;
}

/// Takes the next datagram, and returns how many messages are in it.
inline unsigned take_one(const test::Socket &socket)
{
	std::array<char, 8192> into;
	const auto size = ::recv(socket.fd(), into.data(), into.size(), 0);
	unsigned messages = 0;
	nlmsghdr header;
	for (std::size_t at = 0; size > 0 && at + sizeof(header) <= static_cast<std::size_t>(size); ++messages) {
		std::memcpy(&header, into.data() + at, sizeof(header));
		at += std::max(NLMSG_ALIGN(header.nlmsg_len), static_cast<unsigned>(sizeof(header)));
	}
	return messages;
}

/// Takes the datagrams that have arrived, and returns how many.
inline unsigned take_all(const test::Socket &socket)
{
	std::array<char, 8192> into;
	unsigned taken = 0;
	while (::recv(socket.fd(), into.data(), into.size(), MSG_DONTWAIT) > 0)
		++taken;
	return taken;
}

/// For each callback a datagram of so many messages.
inline std::vector<test::Bytes> datagrams(unsigned callbacks, unsigned batch)
{
	std::vector<test::Bytes> all(callbacks);
	for (unsigned val = 0; val < callbacks; ++val) {
		for (unsigned i = 0; i < batch; ++i)
			test::append(all[val], {bench_idx, val}, i, test::Bytes(payload));
	}
	return all;
}

} // namespace cnx::bench

#endif // CNX_BENCH_KERNEL_TRAFFIC_HPP
