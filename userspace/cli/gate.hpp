// SPDX-License-Identifier: GPL-2.0-only
/* What the running kernel demands of modules and of those who load them, known before anything is tried. */
#ifndef CNX_CLI_GATE_HPP
#define CNX_CLI_GATE_HPP

#include <filesystem>
#include <optional>
#include <string>

#include <cnx/client.hpp>

#include "cli/modinfo.hpp"

namespace cnx::tool
{

struct ModuleGate {
	std::string release;             /* of the running kernel */
	bool privileged = true;          /* this process has CAP_SYS_MODULE */
	bool disabled = false;           /* kernel.modules_disabled: no more loading and unloading until a reboot */
	bool signature_enforced = false; /* module.sig_enforce */
	bool locked_down = false;        /* integrity or confidentiality, as with Secure Boot */
};

/* Below `root` lie proc and sys. What cannot be read is taken for no obstacle: the kernel will tell. */
ModuleGate read_gate(const std::string &release, const std::filesystem::path &root = "/");

/* Whether this process may load and unload modules here and now. EPERM with the remedy. */
client::Result<void> may_change_modules(const ModuleGate &gate);

/* Whether the kernel would take this file. ENOEXEC or EPERM with the remedy. */
client::Result<void> may_load(const ModuleGate &gate, const Modinfo &modinfo, const std::string &path);

/* A small file without its last newline; nothing if it cannot be read. */
std::optional<std::string> read_text(const std::filesystem::path &path);

/* The release of the running kernel, as uname -r tells it. */
std::string running_release();

} // namespace cnx::tool

#endif // CNX_CLI_GATE_HPP
