// SPDX-License-Identifier: GPL-2.0-only
// cnx in network namespaces: each has its own, and nothing crosses. With cnx, cnx_echo and cnx_test_namespaces loaded,
// the namespace /proc/PID/ns/net of the first argument having existed before them.
#include "ktap.hpp"
#include "memory.hpp"
#include "namespace.hpp"

#include <atomic>
#include <iterator>
#include <set>

using namespace cnx::test;

namespace
{

constexpr std::uint32_t idx = 0x36; // as in namespaces.c, and the group
constexpr cnx_id relay_id{idx, 1};
constexpr cnx_id relay_waiting_id{idx, 2};
constexpr cnx_id answer_late_id{idx, 3};
constexpr cnx_id initial_only_id{idx, 4};
constexpr std::uint32_t guarded_idx = 0x37;
constexpr cnx_id guarded_id{guarded_idx, 1};

/// The errno that a message is acknowledged with, passing over what else arrives.
int acknowledged(Socket &socket, cnx_id id, std::string_view payload = "x")
{
	static std::atomic<std::uint32_t> seq = 50000;
	const std::uint32_t number = ++seq;
	if (const int status = socket.send(one(id, number, bytes_of(payload), NLM_F_ACK)))
		return status;
	while (const auto received = socket.receive()) {
		if (received->is_error && received->netlink.nlmsg_seq == number)
			return received->error;
	}
	return -ETIMEDOUT;
}

/// The messages that a socket has got, as payloads.
std::string heard(Socket &socket)
{
	std::string all;
	for (const auto &received : socket.drain())
		all += (all.empty() ? "" : " ") + std::string(received.payload.begin(), received.payload.end());
	return all;
}

std::set<std::string> names(Socket &socket)
{
	std::set<std::string> all;
	const auto answer = ask(socket, CNX_CONTROL_LIST);
	for (std::size_t i = 0; const auto record = answer.record<cnx_callback_record>(i); ++i)
		all.insert(record->name);
	return all;
}

std::uint64_t received_by(Socket &socket, cnx_id id)
{
	const auto record = ask(socket, CNX_CONTROL_SHOW, id).record<cnx_callback_record>();
	return record ? record->received : 0;
}

std::string text_of(const char *path)
{
	std::ifstream file(path);
	return {std::istreambuf_iterator<char>(file), {}};
}

void test_sight(Ktap &ktap)
{
	const Namespace space;
	Socket inside = space.socket();
	Socket outside;
	const auto info = ask(inside, CNX_CONTROL_INFO).record<cnx_info>();
	ktap.equal("sight: it answers on the connector's protocol", 11u, info ? info->protocol : 0);
	ktap.equal("sight: whose number is in sysctl", 11, space.in([] { return protocol(); }));
	ktap.check("sight: and not that of the initial one", protocol() != 11);
	ktap.equal("sight: the groups are those that netlink has for it", 32u, info ? info->groups : 0);
	const auto seen = names(inside);
	ktap.check("sight: callbacks of every namespace are there", seen.contains("echo") && seen.contains("relay"));
	ktap.check("sight: those of the initial one are not", !seen.contains("initial_only"));
	ktap.check("sight: in which all are", names(outside).contains("initial_only"));
	for (const char *path : {"/proc/thread-self/net/cnx", "/proc/thread-self/net/connector"}) {
		const auto listing = space.in([path] { return text_of(path); });
		ktap.check(std::string("sight: so it is in ") + path,
		           listing.starts_with("Name            ID\n") &&
		               listing.find("relay           54:1\n") != listing.npos &&
		               listing.find("initial_only") == listing.npos);
	}
	ktap.check("sight: the kernel's own listing is left alone",
	           text_of("/proc/net/connector").find("relay") == std::string::npos &&
	               text_of("/proc/net/connector").find("cn_proc") != std::string::npos);
	ktap.equal("sight: no callback, no message", -ENODEV, acknowledged(inside, initial_only_id));
}

void test_separation(Ktap &ktap)
{
	const Namespace one_space;
	const Namespace other_space;
	Socket one_socket = one_space.socket();
	Socket other_socket = other_space.socket();
	Socket outside;
	const auto before = received_by(outside, echo_id);

	one_socket.send(one(echo_id, 7, bytes_of("echo")));
	const auto reply = one_socket.receive();
	ktap.check("separation: a message is answered in its namespace",
	           reply && !reply->is_error && reply->message.seq == 7 && reply->message.ack == 1);
	ktap.equal("separation: and counted there", 1u, received_by(one_socket, echo_id));
	ktap.equal("separation: and nowhere else", before, received_by(outside, echo_id));
	ktap.equal("separation: indeed nowhere", 0u, received_by(other_socket, echo_id));

	Socket member = one_space.socket();
	Socket subscriber = one_space.socket();
	Socket other_member = other_space.socket();
	Socket other_subscriber = other_space.socket();
	Socket outer_member;
	Socket outer_subscriber;
	// The connector's table has 32 groups, and this is beyond them.
	ktap.equal("separation: a group beyond netlink's is joined by subscription alone", -EINVAL, member.join(idx));
	ktap.equal("separation: which serves", 0, ask(member, CNX_CONTROL_SUBSCRIBE, {idx, 0}).error);
	for (Socket *socket : {&subscriber, &other_member, &other_subscriber, &outer_member, &outer_subscriber})
		if (ask(*socket, CNX_CONTROL_SUBSCRIBE, {idx, 0}).error)
			ktap.check("separation: a subscription", false);
	ktap.equal("separation: one namespace has its own subscriptions", 2u,
	           ask(one_socket, CNX_CONTROL_INFO).record<cnx_info>().value_or(cnx_info{}).subscriptions);
	ktap.equal("separation: to send to a group is to send to one's own", 0,
	           acknowledged(one_socket, relay_id, "one"));
	ktap.equal("separation: the other way round as well", 0, acknowledged(outside, relay_id, "outside"));
	ktap.equal("separation: a subscriber hears its own", "one", heard(subscriber));
	ktap.equal("separation: so does another", "one", heard(member));
	ktap.equal("separation: elsewhere nobody heard", "", heard(other_subscriber) + heard(other_member));
	ktap.equal("separation: outside", "outside", heard(outer_subscriber));
	ktap.equal("separation: outside as well", "outside", heard(outer_member));

	ktap.equal("separation: a message may wait for others there, too", 0,
	           ask(one_socket, CNX_CONTROL_SUBSCRIBE, {idx, 0}, CNX_SUBSCRIBE_BATCHES).error);
	ktap.equal("separation: its sender goes on", 0, acknowledged(other_socket, relay_waiting_id, "waits"));
	ktap.equal("separation: who did not ask for batches has it at once", "waits", heard(other_subscriber));
	ktap.equal("separation: another one's message waits", 0, acknowledged(subscriber, relay_waiting_id, "later"));
	const auto later = one_socket.receive();
	ktap.equal("separation: and comes", "later",
	           later ? std::string(later->payload.begin(), later->payload.end()) : "");
	ktap.equal("separation: nothing of it crossed", "", heard(outer_subscriber));
}

/// Sends of members of a group that netlink has a table for, which all namespaces have in common.
void test_members(Ktap &ktap)
{
	const Namespace space;
	Socket inside = space.socket();
	Socket kernels(CNX_PROTOCOL_CONNECTOR); // of the kernel's own connector, in the initial namespace
	ktap.equal("members: a socket of the kernel's connector joins a group", 0, kernels.join(20));
	const auto before = counts(inside);
	Socket member = space.socket();
	ktap.equal("members: so does one inside", 0, member.join(20));
	ktap.equal("members: which a driver's own sends do not mix up", "", heard(member) + heard(kernels));
	ktap.check("members: nor its losses", counts(inside)[CNX_LOST_OVERRUN] == before[CNX_LOST_OVERRUN]);
}

void test_rights(Ktap &ktap)
{
	const Namespace space;
	Socket root = space.socket();
	ktap.equal("rights: root may send what is guarded", -ESRCH, acknowledged(root, guarded_id));
	ktap.equal("rights: and listen to it", 0, ask(root, CNX_CONTROL_SUBSCRIBE, {guarded_idx, 0}).error);
	ktap.equal("rights: and hears", 0, acknowledged(root, guarded_id));
	// A user of the machine who has come into the namespace has no rights in it.
	const auto as_guest = [&space](auto &&function) {
		return in_child([&] {
			return space.in([&] {
				if (::syscall(SYS_setgid, nobody) || ::syscall(SYS_setuid, nobody))
					return -200;
				Socket guest(CNX_PROTOCOL_CONNECTOR);
				return function(guest);
			});
		});
	};
	ktap.equal("rights: a user without any may not send what is guarded", -EPERM,
	           as_guest([](Socket &guest) { return acknowledged(guest, guarded_id); }));
	ktap.equal("rights: nor listen to it", -EPERM, as_guest([](Socket &guest) {
		           return ask(guest, CNX_CONTROL_SUBSCRIBE, {guarded_idx, 0}).error;
	           }));
	ktap.equal("rights: but to what its driver opened", 0, as_guest([](Socket &guest) {
		           return ask(guest, CNX_CONTROL_SUBSCRIBE, {idx, 0}).error;
	           }));
	// Who makes a namespace of a user namespace of its own is root there, and nowhere else.
	const auto as_owner = [](auto &&function) {
		return as_nobody([&] {
			if (::unshare(CLONE_NEWUSER | CLONE_NEWNET))
				return -201;
			Socket owner(CNX_PROTOCOL_CONNECTOR);
			return function(owner);
		});
	};
	ktap.equal(
	    "rights: a user is root in a namespace of its own", 0, as_owner([](Socket &owner) {
		    return ask(owner, CNX_CONTROL_SUBSCRIBE, {guarded_idx, 0}).error ?: acknowledged(owner, guarded_id);
	    }));
	ktap.equal("rights: and joins netlink's groups there", 0,
	           as_owner([](Socket &owner) { return owner.join(5); }));
	ktap.equal("rights: where what it sends stays", "", heard(root));
}

/// Makes namespaces, uses them in every way at once, and lets them go.
bool come_and_go(unsigned number)
{
	const Namespace space;
	Socket socket = space.socket();
	bool good = ask(socket, CNX_CONTROL_SUBSCRIBE, {idx, 0}).error == 0;
	good = good && acknowledged(socket, relay_id, std::to_string(number)) == 0;
	{
		Socket waiting = space.socket();
		good = good && ask(waiting, CNX_CONTROL_SUBSCRIBE, {idx, 0}, CNX_SUBSCRIBE_BATCHES).error == 0;
		good = good && acknowledged(socket, relay_waiting_id) == 0;
	}
	// These are still under way, unread, or to be lost when the namespace ends.
	Bytes many;
	for (std::uint32_t i = 0; i < 20; ++i)
		append(many, echo_id, i, Bytes(100));
	return good && socket.send(many) == 0;
}

// A leak of one object in every tenth namespace is beyond the first, and one of a callback's counters in each is beyond
// the second. What the rest of the system does meanwhile can be, too, but not time after time.
constexpr unsigned namespaces = 500;
constexpr long objects_bound = namespaces / 10;
constexpr long percpu_kib_bound = 150;

/// After the kernel has let go of the namespaces that have ended. A worker takes them apart, some time after the last
/// that was in them has gone, and frees what is left of them when it has taken apart others.
Memory settled()
{
	Memory memory;
	for (int i = 0; i < 30; ++i) {
		static_cast<void>(Namespace());
		std::this_thread::sleep_for(std::chrono::seconds(1));
		memory = measure();
		if (memory.objects["net_namespace"] <= 4)
			break;
	}
	return memory;
}

void test_coming_and_going(Ktap &ktap)
{
	std::atomic<bool> stop = false;
	std::atomic<std::uint64_t> exchanged = 0;
	std::thread traffic([&] {
		Socket socket;
		while (!stop) {
			socket.send(one(echo_id, 1, bytes_of("traffic")));
			exchanged += socket.receive() ? 1u : 0u;
		}
	});
	unsigned made = 0;
	unsigned good = 0;
	const auto make = [&] {
		for (unsigned i = 0; i < namespaces; ++i, ++made) {
			good += come_and_go(i) ? 1 : 0;
			// So many at most wait to be taken apart, or the memory that they take meanwhile would come in
			// larger and larger pieces.
			if (i % 50 == 49)
				std::this_thread::sleep_for(std::chrono::milliseconds(500));
		}
	};
	const bool grows = keeps_growing(ktap, objects_bound, percpu_kib_bound, make, settled);
	stop = true;
	traffic.join();
	ktap.equal("coming and going: every namespace served", made, good);
	ktap.check("coming and going: a thousand of them", made >= 1000);
	ktap.check("coming and going: and the initial one all the while", exchanged > 0);
	ktap.check("coming and going: they leave nothing behind", !grows);
}

/// Unloading, with sockets and messages in a namespace that pin nothing.
void test_unload(Ktap &ktap)
{
	const Namespace space;
	std::atomic<bool> stop = false;
	std::atomic<std::uint64_t> refused = 0;
	std::atomic<std::uint64_t> answered = 0;
	std::vector<std::thread> senders;
	for (int i = 0; i < 3; ++i)
		senders.emplace_back([&] {
			Socket socket = space.socket();
			while (!stop) {
				if (socket.send(one(echo_id, 1, bytes_of("unload"))) != 0)
					++refused;
				else if (socket.receive(std::chrono::milliseconds(1)))
					++answered;
			}
		});
	Socket late = space.socket();
	bool good = true;
	for (int round = 0; round < 5; ++round) {
		late.send(one(answer_late_id, 1, bytes_of("late")));
		std::thread waits([&] { late.send(one(answer_late_id, 1, bytes_of("later"))); });
		good = unload_module("cnx_test_namespaces") == 0 && unload_module("cnx_echo") == 0 && good;
		waits.join();
		good = eventually([] { return unload_module("cnx") == 0; }) && good;
		std::this_thread::sleep_for(std::chrono::milliseconds(50));
		good = load_module("cnx") == 0 && load_module("cnx_echo") == 0 &&
		       load_module("cnx_test_namespaces") == 0 && good;
		std::this_thread::sleep_for(std::chrono::milliseconds(50));
	}
	stop = true;
	for (auto &sender : senders)
		sender.join();
	ktap.check("unload: it goes and comes under traffic in a namespace", good);
	ktap.check("unload: whose senders are told", refused > 0);
	ktap.check("unload: and served when it is back", answered > 0);
	late.drain();
	ktap.equal("unload: by the same sockets", 0, ask(late, CNX_CONTROL_SUBSCRIBE, {idx, 0}).error);
}

void test_older(Ktap &ktap, const char *pid)
{
	const int fd = ::open((std::string("/proc/") + pid + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC);
	int number = 0;
	int status = -1;
	std::thread([&] {
		if (::setns(fd, CLONE_NEWNET))
			give_up("the older namespace");
		number = protocol();
		Socket socket(CNX_PROTOCOL_CONNECTOR);
		status = acknowledged(socket, echo_id);
	}).join();
	::close(fd);
	ktap.equal("older: a namespace from before the load has a connector", 11, number);
	ktap.equal("older: that serves", 0, status);
}

} // namespace

int main(int argc, char **argv)
{
	Ktap ktap;
	if (argc != 2)
		give_up("name a process in an older namespace");
	test_older(ktap, argv[1]);
	test_sight(ktap);
	test_separation(ktap);
	test_members(ktap);
	test_rights(ktap);
	test_coming_and_going(ktap);
	test_unload(ktap);
	return ktap.end();
}
