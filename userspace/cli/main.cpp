// SPDX-License-Identifier: GPL-2.0-only
/* The cnx tool: loads cnx, looks at it, and exchanges messages through it. */
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <sstream>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cnx/version.h>

#include "cli/command_words.hpp"
#include "cli/context.hpp"
#include "cli/output.hpp"
#include "cli/verbs.hpp"

namespace
{

constexpr const char *footer = R"(Examples:
  cnx load echo ticker            load cnx, then the drivers cnx_echo and cnx_ticker
  cnx list                        the callbacks that drivers have registered
  cnx send 100:1 hello            send a payload and print the reply
  cnx monitor --group 101         show what is multicast to a group
  cnx stats                       what was received, sent and dropped, by reason
  cnx stress --mix all            strain cnx, and check that nothing goes astray
  cnx bench --only round-trip     latency, throughput and loss
  cnx run -- forkstat             a command that speaks to the kernel's connector
  cnx unload echo ticker cnx      unload the drivers, then cnx
  cnx reload ticker period_ms=10  load a driver anew, with other parameters
  cnx help send                   all about one verb

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 cnx is not loaded, 4 not permitted, 5 timed out.
)";

/*
 * Output that could not be written is a failure like any other. A pipe whose reader has gone is not: nobody is left
 * to be told.
 */
int finish(const cnx::tool::Context &context, int status)
{
	if (std::fflush(stdout) == 0 && !std::ferror(stdout))
		return status;
	if (errno == EPIPE)
		return status;
	return context.fail(EIO, fmt::format("cannot write all output: {}", std::strerror(errno)));
}

} // namespace

int main(int argc, char **argv)
{
	cnx::tool::Context context;
	/* Whatever the parent chose: a reader that goes away ends the program without a word. */
	context.pipe_signal = std::signal(SIGPIPE, SIG_DFL);
	/* The parser would make something of another program's words. */
	const auto [own, command] = cnx::tool::own_words({argv, static_cast<std::size_t>(argc)});
	context.command = {argv + command, argv + argc};
	CLI::App application("Loads cnx, the kernel connector in C++, looks at it, and sends and receives through it.",
	                     "cnx");
	application.footer(footer);
	application.set_version_flag("-V,--version", "cnx " CNX_VERSION);
	application.set_help_flag("-h,--help", "Print this help");
	application.add_flag("-j,--json", context.json, "Output (and errors) as JSON");
	application.add_flag("-p,--pretty", context.pretty, "With -j: indented");
	application.add_option("--protocol", context.protocol, "Netlink protocol number, instead of the one in force")
	    ->check(CLI::Range(0, 31));
	/* Global options are understood behind the verb, too. */
	application.fallthrough();
	application.require_subcommand(0, 1);

	cnx::tool::add_load(application, context);
	cnx::tool::add_unload(application, context);
	cnx::tool::add_reload(application, context);
	cnx::tool::add_list(application, context);
	cnx::tool::add_stats(application, context);
	cnx::tool::add_top(application, context);
	cnx::tool::add_info(application, context);
	cnx::tool::add_send(application, context);
	cnx::tool::add_monitor(application, context);
	cnx::tool::add_stress(application, context);
	cnx::tool::add_bench(application, context);
	cnx::tool::add_record(application, context);
	cnx::tool::add_replay(application, context);
	cnx::tool::add_run(application, context);

	cnx::tool::add_help(application, context);

	try {
		application.parse(static_cast<int>(own), argv);
	} catch (const CLI::Success &asked) {
		/* --help and --version. */
		std::ostringstream text;
		application.exit(asked, text, text);
		cnx::tool::put_text(stdout, text.str());
		return finish(context, cnx::tool::exit_ok);
	} catch (const CLI::ParseError &wrong) {
		/* -j may not have been parsed before the mistake. */
		for (std::size_t index = 1; index < own; ++index)
			context.json |= std::strcmp(argv[index], "-j") == 0 || std::strcmp(argv[index], "--json") == 0;
		return context.misuse(fmt::format("{}: see `cnx help`", wrong.what()));
	}

	if (application.get_subcommands().empty()) {
		cnx::tool::put(stderr, "{}", application.help());
		return cnx::tool::exit_usage;
	}
	return finish(context, context.status);
}
