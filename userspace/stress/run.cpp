// SPDX-License-Identifier: GPL-2.0-only
#include "stress/run.hpp"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "stress/exchange.hpp"

namespace cnx::stress
{
namespace
{

/* What is freed by RCU and by workqueues is gone a while after the last worker. */
constexpr auto settling_time = std::chrono::seconds(10);

double seconds_between(Clock::time_point from, Clock::time_point to)
{
	return std::chrono::duration<double>(to - from).count();
}

} // namespace

client::Result<void> Run::prepare()
{
	auto client = around_.open({});
	if (!client)
		return std::unexpected(client.error());
	unnamed_before_ = counter_sum(*client, CNX_LOST_UNNAMED);
	if (auto there = Driver(std::move(*client)).check(); !there)
		return there;
	unsigned able = 0;
	for (const auto &kind : kinds_) {
		if (std::ranges::find(plan_.scenarios, kind.name) == plan_.scenarios.end())
			continue;
		Part &part = parts_.emplace_back();
		part.scenario = kind.make();
		part.tally.name = kind.name;
		part.tally.traffic = kind.traffic;
		part.obstacle = part.scenario->obstacle();
		if (!part.obstacle.empty())
			continue;
		++able;
		counted_by_traffic_ |= kind.traffic;
	}
	if (able)
		return {};
	return std::unexpected(
	    client::Error{EOPNOTSUPP, fmt::format("this machine cannot run '{}': {}", parts_.front().tally.name,
	                                          parts_.front().obstacle)});
}

client::Result<RunReport> Run::execute(const std::function<void(const RunReport &)> &hung)
{
	if (auto prepared = prepare(); !prepared) {
		restore();
		return std::unexpected(prepared.error());
	}
	const auto memory = read_memory();
	if (memory)
		memory_ = MemoryOutcome{*memory, *memory,
		                        memory_bounds(*memory, std::thread::hardware_concurrency(), is_debugged())};
	start();
	watch(hung);
	for (auto &part : parts_)
		if (part.thread.joinable())
			part.thread.join();
	restore();
	/* The time that it takes is none of the run's. */
	auto report = this->report();
	if (memory_ && broken_.empty()) {
		judge(*memory_);
		const double took = report.took;
		report = this->report();
		report.took = took;
	}
	return report;
}

void Run::start()
{
	begin_ = told_at_ = Clock::now();
	for (auto &part : parts_)
		traffic_running_ += part.obstacle.empty() && part.tally.traffic;
	for (auto &part : parts_) {
		if (!part.obstacle.empty())
			continue;
		part.thread = std::thread([this, &part] {
			{
				Worker worker(*this, part.tally, 0);
				part.scenario->run(worker);
			}
			if (part.tally.traffic)
				--traffic_running_;
			part.tally.ended = true;
		});
	}
}

bool Run::over(const Tally &tally) const
{
	if (stop_.load(std::memory_order_relaxed))
		return true;
	if (plan_.seconds > 0 && seconds_between(begin_, Clock::now()) >= plan_.seconds)
		return true;
	if (plan_.count == 0)
		return false;
	if (tally.traffic || !counted_by_traffic_)
		return tally.units.load(std::memory_order_relaxed) >= plan_.count;
	return traffic_running_ == 0;
}

void Run::watch(const std::function<void(const RunReport &)> &hung)
{
	const auto ended = [&] {
		return std::ranges::all_of(parts_,
		                           [](const Part &part) { return !part.obstacle.empty() || part.tally.ended; });
	};
	bool told_of_silence = false;
	for (auto told = begin_; !ended();) {
		std::this_thread::sleep_for(std::chrono::milliseconds(50));
		const auto now = Clock::now();
		if (around_.interrupted() && !stop_) {
			const std::scoped_lock lock(mutex_);
			interrupted_ = true;
			stop_ = true;
		}
		if (now - told >= std::chrono::milliseconds(500)) {
			told = now;
			report_progress(now);
		}
		const auto who = told_of_silence ? std::nullopt : silent(now);
		if (!who)
			continue;
		told_of_silence = true;
		{
			const std::scoped_lock lock(mutex_);
			broken_.push_back({who->substr(0, who->find('/')), "every worker gets on",
			                   fmt::format("a sign of life within {} s", plan_.patience),
			                   fmt::format("none from worker {}", *who)});
			stop_ = true;
		}
		restore();
		hung(report());
	}
}

std::optional<std::string> Run::silent(Clock::time_point now)
{
	const std::scoped_lock lock(mutex_);
	for (const auto &life : lives_) {
		const Clock::time_point last{Clock::duration(life.last.load(std::memory_order_relaxed))};
		if (seconds_between(last, now) > plan_.patience)
			return life.name;
	}
	return std::nullopt;
}

void Run::report_progress(Clock::time_point now)
{
	if (!around_.progress)
		return;
	std::uint64_t units = 0;
	double share = 0;
	for (const auto &part : parts_) {
		if (!part.tally.traffic && counted_by_traffic_)
			continue;
		units += part.tally.units;
		if (plan_.count)
			share =
			    std::max(share, static_cast<double>(part.tally.units) / static_cast<double>(plan_.count));
	}
	const double rate = static_cast<double>(units - units_told_) / seconds_between(told_at_, now);
	units_told_ = units;
	told_at_ = now;
	const double elapsed = seconds_between(begin_, now);
	std::string left;
	if (plan_.seconds > 0)
		left = fmt::format("{:.0f} s left", std::max(0.0, plan_.seconds - elapsed));
	else if (share > 0)
		left = fmt::format("{:.0f} s left", std::max(0.0, elapsed / share - elapsed));
	around_.progress(
	    fmt::format("{:.0f} s, {} messages, {:.0f}/s{}{}", elapsed, units, rate, left.empty() ? "" : ", ", left));
}

void Run::judge(MemoryOutcome &memory)
{
	const auto deadline = Clock::now() + settling_time;
	std::optional<Broken> drift;
	do {
		if (const auto now = read_memory())
			memory.after = *now;
		drift = compare(memory.before, memory.after, memory.bounds);
		if (!drift)
			return;
		std::this_thread::sleep_for(std::chrono::milliseconds(200));
	} while (Clock::now() < deadline);
	drift->scenario = "the whole run";
	broken_.push_back(std::move(*drift));
}

void Run::broke(Tally &tally, Broken broken)
{
	const std::scoped_lock lock(mutex_);
	broken.scenario = tally.name;
	tally.broken = true;
	broken_.push_back(std::move(broken));
	stop_ = true;
}

void Run::restore()
{
	for (auto &part : parts_)
		part.scenario->restore();
}

RunReport Run::report() const
{
	const std::scoped_lock lock(mutex_);
	RunReport report;
	report.plan = plan_;
	report.took = seconds_between(begin_, Clock::now());
	report.interrupted = interrupted_;
	report.broken = broken_;
	report.memory = memory_;
	for (const auto &part : parts_) {
		const Outcome outcome = !part.obstacle.empty() ? Outcome::skipped
		                        : part.tally.broken    ? Outcome::broken
		                                               : Outcome::held;
		report.scenarios.push_back({part.tally.name, outcome, part.obstacle, part.tally.counts});
	}
	return report;
}

Worker::Worker(Run &run, Tally &tally, unsigned number)
    : run_(run), tally_(tally), number_(number), stream_(run.plan_.seed, tally.name, number)
{
	const std::scoped_lock lock(run_.mutex_);
	life_ = &run_.lives_.emplace_back();
	life_->name = fmt::format("{}/{}", tally.name, number);
	beat();
}

Worker::~Worker()
{
	const std::scoped_lock lock(run_.mutex_);
	run_.lives_.remove_if([this](const Run::Life &life) { return &life == life_; });
}

void Worker::beat()
{
	life_->last.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
}

bool Worker::go_on()
{
	beat();
	return !run_.over(tally_);
}

void Worker::count(const std::string &name, std::uint64_t more)
{
	const std::scoped_lock lock(run_.mutex_);
	for (auto &[known, number] : tally_.counts) {
		if (known == name) {
			number += more;
			return;
		}
	}
	tally_.counts.emplace_back(name, more);
}

std::uint64_t Worker::unnamed_losses(client::Client &client) const
{
	return counter_sum(client, CNX_LOST_UNNAMED) - run_.unnamed_before_;
}

void Worker::broke(Broken broken)
{
	run_.broke(tally_, std::move(broken));
}

bool Worker::holds(std::optional<Broken> broken)
{
	if (!broken)
		return true;
	broke(std::move(*broken));
	return false;
}

void Worker::failed(const std::string &what, const client::Error &error)
{
	broke({{}, what + " works", "success", fmt::format("{} (errno {})", error.what, error.code)});
}

void Worker::sleep(std::chrono::milliseconds time)
{
	const auto end = Clock::now() + time;
	while (go_on() && Clock::now() < end)
		std::this_thread::sleep_for(
		    std::min<Clock::duration>(end - Clock::now(), std::chrono::milliseconds(50)));
}

std::jthread Worker::beside(unsigned number, std::function<void(Worker &)> work)
{
	return std::jthread([&run = run_, &tally = tally_, number, work = std::move(work)] {
		Worker worker(run, tally, number);
		work(worker);
	});
}

} // namespace cnx::stress
