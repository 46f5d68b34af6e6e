// SPDX-License-Identifier: GPL-2.0-only
// Process events: what is told to listeners in several namespaces, and what they are answered. With cnx and
// cnx_procevents loaded.
#include "ktap.hpp"
#include "procevents_actors.hpp"

using namespace cnx::test;

namespace
{

constexpr std::uint32_t acks_cpu = 0xffffffff;

void test_answer(Ktap &ktap, const std::string &where, Watcher &&watcher)
{
	const auto answer = watcher.request(request_of(CNX_PROC_LISTEN, CNX_PROC_SID), 77, 41);
	ktap.check(where + "a request is answered", answer.has_value());
	if (!answer)
		return;
	ktap.equal(where + "with its seq", 77u, answer->seq);
	ktap.equal(where + "and its ack and one", 42u, answer->ack);
	ktap.equal(where + "and no error", 0u, answer->body.ack.error);
	ktap.equal(where + "and no CPU", acks_cpu, answer->body.cpu);
	ktap.check(where + "and the time", answer->body.time_ns != 0);
	const sockaddr_nl &from = watcher.socket().from();
	ktap.equal(where + "it comes from the kernel", 0u, from.nl_pid);
	ktap.equal(where + "and as if to the group", 1u, from.nl_groups);
	act([] { ::setsid(); });
	const auto events = watcher.events();
	ktap.check(where + "so do events", events.size() == 1 && from.nl_pid == 0 && from.nl_groups == 1);
	ktap.equal(where + "whose numbers are their own", 0u, events.empty() ? 1 : events[0].seq);
	const auto later = watcher.request(request_of(CNX_PROC_LISTEN, CNX_PROC_FORK), 9);
	ktap.equal(where + "an answer takes no number of theirs", 9u, later ? later->seq : 0);
	act_exit(0);
	const auto forks = watcher.events();
	ktap.check(where + "so that they go on", forks.size() == 1 && missing_in(forks) <= 1);
}

void test_refusals(Ktap &ktap)
{
	Watcher watcher;
	ktap.equal("refusals: one listens to exits", 0, watcher.listen(CNX_PROC_EXIT));
	for (const std::size_t size : {0u, 1u, 3u, 5u, 7u, 9u, 40u}) {
		Bytes request = request_of(CNX_PROC_IGNORE, 0);
		request.resize(size);
		ktap.equal("refusals: " + std::to_string(size) + " bytes", EINVAL, watcher.ask(request));
	}
	Bytes huge(largest_payload);
	huge[0] = CNX_PROC_IGNORE;
	ktap.equal("refusals: as many bytes as there may be", EINVAL, watcher.ask(huge));
	for (const std::uint32_t op : {0u, 3u, 0x80000001u, 0xffffffffu}) {
		ktap.equal("refusals: op " + std::to_string(op), EINVAL, watcher.ask(request_of(op)));
		ktap.equal("refusals: and with events", EINVAL, watcher.ask(request_of(op, CNX_PROC_FORK)));
	}
	for (const std::uint32_t events : {0x8u, 0x400u, 0x10000000u, 0xffffffffu})
		ktap.equal("refusals: events " + std::to_string(events), EINVAL, watcher.listen(events));
	const pid_t child = act_exit(0);
	ktap.equal("refusals: which have changed nothing", "exit C 0,17 of P; ", story(watcher.events(), child));
	watcher.socket().send(one(process_id, 5, request_of(9), NLM_F_ACK));
	bool answered = false;
	int error = 0;
	for (const auto &received : watcher.socket().drain()) {
		answered = answered || event_in(received);
		error = received.is_error ? received.error : error;
	}
	ktap.check("refusals: who asks netlink for it is answered by both", answered && error == -EINVAL);
	ktap.equal("refusals: no events at all are all", 0, watcher.listen(0));
	const pid_t other = act_exit(0);
	ktap.equal("refusals: as the kernel has it", "fork P->C; exit C 0,17 of P; ", story(watcher.events(), other));
}

void test_repetition(Ktap &ktap)
{
	Watcher watcher;
	Watcher stray;
	ktap.equal("repetition: it listens", 0, watcher.listen());
	ktap.equal("repetition: and again", 0, watcher.listen());
	for (int i = 0; i < 4; ++i)
		ktap.equal("repetition: to ignore what one never listened to is nothing", 0, stray.ignore());
	ktap.equal("repetition: each event comes once, and to the other all the same", "fork P->C; exit C 0,17 of P; ",
	           story(watcher.events(), act_exit(0)));
	ktap.equal("repetition: asking for less is having less", 0, watcher.listen(CNX_PROC_EXIT));
	ktap.equal("repetition: at once", "exit C 0,17 of P; ", story(watcher.events(), act_exit(0)));
	ktap.equal("repetition: it listens no more", 0, watcher.ignore());
	act_exit(0);
	ktap.equal("repetition: and hears nothing", 0u, watcher.events().size());
	ktap.equal("repetition: as it is told again", 0, watcher.ignore());
	ktap.equal("repetition: until it listens", 0, watcher.listen(CNX_PROC_EXIT));
	ktap.equal("repetition: again", "exit C 0,17 of P; ", story(watcher.events(), act_exit(0)));
	Watcher member;
	ktap.equal("repetition: a member of the group", 0, member.socket().join(1));
	act_exit(0);
	ktap.equal("repetition: has nothing of what others asked for", 0u, member.events().size());
	ktap.equal("repetition: and when it asks", 0, member.listen(CNX_PROC_EXIT));
	ktap.equal("repetition: has it once", "exit C 0,17 of P; ", story(member.events(), act_exit(0)));
}

/// What a listener here is told of every kind of event.
std::string told(Watcher &watcher)
{
	if (watcher.listen() != 0)
		return "refused";
	std::string all = story(watcher.events(), act(live));
	all += story(watcher.events(), act(crash));
	return all + story(watcher.events(), act_traced());
}

const std::string everything =
    std::string(life) + std::string(life_of_thread) + std::string(crashed) + std::string(traced);

std::string told_here()
{
	Watcher watcher;
	return told(watcher);
}

void test_kinds(Ktap &ktap)
{
	ktap.equal("kinds: in the initial namespace", everything, told_here());
	ktap.equal("kinds: in a network namespace", everything, said_in(CLONE_NEWNET, told_here));
	ktap.equal("kinds: in one with processes of its own", everything,
	           said_in(CLONE_NEWNET | CLONE_NEWPID, told_here));
	constexpr const char *ids = "0 0 100\n1004 2004 10\n";
	ktap.equal("kinds: and users of its own", everything,
	           said_in(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWPID, told_here, ids));
	Watcher outside;
	outside.listen(CNX_PROC_UID | CNX_PROC_GID);
	said_in(
	    CLONE_NEWUSER, [] { return std::to_string(act(live)); }, ids);
	std::string seen;
	for (const auto &event : outside.events())
		seen += std::to_string(event.body.id.real) + "," + std::to_string(event.body.id.effective) + " ";
	ktap.equal("kinds: whose numbers are others outside", "2006,2006 2005,2004 ", seen);
}

void test_masks(Ktap &ktap)
{
	Watcher execs;
	Watcher exits;
	Watcher failures;
	Watcher both;
	execs.listen(CNX_PROC_EXEC);
	exits.listen(CNX_PROC_EXIT);
	failures.listen(CNX_PROC_NONZERO_EXIT);
	both.listen(CNX_PROC_NONZERO_EXIT | CNX_PROC_FORK);
	const pid_t good = act_exit(0);
	const pid_t bad = act_exit(3);
	const pid_t killed = act([] { ::raise(SIGKILL); });
	const pid_t lived = act(live);
	const auto stories = [&](Watcher &watcher) {
		const auto events = watcher.events();
		return story(events, good) + story(events, bad) + story(events, killed) + story(events, lived);
	};
	ktap.equal("masks: execs alone", "exec C; ", stories(execs));
	ktap.equal("masks: exits alone",
	           "exit C 0,17 of P; exit C 768,17 of P; exit C 9,17 of P; exit C 1792,17 of P; exit T/C 0,-1 of P; ",
	           stories(exits));
	ktap.equal("masks: exits that failed", "exit C 768,17 of P; exit C 9,17 of P; exit C 1792,17 of P; ",
	           stories(failures));
	ktap.equal("masks: and forks",
	           "fork P->C; fork P->C; exit C 768,17 of P; fork P->C; exit C 9,17 of P; fork P->C; exit C 1792,17 "
	           "of P; fork P->T/C; ",
	           stories(both));
}

void test_numbers(Ktap &ktap)
{
	Watcher all;
	Watcher exits;
	Watcher sessions;
	all.listen();
	exits.listen(CNX_PROC_EXIT);
	sessions.listen(CNX_PROC_SID);
	std::vector<Event> of_all;
	std::vector<Event> of_exits;
	const auto gather = [](std::vector<Event> &into, Watcher &from) {
		const auto events = from.events();
		into.insert(into.end(), events.begin(), events.end());
	};
	for (int round = 0; round < 5; ++round) {
		for (unsigned cpu = 0; cpu < cpus(); ++cpu) {
			go_to_cpu(cpu);
			act_exit(1);
			act([] { ::setsid(); });
		}
		gather(of_all, all);
		gather(of_exits, exits);
	}
	const auto of_sessions = sessions.events();
	ktap.check("numbers: all of it came from each CPU", cpus() > 1 && of_sessions.size() == 5 * cpus());
	ktap.equal("numbers: without a gap", 0l, missing_in(of_all));
	ktap.equal("numbers: nor where the others are left out", 0l, missing_in(of_exits));
	ktap.equal("numbers: nor where nearly all are", 0l, missing_in(of_sessions));
	bool ordered = true;
	std::map<std::uint32_t, std::uint64_t> last;
	for (const auto &event : of_all) {
		ordered = ordered && event.body.cpu < cpus() && event.body.time_ns > last[event.body.cpu];
		last[event.body.cpu] = event.body.time_ns;
	}
	ktap.check("numbers: in the order of time on each CPU", ordered);
	for (unsigned cpu = 0; cpu < cpus(); ++cpu)
		go_to_cpu(cpu);
}

/// Listeners that ask for the same and see the same get the same messages.
void test_company(Ktap &ktap)
{
	constexpr std::uint32_t asked = CNX_PROC_FORK | CNX_PROC_EXIT;
	std::vector<Watcher> company(20);
	unsigned good = 0;
	for (Watcher &watcher : company)
		good += watcher.listen(asked) == 0 ? 1 : 0;
	ktap.equal("company: twenty listen", company.size(), good);
	std::vector<std::vector<Event>> heard(company.size());
	const auto gather = [&](std::chrono::milliseconds timeout) {
		for (std::size_t i = 0; i < company.size(); ++i) {
			const auto some = company[i].events(timeout);
			heard[i].insert(heard[i].end(), some.begin(), some.end());
		}
	};
	const auto live_through = [&] {
		for (unsigned cpu = 0; cpu < cpus(); ++cpu) {
			go_to_cpu(cpu);
			act_exit(0);
		}
		gather(std::chrono::milliseconds(0));
	};
	live_through();
	Watcher late;
	late.listen(asked);
	live_through();
	// One of them asks for something else, which its place among them must not be seen by.
	Watcher &other = company[7];
	other.listen(CNX_PROC_EXIT);
	live_through();
	other.listen(asked);
	live_through();
	// On PREEMPT_RT a thread delivers what is told where nobody may sleep, and it may be late.
	const auto of_late = late.events();
	gather(std::chrono::milliseconds(20));
	const auto of_other = std::exchange(heard[7], {});
	const auto same = [&](const std::vector<Event> &events) {
		return std::ranges::equal(events, heard[0], [](const Event &one, const Event &two) {
			return one.seq == two.seq && one.body.what == two.body.what &&
			       one.body.time_ns == two.body.time_ns;
		});
	};
	ktap.equal("company: they hear it all", 4 * 2 * cpus(), static_cast<unsigned>(heard[0].size()));
	ktap.equal("company: without a gap", 0l, missing_in(heard[0]));
	ktap.equal("company: and the same", company.size() - 1,
	           static_cast<std::size_t>(std::ranges::count_if(heard, same)));
	ktap.equal("company: but for who asked for less meanwhile", (2 + 1 + 2 + 2) * cpus(),
	           static_cast<unsigned>(of_other.size()));
	ktap.equal("company: one that comes later hears the rest", 3 * 2 * cpus(),
	           static_cast<unsigned>(of_late.size()));
	ktap.equal("company: without a gap, wherever it begins", 0l, missing_in(of_late, true));
	ktap.check("company: and with the numbers of the others",
	           !of_late.empty() && of_late.back().seq == heard[0].back().seq && of_late.front().seq != 0);
}

/// The kernel's own connector, and what it says of the same processes at the same time.
void test_kernels(Ktap &ktap)
{
	Watcher ours;
	ours.listen();
	Watcher kernels{Socket(CNX_PROTOCOL_CONNECTOR)};
	ktap.equal("kernel's: it listens", 0, kernels.socket().join(1));
	// Its answer has another seq than was asked with.
	kernels.socket().send(one(process_id, 1, request_of(CNX_PROC_LISTEN)));
	kernels.socket().drain();
	std::string by_us;
	std::string by_kernel;
	const auto compare = [&](pid_t process) {
		by_us += story(ours.events(), process);
		by_kernel += story(kernels.events(), process);
	};
	compare(act(live));
	compare(act(crash));
	compare(act_traced());
	compare(act_exit(5));
	compare(act([] {
		std::vector<std::thread> threads;
		for (int i = 0; i < 3; ++i)
			threads.emplace_back([] { std::this_thread::sleep_for(std::chrono::milliseconds(20)); });
		for (auto &thread : threads)
			thread.join();
	}));
	// The kernel tells of an exit when the task may have been waited for, and its parent been forgotten, already.
	const auto without_parents = [](std::string text) {
		for (std::size_t at = 0; (at = text.find("exit ", at)) != text.npos; ++at) {
			const std::size_t of = text.find(" of ", at);
			text.erase(of, text.find(';', of) - of);
		}
		return text;
	};
	ktap.check("kernel's: there is something to compare", by_us.size() > everything.size());
	ktap.equal("kernel's: it says the same", without_parents(by_kernel), without_parents(by_us));
	kernels.socket().send(one(process_id, 2, request_of(CNX_PROC_IGNORE)));
}

/// A listener in a pid namespace, and processes that are not.
void test_outside(Ktap &ktap)
{
	Watcher outside;
	outside.listen();
	std::array<int, 2> begun{};
	std::array<int, 2> done{};
	if (::pipe(begun.data()) || ::pipe(done.data()))
		give_up("a pipe");
	char byte = 0;
	std::thread meanwhile([&] {
		if (::read(begun[0], &byte, 1) != 1)
			return;
		for (int i = 0; i < 20; ++i)
			act(live);
		if (::write(done[1], &byte, 1) != 1)
			give_up("a pipe");
	});
	const std::string inside = said_in(CLONE_NEWNET | CLONE_NEWPID, [&] {
		Watcher watcher;
		char here = 0;
		if (watcher.listen() || ::write(begun[1], &here, 1) != 1 || ::read(done[0], &here, 1) != 1)
			return std::string("failed");
		const auto others = watcher.events().size();
		const pid_t child = act_exit(0);
		return std::to_string(others) + " " + std::to_string(::getpid()) + " " + std::to_string(child) + " " +
		       story(watcher.events(), child);
	});
	meanwhile.join();
	ktap.equal("outside: what happens there is not told inside, and what happens inside is",
	           "0 1 2 fork P->C; exit C 0,17 of P; ", inside);
	// Those of before, and the three processes of the namespace.
	const auto all = outside.events();
	std::size_t forks = 0;
	for (const auto &event : all)
		forks += event.body.what == CNX_PROC_FORK ? 1 : 0;
	ktap.check("outside: where both are told", forks >= 43);
}

/// A process that comes into a pid namespace from outside, where its parent stays.
void test_entering(Ktap &ktap)
{
	const std::string seen = said_in(CLONE_NEWNET, [] {
		std::array<int, 2> ready{};
		std::array<int, 2> done{};
		std::array<int, 2> said{};
		if (::pipe(ready.data()) || ::pipe(done.data()) || ::pipe(said.data()) || ::unshare(CLONE_NEWPID))
			give_up("a pid namespace");
		char byte = 0;
		const pid_t inside = ::fork();
		if (inside == 0) {
			Watcher watcher;
			if (watcher.listen() || ::write(ready[1], &byte, 1) != 1 || ::read(done[0], &byte, 1) != 1)
				std::_Exit(1);
			std::string text;
			for (const auto &event : watcher.events())
				text += words_of(event.body, [](pid_t pid) { return std::to_string(pid); }) + "; ";
			std::_Exit(::write(said[1], text.data(), text.size()) < 0);
		}
		if (::read(ready[0], &byte, 1) != 1)
			return std::string("failed");
		act_exit(4);
		std::array<char, 512> text;
		if (::write(done[1], &byte, 1) != 1)
			return std::string("failed");
		const auto size = ::read(said[0], text.data(), text.size());
		::waitpid(inside, nullptr, 0);
		return std::string(text.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
	});
	ktap.equal("entering: it has no parent there", "fork 0->2; exit 2 1024,17 of 0; ", seen);
}

} // namespace

int main(int argc, char **argv)
{
	exit_if_asked(argc, argv);
	Ktap ktap;
	test_answer(ktap, "answers: ", Watcher());
	test_answer(ktap, "answers in a namespace: ", Watcher(Namespace().socket()));
	test_refusals(ktap);
	test_repetition(ktap);
	test_kinds(ktap);
	test_masks(ktap);
	test_numbers(ktap);
	test_company(ktap);
	test_kernels(ktap);
	test_outside(ktap);
	test_entering(ktap);
	return ktap.end();
}
