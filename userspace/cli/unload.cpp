// SPDX-License-Identifier: GPL-2.0-only
#include <cerrno>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/load_plan.hpp"
#include "cli/output.hpp"
#include "cli/patience.hpp"
#include "cli/verbs.hpp"

namespace cnx::tool
{
namespace
{

struct UnloadOptions {
	std::vector<std::string> words;
	Patience patience;
};

int unload(const Context &context, const UnloadOptions &options)
{
	Json results = Json::array();
	int status = exit_ok;
	for (const auto &name : unload_plan(options.words)) {
		client::Result<void> done = {};
		if (!module_loaded(name))
			done = std::unexpected(
			    client::Error{name == "cnx" ? EPROTONOSUPPORT : ENOENT,
			                  fmt::format("{} is not loaded: there is nothing to unload", name)});
		else if (done = modules_allowed(); done)
			done = options.patience.unload(context, name);
		if (!done) {
			status = context.fail(done.error());
			break;
		}
		if (context.json)
			results.push_back({{"module", name}, {"state", "unloaded"}});
		else
			put("{} unloaded\n", name);
	}
	if (context.json)
		context.print(results);
	return status;
}

} // namespace

void add_unload(CLI::App &application, Context &context)
{
	auto *verb = application.add_subcommand("unload", "Unload drivers, or cnx itself, from the kernel");
	auto options = std::make_shared<UnloadOptions>();
	verb->add_option("DRIVER", options->words, "Drivers (echo is short for cnx_echo), and cnx; none: cnx");
	options->patience.add_to(*verb);
	verb->footer(
	    "A module that is in use stays, and its users are named; with --wait it goes when they have gone.\n"
	    "Examples:\n"
	    "  cnx unload ticker\n"
	    "  cnx unload echo ticker cnx\n"
	    "  cnx unload --wait --timeout 5\n");
	verb->callback([&context, options] { context.status = unload(context, *options); });
}

} // namespace cnx::tool
