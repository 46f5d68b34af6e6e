// SPDX-License-Identifier: GPL-2.0-only
#include "options.hpp"

#include "progress.hpp"

#include <cnx/replica/counters.hpp>

#include <CLI/CLI.hpp>

#include <cstdio>

namespace cnx::bench
{
namespace
{

constexpr const char *examples = R"(
Examples:
  dispatch                                    everything, into build/bench/dispatch.json
  dispatch --filter 'dispatch/(cnx|floor)/'   two structures alone
  dispatch --flavour qsbr --threads 1         another RCU, one thread
  dispatch --list                             the names of all benchmarks)";

std::string check_threads(const std::string &given)
{
	const unsigned cpus = replica::cpu_count();
	unsigned threads = 0;
	if (!CLI::detail::lexical_cast(given, threads) || threads == 0)
		return "--threads takes a number from 1 to " + std::to_string(cpus) + ", not \"" + given + "\"";
	if (threads > cpus)
		return "this machine has " + std::to_string(cpus) + " CPUs, and " + given +
		       " threads would measure the scheduler; use --threads " + std::to_string(cpus) + " at most";
	return {};
}

std::regex expression(const std::string &given)
{
	try {
		return std::regex(given, std::regex::extended);
	} catch (const std::regex_error &) {
		throw CLI::ValidationError("--filter", "\"" + given + "\" is not a regular expression");
	}
}

} // namespace

std::pair<std::optional<Options>, int> parse_options(int argc, char **argv)
{
	Options options;
	CLI::App app("Measures the dispatch of messages to callbacks: cnx over liburcu, and its peers.", "dispatch");
	app.footer(examples);
	app.add_option("--flavour", options.flavour, "liburcu's flavour: memb, mb or qsbr")
	    ->check(CLI::IsMember({"memb", "mb", "qsbr"}))
	    ->capture_default_str();
	app.add_option("--threads", options.threads,
	               "measure with 1, 2, 4 and so on to this many threads (default: the CPUs)")
	    ->check(check_threads);
	app.add_option("--repetitions", options.repetitions, "of each benchmark, in random order")
	    ->check(CLI::Range(1, 1000))
	    ->capture_default_str();
	app.add_option("--seconds", options.seconds, "of each repetition, at least")
	    ->check(CLI::Range(0.001, 60.0))
	    ->capture_default_str();
	app.add_option_function<std::string>(
	    "--filter", [&](const std::string &given) { options.filter = expression(given); },
	    "only benchmarks whose names match this regular expression");
	app.add_option("--out", options.out, "where the JSON goes")->capture_default_str();
	app.add_option("--commit", options.commit, "what is measured, for the JSON");
	app.add_flag("--list", options.list, "print the names and measure nothing");
	try {
		app.parse(argc, argv);
	} catch (const CLI::ParseError &error) {
		return {std::nullopt, app.exit(error) == 0 ? 0 : 2};
	}
	if (options.threads == 0)
		options.threads = replica::cpu_count();
	return {options, 0};
}

bool selected(const Options &options, const std::string &name)
{
	if (!std::regex_search(name, options.filter))
		return false;
	if (options.list)
		std::printf("%s\n", name.c_str());
	else
		Progress::expect(options.repetitions);
	return !options.list;
}

} // namespace cnx::bench
