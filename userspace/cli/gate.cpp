// SPDX-License-Identifier: GPL-2.0-only
#include "cli/gate.hpp"

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/utsname.h>

namespace cnx::tool
{
namespace
{

namespace fs = std::filesystem;

#define CNX_TEXT_OF(number) #number
#define CNX_TEXT(macro) CNX_TEXT_OF(macro)
constexpr std::string_view oldest = CNX_TEXT(CNX_KERNEL_MIN);
constexpr std::string_view newest = CNX_TEXT(CNX_KERNEL_MAX);

std::unexpected<client::Error> refuse(int code, std::string what)
{
	return std::unexpected(client::Error{code, std::move(what)});
}

bool has_module_capability(const fs::path &status_file)
{
	std::ifstream status(status_file);
	for (std::string line; std::getline(status, line);)
		if (line.starts_with("CapEff:"))
			return std::strtoull(line.c_str() + std::strlen("CapEff:"), nullptr, 16) >> CAP_SYS_MODULE & 1;
	return true;
}

/* The file in sysfs is for root alone; the command line is for everybody. */
bool enforces_signatures(const fs::path &root)
{
	if (const auto told = read_text(root / "sys/module/module/parameters/sig_enforce"))
		return *told == "Y";
	std::istringstream words(read_text(root / "proc/cmdline").value_or(""));
	for (std::string word; words >> word;)
		if (word == "module.sig_enforce" || word == "module.sig_enforce=1" || word == "module.sig_enforce=y")
			return true;
	return false;
}

/* 6.1 of "6.1.0-13-amd64". */
std::pair<int, int> version_of(std::string_view release)
{
	std::pair<int, int> version{};
	const auto [end, problem] = std::from_chars(release.data(), release.data() + release.size(), version.first);
	if (problem == std::errc{} && end != release.data() + release.size())
		std::from_chars(end + 1, release.data() + release.size(), version.second);
	return version;
}

} // namespace

std::optional<std::string> read_text(const fs::path &path)
{
	std::ifstream file(path);
	if (!file)
		return std::nullopt;
	std::string text(std::istreambuf_iterator<char>(file), {});
	while (text.ends_with('\n'))
		text.pop_back();
	return text;
}

std::string running_release()
{
	utsname names{};
	return ::uname(&names) == 0 ? names.release : "";
}

ModuleGate read_gate(const std::string &release, const fs::path &root)
{
	ModuleGate gate;
	gate.release = release;
	gate.privileged = has_module_capability(root / "proc/self/status");
	gate.disabled = read_text(root / "proc/sys/kernel/modules_disabled") == "1";
	gate.signature_enforced = enforces_signatures(root);
	/* "none [integrity] confidentiality": the one in force is in brackets. */
	const auto lockdown = read_text(root / "sys/kernel/security/lockdown").value_or("");
	gate.locked_down = lockdown.find('[') != lockdown.npos && lockdown.find("[none]") == lockdown.npos;
	return gate;
}

client::Result<void> may_change_modules(const ModuleGate &gate)
{
	if (!gate.privileged)
		return refuse(EPERM, "this needs CAP_SYS_MODULE: run it as root (`sudo cnx ...`)");
	if (gate.disabled)
		return refuse(EPERM, "this kernel was told to load and unload no more modules "
		                     "(kernel.modules_disabled is 1): only a reboot changes that");
	return {};
}

client::Result<void> may_load(const ModuleGate &gate, const Modinfo &modinfo, const std::string &path)
{
	if (modinfo.release() != gate.release) {
		const auto running = version_of(gate.release);
		if (running < version_of(oldest) || running > version_of(newest))
			return refuse(ENOEXEC,
			              fmt::format("{} was built for kernel {}, and cnx has no support for {}, which is "
			                          "running: boot a kernel from {} to {}",
			                          path, modinfo.release(), gate.release, oldest, newest));
		return refuse(ENOEXEC, fmt::format("{} was built for kernel {}, but {} is running: rebuild it with "
		                                   "`make module KDIR=/lib/modules/{}/build`",
		                                   path, modinfo.release(), gate.release, gate.release));
	}
	if (!modinfo.is_signed && (gate.signature_enforced || gate.locked_down))
		return refuse(EPERM,
		              fmt::format("this kernel {}, and {} has no signature: sign it with a key that this "
		                          "machine has enrolled, or boot without that demand",
		                          gate.signature_enforced ? "enforces module signatures"
		                                                  : "is locked down, as with Secure Boot",
		                          path));
	return {};
}

} // namespace cnx::tool
