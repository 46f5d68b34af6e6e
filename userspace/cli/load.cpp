// SPDX-License-Identifier: GPL-2.0-only
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

struct LoadOptions {
	std::vector<std::string> words;
	std::string directory;
};

/* A module and the parameters that stood behind it on the command line. */
struct Wanted {
	std::string name;
	std::vector<std::string> parameters;
};

/* cnx comes first, asked for or not: every driver is built on it. */
std::vector<Wanted> plan(const std::vector<std::string> &words)
{
	std::vector<Wanted> wanted{{"cnx", {}}};
	std::size_t current = 0;
	for (const auto &word : words) {
		if (word.find('=') != word.npos) {
			wanted[current].parameters.push_back(word);
			continue;
		}
		const auto name = module_name(word);
		current = 0;
		while (current < wanted.size() && wanted[current].name != name)
			++current;
		if (current == wanted.size())
			wanted.push_back({name, {}});
	}
	return wanted;
}

int load(const Context &context, const LoadOptions &options)
{
	Json results = Json::array();
	const auto wanted = plan(options.words);
	int status = exit_ok;
	for (const auto &[name, parameters] : wanted) {
		if (module_loaded(name)) {
			if (!parameters.empty()) {
				status =
				    context.fail(EEXIST, fmt::format("{} is loaded already, so that its parameters "
				                                     "cannot be set: `cnx unload {}` first",
				                                     name, name));
				break;
			}
			if (context.json)
				results.push_back({{"module", name}, {"state", "already loaded"}});
			/* Nobody who loads a driver asks about cnx. */
			else if (name != "cnx" || wanted.size() == 1)
				fmt::print("{} is loaded already\n", name);
			continue;
		}
		if (const auto allowed = modules_allowed(); !allowed) {
			status = context.fail(allowed.error());
			break;
		}
		const auto path = load_module(name, parameters, options.directory);
		if (!path) {
			status = context.fail(path.error());
			break;
		}
		if (context.json)
			results.push_back({{"module", name}, {"state", "loaded"}, {"path", *path}});
		else
			fmt::print("{} loaded from {}\n", name, *path);
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
	verb->footer("The usual places: /lib/modules/RELEASE/{updates/dkms,updates,extra}, the current directory, the\n"
	             "tool's own directory, and /cnx.\n"
	             "Examples:\n"
	             "  cnx load\n"
	             "  cnx load protocol=28 echo ticker\n"
	             "  cnx load --dir build/module ticker\n");
	verb->callback([&context, options] { context.status = load(context, *options); });
}

} // namespace cnx::tool
