// SPDX-License-Identifier: GPL-2.0-only
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/own_network.hpp"
#include "cli/verbs.hpp"

namespace cnx::tool
{
namespace
{

/* What shells and env(1) say of a command that did not begin. */
constexpr int exit_not_runnable = 126;
constexpr int exit_not_found = 127;

struct RunOptions {
	std::vector<std::string> declared; /* stays empty: the words never reach the parser */
	bool root = false;
};

int run(const Context &context, const RunOptions &options)
{
	if (context.command.empty() || context.command.front() == nullptr)
		return context.misuse("there is no command to run: see `cnx help run`");
	if (const auto entered = enter_own_network(options.root ? Identity::Root : Identity::Same); !entered)
		return context.fail(entered.error());
	std::signal(SIGPIPE, context.pipe_signal);
	::execvp(context.command.front(), context.command.data());
	const int code = errno;
	context.fail(code, fmt::format("cannot run {}: {}", context.command.front(), std::strerror(code)));
	return code == ENOENT ? exit_not_found : exit_not_runnable;
}

} // namespace

void add_run(CLI::App &application, Context &context)
{
	auto *verb = application.add_subcommand("run", "Run a command where it finds cnx as the kernel's connector");
	auto options = std::make_shared<RunOptions>();
	verb->add_option("COMMAND", options->declared,
	                 "The command and its arguments; -- before it keeps its name from being taken for an option");
	verb->add_flag("--root", options->root,
	               "For a user who is not root: be root in the new namespaces, for commands that insist on it");
	verb->footer(
	    "Examples:\n"
	    "  cnx run -- forkstat\n"
	    "  cnx run -- extrace -t\n"
	    "  cnx run --root -- forkstat -e exec\n"
	    "  cnx run sh\n"
	    "The command gets a network namespace of its own, in which cnx answers on netlink protocol 11, with the\n"
	    "loopback interface and no other. All else is as it was: processes, files, users. Where cnx answers on 11\n"
	    "already, no namespace is made. A user who may not make one makes a user namespace, too, in which the\n"
	    "command has CAP_NET_ADMIN over that network.\n"
	    "The exit code is the command's, or 127 where it is not found, and 126 where it cannot be run. The tool's\n"
	    "own are those of every verb: 2, 3 where cnx is not loaded, 4 where this user may make no namespace.\n");
	verb->callback([&context, options] { context.status = run(context, *options); });
}

} // namespace cnx::tool
