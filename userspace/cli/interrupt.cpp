// SPDX-License-Identifier: GPL-2.0-only
#include "cli/interrupt.hpp"

#include <algorithm>
#include <csignal>

#include <poll.h>

namespace cnx::tool
{
namespace
{

volatile std::sig_atomic_t signalled = 0;

} // namespace

Interrupt::Interrupt()
{
	struct sigaction action = {};
	action.sa_handler = [](int) { signalled = 1; };
	for (const int number : {SIGINT, SIGTERM, SIGHUP})
		sigaction(number, &action, nullptr);
}

bool Interrupt::asked()
{
	return signalled;
}

Interrupt::Woken Interrupt::wait(int fd, Deadline deadline)
{
	sigset_t held;
	sigset_t before;
	sigemptyset(&held);
	for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGWINCH})
		sigaddset(&held, number);
	sigprocmask(SIG_BLOCK, &held, &before);
	auto woken = Woken::Signal;
	if (!asked()) {
		timespec left = {};
		if (deadline) {
			using std::chrono::nanoseconds;
			const auto rest =
			    std::max(std::chrono::ceil<nanoseconds>(*deadline - Clock::now()), nanoseconds(0));
			left = {static_cast<time_t>(rest.count() / 1'000'000'000),
			        static_cast<long>(rest.count() % 1'000'000'000)};
		}
		pollfd readable = {fd, POLLIN, 0};
		const int ready = ppoll(&readable, 1, deadline ? &left : nullptr, &before);
		woken = ready > 0 ? Woken::Ready : ready == 0 ? Woken::Late : Woken::Signal;
	}
	sigprocmask(SIG_SETMASK, &before, nullptr);
	return woken;
}

} // namespace cnx::tool
