// SPDX-License-Identifier: GPL-2.0-only
// Listens to what kernel/test/listeners.c sends from each context and to each kind of destination, and checks who got
// what. With cnx and cnx_test loaded.
#include "ktap.hpp"
#include "raw.hpp"

using namespace cnx::test;

namespace
{

constexpr std::uint32_t near_group = 40;
constexpr std::uint32_t far_group = 70000;

/// What one send of listeners.c has to come to: its result, and the copies that arrive at two members of the near
/// group and at two subscribers of the far one.
struct Expected {
	const char *name;
	int status;
	std::array<unsigned, 4> copies;
};

constexpr Expected table[] = {
    {"to a group, from process context", 0, {1, 1, 0, 0}},
    {"to a group, from softirq context", 0, {1, 1, 0, 0}},
    {"to a group, from hardirq context", 0, {1, 1, 0, 0}},
    {"to a group, under a spinlock with interrupts off", 0, {1, 1, 0, 0}},
    {"a batch of five to a group", 0, {5, 5, 0, 0}},
    {"looked up by id", 0, {1, 1, 0, 0}},
    {"to a group except one member", 0, {0, 1, 0, 0}},
    {"to one socket", 0, {1, 0, 0, 0}},
    {"to one socket and its group: one copy each", 0, {1, 1, 0, 0}},
    {"to a group beyond the table, from process context", 0, {0, 0, 1, 1}},
    {"to a group beyond the table, from softirq context", 0, {0, 0, 1, 1}},
    {"to a group beyond the table, from hardirq context", 0, {0, 0, 1, 1}},
    {"a batch of five to a group beyond the table", 0, {0, 0, 5, 5}},
    {"filtered, one is let through", 0, {0, 0, 1, 0}},
    {"filtered, from hardirq context", 0, {0, 0, 1, 0}},
    {"filtered, none is let through", -ENOMSG, {0, 0, 0, 0}},
    {"filtered, to a group that has members and no subscribers", -ESRCH, {0, 0, 0, 0}},
    {"to a subscriber and its group: one copy each", 0, {0, 0, 1, 1}},
    {"to a group except one subscriber", 0, {0, 0, 0, 1}},
    {"of a message that is too large", -EMSGSIZE, {0, 0, 0, 0}},
    {"by dispatch, to an id that nobody has", -ENODEV, {0, 0, 0, 0}},
    {"by dispatch, to an atomic callback under a spinlock", 0, {0, 0, 0, 0}},
    {"by dispatch, to a sleepable callback under a spinlock", -EWOULDBLOCK, {0, 0, 0, 0}},
    {"by dispatch, to a sleepable callback", 0, {0, 0, 0, 0}},
    {"by dispatch, to a callback that fails", -EPROTO, {0, 0, 0, 0}},
};

std::string text_of(std::span<const unsigned> copies)
{
	std::string text;
	for (const unsigned number : copies)
		text += (text.empty() ? "" : " ") + std::to_string(number);
	return text;
}

} // namespace

int main()
{
	Ktap ktap;
	std::array<Socket, 4> sockets{Socket(), Socket(), Socket(), Socket()};
	ktap.check("listeners: two join a group, two subscribe to another",
	           sockets[0].join(near_group) == 0 && sockets[1].join(near_group) == 0 &&
	               ask(sockets[2], CNX_CONTROL_SUBSCRIBE, {far_group, 0}).error == 0 &&
	               ask(sockets[3], CNX_CONTROL_SUBSCRIBE, {far_group, 0}).error == 0);
	std::ofstream("/proc/cnx_test_listeners")
	    << std::to_string(sockets[0].portid()) + " " + std::to_string(sockets[2].portid()) << std::flush;

	Socket observer;
	const CountingFrom counting(observer);
	constexpr std::size_t sends = std::size(table);
	std::vector<int> status(sends, -1000);
	std::ifstream results("/proc/cnx_test_listeners");
	std::size_t seen = 0;
	for (std::size_t number = 0; results >> number;) {
		int value = 0;
		results >> value;
		if (number >= 1 && number <= sends)
			status[number - 1] = value;
		++seen;
	}
	ktap.equal("listeners: the module makes as many sends as are expected here", sends, seen);

	// Seventeen datagrams reach somebody, two of which are batches of five.
	ktap.equal("listeners: each send and each refusal is counted by its reason",
	           words({{CNX_DISPATCHED, 2},
	                  {CNX_SENT, 25},
	                  {CNX_SENT_DATAGRAMS, 17},
	                  {CNX_DROP_UNKNOWN_ID, 1},
	                  {CNX_DROP_FAILED, 1},
	                  {CNX_DROP_WOULD_BLOCK, 1},
	                  {CNX_LOST_NO_LISTENER, 1},
	                  {CNX_LOST_FILTERED, 1},
	                  {CNX_LOST_TOO_LARGE, 1}}),
	           counting.rise());

	std::vector<std::array<unsigned, 4>> copies(sends);
	bool whole = true;
	std::array<unsigned, 4> datagrams{};
	for (std::size_t i = 0; i < sockets.size(); ++i) {
		const unsigned before = sockets[i].datagrams();
		for (const auto &received : sockets[i].drain()) {
			std::uint32_t number = 0;
			if (received.payload.size() == sizeof(number))
				std::memcpy(&number, received.payload.data(), sizeof(number));
			if (received.is_error || number != received.message.seq || number < 1 || number > sends ||
			    received.message.id.idx != near_group)
				whole = false;
			else
				++copies[number - 1][i];
		}
		datagrams[i] = sockets[i].datagrams() - before;
	}
	ktap.check("listeners: each message arrives as it was sent", whole);
	for (std::size_t i = 0; i < sends; ++i) {
		ktap.equal(std::string("send ") + table[i].name + ": its result", table[i].status, status[i]);
		ktap.equal(std::string("send ") + table[i].name + ": its copies", text_of(table[i].copies),
		           text_of(copies[i]));
	}
	// Each send is one datagram to each of those that it reaches, a batch too.
	std::array<unsigned, 4> expected{};
	for (const auto &send : table) {
		for (std::size_t i = 0; i < expected.size(); ++i)
			expected[i] += send.copies[i] ? 1 : 0;
	}
	ktap.equal("listeners: a batch is one datagram", text_of(expected), text_of(datagrams));
	return ktap.end();
}
