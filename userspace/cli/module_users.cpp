// SPDX-License-Identifier: GPL-2.0-only
#include "cli/module_users.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>

#include <fmt/format.h>

#include <cnx/client.hpp>

#include "cli/gate.hpp"

namespace cnx::tool
{
namespace
{

namespace fs = std::filesystem;

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

} // namespace

std::vector<std::string> module_holders(std::string_view name)
{
	std::vector<std::string> names;
	std::error_code ignored;
	for (const auto &entry : fs::directory_iterator(fmt::format("/sys/module/{}/holders", name), ignored))
		names.push_back(entry.path().filename());
	std::sort(names.begin(), names.end());
	return names;
}

std::string module_users(std::string_view name)
{
	const auto drivers = module_holders(name);
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

} // namespace cnx::tool
