// SPDX-License-Identifier: GPL-2.0-only
#include <cerrno>
#include <memory>
#include <ranges>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/load_plan.hpp"
#include "cli/module_users.hpp"
#include "cli/output.hpp"
#include "cli/patience.hpp"
#include "cli/verbs.hpp"

namespace cnx::tool
{
namespace
{

struct ReloadOptions {
	std::vector<std::string> words;
	std::string directory;
	Patience patience;
};

int reload(const Context &context, const ReloadOptions &options)
{
	const auto plan = reload_plan(options.words, module_holders("cnx"));
	/* What could not be loaded again is not unloaded. */
	std::vector<PreparedModule> prepared;
	for (const auto &[name, parameters] : plan) {
		if (!module_loaded(name))
			return context.fail(name == "cnx" ? EPROTONOSUPPORT : ENOENT,
			                    fmt::format("{} is not loaded: `cnx load {}` loads it", name, name));
		auto module = prepare_module(name, parameters, options.directory);
		if (!module)
			return context.fail(module.error());
		prepared.push_back(std::move(*module));
	}

	int status = exit_ok;
	std::size_t kept = prepared.size();
	while (kept > 0 && status == exit_ok) {
		if (const auto done = options.patience.unload(context, prepared[kept - 1].name); done)
			--kept;
		else
			status = context.fail(done.error());
	}
	/* Those that went before one that did not come back all the same. */
	Json results = Json::array();
	for (const auto &module : prepared | std::views::drop(kept)) {
		if (const auto loaded = load_module(module); !loaded) {
			status = context.fail(loaded.error());
			break;
		}
		if (context.json)
			results.push_back({{"module", module.name}, {"state", "reloaded"}, {"path", module.path}});
		else
			put("{} reloaded from {}\n", module.name, module.path);
	}
	if (context.json)
		context.print(results);
	return status;
}

} // namespace

void add_reload(CLI::App &application, Context &context)
{
	auto *verb =
	    application.add_subcommand("reload", "Unload drivers, or cnx with all of them, and load them again");
	auto options = std::make_shared<ReloadOptions>();
	verb->add_option("DRIVER", options->words,
	                 "Drivers, each followed by its parameters as NAME=VALUE, which it has not from before; cnx, "
	                 "or none: cnx and every driver that is loaded");
	verb->add_option("--dir", options->directory, "Where the .ko files are, instead of the usual places");
	options->patience.add_to(*verb);
	verb->footer("Nothing is unloaded that could not be loaded again: everything is checked first.\n"
	             "Examples:\n"
	             "  cnx reload\n"
	             "  cnx reload ticker period_ms=10\n"
	             "  cnx reload --wait --dir build/kernel\n");
	verb->callback([&context, options] { context.status = reload(context, *options); });
}

} // namespace cnx::tool
