// SPDX-License-Identifier: GPL-2.0-only
#include "cli/watch.hpp"

#include <cerrno>
#include <chrono>
#include <utility>

#include <nlohmann/json.hpp>

#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/parse.hpp"
#include "cli/rates.hpp"
#include "cli/time_of_day.hpp"

namespace cnx::tool
{
namespace
{

Json to_json(const CallbackRates &callback)
{
	return {{"idx", callback.id.idx},        {"val", callback.id.val},      {"name", callback.name},
	        {"received", callback.received}, {"refused", callback.refused}, {"failed", callback.failed},
	        {"sent", callback.sent},         {"lost", callback.lost}};
}

Json to_json(const Rates &rates, const std::string &time)
{
	Json json{{"time", time}, {"seconds", rates.seconds}, {"rates", Json::object()}};
	for (std::size_t index = 0; index < rates.counters.size(); ++index)
		json["rates"][counter_name(index).name] = rates.counters[index];
	json["callbacks"] = Json::array();
	for (const auto &callback : rates.callbacks)
		json["callbacks"].push_back(to_json(callback));
	json["listeners"] = Json::array();
	for (const auto &listener : rates.listeners)
		json["listeners"].push_back(
		    {{"portid", listener.portid}, {"id", format_id(listener.id)}, {"lost", listener.lost}});
	return json;
}

void print(const Rates &rates, const std::string &time)
{
	put("{}  per second, over {:.1f} s:", time, rates.seconds);
	bool quiet = true;
	for (std::size_t index = 0; index < rates.counters.size(); ++index)
		if (rates.counters[index] > 0) {
			put("  {} {:.1f}", counter_name(index).name, rates.counters[index]);
			quiet = false;
		}
	put("{}\n", quiet ? "  nothing" : "");
	for (const auto &callback : rates.callbacks)
		if (callback.any())
			put("  {:<22} {:<20} received {:.1f}  refused {:.1f}  failed {:.1f}  sent {:.1f}  lost "
			    "{:.1f}\n",
			    format_id(callback.id), format_payload(client::bytes(callback.name), false),
			    callback.received, callback.refused, callback.failed, callback.sent, callback.lost);
	for (const auto &listener : rates.listeners)
		if (listener.lost > 0)
			put("  listener {} missed {:.1f} of {}\n", listener.portid, listener.lost,
			    format_id(listener.id));
}

} // namespace

int watch(const Context &context, std::optional<client::Id> id, double seconds)
{
	auto client = context.open();
	if (!client)
		return context.fail(client.error());
	auto before = take_sample(*client);
	if (!before)
		return context.fail(before.error());
	const auto only = [id](Sample &sample) {
		if (id)
			std::erase_if(sample.callbacks, [id](const auto &callback) { return callback.id != *id; });
		return !id || !sample.callbacks.empty();
	};
	if (const bool there = only(*before); id && !there)
		return context.fail(ENODEV,
		                    fmt::format("no callback is registered under {}: see `cnx list`", format_id(*id)));

	const Interrupt interrupt;
	using Clock = Interrupt::Clock;
	const auto pause = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
	for (auto next = before->time + pause; !Interrupt::asked(); next += pause) {
		/* After a halt, by a signal or a slow machine, it goes on from now. */
		if (const auto now = Clock::now(); next < now)
			next = now;
		while (Interrupt::wait(-1, next) == Interrupt::Woken::Signal && !Interrupt::asked())
			;
		if (Interrupt::asked())
			break;
		auto after = take_sample(*client);
		if (!after)
			return context.fail(after.error());
		only(*after);
		auto rates = rates_between(*before, *after);
		if (id) {
			rates.counters.clear();
			std::erase_if(rates.listeners, [id](const auto &listener) { return listener.id != *id; });
		}
		if (context.json)
			context.print(to_json(rates, time_of_day()));
		else
			print(rates, time_of_day());
		if (!flush_output())
			return exit_failed;
		before = std::move(after);
	}
	return exit_ok;
}

} // namespace cnx::tool
