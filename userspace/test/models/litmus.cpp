// SPDX-License-Identifier: GPL-2.0-only
// The explorer itself, judged by programs whose outcomes are known: it has to find each of them and no other.
#include "litmus.hpp"

#include "world.hpp"

namespace model
{
namespace
{

using Number = cnx::std::atomic<unsigned>;

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;
constexpr auto acq_rel = std::memory_order_acq_rel;

struct Variables {
	Number x{0}, y{0};
	std::array<unsigned, 4> r{}; // what was read
};

std::set<std::string> *outcomes;

/// `read`: how many of r are the outcome.
[[nodiscard]] Variables &variables(std::size_t read)
{
	reset_state();
	Variables &made = make<Variables>();
	Explorer::instance().at_end([&made, read] {
		std::string outcome;
		for (std::size_t i = 0; i < read; ++i)
			outcome += std::to_string(made.r[i]);
		outcomes->insert(outcome);
	});
	return made;
}

void thread(std::function<void()> body)
{
	Explorer::instance().spawn(std::move(body));
}

void message_passing(std::memory_order store, std::memory_order load)
{
	Variables &v = variables(2);
	thread([&v, store] {
		v.x.store(1, relaxed);
		v.y.store(1, store);
	});
	thread([&v, load] {
		v.r[0] = v.y.load(load);
		v.r[1] = v.x.load(relaxed);
	});
}

void store_buffering()
{
	Variables &v = variables(2);
	thread([&v] {
		v.x.store(1, release);
		v.r[0] = v.y.load(acquire);
	});
	thread([&v] {
		v.y.store(1, release);
		v.r[1] = v.x.load(acquire);
	});
}

void load_buffering()
{
	Variables &v = variables(2);
	thread([&v] {
		v.r[0] = v.y.load(relaxed);
		v.x.store(1, relaxed);
	});
	thread([&v] {
		v.r[1] = v.x.load(relaxed);
		v.y.store(1, relaxed);
	});
}

void coherence()
{
	Variables &v = variables(2);
	thread([&v] {
		v.x.store(1, relaxed);
		v.x.store(2, relaxed);
	});
	thread([&v] {
		v.r[0] = v.x.load(relaxed);
		v.r[1] = v.x.load(relaxed);
	});
}

/// Two threads write both variables in opposite order: each may be left with the first of its stores.
void two_plus_two()
{
	Variables &v = variables(2);
	thread([&v] {
		v.x.store(1, relaxed);
		v.y.store(2, relaxed);
		v.r[0] = v.y.load(relaxed);
	});
	thread([&v] {
		v.y.store(1, relaxed);
		v.x.store(2, relaxed);
		v.r[1] = v.x.load(relaxed);
	});
}

void independent_reads()
{
	Variables &v = variables(4);
	thread([&v] { v.x.store(1, release); });
	thread([&v] { v.y.store(1, release); });
	thread([&v] {
		v.r[0] = v.x.load(acquire);
		v.r[1] = v.y.load(acquire);
	});
	thread([&v] {
		v.r[2] = v.y.load(acquire);
		v.r[3] = v.x.load(acquire);
	});
}

void write_to_read_causality()
{
	Variables &v = variables(3);
	thread([&v] { v.x.store(1, relaxed); });
	thread([&v] {
		v.r[0] = v.x.load(relaxed);
		v.y.store(1, release);
	});
	thread([&v] {
		v.r[1] = v.y.load(acquire);
		v.r[2] = v.x.load(relaxed);
	});
}

void counting()
{
	Variables &v = variables(1);
	for (int i = 0; i < 3; ++i)
		thread([&v] { v.x.fetch_add(1, relaxed); });
	thread([&v] { v.r[0] = v.x.load(relaxed); });
}

/// A change by another, relaxed, hands on what a release told.
void release_sequence()
{
	Variables &v = variables(2);
	thread([&v] {
		v.x.store(1, relaxed);
		v.y.store(1, release);
	});
	thread([&v] {
		unsigned one = 1;
		v.y.compare_exchange_strong(one, 2, relaxed, relaxed);
	});
	thread([&v] {
		v.r[0] = v.y.load(acquire);
		v.r[1] = v.x.load(relaxed);
	});
}

/// A reader that has seen what came after a grace period has seen what came before it.
void grace_period(bool there)
{
	Variables &v = variables(2);
	thread([&v, there] {
		v.x.store(1, relaxed);
		if (there)
			World::synchronize();
		v.y.store(1, relaxed);
	});
	thread([&v] {
		const World::ReadGuard guard;
		v.r[0] = v.y.load(relaxed);
		v.r[1] = v.x.load(relaxed);
	});
}

/// The other way round: what a section that saw nothing did has happened when the grace period is over.
void grace_period_waits()
{
	Variables &v = variables(2);
	thread([&v] {
		v.x.store(1, relaxed);
		World::synchronize();
		v.r[1] = v.y.load(relaxed);
	});
	thread([&v] {
		const World::ReadGuard guard;
		v.r[0] = v.x.load(relaxed);
		v.y.store(1, relaxed);
	});
}

void locks()
{
	struct Locked {
		World::Mutex mutex;
		Number x{0};
	};
	Variables &v = variables(1);
	Locked &locked = make<Locked>();
	for (int i = 0; i < 2; ++i) {
		thread([&v, &locked] {
			locked.mutex.lock();
			locked.x.store(locked.x.load(relaxed) + 1, relaxed);
			v.r[0] = std::max(v.r[0], locked.x.load(relaxed));
			locked.mutex.unlock();
		});
	}
}

} // namespace

std::vector<Litmus> litmus_tests()
{
	return {
	    {"message passing", [] { message_passing(release, acquire); }, {"00", "01", "11"}},
	    {"message passing without release", [] { message_passing(relaxed, acquire); }, {"00", "01", "10", "11"}},
	    {"message passing without acquire", [] { message_passing(release, relaxed); }, {"00", "01", "10", "11"}},
	    {"store buffering", store_buffering, {"00", "01", "10", "11"}},
	    {"load buffering", load_buffering, {"00", "01", "10"}},
	    {"coherence", coherence, {"00", "01", "02", "11", "12", "22"}},
	    {"two stores against two", two_plus_two, {"11", "12", "21", "22"}},
	    {"independent reads of independent writes",
	     independent_reads,
	     {"0000", "0001", "0010", "0011", "0100", "0101", "0110", "0111", "1000", "1001", "1010", "1011", "1100",
	      "1101", "1110", "1111"}},
	    {"write to read causality", write_to_read_causality, {"000", "001", "010", "011", "100", "101", "111"}},
	    {"atomic changes", counting, {"0", "1", "2", "3"}},
	    {"a release sequence", release_sequence, {"00", "01", "11", "21"}},
	    {"a grace period", [] { grace_period(true); }, {"00", "01", "11"}},
	    {"no grace period", [] { grace_period(false); }, {"00", "01", "10", "11"}},
	    {"a grace period that waits", grace_period_waits, {"01", "10", "11"}},
	    {"a lock", locks, {"2"}}};
}

std::set<std::string> outcomes_of(const Litmus &test)
{
	std::set<std::string> found;
	outcomes = &found;
	Explorer::instance().forget();
	if (const auto result = Explorer::instance().explore(test.program); result.violation)
		found.insert(*result.violation);
	return found;
}

} // namespace model
