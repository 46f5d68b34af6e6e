// SPDX-License-Identifier: GPL-2.0-only
// Drivers that unload while programs send to them as fast as they can. With cnx loaded.
#include "ktap.hpp"
#include "raw.hpp"

#include <signal.h>
#include <sys/mman.h>

#include <atomic>

using namespace cnx::test;

namespace
{

/// What the senders have seen. Shared by all of them.
struct Seen {
	std::atomic<bool> stop;
	std::atomic<std::uint64_t> sent;
	std::atomic<std::uint64_t> answered;     // by the driver
	std::atomic<std::uint64_t> acknowledged; // with 0
	std::atomic<std::uint64_t> no_driver;    // with -ENODEV
	std::atomic<std::uint64_t> unanswered;
	std::atomic<std::uint64_t> strange; // anything else
};

Seen *shared()
{
	void *const memory = ::mmap(nullptr, sizeof(Seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		give_up("there is no memory to share");
	return new (memory) Seen{};
}

/// Sends datagrams of `batch` messages, each of which asks for an acknowledgement, until it is told to stop. Each
/// message comes to exactly one of two ends: a reply and a 0, or -ENODEV.
void flood(Seen &seen, cnx_id id, const Bytes &payload, unsigned batch)
{
	Socket socket;
	for (std::uint32_t seq = 1; !seen.stop; seq += batch) {
		Bytes datagram;
		for (unsigned i = 0; i < batch; ++i)
			append(datagram, id, seq + i, payload, ack_flag);
		if (socket.send(datagram) != 0) {
			++seen.strange;
			return;
		}
		seen.sent += batch;
		for (unsigned ends = 0; ends < batch;) {
			const auto received = socket.receive();
			if (!received) {
				seen.unanswered += batch - ends;
				break;
			}
			const bool ours =
			    received->netlink.nlmsg_seq >= seq && received->netlink.nlmsg_seq < seq + batch;
			if (!ours)
				++seen.strange;
			else if (!received->is_error)
				++seen.answered;
			else if (received->error == 0)
				++seen.acknowledged;
			else if (received->error == -ENODEV)
				++seen.no_driver;
			else
				++seen.strange;
			ends += received->is_error ? 1 : 0;
		}
	}
}

void under_load(Ktap &ktap, const std::string &name, const char *module, cnx_id id, const Bytes &payload,
                unsigned senders, unsigned batch, unsigned cycles, std::chrono::milliseconds life)
{
	Seen &seen = *shared();
	unsigned loads = 0;
	unsigned unloads = 0;
	std::vector<pid_t> children;
	for (unsigned i = 0; i < senders; ++i) {
		const pid_t child = ::fork();
		if (child == 0) {
			flood(seen, id, payload, batch);
			std::_Exit(0);
		}
		children.push_back(child);
	}
	std::chrono::steady_clock::duration longest{};
	for (unsigned i = 0; i < cycles; ++i) {
		loads += load_module(module) == 0 ? 1 : 0;
		std::this_thread::sleep_for(life);
		const auto begin = std::chrono::steady_clock::now();
		unloads += unload_module(module) == 0 ? 1 : 0;
		longest = std::max(longest, std::chrono::steady_clock::now() - begin);
	}
	seen.stop = true;
	unsigned well = 0;
	for (const pid_t child : children) {
		int status = 0;
		well += ::waitpid(child, &status, 0) == child && status == 0 ? 1 : 0;
	}
	ktap.equal(name + ": it loads every time", cycles, loads);
	ktap.equal(name + ": it unloads every time", cycles, unloads);
	ktap.equal(name + ": every sender ends well", senders, well);
	ktap.check(name + ": some messages are answered", seen.answered > 0);
	ktap.check(name + ": some come when it is gone", seen.no_driver > 0);
	ktap.equal(name + ": each message has one end, a reply with its acknowledgement or -ENODEV", seen.sent.load(),
	           seen.acknowledged + seen.no_driver);
	ktap.equal(name + ": what is acknowledged was answered", seen.acknowledged.load(), seen.answered.load());
	ktap.equal(name + ": none goes without an end", 0, seen.unanswered.load());
	ktap.equal(name + ": none comes to anything else", 0, seen.strange.load());
	ktap.note(std::to_string(seen.sent) + " messages sent, " + std::to_string(seen.answered) +
	          " answered; the longest of " + std::to_string(cycles) + " unloads took " +
	          std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(longest).count()) + " ms");
	::munmap(&seen, sizeof(seen));
}

/// Unloading waits for callbacks that are asleep: the answer comes all the same, and before the unload is over.
void waits_for_sleepers(Ktap &ktap)
{
	ktap.equal("asleep: the driver loads", 0, load_module("cnx_sleeper"));
	const auto begin = std::chrono::steady_clock::now();
	const pid_t child = ::fork();
	if (child == 0) {
		Socket socket;
		socket.send(one(sleeper_id, 1, bytes_of("600"), ack_flag));
		const auto reply = socket.receive();
		const auto ack = socket.receive();
		std::_Exit(reply && !reply->is_error && ack && ack->is_error && ack->error == 0 ? 0 : 1);
	}
	// The callback counts as received when it begins.
	Socket observer;
	ktap.check("asleep: its callback runs", eventually([&] {
		           const auto record =
		               ask(observer, CNX_CONTROL_SHOW, sleeper_id).record<cnx_callback_record>();
		           return record && record->received == 1;
	           }));
	ktap.equal("asleep: the driver unloads", 0, unload_module("cnx_sleeper"));
	ktap.check("asleep: that took as long as the callback did",
	           std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(600));
	int status = -1;
	::waitpid(child, &status, 0);
	ktap.equal("asleep: the sender is answered", 0, status);
	ktap.equal("asleep: the callback is gone", -ENODEV, ask(observer, CNX_CONTROL_SHOW, sleeper_id).error);
}

/// The number of the last tick among what a listener got, which has to be all of them.
std::uint64_t last_tick(Ktap &ktap, Socket &listener)
{
	std::uint64_t last = 0;
	unsigned gaps = 0;
	for (const auto &received : listener.drain()) {
		std::uint64_t number = 0;
		if (received.payload.size() < sizeof(number))
			continue;
		std::memcpy(&number, received.payload.data(), sizeof(number));
		gaps += last != 0 && number != last + 1;
		last = number;
	}
	if (gaps != 0)
		ktap.note(std::to_string(gaps) + " gaps");
	return gaps == 0 ? last : 0;
}

/// A driver that goes while its messages wait for others: they are sent, up to the last one.
void sends_what_waits(Ktap &ktap)
{
	constexpr unsigned cycles = 20;
	unsigned same = 0;
	unsigned batched = 0;
	for (unsigned cycle = 0; cycle < cycles; ++cycle) {
		Socket at_once;
		Socket in_batches;
		if (load_module("cnx_ticker", "period_ms=1 wait_us=1000000") != 0)
			give_up("the ticker could not be loaded");
		ask(at_once, CNX_CONTROL_SUBSCRIBE, {ticker_id.idx, 0});
		ask(in_batches, CNX_CONTROL_SUBSCRIBE, {ticker_id.idx, 0}, CNX_SUBSCRIBE_BATCHES);
		std::this_thread::sleep_for(std::chrono::milliseconds((20 + cycle) * slowness()));
		if (unload_module("cnx_ticker") != 0)
			give_up("the ticker could not be unloaded");
		const unsigned before = in_batches.datagrams();
		const std::uint64_t last = last_tick(ktap, at_once);
		same += last != 0 && last == last_tick(ktap, in_batches);
		batched += in_batches.datagrams() - before == 1;
	}
	ktap.equal("waiting messages: all are sent when their driver unloads, in each of the cycles", cycles, same);
	ktap.equal("waiting messages: in one datagram", cycles, batched);
}

} // namespace

int main()
{
	Ktap ktap;
	waits_for_sleepers(ktap);
	sends_what_waits(ktap);
	under_load(ktap, "echo under load", "cnx_echo", echo_id, bytes_of("hello"), 4, 20, 25,
	           std::chrono::milliseconds(40));
	// Whoever loads and unloads has to wait for its turn among so many.
	under_load(ktap, "sleeper under load", "cnx_sleeper", sleeper_id, bytes_of("7"), 40, 1,
	           std::max(3u, 10 / slowness()), std::chrono::milliseconds(100));
	return ktap.end();
}
