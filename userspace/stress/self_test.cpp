// SPDX-License-Identifier: GPL-2.0-only
#include "stress/self_test.hpp"

#include "stress/exchange.hpp"
#include "stress/round.hpp"

namespace cnx::stress
{
namespace
{

/* A burst of a second, of which a listener accounts for every message, while the driver does something wrong. */
class FaultyBurst : public Scenario
{
public:
	explicit FaultyBurst(std::optional<cnx_stress_faulty> fault) : fault_(fault) {}

	void run(Worker &worker) override
	{
		auto driver = open_driver(worker);
		if (!driver)
			return;
		RoundPlan plan;
		plan.burst = burst_of(1000);
		plan.burst.group = CNX_STRESS_IDX;
		plan.burst.rate = 1000;
		plan.listeners.assign(2, {Pace::at_once, std::size_t{1} << 20});
		plan.fault = fault_;
		static_cast<void>(play(worker, *driver, plan));
	}

private:
	std::optional<cnx_stress_faulty> fault_;
};

/* A question whose reply goes to another socket. */
class MisdirectedEcho : public Scenario
{
public:
	void run(Worker &worker) override
	{
		auto driver = open_driver(worker);
		auto one = Asker::open(worker);
		auto other = Asker::open(worker);
		if (!driver || !one || !other)
			return;
		if (const auto told = driver->fault(0, CNX_STRESS_MISDIRECT, other->client().portid()); !told) {
			worker.failed("telling the stress driver", told.error());
			return;
		}
		if (one->ask(1, 64, echo_id))
			static_cast<void>(other->take_all());
	}
};

constexpr ScenarioKind kinds[] = {
    {"good", "nothing is wrong", true, [] { return std::unique_ptr<Scenario>(new FaultyBurst({})); }},
    {"skip", "a number is not sent", true, [] { return std::unique_ptr<Scenario>(new FaultyBurst(CNX_STRESS_SKIP)); }},
    {"swap", "two numbers change places", true,
     [] { return std::unique_ptr<Scenario>(new FaultyBurst(CNX_STRESS_SWAP)); }},
    {"misdirect", "a reply goes to another socket", true,
     [] { return std::unique_ptr<Scenario>(new MisdirectedEcho); }},
};

const char *expected_of(std::string_view name)
{
	if (name == "skip")
		return all_accounted_for;
	if (name == "swap")
		return order_per_sender;
	return name == "misdirect" ? right_portid : "";
}

} // namespace

client::Result<std::vector<SelfTest>> self_test(const Surroundings &surroundings,
                                                const std::function<void(const RunReport &)> &hung)
{
	std::vector<SelfTest> tests;
	for (const auto &kind : kinds) {
		Plan plan;
		plan.scenarios = {kind.name};
		plan.seconds = 30;
		const auto report = Run(plan, surroundings, kinds).execute(hung);
		if (!report)
			return std::unexpected(report.error());
		tests.push_back({kind.about, expected_of(kind.name),
		                 report->broken.empty() ? "" : report->broken.front().invariant});
	}
	return tests;
}

} // namespace cnx::stress
