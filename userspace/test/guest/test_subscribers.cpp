// SPDX-License-Identifier: GPL-2.0-only
// Subscribers: all that a datagram put straight into a socket's queue must have in common with one that netlink puts
// there. With cnx and cnx_test_traffic loaded.
#include "ktap.hpp"
#include "traffic.hpp"

#include <linux/filter.h>

#include <atomic>
#include <memory>

using namespace cnx::test;

namespace
{

constexpr unsigned burst = 500;
constexpr int roomy = 1 << 24; // bytes, for more than any burst here

std::uint64_t lost_by(const Listener &listener)
{
	std::uint64_t lost = 0;
	for (const auto &[val, messages] : missed(listener.portid()))
		lost += messages;
	return lost;
}

/// Has the socket take, of each datagram, so many bytes; 0: none of it.
void filter(int fd, std::uint32_t bytes)
{
	sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, bytes)};
	const sock_fprog program{.len = 1, .filter = code};
	if (::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)))
		give_up("a socket filter");
}

/// More of them than are served at a time.
void test_many(Ktap &ktap)
{
	std::vector<std::unique_ptr<Listener>> listeners;
	for (unsigned i = 0; i < 40; ++i) {
		auto listener = std::make_unique<Listener>();
		listener->room(roomy);
		if (listener->subscribe())
			give_up("a subscription");
		listeners.push_back(std::move(listener));
	}
	ktap.equal("many: every send is accepted", std::to_string(burst) + " 0",
	           words_of(order(send_order(0, idx, burst, 0))));
	bool whole = true;
	for (auto &listener : listeners) {
		listener->take_all();
		whole = whole && listener->messages() == burst && listener->jumps() == 0;
	}
	ktap.check("many: each of 40 gets each message once, in order, and whole", whole);
	ktap.equal("many: batches are accepted", "320 0", words_of(order("batch " + std::to_string(idx) + " 10 32")));
	whole = true;
	for (auto &listener : listeners) {
		listener->take_all();
		whole = whole && listener->messages() == burst + 320;
	}
	ktap.check("many: each gets each message of a batch", whole);
}

void test_filters(Ktap &ktap)
{
	Listener deaf;
	Listener choosy;
	Listener plain;
	filter(deaf.fd(), 0);
	filter(choosy.fd(), ~0u);
	// The answer to a filtered socket's request is filtered as well.
	static_cast<void>(deaf.subscribe());
	ktap.check("filters: the others subscribe", choosy.subscribe() == 0 && plain.subscribe() == 0);
	ktap.equal("filters: the sends are accepted", "20 0", words_of(order(send_order(0, idx, 20, 0))));
	for (Listener *listener : {&deaf, &choosy, &plain})
		listener->take_all();
	ktap.equal("filters: a socket whose filter lets nothing pass gets nothing", 0u, deaf.messages());
	ktap.equal("filters: and that is no loss", 0u, lost_by(deaf));
	ktap.equal("filters: one whose filter lets all pass gets all", 20u, choosy.messages());
	ktap.equal("filters: and so does one without", 20u, plain.messages());
}

/// After a loss nothing comes until the queue has been read empty, so that what was lost is at one place of the stream.
void test_gap(Ktap &ktap)
{
	Listener slow;
	slow.room(4096);
	if (slow.subscribe())
		give_up("a subscription");
	static_cast<void>(order(send_order(0, idx, 200, 0)));
	ktap.check("gap: the first message of several hundred bytes' worth is there", slow.take(patience));
	const std::uint64_t lost = lost_by(slow);
	ktap.check("gap: some were lost", lost > 0);
	static_cast<void>(order(send_order(0, idx, 5, 0)));
	ktap.equal("gap: while the queue is not empty, all are lost", lost + 5, lost_by(slow));
	slow.take_all();
	ktap.equal("gap: what is sent is received, or counted as lost", 205u, slow.messages() + lost_by(slow));
	ktap.check("gap: the socket was told", slow.overruns() > 0);
	static_cast<void>(order(send_order(0, idx, 5, 0)));
	slow.take_all();
	ktap.equal("gap: afterwards all come again", 210u, slow.messages() + lost_by(slow));
	ktap.equal("gap: and nothing more is lost", lost + 5, lost_by(slow));
}

/// Sockets that close while they are sent to.
void test_closing(Ktap &ktap)
{
	Listener constant;
	constant.room(roomy);
	if (constant.subscribe())
		give_up("a subscription");
	std::atomic<bool> done{false};
	std::atomic<unsigned> closed{0};
	std::thread fickle([&] {
		while (!done.load()) {
			Listener listener;
			listener.room(roomy);
			if (listener.subscribe())
				give_up("a subscription");
			listener.take(std::chrono::milliseconds{1});
			closed.fetch_add(1);
		}
	});
	unsigned sent = 0;
	while (closed.load() < 200) {
		static_cast<void>(order(send_order(0, idx, burst, 0)));
		sent += burst;
		constant.take_all(std::chrono::milliseconds{0});
	}
	done.store(true);
	fickle.join();
	constant.take_all();
	ktap.equal("closing: a subscriber beside 200 that close gets every message", sent, constant.messages());
	// Each order counts from 1.
	ktap.equal("closing: and all of them in order", sent / burst - 1, constant.jumps());
}

} // namespace

int main()
{
	Ktap ktap;
	ktap.equal("the driver registers", "0", words_of(order(registration())));
	test_many(ktap);
	test_filters(ktap);
	test_gap(ktap);
	test_closing(ktap);
	ktap.equal("the driver unregisters", "0", words_of(order("unregister")));
	return ktap.end();
}
