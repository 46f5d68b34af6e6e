// SPDX-License-Identifier: GPL-2.0-only
/* What a scenario is, and which there are. */
#ifndef CNX_STRESS_SCENARIO_HPP
#define CNX_STRESS_SCENARIO_HPP

#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cnx::stress
{

class Worker;

class Scenario
{
public:
	virtual ~Scenario() = default;

	/* Why this machine cannot run it, as a sentence; empty if it can. Asked once, before anything runs. */
	virtual std::string obstacle() { return {}; }

	/* In a thread of its own, until the worker says that it is over. */
	virtual void run(Worker &worker) = 0;

	/* Puts back what it changed in the machine. Called when all workers have ended, or one hangs. */
	virtual void restore() {}
};

struct ScenarioKind {
	const char *name;
	const char *about;
	/* Whether it counts messages. One that does not goes on for as long as one that does, and else counts its own
	 * operations. */
	bool traffic;
	std::unique_ptr<Scenario> (*make)();
};

std::span<const ScenarioKind> scenario_kinds();

/*
 * The scenarios that a list of names with commas between them means, in the order of `kinds`; "all" is each of them.
 * The error is a sentence.
 */
std::expected<std::vector<std::string>, std::string> parse_mix(std::string_view text,
                                                               std::span<const ScenarioKind> kinds);

std::unique_ptr<Scenario> make_senders();
std::unique_ptr<Scenario> make_listeners();
std::unique_ptr<Scenario> make_slow();
std::unique_ptr<Scenario> make_churn();
std::unique_ptr<Scenario> make_malformed();
std::unique_ptr<Scenario> make_netns();
std::unique_ptr<Scenario> make_reload();
std::unique_ptr<Scenario> make_hotplug();
std::unique_ptr<Scenario> make_memory();

} // namespace cnx::stress

#endif // CNX_STRESS_SCENARIO_HPP
