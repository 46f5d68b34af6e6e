// SPDX-License-Identifier: GPL-2.0-only
/* What happened between two moments, per second. Pure functions. */
#ifndef CNX_CLI_RATES_HPP
#define CNX_CLI_RATES_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "cli/sample.hpp"

namespace cnx::tool
{

/* Messages per second. */
struct CallbackRates {
	client::Id id;
	std::string name;
	double received, refused, failed, sent, lost;

	bool any() const { return received > 0 || refused > 0 || failed > 0 || sent > 0 || lost > 0; }
};

struct ListenerRates {
	std::uint32_t portid;
	client::Id id;
	double lost;         /* messages per second */
	std::uint64_t total; /* messages, since its socket was opened */
};

struct Rates {
	double seconds = 0;
	std::vector<double> counters; /* per second, by enum cnx_counter */
	std::vector<CallbackRates> callbacks;
	std::vector<ListenerRates> listeners;

	/* 0 for what the module does not count. */
	double of(cnx_counter counter) const { return counter < counters.size() ? counters[counter] : 0; }
};

/*
 * A count that has become smaller began anew, with the module or with another socket of the same portid; a callback
 * with another serial is another callback. What is new counts from 0 on.
 */
Rates rates_between(const Sample &before, const Sample &after);

} // namespace cnx::tool

#endif // CNX_CLI_RATES_HPP
