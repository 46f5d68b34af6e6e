// SPDX-License-Identifier: GPL-2.0-only
/* How long a verb waits for a module's users to go. */
#ifndef CNX_CLI_PATIENCE_HPP
#define CNX_CLI_PATIENCE_HPP

#include <string>

#include <CLI/App.hpp>

#include "cli/context.hpp"
#include "cli/module.hpp"

namespace cnx::tool
{

struct Patience {
	bool wait = false;
	double timeout = 30; /* seconds */

	/* Adds --wait and --timeout. This must outlive the verb. */
	void add_to(CLI::App &verb);

	/* Unloads a module at once or, where waiting was asked for, when its users have gone. Who they are is told. */
	client::Result<void> unload(const Context &context, const std::string &name) const;
};

} // namespace cnx::tool

#endif // CNX_CLI_PATIENCE_HPP
