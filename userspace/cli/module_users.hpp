// SPDX-License-Identifier: GPL-2.0-only
/* Who keeps a loaded module from going. */
#ifndef CNX_CLI_MODULE_USERS_HPP
#define CNX_CLI_MODULE_USERS_HPP

#include <string>
#include <string_view>
#include <vector>

namespace cnx::tool
{

/* The modules that are built on this one, by name. */
std::vector<std::string> module_holders(std::string_view name);

/* Who uses a module, and how to make them stop, as the end of a sentence. Only root sees other users' programs. */
std::string module_users(std::string_view name);

} // namespace cnx::tool

#endif // CNX_CLI_MODULE_USERS_HPP
