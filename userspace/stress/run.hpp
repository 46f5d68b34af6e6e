// SPDX-License-Identifier: GPL-2.0-only
/* A run: workers in threads, one who watches over them, and what they agree on. */
#ifndef CNX_STRESS_RUN_HPP
#define CNX_STRESS_RUN_HPP

#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <cnx/client.hpp>

#include "stress/driver.hpp"
#include "stress/report.hpp"
#include "stress/scenario.hpp"
#include "stress/stream.hpp"

namespace cnx::stress
{

using Clock = std::chrono::steady_clock;

/* What a run needs from outside. */
struct Surroundings {
	std::function<client::Result<client::Client>(const client::Options &)> open;
	std::function<bool()> interrupted;
	/* Told a line about how far the run is, twice a second; may be empty. */
	std::function<void(const std::string &)> progress;
};

/* What the workers of a scenario share. */
struct Tally {
	std::string name;
	bool traffic;
	std::atomic<std::uint64_t> units{0}; /* what --count counts */
	std::atomic<bool> ended{false};
	bool broken = false;                                       /* guarded by the run's mutex, as what follows */
	std::vector<std::pair<std::string, std::uint64_t>> counts; /* as in ScenarioOutcome */
};

class Run
{
public:
	/* `kinds`: what the plan's names mean. */
	Run(Plan plan, Surroundings surroundings, std::span<const ScenarioKind> kinds = scenario_kinds())
	    : plan_(std::move(plan)), around_(std::move(surroundings)), kinds_(kinds)
	{
	}

	/*
	 * Runs the plan's scenarios to their end. An error is one of the machine or of the request, before anything
	 * ran; what is found out by running is in the report. Where a worker hangs, the report is handed to
	 * `hung`, which had better end the program, because the worker's thread cannot be ended: if it returns, the
	 * worker is waited for.
	 */
	client::Result<RunReport> execute(const std::function<void(const RunReport &)> &hung);

private:
	friend class Worker;

	/* A thread that has to give signs of life. */
	struct Life {
		std::string name;
		std::atomic<Clock::rep> last;
	};
	struct Part {
		std::unique_ptr<Scenario> scenario;
		Tally tally;
		std::string obstacle;
		std::thread thread;
	};

	client::Result<void> prepare();
	void start();
	void watch(const std::function<void(const RunReport &)> &hung);
	void judge(MemoryOutcome &memory);
	void report_progress(Clock::time_point now);
	std::optional<std::string> silent(Clock::time_point now);
	bool over(const Tally &tally) const;
	void broke(Tally &tally, Broken broken);
	RunReport report() const;
	void restore();

	Plan plan_;
	Surroundings around_;
	std::span<const ScenarioKind> kinds_;
	std::list<Part> parts_;
	Clock::time_point begin_;
	std::atomic<bool> stop_{false};
	std::atomic<unsigned> traffic_running_{0};
	bool counted_by_traffic_ = false;
	std::uint64_t unnamed_before_ = 0;
	mutable std::mutex mutex_; /* guards what follows, and the tallies' counts */
	std::list<Life> lives_;
	std::vector<Broken> broken_;
	bool interrupted_ = false;
	std::optional<MemoryOutcome> memory_;
	std::uint64_t units_told_ = 0;
	Clock::time_point told_at_;
};

/* One thread's view of the run. */
class Worker
{
public:
	/* `number` tells apart the streams of a scenario's workers. */
	Worker(Run &run, Tally &tally, unsigned number);
	Worker(const Worker &) = delete;
	Worker &operator=(const Worker &) = delete;
	~Worker();

	/* Whether to go on. It is also a sign of life. */
	bool go_on();
	void beat();
	Stream &stream() { return stream_; }
	unsigned number() const { return number_; }

	/* So much more of what --count counts. */
	void did(std::uint64_t units) { tally_.units.fetch_add(units, std::memory_order_relaxed); }
	/* A number for the report. */
	void count(const std::string &name, std::uint64_t more = 1);

	/* A promise was broken: the run ends. */
	void broke(Broken broken);
	/* If there is one. True if there is none. */
	bool holds(std::optional<Broken> broken);
	/* Something failed that cannot fail as long as the invariants hold: the run ends. */
	void failed(const std::string &what, const client::Error &error);

	/* Sleeps, with signs of life; ends early if the run does. */
	void sleep(std::chrono::milliseconds time);

	client::Result<client::Client> open(const client::Options &options = {}) { return run_.around_.open(options); }

	/* Losses since the run began that cnx had no memory to put a name to: 0, but where memory was short. */
	std::uint64_t unnamed_losses(client::Client &client) const;

	/* A thread that works beside this one, with a worker of its own. Joined by the vector's owner. */
	std::jthread beside(unsigned number, std::function<void(Worker &)> work);

private:
	Run &run_;
	Tally &tally_;
	unsigned number_;
	Stream stream_;
	Run::Life *life_;
};

} // namespace cnx::stress

#endif // CNX_STRESS_RUN_HPP
