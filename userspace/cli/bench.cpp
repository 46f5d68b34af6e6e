// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/verbs.hpp"
#include "measure/measurement.hpp"
#include "stress/driver.hpp"

namespace cnx::tool
{
namespace
{

struct BenchOptions {
	double time = 1; /* seconds of each measurement */
	std::vector<std::string> only;
	std::string svg;
	bool list = false;
};

volatile std::sig_atomic_t interrupted = 0;

void catch_interrupts()
{
	struct sigaction action = {};
	action.sa_handler = [](int) { interrupted = 1; };
	for (const int number : {SIGINT, SIGTERM})
		sigaction(number, &action, nullptr);
}

/* The measurements that are asked for. The error is a sentence. */
std::expected<std::vector<measure::MeasurementKind>, std::string> choose(const std::vector<std::string> &only)
{
	auto kinds = measure::measurement_kinds();
	for (const auto &name : only)
		if (std::ranges::none_of(kinds,
		                         [&](const auto &kind) { return kind.name == name || kind.family == name; }))
			return std::unexpected(
			    fmt::format("there is no measurement '{}': `cnx bench --list` shows them", name));
	if (!only.empty())
		std::erase_if(kinds, [&](const auto &kind) {
			return std::ranges::none_of(
			    only, [&](const auto &name) { return kind.name == name || kind.family == name; });
		});
	return kinds;
}

int list_measurements(const Context &context, const std::vector<measure::MeasurementKind> &kinds)
{
	Json json = Json::array();
	for (const auto &kind : kinds) {
		if (context.json)
			json.push_back({{"name", kind.name}, {"family", kind.family}, {"about", kind.about}});
		else
			fmt::print("{:<12} {:<20} {}\n", kind.family, kind.name, kind.about);
	}
	if (context.json)
		context.print(json);
	return exit_ok;
}

/* 0 or an errno. */
int write_text(FILE *file, const std::string &text)
{
	const bool whole = std::fwrite(text.data(), 1, text.size(), file) == text.size();
	const int code = whole ? 0 : errno;
	return std::fclose(file) ? errno : code;
}

client::Result<measure::Machine> look_at_machine(client::Client &client)
{
	const auto info = client.info();
	if (!info)
		return std::unexpected(info.error());
	utsname names{};
	static_cast<void>(::uname(&names));
	return measure::Machine{names.release, std::thread::hardware_concurrency(), info->version};
}

int bench(const Context &context, const BenchOptions &options)
{
	const auto kinds = choose(options.only);
	if (!kinds)
		return context.misuse(kinds.error());
	if (options.list)
		return list_measurements(context, *kinds);
	auto client = context.open();
	if (!client)
		return context.fail(client.error());
	const auto machine = look_at_machine(*client);
	if (!machine)
		return context.fail(machine.error());
	if (const auto there = stress::Driver(std::move(*client)).check(); !there) {
		const int status = context.fail(there.error());
		return there.error().code == ENODEV ? static_cast<int>(exit_not_loaded) : status;
	}
	/* Before anything is measured, since it would be a pity afterwards. */
	FILE *const picture = options.svg.empty() ? nullptr : std::fopen(options.svg.c_str(), "we");
	if (!options.svg.empty() && !picture)
		return context.fail(errno, fmt::format("cannot write {}: {}", options.svg, std::strerror(errno)));

	catch_interrupts();
	const bool terminal = ::isatty(STDERR_FILENO);
	const measure::Bench surroundings{[&](const client::Options &opening) { return context.open(opening); },
	                                  [] { return interrupted != 0; }, std::chrono::duration<double>(options.time)};
	std::vector<measure::Measurement> measured;
	int status = exit_ok;
	for (std::size_t i = 0; i < kinds->size() && !interrupted; ++i) {
		const auto &kind = (*kinds)[i];
		if (terminal)
			fmt::print(stderr, "\r{:<60}",
			           fmt::format("{} of {}: {}, {:.0f} s left", i + 1, kinds->size(), kind.name,
			                       options.time * static_cast<double>(kinds->size() - i)));
		auto result = kind.measure(surroundings);
		if (terminal)
			fmt::print(stderr, "\r{:<60}\r", "");
		if (!result) {
			status =
			    context.fail(result.error().code, fmt::format("{}: {}", kind.name, result.error().what));
			break;
		}
		result->name = kind.name;
		measured.push_back(std::move(*result));
	}
	if (context.json)
		context.print(measure::to_json(*machine, measured));
	else
		fmt::print("{}", measure::to_table(measured));
	if (picture)
		if (const int code = write_text(picture, measure::to_svg(*machine, measured)))
			return context.fail(
			    code, fmt::format("cannot write all of {}: {}", options.svg, std::strerror(code)));
	return status;
}

} // namespace

void add_bench(CLI::App &application, Context &context)
{
	auto *verb = application.add_subcommand("bench", "Measure latency, throughput and loss of the loaded module");
	auto options = std::make_shared<BenchOptions>();
	verb->add_option("--time", options->time, "Seconds of each measurement")
	    ->check(CLI::Range(0.01, 86400.0))
	    ->capture_default_str();
	verb->add_option("--only", options->only, "Only this measurement or family (repeatable)");
	verb->add_option("--svg", options->svg, "Draw a picture of the latencies into this file");
	verb->add_flag("--list", options->list, "Show the measurements");
	verb->footer("It needs cnx and the stress driver, which echoes, takes and sends: `cnx load stress`. Payloads "
	             "have 64 bytes.\n"
	             "Latencies are those that a program sees that uses the client library: of a question and its "
	             "reply, of a send\n"
	             "until its callback has run, and of a message from the driver's send until the program has it. "
	             "Ctrl-C ends it "
	             "with\nwhat was measured so far.\n\n"
	             "Examples:\n"
	             "  cnx bench\n"
	             "  cnx bench --only round-trip --time 10\n"
	             "  cnx bench --only batch --only listeners -j\n"
	             "  cnx bench --svg cnx.svg\n");
	verb->callback([&context, options] { context.status = bench(context, *options); });
}

} // namespace cnx::tool
