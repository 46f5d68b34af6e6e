// SPDX-License-Identifier: GPL-2.0-only
#include "cli/patience.hpp"

#include <cerrno>
#include <chrono>

#include "cli/output.hpp"

namespace cnx::tool
{

void Patience::add_to(CLI::App &verb)
{
	verb.add_flag("--wait", wait, "Wait for its users to go, instead of refusing");
	verb.add_option("--timeout", timeout, "With --wait: seconds to wait at most")
	    ->check(CLI::Range(0.0, 1e6))
	    ->capture_default_str();
}

client::Result<void> Patience::unload(const Context &context, const std::string &name) const
{
	auto done = unload_module(name);
	if (done || !wait || done.error().code != EBUSY)
		return done;
	if (!context.json)
		put(stderr, "cnx: {}; waiting for up to {} s\n", done.error().what, timeout);
	const Interrupt interrupt;
	using Clock = Interrupt::Clock;
	return unload_module(
	    name, Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(timeout)));
}

} // namespace cnx::tool
