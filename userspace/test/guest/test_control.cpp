// SPDX-License-Identifier: GPL-2.0-only
// Control: each request, the refusals, subscriptions and the events of callbacks that come and go; and who may listen.
// With cnx, cnx_echo, cnx_ticker and cnx_sleeper loaded.
#include "ktap.hpp"
#include "raw.hpp"

using namespace cnx::test;

namespace
{

constexpr std::uint32_t far_group = 70000;

void info(Ktap &ktap, Socket &socket)
{
	const auto answer = ask(socket, CNX_CONTROL_INFO);
	const auto info = answer.record<cnx_info>().value_or(cnx_info{});
	ktap.equal("info: answered", 0, answer.error);
	ktap.check("info: one record and no more",
	           answer.reply.count == 1 && answer.reply.cursor == 0 && answer.records.size() == sizeof(cnx_info) &&
	               answer.reply.version == CNX_CONTROL_VERSION && answer.reply.op == CNX_CONTROL_INFO);
	ktap.equal("info: the protocol number", protocol(), info.protocol);
	ktap.equal("info: the groups", CNX_GROUPS, info.groups);
	ktap.equal("info: the largest message", CNX_MAX_MESSAGE, info.max_message);
	ktap.equal("info: the counters", static_cast<int>(CNX_COUNTERS), info.counters);
	ktap.equal("info: the callbacks: control's own and three drivers'", 4, info.callbacks);
	ktap.equal("info: no subscriptions", 0, info.subscriptions);
	ktap.check("info: a version", info.version[0] != '\0' && info.version[sizeof(info.version) - 1] == '\0');
}

/// The names that LIST tells, `count` in a request.
std::string names(Socket &socket, std::uint32_t count, unsigned &requests)
{
	std::string text;
	std::uint64_t cursor = 0;
	std::uint64_t serial = 0;
	requests = 0;
	do {
		const auto answer = ask(socket, CNX_CONTROL_LIST, {}, count, cursor);
		++requests;
		if (answer.error || (count != 0 && answer.reply.count > count))
			return "refused, or more than asked for";
		for (std::size_t i = 0; i < answer.reply.count; ++i) {
			const auto record = answer.record<cnx_callback_record>(i);
			if (!record || record->serial <= serial)
				return "not in order of registration";
			serial = record->serial;
			text += (text.empty() ? "" : " ") + std::string(record->name);
		}
		cursor = answer.reply.cursor;
	} while (cursor != 0);
	return text;
}

void list(Ktap &ktap, Socket &socket)
{
	constexpr const char *all = "cnx_control echo ticker sleeper";
	unsigned requests = 0;
	ktap.equal("list: all at once, in order of registration", all, names(socket, 0, requests));
	ktap.equal("list: that took one request", 1, requests);
	ktap.equal("list: one by one", all, names(socket, 1, requests));
	ktap.equal("list: an absurd count is as many as fit", all, names(socket, 0xffffffff, requests));
	const auto beyond = ask(socket, CNX_CONTROL_LIST, {}, 0, ~std::uint64_t{0});
	ktap.check("list: after an absurd cursor comes nothing",
	           !beyond.error && beyond.reply.count == 0 && beyond.reply.cursor == 0 && beyond.records.empty());
}

void show(Ktap &ktap, Socket &socket)
{
	const auto record = [&](cnx_id id) {
		return ask(socket, CNX_CONTROL_SHOW, id).record<cnx_callback_record>().value_or(cnx_callback_record{});
	};
	const auto before = record(echo_id);
	Socket talker;
	talker.send(one(echo_id, 1, bytes_of("x")));
	talker.receive();
	const auto after = record(echo_id);
	ktap.check("show: the id and the name", after.id.idx == echo_id.idx && after.id.val == echo_id.val &&
	                                            std::string_view(after.name) == "echo");
	ktap.check("show: an atomic callback for anyone", after.flags == 0 && after.capability == -1);
	ktap.check("show: what it received and sent is counted",
	           after.received == before.received + 1 && after.sent == before.sent + 1 &&
	               after.failed == before.failed && after.refused == before.refused && after.lost == before.lost);
	const auto sleeper = record(sleeper_id);
	ktap.check("show: a sleepable callback for CAP_NET_ADMIN",
	           sleeper.flags == CNX_CALLBACK_SLEEPABLE && sleeper.capability == 12);
	talker.send(one(sleeper_id, 1, bytes_of("x")));
	ktap.equal("show: what failed is counted", sleeper.failed + 1, record(sleeper_id).failed);
	ktap.equal("show: an id that nobody has", -ENODEV, ask(socket, CNX_CONTROL_SHOW, unknown_id).error);
}

void counters(Ktap &ktap, Socket &socket)
{
	const auto all = ask(socket, CNX_CONTROL_COUNTERS);
	const auto cpus = static_cast<std::uint32_t>(::sysconf(_SC_NPROCESSORS_CONF));
	ktap.check("counters: a record for each CPU at least",
	           !all.error && all.reply.count >= cpus &&
	               all.records.size() == all.reply.count * sizeof(cnx_counters));
	const auto second = ask(socket, CNX_CONTROL_COUNTERS, {}, 1, 1);
	ktap.check("counters: those of one CPU", !second.error && second.reply.count == 1 &&
	                                             second.record<cnx_counters>().value_or(cnx_counters{}).cpu == 1);
	const auto absurd = ask(socket, CNX_CONTROL_COUNTERS, {}, 0xffffffff, 0);
	ktap.equal("counters: an absurd count is as many as there are", all.reply.count, absurd.reply.count);
	for (const std::uint64_t cursor : {std::uint64_t{1} << 32, ~std::uint64_t{0}}) {
		const auto beyond = ask(socket, CNX_CONTROL_COUNTERS, {}, 0, cursor);
		ktap.check("counters: of an absurd CPU there are none",
		           !beyond.error && beyond.reply.count == 0 && beyond.reply.cursor == 0);
	}
}

void bad_requests(Ktap &ktap, Socket &socket)
{
	const cnx_control_request good{
	    .version = CNX_CONTROL_VERSION, .op = CNX_CONTROL_INFO, .count = 0, .id = {}, .cursor = 0};
	Bytes bytes(sizeof(good) + 100);
	std::memcpy(bytes.data(), &good, sizeof(good));
	bool refused = true;
	for (std::size_t size = 0; size < sizeof(good); ++size)
		refused = refused && ask_raw(socket, std::span(bytes).first(size)).error == -EBADMSG;
	ktap.check("bad requests: too short, at every length", refused);
	ktap.equal("bad requests: longer than this version's is taken", 0, ask_raw(socket, bytes).error);
	for (const std::uint16_t version : {0, 2, 0xffff})
		ktap.equal("bad requests: another version", -EBADMSG,
		           ask(socket, CNX_CONTROL_INFO, {}, 0, 0, version).error);
	for (const std::uint16_t op : {0, 8, CNX_EVENT_REGISTERED + 0, CNX_EVENT_UNREGISTERED + 0, 0xffff})
		ktap.equal("bad requests: an unknown op", -EOPNOTSUPP, ask(socket, op).error);
	ktap.check("bad requests: each is answered with a sentence", !ask(socket, 0).sentence.empty());
	socket.send(one(control_id, 1, {}));
	ktap.check("bad requests: without flags nothing unasked is answered", socket.drain().empty());
}

std::uint64_t subscriptions(Socket &socket)
{
	return ask(socket, CNX_CONTROL_INFO).record<cnx_info>().value_or(cnx_info{}).subscriptions;
}

void subscribing(Ktap &ktap, Socket &socket)
{
	ktap.equal("subscribe: to group 0", -EINVAL, ask(socket, CNX_CONTROL_SUBSCRIBE, {0, 0}).error);
	ktap.equal("subscribe: with an id.val", -EINVAL, ask(socket, CNX_CONTROL_SUBSCRIBE, {far_group, 1}).error);
	ktap.equal("subscribe: refusals leave nothing behind", 0, subscriptions(socket));
	ktap.equal("unsubscribe: without a subscription", -ENOENT,
	           ask(socket, CNX_CONTROL_UNSUBSCRIBE, {far_group, 0}).error);
	const auto first = ask(socket, CNX_CONTROL_SUBSCRIBE, {far_group, 0});
	ktap.check("subscribe: answered without records",
	           !first.error && first.reply.count == 0 && first.records.empty());
	ktap.equal("subscribe: counted", 1, subscriptions(socket));
	ktap.equal("subscribe: twice", -EEXIST, ask(socket, CNX_CONTROL_SUBSCRIBE, {far_group, 0}).error);
	ktap.equal("unsubscribe: from another group", -ENOENT,
	           ask(socket, CNX_CONTROL_UNSUBSCRIBE, {far_group + 1, 0}).error);
	{
		Socket other;
		ktap.equal("unsubscribe: of another socket's subscription", -ENOENT,
		           ask(other, CNX_CONTROL_UNSUBSCRIBE, {far_group, 0}).error);
	}
	ktap.equal("unsubscribe", 0, ask(socket, CNX_CONTROL_UNSUBSCRIBE, {far_group, 0}).error);
	ktap.equal("unsubscribe: twice", -ENOENT, ask(socket, CNX_CONTROL_UNSUBSCRIBE, {far_group, 0}).error);
	ktap.equal("unsubscribe: nothing is left", 0, subscriptions(socket));
}

void limit(Ktap &ktap, Socket &socket)
{
	{
		Socket greedy;
		bool taken = true;
		for (std::uint32_t i = 1; taken && i <= CNX_MAX_SUBSCRIPTIONS; ++i)
			taken = ask(greedy, CNX_CONTROL_SUBSCRIBE, {far_group + i, 0}).error == 0;
		ktap.check("limit: as many subscriptions as there may be", taken);
		ktap.equal("limit: one more", -ENOSPC, ask(greedy, CNX_CONTROL_SUBSCRIBE, {far_group, 0}).error);
		ktap.equal("limit: one more, from another socket", -ENOSPC,
		           ask(socket, CNX_CONTROL_SUBSCRIBE, {far_group, 0}).error);
		ktap.equal("limit: all are counted", CNX_MAX_SUBSCRIPTIONS, subscriptions(socket));
		ktap.equal("limit: one goes", 0, ask(greedy, CNX_CONTROL_UNSUBSCRIBE, {far_group + 1, 0}).error);
		ktap.equal("limit: one more fits then", 0, ask(socket, CNX_CONTROL_SUBSCRIBE, {far_group, 0}).error);
	}
	ktap.check("limit: closing the socket ends its subscriptions, and no others",
	           eventually([&] { return subscriptions(socket) == 1; }));
	ktap.equal("limit: the other one goes", 0, ask(socket, CNX_CONTROL_UNSUBSCRIBE, {far_group, 0}).error);
}

/// The next event, if the next message is one.
std::optional<cnx_event> event_of(Socket &socket, std::uint32_t &seq)
{
	const auto received = socket.receive();
	if (!received || received->is_error || received->message.id.idx != CNX_CONTROL_IDX ||
	    received->payload.size() != sizeof(cnx_event))
		return std::nullopt;
	cnx_event event;
	std::memcpy(&event, received->payload.data(), sizeof(event));
	seq = received->message.seq;
	return event;
}

bool tells(const std::optional<cnx_event> &event, cnx_control_op op, std::string_view name)
{
	return event && event->version == CNX_CONTROL_VERSION && event->op == op && name == event->name;
}

void events(Ktap &ktap, Socket &socket)
{
	Socket listener;
	std::uint32_t first = 0;
	std::uint32_t second = 0;
	ktap.equal("events: subscribed", 0, ask(listener, CNX_CONTROL_SUBSCRIBE, {CNX_CONTROL_IDX, 0}).error);
	ktap.equal("events: a driver unloads", 0, unload_module("cnx_echo"));
	const auto gone = event_of(listener, first);
	ktap.check("events: the callback that goes is told", tells(gone, CNX_EVENT_UNREGISTERED, "echo") &&
	                                                         gone->id.idx == echo_id.idx &&
	                                                         gone->id.val == echo_id.val);
	ktap.equal("events: it has gone", -ENODEV, ask(socket, CNX_CONTROL_SHOW, echo_id).error);
	ktap.equal("events: it is loaded again", 0, load_module("cnx_echo"));
	ktap.check("events: the callback that comes is told",
	           tells(event_of(listener, second), CNX_EVENT_REGISTERED, "echo"));
	ktap.equal("events: they are numbered", first + 1, second);
	unload_module("cnx_sleeper");
	load_module("cnx_sleeper");
	const auto sleeper = event_of(listener, first);
	ktap.check("events: a sleepable one is told as such",
	           tells(sleeper, CNX_EVENT_UNREGISTERED, "sleeper") && sleeper->flags == CNX_CALLBACK_SLEEPABLE);
	ktap.check("events: of each there is one",
	           tells(event_of(listener, first), CNX_EVENT_REGISTERED, "sleeper") && listener.drain().empty());
	ktap.equal("events: unsubscribed", 0, ask(listener, CNX_CONTROL_UNSUBSCRIBE, {CNX_CONTROL_IDX, 0}).error);
	unload_module("cnx_echo");
	load_module("cnx_echo");
	ktap.check("events: none come afterwards", listener.drain().empty());
}

/// What comes of binding a socket to the groups of a mask. 0 or a negative errno.
int bind_to(std::uint32_t mask)
{
	const int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol());
	sockaddr_nl address{};
	address.nl_family = AF_NETLINK;
	address.nl_groups = mask;
	const int status = ::bind(fd, generic(address), sizeof(address)) ? -errno : 0;
	::close(fd);
	return status;
}

void rights(Ktap &ktap, Socket &socket)
{
	const auto subscribe = [](std::uint32_t group) {
		return as_nobody([group] {
			Socket own;
			return ask(own, CNX_CONTROL_SUBSCRIBE, {group, 0}).error;
		});
	};
	const auto join = [](std::uint32_t group) { return as_nobody([group] { return Socket().join(group); }); };
	ktap.equal("rights: anyone may ask for info", 0, as_nobody([] {
		           Socket own;
		           return ask(own, CNX_CONTROL_INFO).error;
	           }));
	ktap.equal("rights: anyone may subscribe to an open callback's group", 0, subscribe(ticker_id.idx));
	ktap.equal("rights: not to that of another callback", -EPERM, subscribe(echo_id.idx));
	ktap.equal("rights: not to one without callbacks", -EPERM, subscribe(far_group));
	ktap.equal("rights: not to the events", -EPERM, subscribe(CNX_CONTROL_IDX));
	ktap.equal("rights: anyone may join an open callback's group", 0, join(ticker_id.idx));
	ktap.equal("rights: not that of another callback", -EPERM, join(echo_id.idx));
	ktap.equal("rights: not one without callbacks", -EPERM, join(1));
	// The older way to join, by the mask in an address: group 32, which is the echo's, and a group of nobody's.
	for (const std::uint32_t mask : {1u << 31, 1u << 2})
		ktap.equal("rights: not by the mask of an address either", -EPERM,
		           as_nobody([mask] { return bind_to(mask); }));
	ktap.equal("rights: root may, by the mask of an address", 0, bind_to(1u << 2));
	ktap.equal("rights: root may join any", 0, Socket().join(1));
	ktap.equal("rights: root may join the last", 0, Socket().join(CNX_GROUPS));
	ktap.equal("rights: beyond the last there is none", -EINVAL, Socket().join(CNX_GROUPS + 1));
	ktap.equal("rights: a socket of root's lends them not to others", -EPERM, [&] {
		Socket roots;
		return as_nobody([&] { return ask(roots, CNX_CONTROL_SUBSCRIBE, {far_group, 0}).error; });
	}());
	ktap.check("rights: sockets that have closed left nothing behind",
	           eventually([&] { return subscriptions(socket) == 0; }));
}

void mixed(Ktap &ktap, Socket &socket)
{
	// A reply that its requester has no room for: counted, and the requester learns of it by ENOBUFS.
	Socket deaf;
	const int tiny = 1;
	::setsockopt(deaf.fd(), SOL_SOCKET, SO_RCVBUF, &tiny, sizeof(tiny));
	const CountingFrom counting(socket);
	const Bytes request = control_request(CNX_CONTROL_INFO);
	constexpr unsigned many = 50;
	for (unsigned i = 0; i < many; ++i)
		deaf.send(one(control_id, i, request));
	const std::string rise = counting.rise();
	unsigned arrived = 0;
	bool told = false;
	for (auto received = deaf.receive(silence); received || deaf.error(); received = deaf.receive(silence)) {
		told = told || deaf.error() == ENOBUFS;
		arrived += received ? 1 : 0;
	}
	ktap.check("answers without room: some are lost", arrived < many);
	ktap.check("answers without room: the requester is told", told);
	ktap.equal("answers without room: each is counted",
	           words({{CNX_RECEIVED, arrived},
	                  {CNX_SENT, arrived},
	                  {CNX_SENT_DATAGRAMS, arrived},
	                  {CNX_DROP_FAILED, many - arrived},
	                  {CNX_DROP_ANSWER, many - arrived}}),
	           rise);
	const auto losses = ask(socket, CNX_CONTROL_LOSSES, {deaf.portid(), 0});
	ktap.check("answers without room: they are no losses of the requester's, who can ask again",
	           losses.error == 0 && losses.reply.count == 0);
}

} // namespace

int main()
{
	Ktap ktap;
	Socket socket;
	info(ktap, socket);
	list(ktap, socket);
	show(ktap, socket);
	counters(ktap, socket);
	bad_requests(ktap, socket);
	subscribing(ktap, socket);
	limit(ktap, socket);
	events(ktap, socket);
	rights(ktap, socket);
	mixed(ktap, socket);
	return ktap.end();
}
