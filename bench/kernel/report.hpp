// SPDX-License-Identifier: GPL-2.0-only
// Prints what was measured: a line of JSON for each measurement.
#ifndef CNX_BENCH_KERNEL_REPORT_HPP
#define CNX_BENCH_KERNEL_REPORT_HPP

#include "mode.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <vector>

namespace cnx::bench
{

/// What each step took.
using Samples = std::vector<std::uint64_t>;

/// The samples are of `round` repetitions of `batch` messages each, and the numbers printed are for one message.
inline void report(const Mode &mode, const std::string &name, Samples steps, unsigned round, unsigned batch = 1)
{
	std::sort(steps.begin(), steps.end());
	const auto at = [&](double share) {
		const auto place = static_cast<std::size_t>(share * static_cast<double>(steps.size()));
		return static_cast<double>(steps[std::min(place, steps.size() - 1)]) / round / batch;
	};
	const double sum = std::accumulate(steps.begin(), steps.end(), 0.0);
	utsname system{};
	uname(&system);
	std::printf(
	    "{\"name\": \"%s\", \"value\": %.10g, \"unit\": \"%s\", \"mode\": \"%s\", \"kernel\": \"%s\", "
	    "\"p50\": %.10g, \"p99\": %.10g, \"p999\": %.10g, \"max\": %.10g, \"mean\": %.10g, \"round\": %u}\n",
	    name.c_str(), at(0.5), mode.unit(), mode.name().c_str(), system.release, at(0.5), at(0.99), at(0.999),
	    at(1), sum / static_cast<double>(steps.size()) / round / batch, round);
	std::fflush(stdout);
}

} // namespace cnx::bench

#endif // CNX_BENCH_KERNEL_REPORT_HPP
