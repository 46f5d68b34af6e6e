// SPDX-License-Identifier: GPL-2.0-only
// Process events under strain: floods, overruns, many listeners, batches, and whatever ends in the middle of it. With
// cnx and cnx_procevents loaded.
#include "ktap.hpp"
#include "memory.hpp"
#include "procevents_actors.hpp"

#include <array>
#include <atomic>
#include <iterator>
#include <memory>

#include <sys/mount.h>
#include <sys/stat.h>

using namespace cnx::test;

namespace
{

using std::chrono::milliseconds;

/// Processes that come and go without a pause, for as long as this lives.
class Forks
{
public:
	Forks()
	{
		for (unsigned i = 0; i < cpus(); ++i)
			threads_.emplace_back([this] {
				while (!stop_) {
					act_exit(0);
					++count_;
				}
			});
	}
	Forks(const Forks &) = delete;
	Forks &operator=(const Forks &) = delete;
	~Forks() { end(); }

	void end()
	{
		stop_ = true;
		for (auto &thread : threads_)
			thread.join();
		threads_.clear();
	}
	[[nodiscard]] unsigned count() const { return count_; }

private:
	std::atomic<bool> stop_ = false;
	std::atomic<unsigned> count_ = 0;
	std::vector<std::thread> threads_;
};

/// A listener that is read all the time, by a thread of its own.
class Reader
{
public:
	explicit Reader(std::uint32_t events, bool batches = false, Socket &&socket = Socket())
	    : watcher_(std::move(socket))
	{
		if (batches && ask(watcher_.socket(), CNX_CONTROL_SUBSCRIBE, {}, CNX_SUBSCRIBE_BATCHES).error)
			give_up("batches could not be asked for");
		if (watcher_.listen(events))
			give_up("a listener could not be made");
		thread_ = std::thread([this] {
			while (!stop_) {
				const auto some = watcher_.events(milliseconds(20));
				events_.insert(events_.end(), some.begin(), some.end());
			}
		});
	}
	Reader(const Reader &) = delete;
	Reader &operator=(const Reader &) = delete;
	~Reader() { end(); }

	/// All that it got, once nothing comes any more.
	const std::vector<Event> &end()
	{
		if (thread_.joinable()) {
			stop_ = true;
			thread_.join();
			const auto rest = watcher_.events(milliseconds(200));
			events_.insert(events_.end(), rest.begin(), rest.end());
		}
		return events_;
	}
	[[nodiscard]] std::uint64_t losses() { return losses_of(watcher_.socket()); }
	[[nodiscard]] Socket &socket() { return watcher_.socket(); }

private:
	Watcher watcher_;
	std::vector<Event> events_;
	std::atomic<bool> stop_ = false;
	std::thread thread_;
};

/// So many processes, as fast as they can be made.
void burst(unsigned processes)
{
	for (unsigned i = 0; i < processes; ++i)
		act_exit(0);
}

std::size_t count_of(const std::vector<Event> &events, std::uint32_t what)
{
	return static_cast<std::size_t>(
	    std::ranges::count_if(events, [what](const Event &event) { return event.body.what == what; }));
}

void test_flood(Ktap &ktap)
{
	Reader witness(CNX_PROC_FORK | CNX_PROC_EXIT, true);
	const Namespace space;
	{
		Forks forks;
		std::vector<std::thread> threads;
		std::atomic<unsigned> requests = 0;
		std::atomic<bool> stop = false;
		// Two threads to a socket, so that each undoes what the other does.
		for (int pair = 0; pair < 2; ++pair) {
			auto socket = std::make_shared<Socket>(pair == 0 ? Socket() : space.socket());
			for (int i = 0; i < 2; ++i)
				threads.emplace_back([&, socket, i] {
					const Bytes datagram =
					    one(process_id, 1, request_of(i ? CNX_PROC_IGNORE : CNX_PROC_LISTEN));
					while (!stop) {
						socket->send(datagram);
						++requests;
					}
				});
		}
		for (int i = 0; i < 2; ++i)
			threads.emplace_back([&, i] {
				while (!stop) {
					Socket socket = i == 0 ? Socket() : space.socket();
					Bytes many;
					for (std::uint32_t each = 0; each < 5; ++each)
						append(many, process_id, each,
						       request_of(CNX_PROC_LISTEN, 1u << (each % 3)));
					socket.send(many);
					requests += 5;
				}
			});
		std::this_thread::sleep_for(std::chrono::seconds(5));
		stop = true;
		for (auto &thread : threads)
			thread.join();
		forks.end();
		ktap.note(std::to_string(requests) + " requests, " + std::to_string(forks.count()) + " processes");
		ktap.check("flood: requests and processes went on", requests > 100 && forks.count() > 20);
	}
	act_on_each_cpu();
	const auto &events = witness.end();
	ktap.equal("flood: and another listener missed what it is said to have", static_cast<long>(witness.losses()),
	           missing_in(events));
	Watcher after;
	ktap.equal("flood: after which one listens", 0, after.listen(CNX_PROC_EXIT));
	ktap.equal("flood: and hears", "exit C 0,17 of P; ", story(after.events(), act_exit(0)));
}

void test_overrun(Ktap &ktap, const std::string &where, Socket &&socket)
{
	Watcher lazy(std::move(socket));
	ktap.equal(where + "one listens and does not read", 0, lazy.listen(CNX_PROC_FORK | CNX_PROC_EXIT));
	burst(500);
	// These find no room to be answered, and their answers are no events that were missed.
	for (std::uint32_t i = 0; i < 5; ++i)
		lazy.socket().send(one(process_id, i, request_of(CNX_PROC_LISTEN, CNX_PROC_FORK | CNX_PROC_EXIT)));
	auto events = lazy.events();
	act_on_each_cpu();
	const auto later = lazy.events(milliseconds(200));
	events.insert(events.end(), later.begin(), later.end());
	const auto missing = missing_in(events);
	ktap.check(where + "so it misses something", missing > 0);
	ktap.equal(where + "which is what is counted", static_cast<long>(losses_of(lazy.socket())), missing);
	ktap.check(where + "and hears again", later.size() >= 2 * cpus());
}

void test_many(Ktap &ktap)
{
	constexpr std::size_t many = 1000;
	const rlimit files{many + 100, many + 100};
	::setrlimit(RLIMIT_NOFILE, &files);
	const Namespace space;
	std::vector<Watcher> watchers;
	for (std::size_t i = 0; i < many; ++i)
		watchers.emplace_back(i % 2 ? space.socket() : Socket());
	unsigned good = 0;
	for (auto &watcher : watchers)
		good += watcher.listen(CNX_PROC_EXIT) == 0 ? 1 : 0;
	ktap.equal("many: a thousand listen", many, good);
	const pid_t child = act_exit(2);
	// Where the kernel's locks sleep, a thread tells the events, and cnx answers nothing before it has.
	Socket asker;
	ask(asker, CNX_CONTROL_INFO);
	good = 0;
	std::uint64_t missed = 0;
	for (auto &watcher : watchers) {
		good += story(watcher.events(milliseconds(0)), child) == "exit C 512,17 of P; " ? 1 : 0;
		missed += losses_of(watcher.socket());
	}
	ktap.equal("many: and each hears", many, good);
	ktap.equal("many: and none is said to have missed anything", 0ul, missed);
	Forks forks;
	watchers.clear();
	forks.end();
	ktap.check("many: until they close, during events", forks.count() > 0);
}

void test_teardown(Ktap &ktap)
{
	Forks forks;
	unsigned good = 0;
	constexpr unsigned rounds = 60;
	for (unsigned i = 0; i < rounds; ++i) {
		const Namespace space;
		Watcher one_watcher(space.socket());
		Watcher other(space.socket());
		ask(other.socket(), CNX_CONTROL_SUBSCRIBE, {}, CNX_SUBSCRIBE_BATCHES);
		good += one_watcher.listen() == 0 && other.listen() == 0 ? 1 : 0;
		std::this_thread::sleep_for(milliseconds(5));
	}
	// Those whose processes end with them.
	for (unsigned i = 0; i < rounds; ++i)
		good += said_in(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWPID, [] {
			        Watcher watcher;
			        const bool heard = watcher.listen() == 0;
			        for (int left = 0; left < 3; ++left)
				        if (::fork() == 0)
					        for (;;)
						        ::pause();
			        return std::string(heard ? "y" : "n");
		        }) == "y";
	forks.end();
	ktap.equal("teardown: namespaces go in the middle of it", 2 * rounds, good);
}

/// A cgroup that holds so many processes at most.
class Cgroup
{
public:
	explicit Cgroup(unsigned most)
	{
		::mkdir(hierarchy, 0755);
		if (::mount("pids", hierarchy, "cgroup", 0, "pids") || ::mkdir(group, 0755))
			give_up("a cgroup could not be made");
		write_to(std::string(group) + "/pids.max", std::to_string(most).c_str());
	}
	Cgroup(const Cgroup &) = delete;
	Cgroup &operator=(const Cgroup &) = delete;
	~Cgroup()
	{
		eventually([] { return ::rmdir(group) == 0; });
		::umount(hierarchy);
		::rmdir(hierarchy);
	}

	/// The calling process is in it from now on, and so will be its children.
	static void enter() { write_to(std::string(group) + "/cgroup.procs", "0"); }

	/// How often it kept a process from being made.
	static unsigned refusals()
	{
		std::ifstream file(std::string(group) + "/pids.events");
		std::string name;
		unsigned count = 0;
		file >> name >> count;
		return count;
	}

private:
	static constexpr const char *hierarchy = "/tmp/cgroup";
	static constexpr const char *group = "/tmp/cgroup/bomb";
};

void test_bomb(Ktap &ktap)
{
	constexpr unsigned limit = 60;
	const Cgroup cgroup(limit);
	Reader reader(CNX_PROC_FORK | CNX_PROC_EXIT, true);
	const pid_t first = ::fork();
	if (first == 0) {
		Cgroup::enter();
		const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(3);
		while (std::chrono::steady_clock::now() < end) {
			// Whoever can, forks, and so do those.
			if (const pid_t child = ::fork(); child < 0)
				while (::waitpid(-1, nullptr, WNOHANG) > 0) {
				}
			else if (child == 0 && std::rand() % 4 == 0)
				std::_Exit(0);
		}
		while (::wait(nullptr) > 0) {
		}
		std::_Exit(0);
	}
	::waitpid(first, nullptr, 0);
	act_on_each_cpu();
	const auto &events = reader.end();
	const auto losses = reader.losses();
	ktap.note(std::to_string(events.size()) + " events, " + std::to_string(losses) + " lost");
	ktap.check("bomb: there was one", events.size() > 2 * limit);
	ktap.check("bomb: which its cgroup held", Cgroup::refusals() > 0);
	ktap.equal("bomb: what was missed of it is counted", static_cast<long>(losses), missing_in(events));
	if (losses == 0)
		ktap.check("bomb: who was born has died",
		           count_of(events, CNX_PROC_EXIT) + cpus() + 4 > count_of(events, CNX_PROC_FORK));
}

void test_burst(Ktap &ktap)
{
	// As many as fill the queue of one who does not read, and on a slow machine fewer for a shorter one.
	const unsigned processes = 8000 / slowness();
	const int queue = 100000 / static_cast<int>(slowness());
	Reader batched(CNX_PROC_FORK | CNX_PROC_EXIT, true);
	Watcher unread;
	ktap.equal("burst: one listens as programs do", 0, unread.listen(CNX_PROC_FORK | CNX_PROC_EXIT));
	Watcher lazy;
	ask(lazy.socket(), CNX_CONTROL_SUBSCRIBE, {}, CNX_SUBSCRIBE_BATCHES);
	ktap.equal("burst: one does not read its batches", 0, lazy.listen(CNX_PROC_FORK | CNX_PROC_EXIT));
	for (Watcher *const each : {&unread, &lazy})
		::setsockopt(each->socket().fd(), SOL_SOCKET, SO_RCVBUF, &queue, sizeof(queue));
	// The numbers go on from those of the first listener, who asked for the same.
	act_on_each_cpu();
	std::array begun{unread.events(), lazy.events()};
	const auto began = std::chrono::steady_clock::now();
	burst(processes);
	act_on_each_cpu();
	const auto &events = batched.end();
	const auto took = std::chrono::steady_clock::now() - began;
	ktap.check("burst: each is told in a batch", count_of(events, CNX_PROC_FORK) >= processes + 2 * cpus() &&
	                                                 count_of(events, CNX_PROC_EXIT) >= processes + 2 * cpus());
	ktap.equal("burst: none is missing", 0l, missing_in(events));
	ktap.equal("burst: nor said to be", 0ul, batched.losses());
	ktap.note(std::to_string(events.size()) + " events in " + std::to_string(batched.socket().datagrams()) +
	          " datagrams");
	// One that is not full has waited for others for so long. On a slow machine few come meanwhile, or none.
	constexpr milliseconds wait{10};
	constexpr std::size_t full = 40;
	const std::size_t most = static_cast<std::size_t>(took / wait) + events.size() / full + 2 + 2 * cpus();
	ktap.check("burst: in as few datagrams as waiting makes of them", batched.socket().datagrams() <= most);
	std::size_t which = 0;
	for (const auto &[what, watcher] :
	     {std::pair("burst: ", &unread), std::pair("burst: in batches, too, ", &lazy)}) {
		auto &all = begun[which++];
		const auto some = watcher->events();
		all.insert(all.end(), some.begin(), some.end());
		act_on_each_cpu();
		const auto rest = watcher->events(milliseconds(200));
		all.insert(all.end(), rest.begin(), rest.end());
		const auto missing = missing_in(all, true);
		ktap.check(std::string(what) + "who does not read misses most of it",
		           missing > static_cast<long>(processes));
		ktap.equal(std::string(what) + "which is counted to the last",
		           static_cast<long>(losses_of(watcher->socket())), missing);
	}
}

void test_memory(Ktap &ktap)
{
	constexpr int rounds = 500;
	const auto use = [] {
		const Namespace space;
		for (int i = 0; i < rounds; ++i) {
			Watcher watcher(i % 2 ? space.socket() : Socket());
			if (i % 3 == 0)
				ask(watcher.socket(), CNX_CONTROL_SUBSCRIBE, {}, CNX_SUBSCRIBE_BATCHES);
			watcher.listen();
			watcher.listen(CNX_PROC_EXEC);
			watcher.ask(request_of(99));
			if (i % 5 == 0)
				watcher.ignore();
		}
	};
	const auto look = [] {
		std::this_thread::sleep_for(std::chrono::seconds(1));
		return measure();
	};
	// A leak of one object in every fifth listener is beyond this. Of a listener's numbers for each CPU it would
	// take many thousands to be seen.
	ktap.check("memory: listeners leave none behind", !keeps_growing(ktap, rounds / 5, 32, use, look));
}

/// Leaves one CPU where QEMU emulates them, as long as this lives. The kernel changes its code as probes come and go,
/// and QEMU 7.2 may go on for ever with what that was like meanwhile on another CPU.
class EmulatedAlone
{
public:
	EmulatedAlone()
	{
		std::ifstream file("/proc/cpuinfo");
		const std::string text{std::istreambuf_iterator<char>(file), {}};
		emulated_ = text.find("TCG") != text.npos;
		set("0");
	}
	EmulatedAlone(const EmulatedAlone &) = delete;
	EmulatedAlone &operator=(const EmulatedAlone &) = delete;
	~EmulatedAlone() { set("1"); }

private:
	void set(const char *online) const
	{
		for (long cpu = 1; emulated_ && cpu < ::sysconf(_SC_NPROCESSORS_CONF); ++cpu)
			write_to("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/online", online);
	}

	bool emulated_;
};

void test_unload(Ktap &ktap)
{
	const EmulatedAlone alone;
	const Namespace space;
	Forks forks;
	std::atomic<bool> stop = false;
	std::vector<std::thread> listeners;
	for (int i = 0; i < 4; ++i)
		listeners.emplace_back([&, i] {
			while (!stop) {
				Watcher watcher(i % 2 ? space.socket() : Socket());
				if (i < 2)
					ask(watcher.socket(), CNX_CONTROL_SUBSCRIBE, {}, CNX_SUBSCRIBE_BATCHES);
				watcher.socket().send(one(process_id, 1, request_of(CNX_PROC_LISTEN)));
				watcher.events(milliseconds(5));
			}
		});
	Watcher stays;
	bool good = true;
	for (int round = 0; round < 10; ++round) {
		stays.socket().send(one(process_id, 1, request_of(CNX_PROC_LISTEN)));
		std::this_thread::sleep_for(milliseconds(50));
		good = unload_module("cnx_procevents") == 0 && good;
		good = load_module("cnx_procevents") == 0 && good;
	}
	stop = true;
	for (auto &thread : listeners)
		thread.join();
	forks.end();
	ktap.check("unload: it goes and comes with listeners, and events under way", good);
	stays.events();
	ktap.equal("unload: whose listeners have ended", 0u, (act_exit(0), stays.events().size()));
	ktap.equal("unload: and may listen anew", 0, stays.listen(CNX_PROC_EXIT));
	ktap.equal("unload: and hear", "exit C 0,17 of P; ", story(stays.events(), act_exit(0)));
}

} // namespace

int main()
{
	Ktap ktap;
	test_flood(ktap);
	test_overrun(ktap, "overrun: ", Socket());
	test_overrun(ktap, "overrun in a namespace: ", Namespace().socket());
	test_many(ktap);
	test_teardown(ktap);
	test_bomb(ktap);
	test_burst(ktap);
	test_memory(ktap);
	test_unload(ktap);
	return ktap.end();
}
