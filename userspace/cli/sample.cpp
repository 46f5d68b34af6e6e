// SPDX-License-Identifier: GPL-2.0-only
#include "cli/sample.hpp"

#include <cerrno>
#include <fstream>
#include <iterator>
#include <string>

namespace cnx::tool
{
namespace
{

std::optional<std::vector<NetlinkSocket>> read_sockets(std::uint32_t protocol, std::uint32_t own)
{
	std::ifstream file("/proc/net/netlink");
	const std::string text{std::istreambuf_iterator<char>(file), {}};
	auto sockets = parse_netlink_sockets(text, static_cast<int>(protocol));
	if (sockets)
		std::erase_if(*sockets, [own](const auto &socket) { return socket.portid == own; });
	return sockets;
}

} // namespace

client::Result<Sample> take_sample(client::Client &client)
{
	Sample sample;
	sample.time = std::chrono::steady_clock::now();
	auto info = client.info();
	if (!info)
		return std::unexpected(info.error());
	sample.round_trip = std::chrono::steady_clock::now() - sample.time;
	sample.info = std::move(*info);

	auto cpus = client.counters();
	if (!cpus)
		return std::unexpected(cpus.error());
	sample.cpus = std::move(*cpus);
	auto callbacks = client.list();
	if (!callbacks)
		return std::unexpected(callbacks.error());
	sample.callbacks = std::move(*callbacks);
	auto losses = client.losses(0);
	if (losses)
		sample.losses = std::move(*losses);
	else if (losses.error().code != EPERM && losses.error().code != EOPNOTSUPP)
		return std::unexpected(losses.error());
	sample.sockets = read_sockets(sample.info.protocol, client.portid());
	return sample;
}

} // namespace cnx::tool
