// SPDX-License-Identifier: GPL-2.0-only
/* The scenarios whose listeners account for what the driver multicasts. */
#include "stress/round.hpp"

namespace cnx::stress
{
namespace
{

constexpr std::uint32_t listeners_group = CNX_STRESS_IDX;
constexpr std::uint32_t slow_group = CNX_STRESS_IDX + 2;

/* A burst that takes about a second or less, and half of the time as little as it can. */
cnx_stress_burst random_burst(Stream &stream, std::uint32_t group, std::uint64_t most)
{
	constexpr std::uint32_t rates[] = {0, 1000, 5000, 20000};
	cnx_stress_burst order{};
	order.group = group;
	order.threads = static_cast<std::uint32_t>(stream.between(1, 4));
	order.size = static_cast<std::uint32_t>(stream.once_in(8) ? stream.between(1024, 8000)
	                                                          : stream.between(sizeof(cnx_stress_message), 512));
	order.batch = static_cast<std::uint32_t>(stream.once_in(2) ? 1 : stream.between(2, 8));
	order.rate = rates[stream.below(4)];
	order.count = stream.between(most / 10, most);
	if (order.rate)
		order.count = std::min<std::uint64_t>(order.count, order.rate);
	return order;
}

class Listeners : public Scenario
{
public:
	void run(Worker &worker) override
	{
		auto driver = open_driver(worker);
		while (driver && worker.go_on()) {
			RoundPlan plan;
			plan.burst = random_burst(worker.stream(), listeners_group, 4000);
			plan.listeners.assign(worker.stream().between(1, 12), {Pace::at_once, std::size_t{4} << 20});
			if (!play(worker, *driver, plan))
				return;
		}
	}
};

class Slow : public Scenario
{
public:
	void run(Worker &worker) override
	{
		auto driver = open_driver(worker);
		while (driver && worker.go_on()) {
			auto &stream = worker.stream();
			RoundPlan plan;
			plan.burst = random_burst(stream, slow_group, 8000);
			plan.listeners = {{Pace::at_once, 0}, {Pace::slow, 32 << 10}, {Pace::stopped, 8 << 10}};
			for (auto more = stream.below(3); more > 0; --more)
				plan.listeners.push_back({stream.once_in(2) ? Pace::slow : Pace::stopped,
				                          stream.between(4 << 10, 64 << 10)});
			if (!play(worker, *driver, plan))
				return;
		}
	}
};

} // namespace

std::unique_ptr<Scenario> make_listeners()
{
	return std::make_unique<Listeners>();
}

std::unique_ptr<Scenario> make_slow()
{
	return std::make_unique<Slow>();
}

} // namespace cnx::stress
