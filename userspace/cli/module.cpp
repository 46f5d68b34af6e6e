// SPDX-License-Identifier: GPL-2.0-only
#include "cli/module.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/modinfo.hpp"

namespace cnx::tool
{
namespace
{

namespace fs = std::filesystem;

std::unexpected<client::Error> refuse(int code, std::string what)
{
	return std::unexpected(client::Error{code, std::move(what)});
}

/* A small file of /proc or /sys without its last newline; nothing if it cannot be read. */
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

std::string kernel_release()
{
	utsname names{};
	return ::uname(&names) == 0 ? names.release : "";
}

bool has_module_capability()
{
	std::ifstream status("/proc/self/status");
	for (std::string line; std::getline(status, line);) {
		if (!line.starts_with("CapEff:"))
			continue;
		return std::strtoull(line.c_str() + std::strlen("CapEff:"), nullptr, 16) >> CAP_SYS_MODULE & 1;
	}
	/* Without /proc nothing is known; the kernel will tell. */
	return true;
}

/* Why a module without a signature would be turned away; empty if it would not. */
std::string signature_demand()
{
	if (read_text("/sys/module/module/parameters/sig_enforce") == "Y")
		return "this kernel enforces module signatures";
	const auto lockdown = read_text("/sys/kernel/security/lockdown");
	if (lockdown && lockdown->find('[') != lockdown->npos && lockdown->find("[none]") == lockdown->npos)
		return "this kernel is locked down, as with Secure Boot";
	return {};
}

/* Where module files lie, best place first. */
std::vector<fs::path> search_path(const std::string &directory)
{
	if (!directory.empty())
		return {directory};
	std::vector<fs::path> places;
	const fs::path modules = fs::path("/lib/modules") / kernel_release();
	for (const char *below : {"updates/dkms", "updates", "updates/cnx", "extra", "extra/cnx"})
		places.push_back(modules / below);
	std::error_code ignored;
	places.push_back(fs::current_path(ignored));
	const auto executable = fs::read_symlink("/proc/self/exe", ignored);
	if (!executable.empty())
		places.push_back(executable.parent_path());
	/* Where the project's own virtual machine keeps them. */
	places.emplace_back("/cnx");
	return places;
}

client::Result<fs::path> find_module(std::string_view name, const std::string &directory)
{
	const auto places = search_path(directory);
	for (const auto &place : places) {
		auto path = place / fmt::format("{}.ko", name);
		std::error_code ignored;
		if (fs::is_regular_file(path, ignored))
			return path;
	}
	std::string searched;
	for (const auto &place : places)
		searched += (searched.empty() ? "" : ", ") + place.string();
	return refuse(ENOENT, fmt::format("there is no {}.ko in {}: build it with `make module`, or say where it is "
	                                  "with --dir",
	                                  name, searched));
}

client::Result<Modinfo> read_modinfo(const fs::path &path)
{
	std::ifstream file(path, std::ios::binary);
	const std::vector<char> bytes(std::istreambuf_iterator<char>(file), {});
	if (!file && bytes.empty())
		return refuse(EACCES, fmt::format("cannot read {}: check its permissions", path.string()));
	auto modinfo = parse_modinfo(std::as_bytes(std::span(bytes)));
	if (!modinfo)
		return refuse(ENOEXEC, fmt::format("{} {}", path.string(), modinfo.error()));
	return std::move(*modinfo);
}

client::Error load_failure(int code, std::string_view name)
{
	const auto sentence = [&]() -> std::string {
		switch (code) {
		case EPERM:
			return "the kernel does not permit it: be root, with CAP_SYS_MODULE, outside of containers";
		case EEXIST:
			return "it is loaded already, or another module exports the same symbols: see `lsmod`";
		case ENOEXEC:
			return "its format does not suit the running kernel: rebuild it with `make module` against "
			       "this "
			       "kernel's headers; `dmesg` tells what differs";
		case ENOENT:
			return "it needs a symbol that the kernel does not have: load cnx first, and rebuild both "
			       "together; `dmesg` names the symbol";
		case EINVAL:
			return "a parameter's value was refused, or it was built against another cnx: `dmesg` tells "
			       "which";
		case EKEYREJECTED:
		case ENOKEY:
		case EBADMSG:
			return "its signature is missing or not trusted here: sign it with a key that this machine has "
			       "enrolled";
		case EADDRINUSE:
			return "the netlink protocol number is taken: choose another with protocol=N";
		case ENOMEM:
			return "there is not enough memory";
		case EBUSY:
			return "it is being loaded or unloaded by someone else, or what it wants is taken: try again";
		default:
			return fmt::format("{}: `dmesg` may tell more", std::strerror(code));
		}
	}();
	return {code, fmt::format("cannot load {}: {}", name, sentence)};
}

/* The modules that are built on this one. */
std::vector<std::string> holders(std::string_view name)
{
	std::vector<std::string> names;
	std::error_code ignored;
	for (const auto &entry : fs::directory_iterator(fmt::format("/sys/module/{}/holders", name), ignored))
		names.push_back(entry.path().filename());
	std::sort(names.begin(), names.end());
	return names;
}

/* The inodes of the user sockets of a netlink protocol, from /proc/net/netlink. */
std::set<std::uint64_t> netlink_sockets(int protocol)
{
	std::set<std::uint64_t> inodes;
	std::ifstream table("/proc/net/netlink");
	std::string line;
	std::getline(table, line); /* the head */
	while (std::getline(table, line)) {
		/* sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode; Pid 0 is the kernel's own. */
		std::istringstream words(line);
		std::string address, groups;
		int number = -1;
		std::uint64_t portid = 0, other = 0, inode = 0;
		words >> address >> number >> portid >> groups >> other >> other >> other >> other >> other >> inode;
		if (words && number == protocol && portid != 0)
			inodes.insert(inode);
	}
	return inodes;
}

/* "monitor (812)" for each process that holds one of the sockets. Only root sees other users' processes. */
std::set<std::string> socket_owners(const std::set<std::uint64_t> &inodes)
{
	std::set<std::string> links, owners;
	for (const auto inode : inodes)
		links.insert(fmt::format("socket:[{}]", inode));
	std::error_code ignored;
	for (const auto &process : fs::directory_iterator("/proc", ignored)) {
		const std::string pid = process.path().filename();
		if (pid.find_first_not_of("0123456789") != pid.npos)
			continue;
		for (fs::directory_iterator fd(process.path() / "fd", ignored), end; fd != end; fd.increment(ignored)) {
			std::error_code gone;
			if (links.contains(fs::read_symlink(fd->path(), gone).string())) {
				owners.insert(
				    fmt::format("{} ({})", read_text(process.path() / "comm").value_or("?"), pid));
				break;
			}
		}
	}
	return owners;
}

template <class Range>
std::string joined(const Range &parts)
{
	std::string text;
	for (const auto &part : parts)
		text += (text.empty() ? "" : ", ") + part;
	return text;
}

/* Who uses a module, and how to make them stop, as the end of a sentence. */
std::string users(std::string_view name)
{
	const auto drivers = holders(name);
	std::string text;
	if (!drivers.empty())
		text = fmt::format("the modules {} are built on it (`cnx unload {}`)", joined(drivers),
		                   fmt::join(drivers, " "));

	const auto count =
	    std::strtoul(read_text(fmt::format("/sys/module/{}/refcnt", name)).value_or("0").c_str(), nullptr, 10);
	if (count > drivers.size()) {
		if (!text.empty())
			text += ", and ";
		const auto open = count - drivers.size();
		text += fmt::format("{} {} open", open, open == 1 ? "socket is" : "sockets are");
		std::set<std::string> owners;
		if (name == "cnx")
			if (const auto protocol = client::discover_protocol())
				owners = socket_owners(netlink_sockets(*protocol));
		if (!owners.empty())
			text += fmt::format(", held by {}, which must end first", joined(owners));
	}
	return text.empty() ? "it is in use" : text;
}

} // namespace

bool module_loaded(std::string_view name)
{
	/* Built-in modules have a directory there as well, but no initstate. */
	std::error_code ignored;
	return fs::exists(fmt::format("/sys/module/{}/initstate", name), ignored);
}

client::Result<void> modules_allowed()
{
	if (!has_module_capability())
		return refuse(EPERM, "this needs CAP_SYS_MODULE: run it as root (`sudo cnx ...`)");
	if (read_text("/proc/sys/kernel/modules_disabled") == "1")
		return refuse(EPERM, "this kernel was told to load and unload no more modules "
		                     "(kernel.modules_disabled is 1): only a reboot changes that");
	return {};
}

client::Result<std::string> load_module(std::string_view name, const std::vector<std::string> &parameters,
                                        const std::string &directory)
{
	const auto path = find_module(name, directory);
	if (!path)
		return std::unexpected(path.error());
	const auto modinfo = read_modinfo(*path);
	if (!modinfo)
		return std::unexpected(modinfo.error());

	const auto running = kernel_release();
	if (modinfo->release() != running)
		return refuse(ENOEXEC, fmt::format("{} was built for kernel {}, but {} is running: rebuild it with "
		                                   "`make module KDIR=/lib/modules/{}/build`",
		                                   path->string(), modinfo->release(), running, running));
	std::string arguments;
	for (const auto &parameter : parameters) {
		if (const auto wrong = check_parameter(*modinfo, parameter); !wrong.empty())
			return refuse(EINVAL, fmt::format("{} {}", name, wrong));
		arguments += (arguments.empty() ? "" : " ") + parameter;
	}
	if (!modinfo->is_signed)
		if (const auto demand = signature_demand(); !demand.empty())
			return refuse(EPERM,
			              fmt::format("{}, and {} has none: sign it with a key that this machine has "
			                          "enrolled, or use a kernel without that demand",
			                          demand, path->string()));

	const int fd = ::open(path->c_str(), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return refuse(errno, fmt::format("cannot open {}: {}", path->string(), std::strerror(errno)));
	const long loaded = ::syscall(SYS_finit_module, fd, arguments.c_str(), 0);
	const int code = loaded ? errno : 0;
	::close(fd);
	if (code)
		return std::unexpected(load_failure(code, name));
	return path->string();
}

client::Result<void> unload_module(std::string_view name)
{
	if (::syscall(SYS_delete_module, std::string(name).c_str(), O_NONBLOCK) == 0)
		return {};
	const int code = errno;
	switch (code) {
	case EWOULDBLOCK:
	case EBUSY:
		return refuse(EBUSY, fmt::format("{} is in use: {}", name, users(name)));
	case ENOENT:
		return refuse(ENOENT, fmt::format("{} is not loaded: see `lsmod`", name));
	case EPERM:
		return refuse(EPERM, "this needs CAP_SYS_MODULE: run it as root (`sudo cnx ...`)");
	default:
		return refuse(code,
		              fmt::format("cannot unload {}: {}: `dmesg` may tell more", name, std::strerror(code)));
	}
}

} // namespace cnx::tool
