// SPDX-License-Identifier: GPL-2.0-only
// Processes that come and go in a known order, and a record of what they did: test_workload RECORD
//
// One process acts at a time, and writes down what it does before another can act on it, so that the record is in the
// order in which things happened. A line is an event, the process, and what belongs to it:
//
//     fork PARENT CHILD
//     exec PID
//     exit PID STATUS      the status as wait(2) has it: an exit code times 256, or the number of a signal
//
// The file is there once it is whole. The program then stays until it is ended, and leaves the processes that have come
// to their end as they are so long: who is told of them, and asks /proc what they were called, still finds them.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

namespace
{

constexpr const char *self = "/proc/self/exe";

[[noreturn]] void give_up(const char *what)
{
	std::perror(what);
	std::_Exit(1);
}

// A line of the record, by one write to a file that all append to.
void record(const std::string &line)
{
	static const int file = ::open(std::getenv("WORKLOAD_RECORD"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	if (file < 0 || ::write(file, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
		give_up("the record could not be written");
}

[[noreturn]] void leave(int code)
{
	record("exit " + std::to_string(::getpid()) + " " + std::to_string(code << 8) + "\n");
	::_exit(code);
}

// Becomes this program anew. The words say what it is to do then.
template <typename... Words>
[[noreturn]] void become(Words... words)
{
	record("exec " + std::to_string(::getpid()) + "\n");
	::execl(self, "workload", words..., nullptr);
	give_up("exec");
}

// A child that begins to act once its birth has been recorded.
pid_t child(const std::function<void()> &act)
{
	std::array<int, 2> born{};
	if (::pipe2(born.data(), O_CLOEXEC))
		give_up("pipe");
	const pid_t pid = ::fork();
	if (pid < 0)
		give_up("fork");
	if (pid == 0) {
		char byte = 0;
		::close(born[1]);
		if (::read(born[0], &byte, 1) != 1)
			::_exit(1);
		::close(born[0]);
		act();
		::_exit(1);
	}
	record("fork " + std::to_string(::getpid()) + " " + std::to_string(pid) + "\n");
	::close(born[0]);
	if (::write(born[1], "b", 1) != 1)
		give_up("a child could not be told that it may act");
	::close(born[1]);
	return pid;
}

// Waits for the end, and leaves the child in /proc. The status as wait(2) has it.
int end_of(pid_t pid)
{
	siginfo_t info{};
	if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT))
		give_up("waitid");
	return info.si_code == CLD_EXITED ? info.si_status << 8 : info.si_status;
}

void run()
{
	for (int code = 0; code < 10; ++code)
		end_of(child([code] { leave(code); }));
	for (int code = 10; code < 20; ++code)
		end_of(child([code] { become("leave", std::to_string(code).c_str()); }));
	// A process that execs more than once.
	end_of(child([] { become("again", "3"); }));
	// Generations, the youngest of which end first.
	end_of(child([] {
		end_of(child([] {
			end_of(child([] { become("leave", "21"); }));
			leave(22);
		}));
		leave(23);
	}));
	// A parent that leaves its child to others.
	std::array<int, 2> over{};
	if (::pipe(over.data()))
		give_up("pipe");
	end_of(child([&over] {
		const pid_t parent = ::getpid();
		::close(over[0]);
		child([parent] {
			while (::getppid() == parent)
				::usleep(1000);
			leave(24);
		});
		leave(25);
	}));
	::close(over[1]);
	char byte = 0;
	if (::read(over[0], &byte, 1) != 0) // which ends when the last who could write has gone
		give_up("read");
	// Ends that nobody chose.
	for (const int number : {SIGTERM, SIGKILL}) {
		const pid_t pid = child([] {
			for (;;)
				::pause();
		});
		::kill(pid, number);
		const int status = end_of(pid);
		record("exit " + std::to_string(pid) + " " + std::to_string(status) + "\n");
	}
	// Many, without a pause. All events together are fewer than a receive buffer of the default size has room for
	// (256), so that what is missed is not the reader's fault.
	for (int round = 0; round < 40; ++round)
		end_of(child([round] { leave(round % 3); }));
}

} // namespace

int main(int count, char **words)
{
	const std::string what = count > 1 ? words[1] : "";
	if (what == "leave" && count > 2)
		leave(std::atoi(words[2]));
	if (what == "again" && count > 2) {
		const int left = std::atoi(words[2]);
		if (left == 0)
			leave(20);
		become("again", std::to_string(left - 1).c_str());
	}
	if (count != 2) {
		std::fputs("test_workload RECORD\n", stderr);
		return 2;
	}
	const std::string unfinished = std::string(words[1]) + ".unfinished";
	::setenv("WORKLOAD_RECORD", unfinished.c_str(), 1);
	// Whoever is left behind by its parent is left to this process, and stays in /proc, too.
	if (::prctl(PR_SET_CHILD_SUBREAPER, 1))
		give_up("prctl");
	run();
	if (std::rename(unfinished.c_str(), words[1]))
		give_up("rename");
	::pause();
	return 1;
}
