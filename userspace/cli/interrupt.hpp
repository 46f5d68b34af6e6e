// SPDX-License-Identifier: GPL-2.0-only
/* Ctrl-C and its like as a wish that a verb grants when it suits it, so that what was under way is still told. */
#ifndef CNX_CLI_INTERRUPT_HPP
#define CNX_CLI_INTERRUPT_HPP

#include <chrono>
#include <optional>

namespace cnx::tool
{

class Interrupt
{
public:
	using Clock = std::chrono::steady_clock;
	using Deadline = std::optional<Clock::time_point>; /* nothing: never */

	enum class Woken { Ready, Late, Signal };

	/* From here on SIGINT, SIGTERM and SIGHUP do not end the program. */
	Interrupt();

	/* Whether one of them has come. */
	static bool asked();

	/*
	 * Waits until a descriptor is readable, the deadline has passed, or any signal was handled, of which none is
	 * missed between the look at asked() and the wait. With -1 for the descriptor it waits for the others.
	 */
	static Woken wait(int fd, Deadline deadline);
};

} // namespace cnx::tool

#endif // CNX_CLI_INTERRUPT_HPP
