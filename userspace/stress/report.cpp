// SPDX-License-Identifier: GPL-2.0-only
#include "stress/report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace cnx::stress
{
namespace
{

using Json = nlohmann::ordered_json;

const char *word(Outcome outcome)
{
	switch (outcome) {
	case Outcome::held:
		return "held";
	case Outcome::broken:
		return "broken";
	case Outcome::skipped:
		return "skipped";
	}
	return "?";
}

std::string counts_of(const ScenarioOutcome &scenario)
{
	std::string text;
	for (const auto &[name, number] : scenario.counts)
		text += fmt::format("{}{} {}", text.empty() ? "" : ", ", number, name);
	return text;
}

std::string memory_line(const MemoryOutcome &memory)
{
	const auto drift = [](std::uint64_t before, std::uint64_t after) {
		return fmt::format("{} KiB ({:+d})", after,
		                   static_cast<std::int64_t>(after) - static_cast<std::int64_t>(before));
	};
	return fmt::format("memory: SUnreclaim {}, within {} KiB; MemAvailable {}, within {} KiB\n",
	                   drift(memory.before.unreclaimable, memory.after.unreclaimable), memory.bounds.unreclaimable,
	                   drift(memory.before.available, memory.after.available), memory.bounds.available);
}

const char *verdict(const RunReport &report)
{
	if (!report.broken.empty())
		return "broken";
	return report.interrupted ? "interrupted; all invariants held so far" : "all invariants held";
}

} // namespace

std::string command_of(const Plan &plan)
{
	std::string text = fmt::format("cnx stress --mix {}", fmt::join(plan.scenarios, ","));
	if (plan.seconds > 0)
		text += fmt::format(" --time {}", plan.seconds);
	if (plan.count)
		text += fmt::format(" --count {}", plan.count);
	return text + fmt::format(" --seed {}", plan.seed);
}

std::string to_text(const RunReport &report)
{
	std::string text = fmt::format("seed {}, {:.1f} s\n", report.plan.seed, report.took);
	for (const auto &scenario : report.scenarios)
		text += fmt::format("{:<10} {:<8} {}\n", scenario.name, word(scenario.outcome),
		                    scenario.outcome == Outcome::skipped ? scenario.reason : counts_of(scenario));
	if (report.memory)
		text += memory_line(*report.memory);
	for (const auto &broken : report.broken)
		text += fmt::format("BROKEN in {}: {}\n  expected: {}\n  seen:     {}\n", broken.scenario,
		                    broken.invariant, broken.expected, broken.seen);
	if (!report.broken.empty())
		text += fmt::format("to reproduce it: {}\n", command_of(report.plan));
	return text + fmt::format("result: {}\n", verdict(report));
}

Json to_json(const RunReport &report)
{
	Json json{{"seed", report.plan.seed},
	          {"seconds", report.took},
	          {"result", report.broken.empty() ? "held" : "broken"},
	          {"interrupted", report.interrupted}};
	json["scenarios"] = Json::array();
	for (const auto &scenario : report.scenarios) {
		Json one{{"name", scenario.name}, {"result", word(scenario.outcome)}};
		if (scenario.outcome == Outcome::skipped)
			one["reason"] = scenario.reason;
		one["counts"] = Json::object();
		for (const auto &[name, number] : scenario.counts)
			one["counts"][name] = number;
		json["scenarios"].push_back(std::move(one));
	}
	json["memory"] = nullptr;
	if (const auto &memory = report.memory)
		json["memory"] = {{"sunreclaim_before_kib", memory->before.unreclaimable},
		                  {"sunreclaim_after_kib", memory->after.unreclaimable},
		                  {"sunreclaim_bound_kib", memory->bounds.unreclaimable},
		                  {"available_before_kib", memory->before.available},
		                  {"available_after_kib", memory->after.available},
		                  {"available_bound_kib", memory->bounds.available}};
	json["broken"] = Json::array();
	for (const auto &broken : report.broken)
		json["broken"].push_back({{"scenario", broken.scenario},
		                          {"invariant", broken.invariant},
		                          {"expected", broken.expected},
		                          {"seen", broken.seen}});
	json["reproduce"] = command_of(report.plan);
	return json;
}

} // namespace cnx::stress
