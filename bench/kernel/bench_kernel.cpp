// SPDX-License-Identifier: GPL-2.0-only
// The half of the in-kernel benchmark that runs in user space: it listens, sends, and has /proc/cnx_bench send. Prints
// a line of JSON for each measurement.
#include <test/guest/raw.hpp>

#include <linux/connector.h>
#include <sys/utsname.h>
#include <x86intrin.h>

namespace
{

using namespace cnx::test;

constexpr std::uint32_t bench_idx = 0x40; // as in cnx_bench.c
constexpr std::uint32_t group = 12;
constexpr std::size_t payload = 64;
constexpr unsigned samples = 2000;

using Samples = std::vector<std::uint64_t>;

Socket socket_of(const std::string &bus)
{
	return Socket(bus == "connector" ? NETLINK_CONNECTOR : protocol());
}

/// A socket that the bus sends to, with room for all that it will.
Socket listener_of(const std::string &bus)
{
	Socket socket = socket_of(bus);
	const int room = 1 << 24;
	if (socket.join(group) != 0 || ::setsockopt(socket.fd(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) != 0)
		give_up("a listener could not join");
	return socket;
}

/// Takes the datagrams that have arrived, and returns how many.
unsigned take_all(const Socket &socket)
{
	std::array<char, 8192> into;
	unsigned taken = 0;
	while (::recv(socket.fd(), into.data(), into.size(), MSG_DONTWAIT) > 0)
		++taken;
	return taken;
}

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

Bytes datagram(std::uint32_t val, unsigned batch)
{
	Bytes bytes;
	for (unsigned i = 0; i < batch; ++i)
		append(bytes, {bench_idx, val}, i, Bytes(payload));
	return bytes;
}

void receive(const std::string &bus, unsigned callbacks, unsigned batch)
{
	command("register " + bus + " " + std::to_string(callbacks));
	const Socket socket = socket_of(bus);
	std::vector<Bytes> datagrams;
	for (unsigned val = 0; val < callbacks; ++val)
		datagrams.push_back(datagram(val, batch));
	Samples ticks;
	for (unsigned i = 0; i < samples; ++i) {
		const auto &next = datagrams[i * 7919ul % callbacks];
		const std::uint64_t start = __rdtsc();
		const auto sent = ::send(socket.fd(), next.data(), next.size(), 0);
		ticks.push_back(__rdtsc() - start);
		if (sent < 0)
			give_up("a message could not be sent");
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
		sockets.push_back(listener_of(bus));
	const std::string line =
	    "send " + bus + " " + std::to_string(group) + " " + std::to_string(round) + " " + std::to_string(batch);
	const auto send_a_round = [&] {
		const Samples ticks = command(line);
		for (const Socket &socket : sockets) {
			if (take_all(socket) != round)
				give_up("a message did not arrive");
		}
		return ticks;
	};
	// The first one is for the caches' sake.
	send_a_round();
	Samples ticks;
	while (ticks.size() < samples) {
		const Samples more = send_a_round();
		ticks.insert(ticks.end(), more.begin(), more.end());
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
