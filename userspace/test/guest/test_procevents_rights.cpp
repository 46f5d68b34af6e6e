// SPDX-License-Identifier: GPL-2.0-only
// Process events: who may see what, and how much of it one may ask for. With cnx and cnx_procevents loaded.
#include "ktap.hpp"
#include "procevents_actors.hpp"

#include <linux/capability.h>

using namespace cnx::test;

namespace
{

constexpr unsigned other_user = 4001;

/// The process becomes a user with these ids.
void become(unsigned real, unsigned effective, unsigned saved)
{
	if (::syscall(SYS_setresuid, real, effective, saved))
		give_up("another user");
}
void become(unsigned user)
{
	become(user, user, user);
}

void change_capabilities(const std::function<void(__user_cap_data_struct &)> &change)
{
	__user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
	std::array<__user_cap_data_struct, 2> sets{};
	if (::syscall(SYS_capget, &header, sets.data()))
		give_up("capabilities");
	change(sets[0]);
	if (::syscall(SYS_capset, &header, sets.data()))
		give_up("capabilities");
}

/// The process loses the right to configure networks.
void lose_net_admin()
{
	change_capabilities([](auto &set) {
		for (auto *each : {&set.effective, &set.permitted, &set.inheritable})
			*each &= ~(1u << CAP_NET_ADMIN);
	});
}

/// Whether it is about a thread of the kernel, whose parent is kthreadd. Those are root's and come and go by
/// themselves.
bool is_of_thread(const cnx_proc_event &event)
{
	constexpr pid_t kthreadd = 2;
	return (event.what == CNX_PROC_FORK && event.fork.parent_tgid == kthreadd) ||
	       (event.what == CNX_PROC_EXIT &&
	        (event.exit.parent_tgid == kthreadd || event.exit.pid != event.exit.tgid));
}

/// What a listener hears, in a process that `prepare` makes what it is to be, of what others do meanwhile and then of
/// what it does itself.
std::string heard(const std::function<void()> &prepare, const std::function<void()> &others, int flags = 0)
{
	std::array<int, 2> ready{};
	std::array<int, 2> done{};
	if (::pipe(ready.data()) || ::pipe(done.data()))
		give_up("a pipe");
	std::thread meanwhile([&] {
		char byte = 0;
		if (::read(ready[0], &byte, 1) == 1)
			others();
		if (::write(done[1], &byte, 1) != 1)
			give_up("a pipe");
	});
	std::string text = said_in(flags, [&] {
		char byte = 0;
		prepare();
		Watcher watcher;
		if (const int error = watcher.listen(CNX_PROC_FORK | CNX_PROC_EXEC | CNX_PROC_EXIT | CNX_PROC_UID))
			return "refused " + std::to_string(error);
		if (::write(ready[1], &byte, 1) != 1 || ::read(done[0], &byte, 1) != 1)
			return std::string("failed");
		std::string of_others;
		for (const auto &event : watcher.events())
			of_others += is_of_thread(event.body) ? "" : std::string(name_of(event.body.what)) + " ";
		const pid_t child = act_exit(0);
		return of_others + "| " + story(watcher.events(), child);
	});
	meanwhile.join();
	for (const int fd : {ready[0], ready[1], done[0], done[1]})
		::close(fd);
	return text;
}

constexpr const char *own_alone = "| fork P->C; exit C 0,17 of P; ";

/// An actor that starts as root, becomes a user by these ids, and does what such a one can do.
void act_as(unsigned real, unsigned effective, unsigned saved)
{
	act([=] {
		become(real, effective, saved);
		act([] { ::execl("/proc/self/exe", "actor", "exit", "3", nullptr); });
	});
}

void test_users(Ktap &ktap)
{
	const auto as_nobody = [] { become(nobody); };
	ktap.equal("users: one sees its own, and nothing of root's", own_alone, heard(as_nobody, [] { act(live); }));
	ktap.equal("users: nor of another's", own_alone,
	           heard(as_nobody, [] { act_as(other_user, other_user, other_user); }));
	ktap.equal("users: but of who becomes it, from then on", std::string("uid fork exec exit exit ") + own_alone,
	           heard(as_nobody, [] { act_as(nobody, nobody, nobody); }));
	ktap.equal("users: not of who has more rights, if started by it", own_alone,
	           heard(as_nobody, [] { act_as(nobody, 0, 0); }));
	ktap.equal("users: or can have them again, which an exec ends", std::string("uid exec exit ") + own_alone,
	           heard(as_nobody, [] { act_as(nobody, nobody, 0); }));
	ktap.equal("users: or acts in its name", own_alone, heard(as_nobody, [] { act_as(0, nobody, 0); }));
	ktap.equal("users: nor of who leaves it, from then on", std::string("uid ") + own_alone, heard(as_nobody, [] {
		           act([] {
			           ::prctl(PR_SET_KEEPCAPS, 1);
			           become(nobody);
			           change_capabilities([](auto &set) { set.effective = set.permitted; });
			           become(0);
		           });
	           }));
	ktap.equal("users: root without the capability is a user like others", std::string("fork ") + own_alone,
	           heard(lose_net_admin, [] { act_as(nobody, nobody, nobody); }));
	ktap.equal("users: who has it sees all", std::string("fork uid fork exec exit exit ") + own_alone,
	           heard([] {}, [] { act_as(other_user, other_user, other_user); }));
}

void test_namespaces(Ktap &ktap)
{
	// Who makes a network namespace of its own has every capability in it, and is among all other processes still.
	ktap.equal("namespaces: a network of one's own shows no processes of others", own_alone,
	           heard(
	               [] {
		               become(nobody);
		               if (::unshare(CLONE_NEWUSER | CLONE_NEWNET))
			               give_up("a user namespace");
	               },
	               [] { act_as(other_user, other_user, other_user); }));
	// Everything in them: also of users that are not the listener's.
	constexpr const char *ids = "0 0 100\n1000 2000 10\n";
	ktap.equal("namespaces: with both, all of them are seen", "fork P->C; uid C 1000,1000; exit C 0,17 of P; ",
	           said_in(
	               CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWPID,
	               [] {
		               Watcher watcher;
		               watcher.listen();
		               return story(watcher.events(), act([] { become(1000); }));
	               },
	               ids));
	// Root of a container whose network is the host's.
	ktap.equal("namespaces: without a network of their own, the user's alone are", "fork P->C; ",
	           said_in(
	               CLONE_NEWUSER | CLONE_NEWPID,
	               [] {
		               Watcher watcher;
		               watcher.listen();
		               return story(watcher.events(), act([] { become(1000); }));
	               },
	               ids));
}

void test_deputy(Ktap &ktap)
{
	// A socket that a user opened, which a program of more rights writes to without knowing.
	const auto request = [] {
		Bytes bytes;
		append(bytes, process_id, 5, request_of(CNX_PROC_LISTEN));
		return bytes;
	}();
	const auto answer = [&](Socket &socket) {
		while (const auto received = socket.receive())
			if (const auto event = event_in(*received))
				return static_cast<int>(event->body.ack.error);
		return -1;
	};
	ktap.equal("deputy: what is written to a user's socket by another one asks for nothing", -EPERM, in_child([&] {
		           become(0, nobody, 0);
		           Socket socket;
		           become(0);
		           if (::send(socket.fd(), request.data(), request.size(), 0) < 0)
			           return -errno;
		           return -answer(socket);
	           }));
	ktap.equal("deputy: what one sends to the kernel does", 0, in_child([&] {
		           become(0, nobody, 0);
		           Socket socket;
		           become(0);
		           return socket.send(request) ?: -answer(socket);
	           }));
	ktap.equal("deputy: so does what one writes to one's own", 0, in_child([&] {
		           become(nobody);
		           Socket socket;
		           if (::send(socket.fd(), request.data(), request.size(), 0) < 0)
			           return -errno;
		           return -answer(socket);
	           }));
}

void test_forgery(Ktap &ktap)
{
	Watcher watcher;
	watcher.listen(CNX_PROC_EXIT);
	// In the name of another.
	Bytes ignore;
	append(ignore, process_id, 1, request_of(CNX_PROC_IGNORE));
	nlmsghdr header;
	std::memcpy(&header, ignore.data(), sizeof(header));
	header.nlmsg_pid = watcher.socket().portid();
	std::memcpy(ignore.data(), &header, sizeof(header));
	ktap.equal("forgery: a user asks in another's name", 0, as_nobody([&] { return Socket().send(ignore); }));
	Socket forger;
	ktap.equal("forgery: so does root", 0, forger.send(ignore));
	ktap.equal("forgery: and nobody else is meant", "exit C 0,17 of P; ", story(watcher.events(), act_exit(0)));
	ktap.check("forgery: which it is told", forger.receive().has_value());
	// As if the kernel had sent it.
	const auto forged = [&](const Socket &from) {
		const Bytes bytes = one(process_id, 1, Bytes(sizeof(cnx_proc_event)));
		sockaddr_nl to{};
		to.nl_family = AF_NETLINK;
		to.nl_pid = watcher.socket().portid();
		return ::sendto(from.fd(), bytes.data(), bytes.size(), 0, generic(to), sizeof(to)) < 0 ? -errno : 0;
	};
	ktap.equal("forgery: a user may not send to a listener", -EPERM, as_nobody([&] { return forged(Socket()); }));
	ktap.equal("forgery: root may", 0, forged(forger));
	watcher.socket().drain();
	ktap.equal("forgery: and the listener sees whom it is from", forger.portid(), watcher.socket().from().nl_pid);
}

/// Listens with so many sockets. 0, or the errno of the first that was refused, negated.
int listen_with(std::vector<Watcher> &watchers, std::size_t count)
{
	for (std::size_t i = 0; i < count; ++i) {
		watchers.emplace_back();
		if (const int error = watchers.back().listen(CNX_PROC_SID)) {
			watchers.pop_back();
			return -error;
		}
	}
	return 0;
}

void test_limits(Ktap &ktap)
{
	constexpr std::size_t of_a_user = 64;
	ktap.equal("limits: a user has so many listeners", 0, as_nobody([] {
		           std::vector<Watcher> watchers;
		           return listen_with(watchers, of_a_user);
	           }));
	ktap.equal("limits: and no more", -ENOSPC, as_nobody([] {
		           std::vector<Watcher> watchers;
		           return listen_with(watchers, of_a_user) ?: listen_with(watchers, 1);
	           }));
	ktap.equal("limits: in which it may change what it asked for", 0, as_nobody([] {
		           std::vector<Watcher> watchers;
		           return listen_with(watchers, of_a_user) ?: -watchers.front().listen(CNX_PROC_EXIT);
	           }));
	ktap.equal("limits: and exchange one for another", 0, as_nobody([] {
		           std::vector<Watcher> watchers;
		           if (const int status = listen_with(watchers, of_a_user))
			           return status;
		           watchers.pop_back();
		           if (const int status = listen_with(watchers, 1))
			           return status;
		           watchers.back().ignore();
		           return listen_with(watchers, 1);
	           }));
	// Who is given many ids in a user namespace of its own is the user who made that.
	std::array<int, 2> full{};
	std::array<int, 2> go{};
	if (::pipe(full.data()) || ::pipe(go.data()))
		give_up("a pipe");
	char byte = 0;
	const pid_t holder = ::fork();
	if (holder == 0) {
		become(nobody);
		std::vector<Watcher> watchers;
		if (listen_with(watchers, of_a_user) || ::write(full[1], &byte, 1) != 1 || ::read(go[0], &byte, 1) != 1)
			std::_Exit(1);
		std::_Exit(0);
	}
	if (::read(full[0], &byte, 1) != 1)
		give_up("a pipe");
	const auto another = [] {
		become(5);
		return std::to_string(Watcher().listen());
	};
	ktap.equal("limits: the ids that a user gave itself are no other users", std::to_string(ENOSPC),
	           said_in(CLONE_NEWUSER | CLONE_NEWNET, another, "0 3000 10", nobody));
	ktap.equal("limits: those that root gave are", "0",
	           said_in(CLONE_NEWUSER | CLONE_NEWNET, another, "0 3000 10"));
	if (::write(go[1], &byte, 1) != 1)
		give_up("a pipe");
	::waitpid(holder, nullptr, 0);
	// All users together.
	constexpr unsigned users = 32;
	std::array<int, 2> held{};
	std::array<int, 2> end{};
	if (::pipe(held.data()) || ::pipe(end.data()))
		give_up("a pipe");
	std::vector<pid_t> children;
	for (unsigned i = 0; i < users; ++i) {
		children.push_back(::fork());
		if (children.back() == 0) {
			::close(end[1]);
			become(other_user + i);
			std::vector<Watcher> watchers;
			char byte = listen_with(watchers, of_a_user) ? 'n' : 'y';
			if (::write(held[1], &byte, 1) != 1 || ::read(end[0], &byte, 1) < 0)
				std::_Exit(1);
			std::_Exit(0);
		}
	}
	std::string all(users, ' ');
	for (char &each : all)
		if (::read(held[0], &each, 1) != 1)
			give_up("a pipe");
	ktap.equal("limits: users together have half of what there is", std::string(users, 'y'), all);
	ktap.equal("limits: and no more", -ENOSPC, as_nobody([] {
		           std::vector<Watcher> watchers;
		           return listen_with(watchers, 1);
	           }));
	{
		Watcher privileged;
		ktap.equal("limits: which leaves who has rights the other", 0, privileged.listen(CNX_PROC_EXIT));
		ktap.equal("limits: to use it", "exit C 0,17 of P; ", story(privileged.events(), act_exit(0)));
	}
	::close(end[1]);
	for (const pid_t child : children)
		::waitpid(child, nullptr, 0);
	ktap.equal("limits: when they have gone there is room again", 0, as_nobody([] {
		           std::vector<Watcher> watchers;
		           return listen_with(watchers, of_a_user);
	           }));
}

} // namespace

int main(int argc, char **argv)
{
	exit_if_asked(argc, argv);
	Ktap ktap;
	test_users(ktap);
	test_namespaces(ktap);
	test_deputy(ktap);
	test_forgery(ktap);
	test_limits(ktap);
	return ktap.end();
}
