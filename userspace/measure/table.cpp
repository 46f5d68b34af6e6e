// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "measure/measurement.hpp"

namespace cnx::measure
{

std::string to_table(std::span<const Measurement> measurements)
{
	std::string text = fmt::format("{:<20} {:>12} {:>7} {:>10} {:>10} {:>10} {:>10}\n", "MEASUREMENT", "MESSAGES/S",
	                               "LOST", "P50 us", "P99 us", "P99.9 us", "MAX us");
	for (const auto &one : measurements) {
		text +=
		    fmt::format("{:<20} {:>12.0f} {:>6.1f}%", one.name, one.received_each_second(), one.lost_percent());
		if (one.latency)
			for (const auto nanoseconds :
			     {one.latency->p50, one.latency->p99, one.latency->p999, one.latency->max})
				text += fmt::format(" {:>10.1f}", static_cast<double>(nanoseconds) / 1000);
		text += '\n';
	}
	return text;
}

nlohmann::ordered_json to_json(const Machine &machine, std::span<const Measurement> measurements)
{
	nlohmann::ordered_json json{{"kernel", machine.kernel}, {"cpus", machine.cpus}, {"cnx", machine.version}};
	json["measurements"] = nlohmann::ordered_json::array();
	for (const auto &one : measurements) {
		nlohmann::ordered_json entry{{"name", one.name}, {"seconds", one.seconds},
		                             {"sent", one.sent}, {"received", one.received},
		                             {"lost", one.lost}, {"received_per_second", one.received_each_second()}};
		entry["latency_ns"] = nullptr;
		if (const auto &latency = one.latency)
			entry["latency_ns"] = {{"p50", latency->p50},
			                       {"p99", latency->p99},
			                       {"p99.9", latency->p999},
			                       {"max", latency->max}};
		json["measurements"].push_back(std::move(entry));
	}
	return json;
}

} // namespace cnx::measure
