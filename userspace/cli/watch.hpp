// SPDX-License-Identifier: GPL-2.0-only
/* What happens each second, told again and again. */
#ifndef CNX_CLI_WATCH_HPP
#define CNX_CLI_WATCH_HPP

#include <optional>

#include "cli/context.hpp"

namespace cnx::tool
{

/* Tells the rates of everything, or of one callback, every so many seconds, until Ctrl-C. Returns the exit code. */
int watch(const Context &context, std::optional<client::Id> id, double seconds);

} // namespace cnx::tool

#endif // CNX_CLI_WATCH_HPP
