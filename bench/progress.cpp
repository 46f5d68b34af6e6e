// SPDX-License-Identifier: GPL-2.0-only
#include "progress.hpp"

#include <chrono>
#include <cstdio>
#include <unistd.h>

namespace cnx::bench
{
namespace
{

using clock = std::chrono::steady_clock;

unsigned expected_runs;
unsigned begun;
clock::time_point started;
clock::time_point told;

long seconds(clock::duration duration)
{
	return static_cast<long>(std::chrono::duration_cast<std::chrono::seconds>(duration).count());
}

} // namespace

void Progress::expect(unsigned runs)
{
	expected_runs += runs;
}

unsigned Progress::expected()
{
	return expected_runs;
}

void Progress::begin(const std::string &name)
{
	static const bool terminal = isatty(STDERR_FILENO) != 0;
	const auto now = clock::now();
	if (begun++ == 0)
		started = now;
	const auto pause = terminal ? std::chrono::milliseconds(200) : std::chrono::milliseconds(10'000);
	if (begun > 1 && now - told < pause)
		return;
	told = now;
	// The first repetition of a benchmark takes several runs to find out how long to measure, so there are more
	// runs than were expected.
	const unsigned all = begun > expected_runs ? begun : expected_runs;
	std::fprintf(stderr, terminal ? "\r  BENCH   %3u %%, %ld s: %-60s" : "  BENCH   %3u %%, %ld s: %s\n",
	             begun * 100 / all, seconds(now - started), name.c_str());
}

void Progress::end()
{
	if (begun > 0)
		std::fprintf(stderr, "%s  BENCH   %u runs in %ld s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "", begun,
		             seconds(clock::now() - started));
}

} // namespace cnx::bench
