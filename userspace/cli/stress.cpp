// SPDX-License-Identifier: GPL-2.0-only
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "cli/verbs.hpp"
#include "stress/self_test.hpp"

namespace cnx::tool
{
namespace
{

struct StressOptions {
	std::vector<std::string> names;
	std::string mix;
	std::optional<double> time;
	std::optional<std::uint64_t> count;
	std::string seed;
	double watchdog = 30;
	bool list = false;
	bool self_test = false;
	bool verbose = false;
};

constexpr double default_seconds = 10;
/* Where there is no terminal, a line now and then is enough. */
constexpr std::chrono::seconds line_interval{5};

volatile std::sig_atomic_t interrupted = 0;

void catch_interrupts()
{
	struct sigaction action = {};
	action.sa_handler = [](int) { interrupted = 1; };
	for (const int number : {SIGINT, SIGTERM})
		sigaction(number, &action, nullptr);
}

/* Progress on standard error: one line that is written over on a terminal, else one every few seconds if wanted. */
class Progress
{
public:
	explicit Progress(bool verbose) : terminal_(::isatty(STDERR_FILENO)), verbose_(verbose) {}
	~Progress() { clear(); }

	bool wanted() const { return terminal_ || verbose_; }

	void tell(const std::string &line)
	{
		if (terminal_) {
			fmt::print(stderr, "\r{:<{}}", line, width_);
			std::fflush(stderr);
			width_ = line.size();
			return;
		}
		const auto now = stress::Clock::now();
		if (now - last_ < line_interval)
			return;
		last_ = now;
		fmt::print(stderr, "cnx: {}\n", line);
	}

	void clear()
	{
		if (terminal_ && width_)
			fmt::print(stderr, "\r{:<{}}\r", "", width_);
		width_ = 0;
	}

private:
	bool terminal_;
	bool verbose_;
	std::size_t width_ = 0;
	stress::Clock::time_point last_ = stress::Clock::now();
};

int list_scenarios(const Context &context)
{
	Json json = Json::array();
	for (const auto &kind : stress::scenario_kinds()) {
		if (context.json)
			json.push_back({{"name", kind.name}, {"about", kind.about}});
		else
			fmt::print("{:<10} {}\n", kind.name, kind.about);
	}
	if (context.json)
		context.print(json);
	return exit_ok;
}

/* That the driver is missing is to a script what it is that cnx is. */
int fail(const Context &context, const client::Error &error)
{
	const int status = context.fail(error);
	return error.code == ENODEV ? static_cast<int>(exit_not_loaded) : status;
}

void print(const Context &context, const stress::RunReport &report)
{
	if (context.json)
		context.print(stress::to_json(report));
	else
		fmt::print("{}", stress::to_text(report));
}

int test_itself(const Context &context, const stress::Surroundings &around,
                const std::function<void(const stress::RunReport &)> &hung)
{
	const auto tests = stress::self_test(around, hung);
	if (!tests)
		return fail(context, tests.error());
	Json json = Json::array();
	int status = exit_ok;
	for (const auto &test : *tests) {
		if (!test.passed())
			status = exit_failed;
		const auto name = [](const std::string &invariant) {
			return invariant.empty() ? "nothing" : invariant;
		};
		if (context.json)
			json.push_back({{"fault", test.name},
			                {"expected", name(test.expected)},
			                {"found", name(test.found)},
			                {"passed", test.passed()}});
		else
			fmt::print("{:<6} {}: found broken: {}{}\n", test.passed() ? "ok" : "FAILED", test.name,
			           name(test.found),
			           test.passed() ? "" : fmt::format(", expected: {}", name(test.expected)));
	}
	if (context.json)
		context.print(json);
	return status;
}

/* What the options ask for. The error is a sentence. */
std::expected<stress::Plan, std::string> plan_of(const StressOptions &options)
{
	std::string names = options.mix;
	for (const auto &name : options.names)
		names += (names.empty() ? "" : ",") + name;
	if (names.empty())
		return std::unexpected("no scenario is named: name one, or use `--mix all`; `cnx stress --list` shows "
		                       "them");
	auto mix = stress::parse_mix(names, stress::scenario_kinds());
	if (!mix)
		return std::unexpected(mix.error());
	stress::Plan plan;
	plan.scenarios = std::move(*mix);
	plan.count = options.count.value_or(0);
	plan.seconds = options.time.value_or(options.count ? 0 : default_seconds);
	/* Short enough to be typed. */
	plan.seed = std::random_device{}();
	/* CLI11 takes a number that is too large, or negative, for the largest there is. */
	const auto *const end = options.seed.data() + options.seed.size();
	if (const auto [rest, wrong] = std::from_chars(options.seed.data(), end, plan.seed);
	    !options.seed.empty() && (wrong != std::errc() || rest != end))
		return std::unexpected(fmt::format("'{}' is no seed: write a number from 0 to {}", options.seed,
		                                   std::numeric_limits<std::uint64_t>::max()));
	plan.patience = options.watchdog;
	return plan;
}

int run(const Context &context, const StressOptions &options)
{
	if (options.list)
		return list_scenarios(context);
	Progress progress(options.verbose);
	stress::Surroundings around;
	around.open = [&context](const client::Options &opening) { return context.open(opening); };
	around.interrupted = [] { return interrupted != 0; };
	if (progress.wanted() && !options.self_test)
		around.progress = [&progress](const std::string &line) { progress.tell(line); };
	/* The thread that hangs would keep an orderly end waiting. */
	const auto hung = [&](const stress::RunReport &report) {
		progress.clear();
		print(context, report);
		std::fflush(stdout);
		std::_Exit(exit_failed);
	};
	if (options.self_test)
		return test_itself(context, around, hung);

	const auto plan = plan_of(options);
	if (!plan)
		return context.misuse(plan.error());
	catch_interrupts();
	if (progress.wanted())
		progress.tell(fmt::format("seed {}: {}", plan->seed, fmt::join(plan->scenarios, ", ")));
	const auto report = stress::Run(*plan, around).execute(hung);
	progress.clear();
	if (!report)
		return fail(context, report.error());
	print(context, *report);
	return report->broken.empty() ? exit_ok : exit_failed;
}

} // namespace

void add_stress(CLI::App &application, Context &context)
{
	auto *verb = application.add_subcommand("stress", "Strain cnx, and check that nothing goes astray");
	auto options = std::make_shared<StressOptions>();
	verb->add_option("SCENARIO", options->names, "Scenarios to run, all at once; --list shows them");
	verb->add_option("--mix", options->mix, "The same with commas between them, or 'all'");
	verb->add_option("--time", options->time, "Seconds to run; 10 if there is no --count either")
	    ->check(CLI::Range(0.1, 604800.0));
	verb->add_option("--count", options->count, "End each scenario after so many messages")
	    ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40));
	verb->add_option("--seed", options->seed, "Decide as the run with this seed did");
	verb->add_option("--watchdog", options->watchdog,
	                 "Seconds without a sign of life that make a worker count as hung")
	    ->check(CLI::Range(1.0, 3600.0))
	    ->capture_default_str();
	verb->add_flag("--list", options->list, "Show the scenarios");
	verb->add_flag("--self-test", options->self_test,
	               "Have the driver break promises, and check that this is found");
	verb->add_flag("-v,--verbose", options->verbose, "A line on how far it is every few seconds");
	verb->footer("It needs cnx and the stress driver: `cnx load stress`. Some scenarios change the machine for as "
	             "long as they\n"
	             "run: reload unloads cnx_echo, hotplug switches CPUs off, memory drops caches. What a machine "
	             "cannot run is\n"
	             "skipped by name, but for a scenario that was asked for alone.\n\n"
	             "Checked throughout: what was sent was received, or counted as lost; each sender's messages keep "
	             "their order;\n"
	             "replies go to who asked; payloads are whole; memory comes back to where it was. The first broken "
	             "invariant\n"
	             "ends the run with exit code 1, and the report says how to repeat it. --count is in messages; "
	             "scenarios without\n"
	             "any go on for as long as the others, or count their own operations. Ctrl-C ends the run with the "
	             "report so "
	             "far.\n\n"
	             "Examples:\n"
	             "  cnx stress --mix all --time 120\n"
	             "  cnx stress senders churn --time 30 --seed 42\n"
	             "  cnx stress listeners --count 1000000 -j\n"
	             "  cnx stress --self-test\n");
	verb->callback([&context, options] { context.status = run(context, *options); });
}

} // namespace cnx::tool
