// SPDX-License-Identifier: GPL-2.0-only
// Processes to which known things happen, and what is told of them.
#ifndef CNX_GUEST_PROCEVENTS_ACTORS_HPP
#define CNX_GUEST_PROCEVENTS_ACTORS_HPP

#include "procevents.hpp"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>

namespace cnx::test
{

/// The program, as an actor that ends with a status: test_... exit STATUS.
inline void exit_if_asked(int argc, char **argv)
{
	if (argc == 3 && std::string_view(argv[1]) == "exit")
		std::_Exit(std::atoi(argv[2]));
}

/// A process that does as it is told, and is waited for.
template <typename Function>
pid_t act(Function &&function)
{
	const pid_t child = ::fork();
	if (child == 0) {
		function();
		std::_Exit(0);
	}
	if (child < 0 || ::waitpid(child, nullptr, 0) != child)
		give_up("an actor could not be played");
	return child;
}

inline pid_t act_exit(int status)
{
	return act([status] { std::_Exit(status); });
}

/// Everything that can happen to a process without another, ending by an exec that ends with 7.
inline void live()
{
	::setsid();
	::prctl(PR_SET_NAME, "named");
	std::ofstream("/proc/self/comm") << "written";
	std::thread([] {}).join();
	::syscall(SYS_setresgid, 1006, 1006, 1006);
	::syscall(SYS_setresuid, 1005, 1004, 1004);
	::execl("/proc/self/exe", "actor", "exit", "7", nullptr);
}

inline constexpr std::string_view life =
    "fork P->C; sid C; comm C named; comm C written; gid C 1006,1006; uid C 1005,1004; "
    "exec C; exit C 1792,17 of P; ";
inline constexpr std::string_view life_of_thread = "fork P->T/C; exit T/C 0,-1 of P; ";

inline void crash()
{
	const rlimit none{0, 0};
	::setrlimit(RLIMIT_CORE, &none);
	std::signal(SIGSEGV, SIG_DFL);
	::raise(SIGSEGV);
}

inline constexpr std::string_view crashed = "fork P->C; coredump C of P; exit C 11,17 of P; ";

/// A process that its parent traces for a moment.
inline pid_t act_traced()
{
	const pid_t child = ::fork();
	if (child == 0)
		for (;;)
			::pause();
	int status = 0;
	if (::ptrace(PTRACE_ATTACH, child, 0, 0) || ::waitpid(child, &status, 0) != child ||
	    ::ptrace(PTRACE_DETACH, child, 0, 0))
		give_up("an actor could not be traced");
	::kill(child, SIGKILL);
	::waitpid(child, nullptr, 0);
	return child;
}

inline constexpr std::string_view traced = "fork P->C; ptrace C by P; ptrace C by 0; exit C 9,17 of P; ";

/// What is told of a process C and its threads T, whose parent P is the caller. Those of the process come first:
/// nothing orders a thread's exit and what another one does.
inline std::string story(const std::vector<Event> &events, pid_t process, pid_t parent = ::getpid())
{
	std::string of_process;
	std::string of_threads;
	const auto name = [&](pid_t pid) -> std::string {
		return pid == 0 ? "0" : pid == parent ? "P" : pid == process ? "C" : "T";
	};
	for (const auto &[seq, ack, body] : events) {
		const bool fork = body.what == CNX_PROC_FORK;
		if ((fork ? body.fork.child_tgid : body.process.tgid) != process)
			continue;
		((fork ? body.fork.child_pid : body.process.pid) == process ? of_process : of_threads) +=
		    words_of(body, name) + "; ";
	}
	return of_process + of_threads;
}

/// What a function says in a process of its own, which has unshared what `flags` say first; its children are in its pid
/// namespace, if that is one of them. `ids` map its users and groups, if it has such of its own, and `user` makes them.
inline std::string said_in(int flags, const std::function<std::string()> &function, const char *ids = nullptr,
                           unsigned user = 0)
{
	std::array<int, 2> said{};
	std::array<int, 2> unshared{};
	std::array<int, 2> mapped{};
	if (::pipe(said.data()) || ::pipe(unshared.data()) || ::pipe(mapped.data()))
		give_up("a pipe");
	char byte = 0;
	const pid_t child = ::fork();
	if (child == 0) {
		const bool good = ::syscall(SYS_setresuid, user, user, user) == 0 && ::unshare(flags) == 0 &&
		                  ::write(unshared[1], &byte, 1) == 1 && ::read(mapped[0], &byte, 1) == 1;
		const pid_t inner = good ? ::fork() : -1;
		if (inner == 0) {
			::close(said[0]);
			const std::string text = function();
			std::_Exit(::write(said[1], text.data(), text.size()) < 0);
		}
		::waitpid(inner, nullptr, 0);
		std::_Exit(0);
	}
	::close(said[1]);
	::close(unshared[1]);
	if (::read(unshared[0], &byte, 1) == 1 && ids) {
		const std::string folder = "/proc/" + std::to_string(child);
		std::ofstream(folder + "/uid_map") << ids;
		std::ofstream(folder + "/gid_map") << ids;
	}
	if (::write(mapped[1], &byte, 1) != 1)
		give_up("a pipe");
	std::string text;
	std::array<char, 4096> buffer;
	for (ssize_t size = 0; (size = ::read(said[0], buffer.data(), buffer.size())) > 0;)
		text.append(buffer.data(), static_cast<std::size_t>(size));
	::waitpid(child, nullptr, 0);
	for (const int fd : {said[0], unshared[0], mapped[0], mapped[1]})
		::close(fd);
	return text;
}

/// The thread goes to a CPU. False: there is none of that number.
inline bool go_to_cpu(unsigned cpu)
{
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	return ::sched_setaffinity(0, sizeof(one), &one) == 0;
}

inline unsigned cpus()
{
	return static_cast<unsigned>(::sysconf(_SC_NPROCESSORS_ONLN));
}

/// An exit on each CPU, so that whoever missed events before is shown where they would have been.
inline void act_on_each_cpu()
{
	for (unsigned cpu = 0; cpu < cpus(); ++cpu)
		act([cpu] { go_to_cpu(cpu); });
}

/// How many numbers are missing in what a listener got, on all CPUs together. -1: a number came twice, or too late. A
/// CPU begins with 0, unless the listener `joined` others.
inline long missing_in(const std::vector<Event> &events, bool joined = false)
{
	std::map<std::uint32_t, std::uint32_t> next;
	long missing = 0;
	for (const Event &event : events) {
		std::uint32_t &expected = next.try_emplace(event.body.cpu, joined ? event.seq : 0).first->second;
		if (event.seq < expected)
			return -1;
		missing += event.seq - expected;
		expected = event.seq + 1;
	}
	return missing;
}

/// What cnx says that a socket missed of process events.
inline std::uint64_t losses_of(Socket &socket)
{
	return losses_of(socket.portid(), process_id, socket);
}

} // namespace cnx::test

#endif // CNX_GUEST_PROCEVENTS_ACTORS_HPP
