// SPDX-License-Identifier: GPL-2.0-only
#include <cerrno>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/load_plan.hpp"
#include "cli/module.hpp"
#include "cli/output.hpp"
#include "cli/verbs.hpp"

namespace cnx::tool
{
namespace
{

struct LoadOptions {
	std::vector<std::string> words;
	std::string directory;
};

int load(const Context &context, const LoadOptions &options)
{
	Json results = Json::array();
	const auto wanted = load_plan(options.words);
	/* Everything is checked before anything is changed. */
	std::vector<PreparedModule> prepared;
	for (const auto &[name, parameters] : wanted) {
		if (!module_loaded(name)) {
			auto module = prepare_module(name, parameters, options.directory);
			if (!module)
				return context.fail(module.error());
			prepared.push_back(std::move(*module));
			continue;
		}
		if (!parameters.empty())
			return context.fail(EEXIST,
			                    fmt::format("{} is loaded already, so that its parameters cannot be "
			                                "set: `cnx reload {} {}`",
			                                name, name, fmt::join(parameters, " ")));
		if (context.json)
			results.push_back({{"module", name}, {"state", "already loaded"}});
		/* Nobody who loads a driver asks about cnx. */
		else if (name != "cnx" || wanted.size() == 1)
			put("{} is loaded already\n", name);
	}

	int status = exit_ok;
	for (const auto &module : prepared) {
		if (const auto loaded = load_module(module); !loaded) {
			status = context.fail(loaded.error());
			break;
		}
		if (context.json)
			results.push_back({{"module", module.name}, {"state", "loaded"}, {"path", module.path}});
		else
			put("{} loaded from {}\n", module.name, module.path);
	}
	if (context.json)
		context.print(results);
	return status;
}

} // namespace

void add_load(CLI::App &application, Context &context)
{
	auto *verb = application.add_subcommand("load", "Load cnx and drivers into the kernel");
	auto options = std::make_shared<LoadOptions>();
	verb->add_option("DRIVER", options->words,
	                 "Drivers (echo is short for cnx_echo), each followed by its parameters as NAME=VALUE; "
	                 "parameters before any driver are for cnx itself");
	verb->add_option("--dir", options->directory, "Where the .ko files are, instead of the usual places");
	verb->footer(
	    "Before anything is loaded, everything is checked: rights, kernel.modules_disabled, the kernel that\n"
	    "each file was built for, signatures where they are demanded, and parameters.\n"
	    "The usual places: /lib/modules/RELEASE/{updates/dkms,updates,extra}, the current directory, the\n"
	    "tool's own directory, and /cnx.\n"
	    "Examples:\n"
	    "  cnx load\n"
	    "  cnx load protocol=28 echo ticker\n"
	    "  cnx load --dir build/kernel ticker\n");
	verb->callback([&context, options] { context.status = load(context, *options); });
}

} // namespace cnx::tool
