// SPDX-License-Identifier: GPL-2.0-only
// Every message is counted: what cnx_test_traffic sends against what its listeners get and what the module says that
// they missed. With cnx and cnx_test_traffic loaded.
#include "ktap.hpp"
#include "traffic.hpp"

#include <atomic>
#include <csignal>

using namespace cnx::test;
using namespace std::chrono_literals;

namespace
{

constexpr unsigned million = 1'000'000;

void a_million_to_user_space(Ktap &ktap)
{
	Listener listener;
	order(registration());
	std::vector<long> outcome;
	std::thread sender([&] { outcome = order(send_order(listener.portid(), 0, million, lossless)); });
	while (listener.messages() < million && listener.take(20s))
		;
	sender.join();
	ktap.equal("a million, lossless, to user space: the sender could send all", std::to_string(million) + " 0",
	           words_of(outcome));
	ktap.equal("a million, lossless, to user space: all arrived", million, listener.messages());
	ktap.equal("a million, lossless, to user space: in order", 0, listener.jumps());
	ktap.check("a million, lossless, to user space: nothing is counted as missed",
	           missed(listener.portid()).empty());
	order("unregister");
}

void a_million_to_the_kernel(Ktap &ktap)
{
	constexpr unsigned batch = 16;
	order(registration());
	const Socket socket;
	for (unsigned seq = 1; seq <= million; seq += batch) {
		Bytes datagram;
		for (unsigned i = 0; i < batch; ++i)
			append(datagram, {idx, 1}, seq + i, {});
		if (socket.send(datagram) != 0)
			give_up("a datagram could not be sent");
	}
	ktap.equal("a million to the kernel: all arrived, in order", std::to_string(million) + " 0",
	           words_of(order("received")));
	order("unregister");
}

/// Two senders, and listeners who read at once, now and then, and never.
void every_loss_is_counted(Ktap &ktap)
{
	constexpr unsigned each = 20'000;
	constexpr unsigned senders = 2;
	order(registration());
	Listener fast;
	Listener slow;
	Listener stopped;
	// For all of them: an skb of so small a message is charged with up to 960 bytes, by the kernel.
	fast.room(1 << 25);
	slow.room(1 << 15);
	stopped.room(1 << 12);
	std::atomic<bool> over{false};
	for (Listener *const listener : {&fast, &slow, &stopped})
		ktap.equal("exact losses: a listener subscribes", 0, listener->subscribe());
	std::thread slow_reader([&] {
		while (!over) {
			std::this_thread::sleep_for(5ms);
			for (unsigned i = 0; i < 30; ++i)
				static_cast<void>(slow.take(0ms));
		}
	});
	std::vector<std::thread> threads;
	for (unsigned i = 0; i < senders; ++i)
		threads.emplace_back([&] { order(send_order(0, idx, each, 0)); });
	for (auto &thread : threads)
		thread.join();
	over = true;
	slow_reader.join();
	const std::pair<const char *, Listener *> all[] = {{"fast", &fast}, {"slow", &slow}, {"stopped", &stopped}};
	for (const auto &[name, listener] : all) {
		listener->take_all();
		const auto lost = missed(listener->portid());
		const std::uint64_t count = lost.contains(1) ? lost.at(1) : 0;
		ktap.equal(std::string("exact losses: what the ") + name + " one got and missed is what was sent",
		           senders * each, listener->messages() + count);
		ktap.note(std::string(name) + ": got " + std::to_string(listener->messages()) + ", missed " +
		          std::to_string(count));
		if (listener != &fast)
			ktap.check(std::string("exact losses: the ") + name + " one missed some, and was told",
			           count != 0 && listener->overruns() != 0);
	}
	ktap.check("exact losses: the fast one missed none", missed(fast.portid()).empty());
	order("unregister");
	ktap.equal("exact losses: they outlive the callback", true, !missed(stopped.portid()).empty());
}

void losses_of_mixed_datagrams(Ktap &ktap)
{
	constexpr unsigned datagrams = 300;
	constexpr unsigned batch = 32;
	order(registration());
	Listener stopped;
	stopped.room(1 << 14);
	stopped.subscribe();
	order("batch " + std::to_string(idx) + " " + std::to_string(datagrams) + " " + std::to_string(batch));
	stopped.take_all();
	auto lost = missed(stopped.portid());
	for (const std::uint32_t val : {1u, 2u})
		ktap.equal("a datagram of two callbacks: callback " + std::to_string(val) + "'s messages add up",
		           datagrams * batch / 2, stopped.messages_of(val) + lost[val]);
	ktap.check("a datagram of two callbacks: some were lost", lost[1] != 0 && lost[2] != 0);
	order("unregister");
}

void back_pressure(Ktap &ktap)
{
	order(registration());
	Listener listener;
	listener.room(1 << 13);
	const auto outcome = order(send_order(listener.portid(), 0, 10'000, lossless | atomic));
	ktap.equal("lossless, where sleeping is forbidden: the sender is told to come again", -EAGAIN, outcome.at(1));
	listener.take_all();
	ktap.equal("lossless, where sleeping is forbidden: what was accepted arrived",
	           static_cast<std::uint64_t>(outcome.at(0)), listener.messages());
	ktap.check("lossless, where sleeping is forbidden: nothing is counted as missed",
	           missed(listener.portid()).empty());
	ktap.equal("lossless, where sleeping is forbidden: it goes on when there is room", "1 0",
	           words_of(order(send_order(listener.portid(), 0, 1, lossless | atomic))));

	// Nobody reads, so the sender waits; a signal ends that.
	const pid_t child = ::fork();
	if (child == 0) {
		order(send_order(listener.portid(), 0, 100'000, lossless));
		std::_Exit(0);
	}
	std::this_thread::sleep_for(300ms);
	int status = 0;
	ktap.equal("lossless: the sender waits for room", 0, ::waitpid(child, &status, WNOHANG));
	::kill(child, SIGKILL);
	ktap.equal("lossless: a signal ends the wait", child, ::waitpid(child, &status, 0));
	ktap.check("lossless: nothing is counted as missed", missed(listener.portid()).empty());
	order("unregister");
}

void reported_multicast(Ktap &ktap)
{
	order(registration());
	Listener reads;
	Listener stopped;
	stopped.room(1 << 12);
	reads.room(1 << 24);
	reads.subscribe();
	stopped.subscribe();
	order(send_order(0, idx, 1000, 0));
	const auto before = missed(stopped.portid());
	ktap.equal("lossless multicast: the sender is told whom it did not reach",
	           std::to_string(-ENOBUFS) + " " + std::to_string(stopped.portid()),
	           words_of(order("report " + std::to_string(idx))));
	ktap.check("lossless multicast: which is his affair, and not counted", missed(stopped.portid()) == before);
	stopped.take_all();
	ktap.equal("lossless multicast: it reaches everyone when there is room", "0",
	           words_of(order("report " + std::to_string(idx))));
	ktap.equal("lossless multicast: a sender that cannot be told is refused", "0 " + std::to_string(-EINVAL),
	           words_of(order(send_order(0, idx, 1, lossless))));
	order("unregister");
}

void coalescing_limits(Ktap &ktap)
{
	struct {
		unsigned delay, messages, bytes;
		int expected;
	} const cases[] = {{0, 5, 0, -EINVAL},     {0, 0, 1000, -EINVAL},  {1'000'001, 0, 0, -EINVAL},
	                   {~0u, 0, 0, -EINVAL},   {1, 65536, 0, -EINVAL}, {1, 0, 63, -EINVAL},
	                   {1, 0, 65537, -EINVAL}, {1, 0, 0, 0},           {1'000'000, 65535, 65536, 0},
	                   {1, 1, 64, 0}};
	for (const auto &[delay, messages, bytes, expected] : cases) {
		ktap.equal("coalescing limits " + std::to_string(delay) + " " + std::to_string(messages) + " " +
		               std::to_string(bytes),
		           expected, order(registration(delay, messages, bytes)).at(0));
		order("unregister");
	}
}

std::string sizes(const std::vector<Listener::Datagram> &datagrams)
{
	std::string text;
	for (const auto &datagram : datagrams)
		text += (text.empty() ? "" : " ") + std::to_string(datagram.messages);
	return text;
}

void coalescing(Ktap &ktap)
{
	constexpr std::uint64_t delay_us = 400'000;
	order(registration(delay_us, 10));
	Listener many;
	Listener single;
	Listener unicast;
	for (Listener *const listener : {&many, &single, &unicast})
		listener->keep_datagrams();
	ktap.equal("coalescing: a listener asks for batches", 0, many.subscribe(idx, CNX_SUBSCRIBE_BATCHES));
	ktap.equal("coalescing: another does not", 0, single.subscribe());
	ktap.equal("coalescing: a third asks for those to itself", 0, unicast.subscribe(0, CNX_SUBSCRIBE_BATCHES));
	ktap.equal("coalescing: all messages are accepted", "25 0", words_of(order(send_order(0, idx, 25, 0))));
	many.take_all(20ms);
	ktap.equal("coalescing: who has asked gets what is enough", "10 10", sizes(many.datagrams()));
	single.take_all(20ms);
	ktap.equal("coalescing: who has not asked gets one message a datagram", 25, single.datagrams().size());
	many.take_all(2s);
	const auto late = many.datagrams();
	ktap.equal("coalescing: and the rest when it has waited long enough", "5", sizes(late));
	const std::uint64_t waited = late.empty() ? 0 : late[0].delay_ns / 1000;
	ktap.check("coalescing: that is, as long as the driver lets it", waited >= delay_us);
	// The timer's softirq comes at once where the CPU is not taken; an emulated one may be.
	ktap.check("coalescing: and not much longer", waited < delay_us + 200'000);
	ktap.note("the first one of the rest waited " + std::to_string(waited) + " us of " + std::to_string(delay_us));
	ktap.equal("coalescing: in order", 0, many.jumps());

	ktap.equal("coalescing: to a portid", "12 0", words_of(order(send_order(unicast.portid(), 0, 12, 0))));
	unicast.take_all(2s);
	ktap.equal("coalescing: a portid's messages wait, too, where it has asked", "10 2", sizes(unicast.datagrams()));
	order(send_order(single.portid(), 0, 3, 0));
	single.take_all();
	ktap.equal("coalescing: and not where it has not", "1 1 1", sizes(single.datagrams()));
	order("unregister");
}

void unregistering_sends_what_waits(Ktap &ktap)
{
	Listener listener;
	listener.keep_datagrams();
	order(registration(1'000'000, 100));
	listener.subscribe(idx, CNX_SUBSCRIBE_BATCHES);
	order(send_order(0, idx, 7, 0));
	listener.take_all(20ms);
	ktap.equal("unregistering: the messages wait", "", sizes(listener.datagrams()));
	ktap.equal("unregistering: the driver unregisters", 0, order("unregister").at(0));
	listener.take_all(20ms);
	ktap.equal("unregistering: what waited is sent", "7", sizes(listener.datagrams()));

	order(registration(1'000'000, 100));
	order(send_order(0, idx, 8, 0));
	ktap.equal("unloading: the driver's module goes", 0, unload_module("cnx_test_traffic"));
	listener.take_all(20ms);
	ktap.equal("unloading: what waited is sent", "8", sizes(listener.datagrams()));
	ktap.equal("unloading: it comes again", 0, load_module("cnx_test_traffic"));
}

/// Full batches, batches cut short by the timer, and two senders: nothing is lost or counted twice.
void coalesced_losses_are_counted(Ktap &ktap)
{
	constexpr unsigned each = 20'000;
	order(registration(1000, 20));
	Listener fast;
	Listener stopped;
	// For all of them: an skb of so small a message is charged with up to 960 bytes, by the kernel.
	fast.room(1 << 25);
	stopped.room(1 << 14);
	fast.subscribe(idx, CNX_SUBSCRIBE_BATCHES);
	stopped.subscribe(idx, CNX_SUBSCRIBE_BATCHES);
	std::vector<std::thread> threads;
	for (unsigned i = 0; i < 2; ++i)
		threads.emplace_back([&] { order(send_order(0, idx, each, 0)); });
	for (auto &thread : threads)
		thread.join();
	order("unregister");
	for (Listener *const listener : {&fast, &stopped}) {
		listener->take_all();
		auto lost = missed(listener->portid());
		ktap.equal("coalesced losses: got and missed is what was sent", 2 * each,
		           listener->messages() + lost[1]);
	}
	ktap.check("coalesced losses: some were", missed(stopped.portid())[1] != 0);
}

} // namespace

int main()
{
	Ktap ktap;
	coalescing_limits(ktap);
	coalescing(ktap);
	unregistering_sends_what_waits(ktap);
	coalesced_losses_are_counted(ktap);
	every_loss_is_counted(ktap);
	losses_of_mixed_datagrams(ktap);
	back_pressure(ktap);
	reported_multicast(ktap);
	a_million_to_the_kernel(ktap);
	a_million_to_user_space(ktap);
	return ktap.end();
}
