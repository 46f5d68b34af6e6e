// SPDX-License-Identifier: GPL-2.0-only
/* All that cnx counts, at one moment. */
#ifndef CNX_CLI_SAMPLE_HPP
#define CNX_CLI_SAMPLE_HPP

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include <cnx/client.hpp>

#include "cli/parse.hpp"

namespace cnx::tool
{

struct Sample {
	std::chrono::steady_clock::time_point time;
	std::chrono::nanoseconds round_trip{}; /* of one request to cnx itself, and its answer */
	client::Info info;
	std::vector<client::Counters> cpus;
	std::vector<client::Callback> callbacks;
	/* Nothing where the user may not see that, or the module does not count it. */
	std::optional<std::vector<client::Loss>> losses;
	/* But the tool's own. Nothing where they cannot be told. */
	std::optional<std::vector<NetlinkSocket>> sockets;

	/* The sums over all CPUs, by enum cnx_counter. */
	std::vector<std::uint64_t> totals() const;
};

client::Result<Sample> take_sample(client::Client &client);

} // namespace cnx::tool

#endif // CNX_CLI_SAMPLE_HPP
