// SPDX-License-Identifier: GPL-2.0-only
/* What a run of `cnx stress` came to, and how it is told. */
#ifndef CNX_STRESS_REPORT_HPP
#define CNX_STRESS_REPORT_HPP

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "stress/machine.hpp"

namespace cnx::stress
{

/* What the user asked for, and what one needs to ask for it again. */
struct Plan {
	std::vector<std::string> scenarios; /* by name, in the order of the list; none twice */
	double seconds = 0;                 /* 0: by count alone */
	std::uint64_t count = 0;            /* messages of each scenario; 0: by time alone */
	std::uint64_t seed = 0;
	double patience = 30; /* seconds that a worker may be silent */
};

/* The command that runs the plan again. */
std::string command_of(const Plan &plan);

enum class Outcome { held, broken, skipped };

struct ScenarioOutcome {
	std::string name;
	Outcome outcome = Outcome::held;
	std::string reason;                                        /* why it was skipped */
	std::vector<std::pair<std::string, std::uint64_t>> counts; /* in the order in which they were first counted */
};

struct MemoryOutcome {
	Memory before;
	Memory after;
	MemoryBounds bounds;
};

struct RunReport {
	Plan plan;
	double took = 0; /* seconds */
	bool interrupted = false;
	std::vector<ScenarioOutcome> scenarios;
	std::vector<Broken> broken; /* the first one ended the run; others came before all workers had ended */
	std::optional<MemoryOutcome> memory;
};

/* Whole lines. */
std::string to_text(const RunReport &report);
nlohmann::ordered_json to_json(const RunReport &report);

} // namespace cnx::stress

#endif // CNX_STRESS_REPORT_HPP
