// SPDX-License-Identifier: GPL-2.0-only
#include "cli/module.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/gate.hpp"
#include "cli/modinfo.hpp"
#include "cli/module_users.hpp"

namespace cnx::tool
{
namespace
{

namespace fs = std::filesystem;

std::unexpected<client::Error> refuse(int code, std::string what)
{
	return std::unexpected(client::Error{code, std::move(what)});
}

/* Where module files lie, best place first. */
std::vector<fs::path> search_path(const std::string &directory)
{
	if (!directory.empty())
		return {directory};
	std::vector<fs::path> places;
	const fs::path modules = fs::path("/lib/modules") / running_release();
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
		/* Some distributions compress what is installed, and only modprobe unpacks it. */
		for (const char *suffix : {".xz", ".zst", ".gz"})
			if (const auto packed = path.string() + suffix; fs::is_regular_file(packed, ignored))
				return refuse(ENOEXEC, fmt::format("{} is compressed: load it with `modprobe {}`, or "
				                                   "unpack it and name its directory with --dir",
				                                   packed, name));
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

} // namespace

bool module_loaded(std::string_view name)
{
	/* Built-in modules have a directory there as well, but no initstate. */
	std::error_code ignored;
	return fs::exists(fmt::format("/sys/module/{}/initstate", name), ignored);
}

client::Result<PreparedModule> prepare_module(std::string_view name, const std::vector<std::string> &parameters,
                                              const std::string &directory)
{
	const auto gate = read_gate(running_release());
	if (const auto allowed = may_change_modules(gate); !allowed)
		return std::unexpected(allowed.error());
	const auto path = find_module(name, directory);
	if (!path)
		return std::unexpected(path.error());
	const auto modinfo = read_modinfo(*path);
	if (!modinfo)
		return std::unexpected(modinfo.error());
	if (const auto suits = may_load(gate, *modinfo, path->string()); !suits)
		return std::unexpected(suits.error());

	PreparedModule prepared{std::string(name), path->string(), {}};
	for (const auto &parameter : parameters) {
		if (const auto wrong = check_parameter(*modinfo, parameter); !wrong.empty())
			return refuse(EINVAL, fmt::format("{} {}", name, wrong));
		prepared.arguments += (prepared.arguments.empty() ? "" : " ") + parameter;
	}
	return prepared;
}

client::Result<void> load_module(const PreparedModule &module)
{
	const int fd = ::open(module.path.c_str(), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return refuse(errno, fmt::format("cannot open {}: {}", module.path, std::strerror(errno)));
	const long loaded = ::syscall(SYS_finit_module, fd, module.arguments.c_str(), 0);
	const int code = loaded ? errno : 0;
	::close(fd);
	if (code)
		return std::unexpected(load_failure(code, module.name));
	return {};
}

client::Result<void> unload_module(std::string_view name)
{
	if (::syscall(SYS_delete_module, std::string(name).c_str(), O_NONBLOCK) == 0)
		return {};
	const int code = errno;
	switch (code) {
	case EWOULDBLOCK:
	case EBUSY:
		return refuse(EBUSY, fmt::format("{} is in use: {}", name, module_users(name)));
	case ENOENT:
		return refuse(ENOENT, fmt::format("{} is not loaded: see `lsmod`", name));
	case EPERM:
		return refuse(EPERM, "this needs CAP_SYS_MODULE: run it as root (`sudo cnx ...`)");
	default:
		return refuse(code,
		              fmt::format("cannot unload {}: {}: `dmesg` may tell more", name, std::strerror(code)));
	}
}

client::Result<void> modules_allowed()
{
	return may_change_modules(read_gate(running_release()));
}

client::Result<void> unload_module(std::string_view name, Interrupt::Deadline deadline)
{
	constexpr std::chrono::milliseconds pause{50};
	for (;;) {
		auto done = unload_module(name);
		if (done || done.error().code != EBUSY)
			return done;
		const auto now = Interrupt::Clock::now();
		if (deadline && now >= *deadline)
			return refuse(ETIMEDOUT, fmt::format("{}; --timeout waits longer", done.error().what));
		if (Interrupt::wait(-1, deadline ? std::min(now + pause, *deadline) : now + pause) ==
		    Interrupt::Woken::Signal)
			return refuse(EINTR, done.error().what);
	}
}

} // namespace cnx::tool
