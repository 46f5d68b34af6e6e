// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>
#include <cerrno>
#include <memory>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/module.hpp"
#include "cli/parse.hpp"
#include "cli/verbs.hpp"

namespace cnx::tool
{
namespace
{

int unload(const Context &context, const std::vector<std::string> &words)
{
	std::vector<std::string> names;
	for (const auto &word : words)
		if (const auto name = module_name(word); std::find(names.begin(), names.end(), name) == names.end())
			names.push_back(name);
	if (names.empty())
		names.emplace_back("cnx");
	/* Drivers go before what they are built on, in whatever order they were named. */
	std::stable_partition(names.begin(), names.end(), [](const std::string &name) { return name != "cnx"; });

	Json results = Json::array();
	int status = exit_ok;
	for (const auto &name : names) {
		client::Result<void> done = {};
		if (!module_loaded(name))
			done = std::unexpected(
			    client::Error{name == "cnx" ? EPROTONOSUPPORT : ENOENT,
			                  fmt::format("{} is not loaded: there is nothing to unload", name)});
		else if (done = modules_allowed(); done)
			done = unload_module(name);
		if (!done) {
			status = context.fail(done.error());
			break;
		}
		if (context.json)
			results.push_back({{"module", name}, {"state", "unloaded"}});
		else
			fmt::print("{} unloaded\n", name);
	}
	if (context.json)
		context.print(results);
	return status;
}

} // namespace

void add_unload(CLI::App &application, Context &context)
{
	auto *verb = application.add_subcommand("unload", "Unload drivers, or cnx itself, from the kernel");
	auto words = std::make_shared<std::vector<std::string>>();
	verb->add_option("DRIVER", *words, "Drivers (echo is short for cnx_echo), and cnx; none: cnx");
	verb->footer("A module that is in use stays, and its users are named.\n"
	             "Examples:\n"
	             "  cnx unload ticker\n"
	             "  cnx unload echo ticker cnx\n");
	verb->callback([&context, words] { context.status = unload(context, *words); });
}

} // namespace cnx::tool
