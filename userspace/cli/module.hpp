// SPDX-License-Identifier: GPL-2.0-only
/* Kernel modules as the tool needs them: found, judged, loaded and unloaded. */
#ifndef CNX_CLI_MODULE_HPP
#define CNX_CLI_MODULE_HPP

#include <string>
#include <string_view>
#include <vector>

#include <cnx/client.hpp>

#include "cli/interrupt.hpp"

namespace cnx::tool
{

/* Whether the module is loaded. */
bool module_loaded(std::string_view name);

/* A module file that nothing speaks against. */
struct PreparedModule {
	std::string name;
	std::string path;
	std::string arguments; /* for the kernel: NAME=VALUE, with blanks between */
};

/*
 * Finds NAME.ko and checks all that can be checked before it is loaded: this process's rights, the kernel that it was
 * built for, what the kernel demands of modules, and its parameters, which have the form NAME=VALUE. `directory`, if
 * not empty, is the only place that is searched. Changes nothing.
 */
client::Result<PreparedModule> prepare_module(std::string_view name, const std::vector<std::string> &parameters,
                                              const std::string &directory);

client::Result<void> load_module(const PreparedModule &module);

/* Whether this process may load and unload modules here and now. EPERM with the remedy. */
client::Result<void> modules_allowed();

/* Unloads a module that nothing uses. EBUSY names who does. */
client::Result<void> unload_module(std::string_view name);

/*
 * The same, and tried again until it goes: ETIMEDOUT behind the deadline, and EINTR at Ctrl-C, both with who uses it.
 */
client::Result<void> unload_module(std::string_view name, Interrupt::Deadline deadline);

} // namespace cnx::tool

#endif // CNX_CLI_MODULE_HPP
