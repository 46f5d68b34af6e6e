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
	/// It asks for what is not known yet where such a send is put off, and is refused there.
	bool at_once = false;
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
    {"to a group, with interrupts off", 0, {1, 1, 0, 0}},
    {"to a group, with preemption off", 0, {1, 1, 0, 0}},
    {"a batch of five with preemption off", 0, {5, 5, 0, 0}},
    {"to a group beyond the table, with preemption off", 0, {0, 0, 1, 1}},
    {"a filtered batch of five with preemption off", 0, {0, 0, 5, 0}},
    {"filtered, none is let through, with preemption off", -ENOMSG, {0, 0, 0, 0}},
    {"to one socket and its group, with interrupts off", 0, {1, 1, 0, 0}},
    {"to a group that nobody listens to, with preemption off", -ESRCH, {0, 0, 0, 0}},
    {"lossless to one socket, with preemption off", 0, {1, 0, 0, 0}, true},
    {"to a group, after all others", 0, {1, 1, 0, 0}},
};

constexpr cnx_id answering_id{near_group, 4};

/// Whether locks of the kernel sleep, so that what is sent with interrupts or preemption off is put off.
bool puts_off()
{
	std::ifstream version("/proc/version");
	std::string text;
	std::getline(version, text);
	return text.find("PREEMPT_RT") != std::string::npos;
}

/// That the module's callback, which answers under a raw spinlock, is heard.
bool is_answered()
{
	Socket asker;
	const Bytes question = bytes_of("heard?");
	if (asker.send(one(answering_id, 77, question)) != 0)
		return false;
	const auto reply = asker.receive();
	return reply && !reply->is_error && reply->message.seq == 77 && reply->message.ack == 1 &&
	       reply->payload == question;
}

constexpr cnx_id serving_id{near_group, 5};

/// A socket that the module serves by itself: what kernel/test/served.c sends it, and what it says that came of it.
void test_served(Ktap &ktap)
{
	Socket served;
	ktap.equal("served: it writes to who serves it", 0, served.send(one(serving_id, 99, {})));
	std::string came;
	std::string heard;
	while (const auto received = served.receive()) {
		if (received->message.seq == 99) {
			for (std::size_t at = 0; at + sizeof(std::int32_t) <= received->payload.size();
			     at += sizeof(std::int32_t)) {
				std::int32_t status = 0;
				std::memcpy(&status, &received->payload[at], sizeof(status));
				came += std::to_string(status) + " ";
			}
			break;
		}
		heard += std::to_string(received->message.seq) + ":" +
		         std::string(received->payload.begin(), received->payload.end()) + " ";
	}
	// Nobody to be told of its end, a delay beyond the limit; sent to none, to too many, to unlike ones, with
	// another id, with a length and no payload, with too much; to itself three times, and to itself as if to no
	// group.
	ktap.equal("served: what is wrong is refused", "-22 -22 -22 -22 -22 -22 -22 -90 0 0 ", came);
	ktap.equal("served: and what is not arrives, once for each listener", "8:three 8:three 8:three 9: ", heard);
}

constexpr cnx_id heir_id{near_group, 6};

/// A socket that kernel/test/heir.c serves closes, having missed something, and another one takes its portid before its
/// driver sends to it for the last time.
void test_heir(Ktap &ktap)
{
	auto served = std::make_unique<Socket>();
	const std::uint32_t portid = served->portid();
	const int least = 1;
	::setsockopt(served->fd(), SOL_SOCKET, SO_RCVBUF, &least, sizeof(least));
	ktap.equal("heir: one is served", 0, served->send(one(heir_id, 1, {})));
	Socket asker;
	ktap.check("heir: and misses something", losses_of(portid, heir_id, asker) > 0);
	// Closing ends when the driver knows, and it waits for the heir.
	std::thread closing([&served] { served.reset(); });
	Socket heir(protocol(), portid);
	ktap.equal("heir: another has its portid", portid, heir.portid());
	ktap.equal("heir: and writes", 0, heir.send(one(heir_id, 2, {})));
	closing.join();
	ktap.equal("heir: nothing comes to it that is for the other", 0, heir.drain().size());
	ktap.equal("heir: nor is it said to have missed it", 0, losses_of(portid, heir_id, asker));
}

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

	ktap.check("listeners: an answer under a raw spinlock arrives", is_answered());

	test_served(ktap);
	test_heir(ktap);

	const bool later = puts_off();
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

	// Twenty-five datagrams reach somebody, four of which are batches of five.
	ktap.equal("listeners: each send and each refusal is counted by its reason",
	           words({{CNX_DISPATCHED, 2},
	                  {CNX_SENT, 41u - later},
	                  {CNX_SENT_DATAGRAMS, 25u - later},
	                  {CNX_DROP_UNKNOWN_ID, 1},
	                  {CNX_DROP_FAILED, 1},
	                  {CNX_DROP_WOULD_BLOCK, 1},
	                  {CNX_LOST_NO_LISTENER, 2},
	                  {CNX_LOST_FILTERED, 2},
	                  {CNX_LOST_TOO_LARGE, 1}}),
	           counting.rise());

	std::vector<std::array<unsigned, 4>> copies(sends);
	bool whole = true;
	bool in_order = true;
	std::array<unsigned, 4> datagrams{};
	for (std::size_t i = 0; i < sockets.size(); ++i) {
		const unsigned before = sockets[i].datagrams();
		std::uint32_t last = 0;
		for (const auto &received : sockets[i].drain()) {
			std::uint32_t number = 0;
			if (received.payload.size() == sizeof(number))
				std::memcpy(&number, received.payload.data(), sizeof(number));
			if (received.is_error || number != received.message.seq || number < 1 || number > sends ||
			    received.message.id.idx != near_group)
				whole = false;
			else
				++copies[number - 1][i];
			in_order = in_order && number >= last;
			last = number;
		}
		datagrams[i] = sockets[i].datagrams() - before;
	}
	ktap.check("listeners: each message arrives as it was sent", whole);
	ktap.check("listeners: and in the order in which they were sent, whatever the context", in_order);
	constexpr std::array<unsigned, 4> none{};
	for (std::size_t i = 0; i < sends; ++i) {
		const bool refused = later && table[i].at_once;
		ktap.equal(std::string("send ") + table[i].name + ": its result",
		           refused ? -EOPNOTSUPP : table[i].status, status[i]);
		ktap.equal(std::string("send ") + table[i].name + ": its copies",
		           text_of(refused ? none : table[i].copies), text_of(copies[i]));
	}
	// Each send is one datagram to each of those that it reaches, a batch too.
	std::array<unsigned, 4> expected{};
	for (const auto &send : table) {
		for (std::size_t i = 0; i < expected.size(); ++i)
			expected[i] += send.copies[i] && !(later && send.at_once) ? 1 : 0;
	}
	ktap.equal("listeners: a batch is one datagram", text_of(expected), text_of(datagrams));
	return ktap.end();
}
