// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_CLI_TIME_OF_DAY_HPP
#define CNX_CLI_TIME_OF_DAY_HPP

#include <string>

namespace cnx::tool
{

/* The time in the local zone, with microseconds; a date would be the same on each line. */
std::string time_of_day();

} // namespace cnx::tool

#endif // CNX_CLI_TIME_OF_DAY_HPP
