// SPDX-License-Identifier: GPL-2.0-only
#include "cli/time_of_day.hpp"

#include <ctime>

#include <fmt/format.h>

namespace cnx::tool
{

std::string time_of_day()
{
	/* The zone's rules are asked once a second and not for each of a flood of messages. */
	static time_t second = -1;
	static tm local{};
	timespec time{};
	clock_gettime(CLOCK_REALTIME, &time);
	if (time.tv_sec != second) {
		localtime_r(&time.tv_sec, &local);
		second = time.tv_sec;
	}
	return fmt::format("{:02}:{:02}:{:02}.{:06}", local.tm_hour, local.tm_min, local.tm_sec, time.tv_nsec / 1000);
}

} // namespace cnx::tool
