// SPDX-License-Identifier: GPL-2.0-only
/* Which modules a user names, and in which order they come and go. Pure functions. */
#ifndef CNX_CLI_LOAD_PLAN_HPP
#define CNX_CLI_LOAD_PLAN_HPP

#include <string>
#include <vector>

namespace cnx::tool
{

/* A module and the parameters that stood behind it on the command line. */
struct WantedModule {
	std::string name;
	std::vector<std::string> parameters;

	friend bool operator==(const WantedModule &, const WantedModule &) = default;
};

/* What is to be loaded, in order. cnx comes first, asked for or not: every driver is built on it. */
std::vector<WantedModule> load_plan(const std::vector<std::string> &words);

/* What is to be unloaded, in order: each once, and cnx last. */
std::vector<std::string> unload_plan(const std::vector<std::string> &words);

/*
 * What is to be reloaded, in the order of loading. `holders` are built on cnx, which cannot go without them: they come
 * along where cnx is named, has parameters, or nothing is named at all.
 */
std::vector<WantedModule> reload_plan(const std::vector<std::string> &words, const std::vector<std::string> &holders);

} // namespace cnx::tool

#endif // CNX_CLI_LOAD_PLAN_HPP
