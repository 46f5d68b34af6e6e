// SPDX-License-Identifier: GPL-2.0-only
// The half of the in-kernel benchmark that runs in user space: it listens, sends, and has /proc/cnx_bench send. Prints
// a line of JSON for each measurement.
#include <cnx/uapi.h>

#include <linux/connector.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <fcntl.h>
#include <unistd.h>
#include <x86intrin.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace
{

constexpr std::uint32_t bench_idx = 0x40; // as in cnx_bench.c
constexpr std::uint32_t group = 12;
constexpr std::size_t payload = 64;
constexpr unsigned samples = 2000;

using Samples = std::vector<std::uint64_t>;

[[noreturn]] void give_up(const std::string &what)
{
	std::printf("bench_kernel: %s: %s\n", what.c_str(), std::strerror(errno));
	std::exit(1);
}

int protocol_of(std::string_view bus)
{
	if (bus == "connector")
		return NETLINK_CONNECTOR;
	int protocol = -1;
	std::ifstream("/proc/sys/net/cnx/protocol") >> protocol;
	return protocol;
}

class Socket
{
public:
	explicit Socket(std::string_view bus, std::uint32_t joined = 0)
	    : descriptor_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol_of(bus)))
	{
		sockaddr_nl address{};
		address.nl_family = AF_NETLINK;
		const int room = 1 << 24;
		// SAFETY: every socket address begins as a sockaddr does, and bind() is told its true size.
		if (descriptor_ < 0 ||
		    bind(descriptor_, reinterpret_cast<sockaddr *>(&address), sizeof(address)) != 0 ||
		    setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) != 0 ||
		    (joined != 0 &&
		     setsockopt(descriptor_, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &joined, sizeof(joined)) != 0))
			give_up("a socket could not be opened");
	}
	Socket(Socket &&other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
	Socket &operator=(Socket &&) = delete;
	~Socket()
	{
		if (descriptor_ >= 0)
			close(descriptor_);
	}

	void send(const std::vector<std::byte> &datagram) const
	{
		if (::send(descriptor_, datagram.data(), datagram.size(), 0) != static_cast<ssize_t>(datagram.size()))
			give_up("a message could not be sent");
	}

	/// Takes what has arrived.
	void drain() const
	{
		std::array<char, 8192> into;
		while (recv(descriptor_, into.data(), into.size(), MSG_DONTWAIT) > 0) {
		}
	}

	/// Takes one datagram, which has arrived.
	void receive() const
	{
		std::array<char, 8192> into;
		if (recv(descriptor_, into.data(), into.size(), MSG_DONTWAIT) <= 0)
			give_up("a message did not arrive");
	}

private:
	int descriptor_;
};

/// Has the module do something, and returns what each step of it took.
Samples command(const std::string &line)
{
	const int file = open("/proc/cnx_bench", O_RDWR | O_CLOEXEC);
	if (file < 0 || write(file, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
		give_up(line);
	Samples ticks(65536);
	const ssize_t bytes = pread(file, ticks.data(), ticks.size() * sizeof(ticks[0]), 0);
	close(file);
	if (bytes < 0)
		give_up(line);
	ticks.resize(static_cast<std::size_t>(bytes) / sizeof(ticks[0]));
	return ticks;
}

/// Prints a measurement, divided by the messages of a step.
void report(const std::string &name, Samples steps, unsigned batch = 1)
{
	std::sort(steps.begin(), steps.end());
	const auto at = [&](double share) {
		const auto place = static_cast<std::size_t>(share * static_cast<double>(steps.size()));
		return static_cast<double>(steps[std::min(place, steps.size() - 1)]) / batch;
	};
	utsname system{};
	uname(&system);
	std::printf("{\"name\": \"%s\", \"value\": %.10g, \"unit\": \"instructions\", \"mode\": \"icount\", "
	            "\"kernel\": \"%s\", "
	            "\"p50\": %.10g, \"p99\": %.10g, \"p999\": %.10g, \"max\": %.10g}\n",
	            name.c_str(), at(0.5), system.release, at(0.5), at(0.99), at(0.999), at(1));
	std::fflush(stdout);
}

std::vector<std::byte> datagram(std::uint32_t val, unsigned batch)
{
	constexpr std::size_t one = sizeof(nlmsghdr) + sizeof(cn_msg) + payload;
	std::vector<std::byte> bytes(one * batch);
	for (unsigned i = 0; i < batch; ++i) {
		const nlmsghdr netlink{
		    .nlmsg_len = one, .nlmsg_type = NLMSG_DONE, .nlmsg_flags = 0, .nlmsg_seq = i, .nlmsg_pid = 0};
		cnx_msg message{};
		message.id = {bench_idx, val};
		message.len = payload;
		std::memcpy(&bytes[one * i], &netlink, sizeof(netlink));
		std::memcpy(&bytes[one * i + sizeof(netlink)], &message, sizeof(message));
	}
	return bytes;
}

void receive(const std::string &bus, unsigned callbacks, unsigned batch)
{
	command("register " + bus + " " + std::to_string(callbacks));
	const Socket socket(bus);
	std::vector<std::vector<std::byte>> datagrams;
	for (unsigned val = 0; val < callbacks; ++val)
		datagrams.push_back(datagram(val, batch));
	Samples ticks;
	for (unsigned i = 0; i < samples; ++i) {
		const auto &next = datagrams[i * 7919ul % callbacks];
		const std::uint64_t start = __rdtsc();
		socket.send(next);
		ticks.push_back(__rdtsc() - start);
	}
	report("receive/" + bus + "/callbacks:" + std::to_string(callbacks) + "/batch:" + std::to_string(batch), ticks,
	       batch);
}

void send(const std::string &bus, unsigned listeners, unsigned batch)
{
	constexpr unsigned round = 50;
	command("register " + bus + " 1");
	std::vector<Socket> sockets;
	for (unsigned i = 0; i < listeners; ++i)
		sockets.emplace_back(bus, group);
	const std::string line =
	    "send " + bus + " " + std::to_string(group) + " " + std::to_string(round) + " " + std::to_string(batch);
	Samples ticks;
	command(line);
	while (ticks.size() < samples) {
		for (const Socket &socket : sockets)
			socket.drain();
		const Samples more = command(line);
		ticks.insert(ticks.end(), more.begin(), more.end());
	}
	for (const Socket &socket : sockets) {
		for (unsigned i = 0; i < round; ++i)
			socket.receive();
	}
	report("send/" + bus + "/listeners:" + std::to_string(listeners) + "/batch:" + std::to_string(batch), ticks,
	       batch);
}

} // namespace

int main()
{
	for (const std::string bus : {"cnx", "connector"}) {
		const bool batches = bus == "cnx";
		for (const unsigned callbacks : {1u, 16u, 1000u}) {
			receive(bus, callbacks, 1);
			if (batches)
				receive(bus, callbacks, 32);
		}
		for (const unsigned listeners : {0u, 1u, 2u, 16u}) {
			send(bus, listeners, 1);
			if (batches)
				send(bus, listeners, 32);
		}
		report("register/" + bus, command("register " + bus + " 1000"));
	}
	report("local/cnx", command("local " + std::to_string(samples)));
}
