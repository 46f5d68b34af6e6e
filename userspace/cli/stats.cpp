// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>
#include <memory>

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
	return exit_ok;
}

} // namespace

void add_stats(CLI::App &application, Context &context)
{
	auto *verb = application.add_subcommand("stats", "Show what was received, sent and dropped, by reason");
	auto options = std::make_shared<StatsOptions>();
	verb->add_option("ID", options->id, "Only this callback, as IDX:VAL");
	verb->add_flag("--per-cpu", options->per_cpu, "Each CPU's counters beside the sum");
	verb->footer("Examples:\n"
	             "  cnx stats\n"
	             "  cnx stats --per-cpu\n"
	             "  cnx stats 100:1 -j\n");
	verb->callback([&context, options] {
		context.status = options->id.empty() ? global_stats(context, options->per_cpu)
		                                     : callback_stats(context, options->id);
	});
}

} // namespace cnx::tool
