// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/atomic_file.hpp"
#include "cli/output.hpp"
#include "cli/parse.hpp"
#include "cli/prometheus.hpp"
#include "cli/sample.hpp"
#include "cli/verbs.hpp"
#include "cli/watch.hpp"

namespace cnx::tool
{
namespace
{

struct StatsOptions {
	std::string id;
	std::optional<double> watch; /* seconds from one look to the next */
	std::string output;
	bool per_cpu = false;
	bool prometheus = false;
};

Json counters_to_json(const std::vector<std::uint64_t> &values)
{
	Json json = Json::object();
	for (std::size_t index = 0; index < values.size(); ++index)
		json[counter_name(index).name] = values[index];
	return json;
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
	put("\n{:<10} {:<22} {:<20} {:>10}\n", "LISTENER", "ID", "NAME", "LOST");
	for (const auto &loss : *losses)
		put("{:<10} {:<22} {:<20} {:>10}\n", loss.portid, format_id(loss.id), name_of(loss.id, callbacks),
		    loss.lost);
}

void print_sockets(const std::optional<std::vector<NetlinkSocket>> &sockets)
{
	if (!sockets || sockets->empty())
		return;
	put("\n{:<10} {:<10} {:>10}  {}\n", "SOCKET", "GROUPS", "DROPS", "MEANING");
	for (const auto &socket : *sockets)
		put("{:<10} {:08x}   {:>10}  {}\n", socket.portid, socket.groups, socket.drops,
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
	put("{} {} ({}, sender needs {})\n", format_id(callback->id),
	    format_payload(client::bytes(callback->name), false), callback->sleepable ? "sleepable" : "atomic",
	    callback->capability == -1 ? "nothing" : format_capability(callback->capability));
	put("  {:<9} {:>12}  messages handed to the callback\n", "received", callback->received);
	put("  {:<9} {:>12}  messages whose sender lacked the capability\n", "refused", callback->refused);
	put("  {:<9} {:>12}  messages for which the callback returned an error\n", "failed", callback->failed);
	put("  {:<9} {:>12}  messages sent that reached a listener\n", "sent", callback->sent);
	put("  {:<9} {:>12}  messages sent that missed a listener, or had none\n", "lost", callback->lost);
	return exit_ok;
}

int global_stats(const Context &context, bool per_cpu)
{
	auto client = context.open();
	if (!client)
		return context.fail(client.error());
	const auto sample = take_sample(*client);
	if (!sample)
		return context.fail(sample.error());
	const auto sum = sample->totals();
	const auto *cpus = &sample->cpus;
	const auto *callbacks = &sample->callbacks;

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
		json["losses"] = losses_to_json(sample->losses);
		json["sockets"] = sockets_to_json(sample->sockets);
		context.print(json);
		return exit_ok;
	}

	put("{:<20} {:>12}", "COUNTER", "TOTAL");
	if (per_cpu)
		for (const auto &counters : *cpus)
			put(" {:>12}", fmt::format("CPU{}", counters.cpu));
	put("{}\n", per_cpu ? "" : "  MEANING");
	for (std::size_t index = 0; index < sum.size(); ++index) {
		const auto name = counter_name(index);
		put("{:<20} {:>12}", name.name, sum[index]);
		if (per_cpu)
			for (const auto &counters : *cpus)
				put(" {:>12}", index < counters.value.size() ? counters.value[index] : 0);
		put("{}{}\n", per_cpu ? "" : "  ", per_cpu ? "" : name.meaning);
	}

	if (!callbacks->empty())
		put("\n{:<22} {:<20} {:>10} {:>10} {:>10} {:>10} {:>10}\n", "ID", "NAME", "RECEIVED", "REFUSED",
		    "FAILED", "SENT", "LOST");
	for (const auto &callback : *callbacks)
		put("{:<22} {:<20} {:>10} {:>10} {:>10} {:>10} {:>10}\n", format_id(callback.id),
		    format_payload(client::bytes(callback.name), false), callback.received, callback.refused,
		    callback.failed, callback.sent, callback.lost);
	print_losses(sample->losses, *callbacks);
	print_sockets(sample->sockets);
	return exit_ok;
}

int prometheus_stats(const Context &context, const std::string &output)
{
	auto client = context.open();
	if (!client)
		return context.fail(client.error());
	const auto sample = take_sample(*client);
	if (!sample)
		return context.fail(sample.error());
	const auto text = prometheus_text(*sample);
	if (output.empty()) {
		put_text(stdout, text);
		return exit_ok;
	}
	const auto written = replace_file(output, text);
	return written ? exit_ok : context.fail(written.error());
}

int stats(const Context &context, const StatsOptions &options)
{
	if (options.prometheus && (options.watch || options.per_cpu || !options.id.empty() || context.json))
		return context.misuse("--prometheus has a format of its own, with everything in it: leave out --watch, "
		                      "--per-cpu, -j and the ID");
	if (!options.output.empty() && !options.prometheus)
		return context.misuse("--output is for --prometheus: redirect the others with >");
	if (options.watch && options.per_cpu)
		return context.misuse("--watch tells the sums of all CPUs: leave out --per-cpu");
	if (options.prometheus)
		return prometheus_stats(context, options.output);
	if (!options.watch)
		return options.id.empty() ? global_stats(context, options.per_cpu)
		                          : callback_stats(context, options.id);
	if (options.id.empty())
		return watch(context, std::nullopt, *options.watch);
	const auto id = parse_id(options.id);
	return id ? watch(context, *id, *options.watch) : context.misuse(id.error());
}

} // namespace

void add_stats(CLI::App &application, Context &context)
{
	auto *verb = application.add_subcommand("stats", "Show what was received, sent and dropped, by reason");
	auto options = std::make_shared<StatsOptions>();
	verb->add_option("ID", options->id, "Only this callback, as IDX:VAL");
	verb->add_flag("--per-cpu", options->per_cpu, "Each CPU's counters beside the sum");
	verb->add_option(
	        "--watch", options->watch,
	        "What happens per second, again and again until Ctrl-C: every so many seconds, or each second; "
	        "an ID stands before it")
	    ->expected(0, 1)
	    ->default_str("1")
	    ->check(CLI::Range(0.01, 86'400.0));
	verb->add_flag("--prometheus", options->prometheus, "Everything in Prometheus's text format");
	verb->add_option("--output", options->output,
	                 "With --prometheus: replace this file, for the node exporter's textfile collector");
	verb->footer(
	    "What each subscriber missed is shown to those with CAP_NET_ADMIN. Members of netlink's groups are "
	    "among\nthe sockets, where netlink counts datagrams that found a queue full, answers too.\n\n"
	    "Examples:\n"
	    "  cnx stats\n"
	    "  cnx stats --per-cpu\n"
	    "  cnx stats 100:1 -j\n"
	    "  cnx stats --watch 5 -j\n"
	    "  cnx stats --prometheus --output /var/lib/prometheus/node-exporter/cnx.prom\n");
	verb->callback([&context, options] { context.status = stats(context, *options); });
}

} // namespace cnx::tool
