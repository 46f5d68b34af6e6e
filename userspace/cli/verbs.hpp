// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verbs. Each function adds its subcommand and options to the application; when the user has called the verb, its
 * exit code is in context.status after parsing. The context must outlive the application.
 */
#ifndef CNX_CLI_VERBS_HPP
#define CNX_CLI_VERBS_HPP

#include <CLI/App.hpp>

#include "cli/context.hpp"

namespace cnx::tool
{

void add_load(CLI::App &application, Context &context);
void add_unload(CLI::App &application, Context &context);
void add_reload(CLI::App &application, Context &context);
void add_list(CLI::App &application, Context &context);
void add_stats(CLI::App &application, Context &context);
void add_top(CLI::App &application, Context &context);
void add_info(CLI::App &application, Context &context);
void add_send(CLI::App &application, Context &context);
void add_monitor(CLI::App &application, Context &context);
void add_stress(CLI::App &application, Context &context);
void add_bench(CLI::App &application, Context &context);
void add_record(CLI::App &application, Context &context);
void add_replay(CLI::App &application, Context &context);
void add_run(CLI::App &application, Context &context);
/* Explains the verbs that there are by then. */
void add_help(CLI::App &application, Context &context);

} // namespace cnx::tool

#endif // CNX_CLI_VERBS_HPP
