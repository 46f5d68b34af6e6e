// SPDX-License-Identifier: GPL-2.0-only
#include <memory>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/output.hpp"
#include "cli/verbs.hpp"

namespace cnx::tool
{
namespace
{

/* "--group", "-j,--json"; with dashes as they are written. */
std::vector<std::string> names_of(const CLI::Option &option)
{
	std::vector<std::string> names;
	for (const auto &name : option.get_snames())
		names.push_back("-" + name);
	for (const auto &name : option.get_lnames())
		names.push_back("--" + name);
	return names;
}

std::vector<const CLI::Option *> options_of(const CLI::App &verb)
{
	std::vector<const CLI::Option *> options;
	for (const auto *option : verb.get_options())
		if (option->nonpositional())
			options.push_back(option);
	return options;
}

Json to_json(const CLI::App &verb)
{
	Json json{{"name", verb.get_name()}, {"description", verb.get_description()}, {"options", Json::array()}};
	for (const auto *option : options_of(verb))
		json["options"].push_back({{"names", names_of(*option)},
		                           {"takes_value", option->get_items_expected_max() > 0},
		                           {"description", option->get_description()}});
	return json;
}

void list_options(const CLI::App &verb)
{
	for (const auto *option : options_of(verb))
		for (const auto &name : names_of(*option))
			put("{}\t{}\n", name, option->get_description());
}

/* What there is, for programs such as the shell's completion: names first, each on a line of its own. */
void list(const Context &context, const CLI::App &application, const CLI::App &subject)
{
	const bool everything = &subject == &application;
	const auto verbs = application.get_subcommands([](const CLI::App *) { return true; });
	if (context.json) {
		Json json = to_json(subject);
		if (everything)
			for (const auto *verb : verbs)
				json["verbs"].push_back(to_json(*verb));
		context.print(json);
		return;
	}
	if (everything)
		for (const auto *verb : verbs)
			put("{}\t{}\n", verb->get_name(), verb->get_description());
	list_options(subject);
	/* Those of the whole tool are understood behind a verb, too. */
	if (!everything)
		list_options(application);
}

struct HelpOptions {
	std::string topic;
	bool list = false;
};

int help(const Context &context, const CLI::App &application, const HelpOptions &options)
{
	const CLI::App *subject = &application;
	if (!options.topic.empty()) {
		const auto verbs = application.get_subcommands(
		    [&options](const CLI::App *verb) { return verb->get_name() == options.topic; });
		if (verbs.empty())
			return context.misuse(fmt::format("there is no verb '{}': see `cnx help`", options.topic));
		subject = verbs.front();
	}
	if (options.list || context.json)
		list(context, application, *subject);
	else
		put_text(stdout, subject->help(options.topic.empty() ? "" : "cnx"));
	return exit_ok;
}

} // namespace

void add_help(CLI::App &application, Context &context)
{
	auto *verb = application.add_subcommand("help", "Explain a verb");
	auto options = std::make_shared<HelpOptions>();
	verb->add_option("VERB", options->topic, "The verb; none: all of them");
	verb->add_flag("--list", options->list, "Only names and what they mean, one a line, for programs");
	verb->footer("Examples:\n"
	             "  cnx help\n"
	             "  cnx help send\n"
	             "  cnx help -j -p\n");
	verb->callback([&context, &application, options] { context.status = help(context, application, *options); });
}

} // namespace cnx::tool
