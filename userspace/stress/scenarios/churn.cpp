// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/format.h>

#include "stress/exchange.hpp"
#include "stress/round.hpp"

namespace cnx::stress
{
namespace
{

constexpr std::uint32_t ids = 64;
constexpr unsigned senders = 2;

/* To ids that may be registered or not, until it is over. Every question is answered, or refused. */
void send(Worker &worker, const std::atomic<bool> &over)
{
	auto asker = Asker::open(worker, Refusals::expected);
	if (!asker)
		return;
	auto &stream = worker.stream();
	while (!over) {
		const bool good =
		    asker->ask(static_cast<unsigned>(stream.between(1, 16)), stream.between(16, 512), [&] {
			    return client::Id{CNX_STRESS_CHURN_IDX, static_cast<std::uint32_t>(stream.between(1, ids))};
		    });
		if (!good)
			return;
		worker.beat();
	}
	if (asker->settle())
		asker->tell();
}

/* What the driver's last report must say. */
bool judge(Worker &worker, const Report &report)
{
	worker.count("registered", report.registered);
	worker.count("unregistered", report.unregistered);
	if (report.stray) {
		worker.broke({{},
		              "a callback that is unregistered is not called",
		              "no stray call",
		              fmt::format("{} stray calls", report.stray)});
		return false;
	}
	if (report.registered != report.unregistered) {
		worker.broke({{},
		              "what was registered can be unregistered",
		              fmt::format("{} times", report.registered),
		              fmt::format("{} times", report.unregistered)});
		return false;
	}
	return true;
}

class Churn : public Scenario
{
public:
	void run(Worker &worker) override
	{
		auto driver = open_driver(worker);
		while (driver && worker.go_on() && round(worker, *driver))
			;
	}

private:
	static bool round(Worker &worker, Driver &driver)
	{
		auto &stream = worker.stream();
		cnx_stress_churn order{};
		order.first = 1;
		order.ids = ids;
		order.threads = static_cast<std::uint32_t>(stream.between(1, 4));
		order.seed = static_cast<std::uint32_t>(stream.next());
		const auto started = driver.churn(order);
		if (!started) {
			worker.failed("having the stress driver register callbacks", started.error());
			return false;
		}
		Job job(driver, *started);
		std::atomic<bool> over{false};
		std::vector<std::jthread> threads;
		for (unsigned i = 1; i <= senders; ++i)
			threads.push_back(worker.beside(i, [&over](Worker &own) { send(own, over); }));
		worker.sleep(std::chrono::milliseconds(stream.between(300, 2000)));
		/* Messages are on their way while the last callbacks go. */
		const auto last = job.stop();
		over = true;
		threads.clear();
		worker.beat();
		if (!last) {
			worker.failed("ending the stress driver's job", last.error());
			return false;
		}
		worker.count("rounds");
		return judge(worker, *last);
	}
};

} // namespace

std::unique_ptr<Scenario> make_churn()
{
	return std::make_unique<Churn>();
}

} // namespace cnx::stress
