// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/parse.hpp"
#include "cli/verbs.hpp"

namespace cnx::tool
{
namespace
{

struct StatsOptions {
	std::string id;
	bool per_cpu = false;
};

Json counters_to_json(const std::vector<std::uint64_t> &values)
{
	Json json = Json::object();
	for (std::size_t index = 0; index < values.size(); ++index)
		json[counter_name(index).name] = values[index];
	return json;
}

/* The sockets that netlink knows of cnx's protocol, but the tool's own. Nothing where they cannot be told. */
std::optional<std::vector<NetlinkSocket>> read_sockets(const Context &context, const client::Client &client)
{
	int protocol = 0;
	if (context.protocol) {
		protocol = *context.protocol;
	} else if (const auto discovered = client::discover_protocol()) {
		protocol = *discovered;
	} else {
		return std::nullopt;
	}
	std::ifstream file("/proc/net/netlink");
	const std::string text{std::istreambuf_iterator<char>(file), {}};
	auto sockets = parse_netlink_sockets(text, protocol);
	if (sockets)
		std::erase_if(*sockets, [&](const auto &socket) { return socket.portid == client.portid(); });
	return sockets;
}

/* What every listener missed. Nothing where the user may not see that, or the module does not count it. */
client::Result<std::optional<std::vector<client::Loss>>> read_losses(client::Client &client)
{
	auto losses = client.losses(0);
	if (losses)
		return std::move(*losses);
	if (losses.error().code == EPERM || losses.error().code == EOPNOTSUPP)
		return std::nullopt;
	return std::unexpected(losses.error());
}

Json losses_to_json(const std::optional<std::vector<client::Loss>> &losses)
{
	if (!losses)
		return nullptr;
	Json json = Json::array();
	for (const auto &loss : *losses)
		json.push_back({{"portid", loss.portid}, {"id", format_id(loss.id)}, {"lost", loss.lost}});
	return json;
}

Json sockets_to_json(const std::optional<std::vector<NetlinkSocket>> &sockets)
{
	if (!sockets)
		return nullptr;
	Json json = Json::array();
	for (const auto &socket : *sockets)
		json.push_back({{"portid", socket.portid},
		                {"groups", fmt::format("{:08x}", socket.groups)},
		                {"drops", socket.drops}});
	return json;
}

/* Callbacks that are gone have no name any more. */
std::string name_of(client::Id id, const std::vector<client::Callback> &callbacks)
{
	const auto callback = std::find_if(callbacks.begin(), callbacks.end(),
	                                   [id](const client::Callback &candidate) { return candidate.id == id; });
	return callback == callbacks.end() ? "-" : format_payload(client::bytes(callback->name), false);
}

void print_losses(const std::optional<std::vector<client::Loss>> &losses,
                  const std::vector<client::Callback> &callbacks)
{
	if (!losses || losses->empty())
		return;
	fmt::print("\n{:<10} {:<22} {:<20} {:>10}\n", "LISTENER", "ID", "NAME", "LOST");
	for (const auto &loss : *losses)
		fmt::print("{:<10} {:<22} {:<20} {:>10}\n", loss.portid, format_id(loss.id),
		           name_of(loss.id, callbacks), loss.lost);
}

void print_sockets(const std::optional<std::vector<NetlinkSocket>> &sockets)
{
	if (!sockets || sockets->empty())
		return;
	fmt::print("\n{:<10} {:<10} {:>10}  {}\n", "SOCKET", "GROUPS", "DROPS", "MEANING");
	for (const auto &socket : *sockets)
		fmt::print("{:<10} {:08x}   {:>10}  {}\n", socket.portid, socket.groups, socket.drops,
		           "datagrams that found its queue full");
}

int callback_stats(const Context &context, const std::string &text)
{
	const auto id = parse_id(text);
	if (!id)
		return context.misuse(id.error());
	auto client = context.open();
	if (!client)
		return context.fail(client.error());
	const auto callback = client->show(*id);
	if (!callback && callback.error().code == ENODEV)
		return context.fail(ENODEV,
		                    fmt::format("no callback is registered under {}: see `cnx list`", format_id(*id)));
	if (!callback)
		return context.fail(callback.error());

	if (context.json) {
		context.print(to_json(*callback));
		return exit_ok;
	}
	fmt::print("{} {} ({}, sender needs {})\n", format_id(callback->id),
	           format_payload(client::bytes(callback->name), false), callback->sleepable ? "sleepable" : "atomic",
	           callback->capability == -1 ? "nothing" : format_capability(callback->capability));
	fmt::print("  {:<9} {:>12}  messages handed to the callback\n", "received", callback->received);
	fmt::print("  {:<9} {:>12}  messages whose sender lacked the capability\n", "refused", callback->refused);
	fmt::print("  {:<9} {:>12}  messages for which the callback returned an error\n", "failed", callback->failed);
	fmt::print("  {:<9} {:>12}  messages sent that reached a listener\n", "sent", callback->sent);
	fmt::print("  {:<9} {:>12}  messages sent that missed a listener, or had none\n", "lost", callback->lost);
	return exit_ok;
}

int global_stats(const Context &context, bool per_cpu)
{
	auto client = context.open();
	if (!client)
		return context.fail(client.error());
	const auto cpus = client->counters();
	if (!cpus)
		return context.fail(cpus.error());
	const auto callbacks = client->list();
	if (!callbacks)
		return context.fail(callbacks.error());

	const auto losses = read_losses(*client);
	if (!losses)
		return context.fail(losses.error());
	const auto sockets = read_sockets(context, *client);

	std::vector<std::uint64_t> sum;
	for (const auto &counters : *cpus) {
		sum.resize(std::max(sum.size(), counters.value.size()));
		for (std::size_t index = 0; index < counters.value.size(); ++index)
			sum[index] += counters.value[index];
	}

	if (context.json) {
		Json json{{"counters", counters_to_json(sum)}};
		if (per_cpu) {
			json["cpus"] = Json::array();
			for (const auto &counters : *cpus)
				json["cpus"].push_back(
				    {{"cpu", counters.cpu}, {"counters", counters_to_json(counters.value)}});
		}
		json["callbacks"] = Json::array();
		for (const auto &callback : *callbacks)
			json["callbacks"].push_back(to_json(callback));
		json["losses"] = losses_to_json(*losses);
		json["sockets"] = sockets_to_json(sockets);
		context.print(json);
		return exit_ok;
	}

	fmt::print("{:<20} {:>12}", "COUNTER", "TOTAL");
	if (per_cpu)
		for (const auto &counters : *cpus)
			fmt::print(" {:>12}", fmt::format("CPU{}", counters.cpu));
	fmt::print("{}\n", per_cpu ? "" : "  MEANING");
	for (std::size_t index = 0; index < sum.size(); ++index) {
		const auto name = counter_name(index);
		fmt::print("{:<20} {:>12}", name.name, sum[index]);
		if (per_cpu)
			for (const auto &counters : *cpus)
				fmt::print(" {:>12}", index < counters.value.size() ? counters.value[index] : 0);
		fmt::print("{}{}\n", per_cpu ? "" : "  ", per_cpu ? "" : name.meaning);
	}

	if (!callbacks->empty())
		fmt::print("\n{:<22} {:<20} {:>10} {:>10} {:>10} {:>10} {:>10}\n", "ID", "NAME", "RECEIVED", "REFUSED",
		           "FAILED", "SENT", "LOST");
	for (const auto &callback : *callbacks)
		fmt::print("{:<22} {:<20} {:>10} {:>10} {:>10} {:>10} {:>10}\n", format_id(callback.id),
		           format_payload(client::bytes(callback.name), false), callback.received, callback.refused,
		           callback.failed, callback.sent, callback.lost);
	print_losses(*losses, *callbacks);
	print_sockets(sockets);
	return exit_ok;
}

} // namespace

void add_stats(CLI::App &application, Context &context)
{
	auto *verb = application.add_subcommand("stats", "Show what was received, sent and dropped, by reason");
	auto options = std::make_shared<StatsOptions>();
	verb->add_option("ID", options->id, "Only this callback, as IDX:VAL");
	verb->add_flag("--per-cpu", options->per_cpu, "Each CPU's counters beside the sum");
	verb->footer(
	    "What each subscriber missed is shown to those with CAP_NET_ADMIN. Members of netlink's groups are "
	    "among\nthe sockets, where netlink counts datagrams that found a queue full, answers too.\n\n"
	    "Examples:\n"
	    "  cnx stats\n"
	    "  cnx stats --per-cpu\n"
	    "  cnx stats 100:1 -j\n");
	verb->callback([&context, options] {
		context.status = options->id.empty() ? global_stats(context, options->per_cpu)
		                                     : callback_stats(context, options->id);
	});
}

} // namespace cnx::tool
