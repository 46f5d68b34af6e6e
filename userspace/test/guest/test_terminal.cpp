// SPDX-License-Identifier: GPL-2.0-only
// cnx top on a terminal of its own: keys, sizes, ends, and what it costs. The modules are loaded by the script.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include "ktap.hpp"
#include "raw.hpp"

namespace
{

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

class Terminal
{
public:
	Terminal(const std::vector<const char *> &words, const char *kind)
	{
		winsize size{.ws_row = 30, .ws_col = 110, .ws_xpixel = 0, .ws_ypixel = 0};
		// The child's first look at its terminal must not be ours, so both ends are there before it is.
		int child_end = -1;
		if (openpty(&master_, &child_end, nullptr, nullptr, &size) != 0)
			std::abort();
		tcgetattr(master_, &before_);
		pid_ = fork();
		if (pid_ == 0) {
			close(master_);
			login_tty(child_end);
			if (kind)
				setenv("TERM", kind, 1);
			else
				unsetenv("TERM");
			std::vector<char *> arguments;
			for (const char *word : words)
				arguments.push_back(strdup(word));
			arguments.push_back(nullptr);
			execvp(arguments[0], arguments.data());
			_exit(127);
		}
		close(child_end);
	}
	Terminal(const Terminal &) = delete;
	Terminal &operator=(const Terminal &) = delete;
	~Terminal() { close(master_); }

	// Reads until the text has been shown since the last call, or the time is over.
	bool shows(std::string_view text, std::chrono::milliseconds patience = 20s)
	{
		const auto end = Clock::now() + patience;
		std::string seen;
		while (seen.find(text) == seen.npos) {
			const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
			pollfd readable{master_, POLLIN, 0};
			if (left <= 0ms || poll(&readable, 1, static_cast<int>(left.count())) <= 0)
				break;
			char buffer[4096];
			const ssize_t size = read(master_, buffer, sizeof buffer);
			if (size <= 0)
				break;
			seen.append(buffer, static_cast<std::size_t>(size));
		}
		last_ = seen;
		return seen.find(text) != seen.npos;
	}

	void type(std::string_view keys) { (void)!write(master_, keys.data(), keys.size()); }

	void resize(unsigned short rows, unsigned short columns)
	{
		winsize size{.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
		ioctl(master_, TIOCSWINSZ, &size);
	}

	void signal(int number) const { kill(pid_, number); }

	// The exit code; nothing if it had to be killed. Fills the usage.
	std::optional<int> end(std::chrono::milliseconds patience = 20s)
	{
		const auto last = Clock::now() + patience;
		int status = 0;
		while (wait4(pid_, &status, WNOHANG, &usage_) == 0) {
			if (Clock::now() > last) {
				kill(pid_, SIGKILL);
				wait4(pid_, &status, 0, &usage_);
				return std::nullopt;
			}
			// What is written must be read, or the program waits.
			shows("\x01 never", 50ms);
		}
		return WIFEXITED(status) ? std::optional(WEXITSTATUS(status)) : std::nullopt;
	}

	bool is_as_before() const
	{
		termios now{};
		tcgetattr(master_, &now);
		return now.c_lflag == before_.c_lflag && now.c_iflag == before_.c_iflag &&
		       now.c_oflag == before_.c_oflag;
	}

	double cpu_seconds() const
	{
		const auto seconds = [](timeval time) {
			return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
		};
		return seconds(usage_.ru_utime) + seconds(usage_.ru_stime);
	}

	const std::string &last() const { return last_; }

private:
	int master_ = -1;
	pid_t pid_ = -1;
	termios before_{};
	rusage usage_{};
	std::string last_;
};

double cpu_of_a_run(std::chrono::seconds length)
{
	Terminal terminal({"cnx", "top"}, "vt100");
	terminal.shows("magazines");
	terminal.shows("\x01 never", length);
	terminal.type("q");
	terminal.end();
	return terminal.cpu_seconds();
}

void test_keys(cnx::test::Ktap &ktap)
{
	Terminal terminal({"cnx", "top", "--delay", "0.3"}, "linux");
	// The last line names the keys, "name" and "lost" among them: a frame has to be whole before one is typed,
	// or what is looked for later is found in the first frame.
	ktap.check("it names its keys", terminal.shows("scroll"));
	ktap.check("it shows the callbacks", terminal.last().find("ticker") != std::string::npos);
	ktap.check("below the counters", terminal.last().find("magazines") != std::string::npos);
	terminal.type("n");
	ktap.check("n sorts by name", terminal.shows("name"));
	terminal.type("l");
	ktap.check("l sorts by loss", terminal.shows("lost"));
	terminal.resize(12, 60);
	ktap.check("another size is drawn anew", terminal.shows("magazines"));
	terminal.shows("\x01 never", 1s);
	ktap.check("and later frames stay within it", !terminal.last().empty() &&
	                                                  terminal.last().find("\x1b[13;") == std::string::npos &&
	                                                  terminal.last().find("\x1b[30;") == std::string::npos);
	terminal.resize(2, 4);
	terminal.shows("\x01 never", 1s);
	terminal.resize(40, 132);
	ktap.check("it survives a tiny one", terminal.shows("magazines"));
	terminal.type("\x1b[Bxyzjjjjjjjjjjjjkk");
	terminal.type("q");
	ktap.equal("q ends it", 0, terminal.end().value_or(-1));
	ktap.check("and the terminal is as it was", terminal.is_as_before());
}

} // namespace

int main()
{
	cnx::test::Ktap ktap;
	test_keys(ktap);
	for (const char *kind : {"vt100", "xterm-256color", "nonsense"}) {
		Terminal terminal({"cnx", "top"}, kind);
		const bool shown = terminal.shows("magazines");
		terminal.type("\x03");
		ktap.check(std::string("Ctrl-C ends it on a ") + kind, shown && terminal.end() == 0);
		ktap.check("and the terminal is as it was", terminal.is_as_before());
	}
	for (const int number : {SIGTERM, SIGHUP}) {
		Terminal terminal({"cnx", "top"}, "vt100");
		terminal.shows("magazines");
		terminal.signal(number);
		ktap.equal("a signal ends it clean", 0, terminal.end().value_or(-1));
		ktap.check("and the terminal is as it was", terminal.is_as_before());
	}
	{
		Terminal terminal({"cnx", "top"}, "dumb");
		ktap.check("a dumb terminal is refused with the remedy", terminal.shows("cnx top --once"));
		ktap.equal("as a failure", 1, terminal.end().value_or(-1));
	}
	{
		Terminal terminal({"sh", "-c", "cnx top </dev/null"}, "vt100");
		ktap.check("without a keyboard it refuses", terminal.shows("this needs a terminal"));
		terminal.end();
	}

	// The start is the same in both.
	const double brief = cpu_of_a_run(2s);
	const double longer = cpu_of_a_run(12s);
	const double share = (longer - brief) / 10;
	ktap.note("cnx top took " + std::to_string(share * 100) + " % of a CPU");
	ktap.check("at rest it takes less than 2 % of a CPU, as a stock kernel counts",
	           share < 0.02 * cnx::test::slowness());
	return ktap.end();
}
