// SPDX-License-Identifier: GPL-2.0-only
/* Kernel modules as the tool needs them: found, judged, loaded, unloaded, and who uses them. */
#ifndef CNX_CLI_MODULE_HPP
#define CNX_CLI_MODULE_HPP

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cnx/client.hpp>

namespace cnx::tool
{

/* Whether the module is loaded. */
bool module_loaded(std::string_view name);

/* What keeps any module from being loaded or unloaded by this process here and now: missing rights, or a kernel that
 * allows no more of it. */
client::Result<void> modules_allowed();

/*
 * Loads NAME.ko with parameters of the form name=value, after checking all that can be checked beforehand: the file,
 * the kernel that it was built for, its parameters, and whether its lack of a signature matters. `directory`, if not
 * empty, is the only place that is searched. Returns the file's path.
 */
client::Result<std::string> load_module(std::string_view name, const std::vector<std::string> &parameters,
                                        const std::string &directory);

/* Unloads a module that nothing uses. EBUSY names who does. */
client::Result<void> unload_module(std::string_view name);

} // namespace cnx::tool

#endif // CNX_CLI_MODULE_HPP
