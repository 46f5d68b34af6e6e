// SPDX-License-Identifier: GPL-2.0-only
// Loads, hammers and unloads everything 200 times, and checks that the kernel's memory is where it was.
#include "ktap.hpp"
#include "memory.hpp"
#include "raw.hpp"

#include <sys/utsname.h>

using namespace cnx::test;

namespace
{

// The first cycles fill caches that never shrink again, as the one of netlink's groups.
constexpr unsigned warm_up = 25;
constexpr unsigned cycles = 200;
/// A leak of one object in every other cycle is beyond this; what the rest of the system does meanwhile is not.
constexpr long objects_bound = cycles / 2;
/// A leak of a page in each cycle is beyond this.
constexpr long kib_bound = cycles * 4 / 2;

constexpr const char *drivers[] = {"cnx_echo", "cnx_ticker", "cnx_sleeper"};

/// A little of everything that allocates: replies, acks, errors, batches, control, subscriptions, members, multicast,
/// messages left unread in sockets that close.
bool hammer()
{
	Socket socket;
	Socket member;
	Socket subscriber;
	bool good = member.join(ticker_id.idx) == 0;
	good = good && ask(subscriber, CNX_CONTROL_SUBSCRIBE, {ticker_id.idx, 0}).error == 0;
	good = good && ask(subscriber, CNX_CONTROL_SUBSCRIBE, {70000, 0}).error == 0;
	good = good && ask(subscriber, CNX_CONTROL_UNSUBSCRIBE, {70000, 0}).error == 0;
	Bytes datagram;
	for (std::uint32_t i = 0; i < 100; ++i)
		append(datagram, i % 10 ? echo_id : unknown_id, i, Bytes(i), i % 2 ? ack_flag : 0);
	socket.send(datagram);
	unsigned echoes = 0;
	// 90 echoes; each second message asks for an acknowledgement, and the unknown ids are all among the others.
	for (unsigned i = 0; i < 90 + 50; ++i) {
		const auto received = socket.receive();
		echoes += received && !received->is_error ? 1 : 0;
	}
	good = good && echoes == 90;
	socket.send(one(sleeper_id, 1, bytes_of("1")));
	good = good && socket.receive();
	socket.send(one(echo_id, 1, Bytes(largest_payload)));
	socket.send(Bytes(9));
	good = good && member.receive() && subscriber.receive();
	for (unsigned i = 0; i < 20; ++i)
		socket.send(one(echo_id, i, Bytes(1000)));
	return good;
}

/// Everything comes and goes. The events have a listener, which pins cnx until it closes.
bool cycle()
{
	bool good = load_module("cnx") == 0;
	{
		Socket listener;
		good = good && ask(listener, CNX_CONTROL_SUBSCRIBE, {CNX_CONTROL_IDX, 0}).error == 0;
		good = load_module("cnx_echo") == 0 && good;
		good = load_module("cnx_ticker", "period_ms=1 batch=8") == 0 && good;
		good = load_module("cnx_sleeper") == 0 && good;
		good = good && hammer();
		for (const char *driver : drivers)
			good = unload_module(driver) == 0 && good;
		good = good && listener.drain(std::chrono::milliseconds(0)).size() == 6;
	}
	// A socket's module reference goes with the socket, a grace period after it was closed.
	return eventually([] { return unload_module("cnx") == 0; }) && good;
}

} // namespace

int main()
{
	Ktap ktap;
	unsigned good = 0;
	for (unsigned i = 0; i < warm_up; ++i)
		good += cycle() ? 1 : 0;
	ktap.equal("cycles: those that warm up go well", warm_up, good);
	const Memory before = measure();
	ktap.check("cycles: the kernel tells of its memory", before.objects.size() > 10 && before.kib.size() == 6);
	good = 0;
	const auto begin = std::chrono::steady_clock::now();
	for (unsigned i = 0; i < cycles; ++i) {
		good += cycle() ? 1 : 0;
		// How it went on the way tells a leak from a step that the rest of the system took.
		if (i % 50 == 49) {
			const Memory now = measure();
			std::string line = "after " + std::to_string(i + 1) + " cycles, KiB more:";
			for (const auto &[name, kib] : now.kib)
				line += " " + name + " " + std::to_string(kib - before.kib.at(name));
			ktap.note(line);
		}
	}
	const auto took = std::chrono::steady_clock::now() - begin;
	ktap.equal("cycles: everything loads, works and unloads every time", cycles, good);
	const Memory after = measure();
	for (const auto &[name, objects] : before.objects) {
		const long more = after.objects.at(name) - objects;
		if (!ktap.check("cycles: no objects are leaked in " + name, more <= objects_bound) || more > 20)
			ktap.note(name + ": " + std::to_string(more) + " more");
	}
	for (const char *name : {"SUnreclaim", "VmallocUsed", "Percpu"}) {
		const long more = after.kib.at(name) - before.kib.at(name);
		ktap.check(std::string("cycles: memory under ") + name + " does not grow", more <= kib_bound);
		ktap.note(std::string(name) + ": " + std::to_string(more) + " KiB more");
	}
	const long less = before.kib.at("MemAvailable") - after.kib.at("MemAvailable");
	ktap.check("cycles: memory that is available does not shrink", less <= kib_bound);
	ktap.note("MemAvailable: " + std::to_string(less) + " KiB less; a cycle took " +
	          std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(took).count() / cycles) + " ms");
	return ktap.end();
}
