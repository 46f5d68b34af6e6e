// SPDX-License-Identifier: GPL-2.0-only
/* A file that others see either as it was or whole. */
#ifndef CNX_CLI_ATOMIC_FILE_HPP
#define CNX_CLI_ATOMIC_FILE_HPP

#include <string>
#include <string_view>

#include <cnx/client.hpp>

namespace cnx::tool
{

/*
 * Writes the text to a new file beside `path` and renames it to that. Whatever fails, the old file stays, and nothing
 * is left beside it.
 */
client::Result<void> replace_file(const std::string &path, std::string_view text);

} // namespace cnx::tool

#endif // CNX_CLI_ATOMIC_FILE_HPP
