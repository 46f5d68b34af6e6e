// SPDX-License-Identifier: GPL-2.0-only
// The benchmarks that are the same for every structure: dispatch, churn, register, remove and cycle.
#ifndef CNX_BENCH_FAMILIES_HPP
#define CNX_BENCH_FAMILIES_HPP

#include "latency.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "resident.hpp"
#include "structure.hpp"
#include "workload.hpp"

#include <benchmark/benchmark.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace cnx::bench
{

using clock = std::chrono::steady_clock;

inline constexpr long sizes[] = {1, 16, 256, 1024, 16384, 65536};

template <Structure S>
void add_number(S &structure, std::size_t number)
{
	// Some check every registration against all others. That is theirs to do, and measured where registration is;
	// a table that is only needed is filled without.
	if constexpr (requires { structure.add_unchecked(registration_of(number)); })
		structure.add_unchecked(registration_of(number));
	else if (!structure.add(registration_of(number)))
		std::abort();
}

/// The structure that is being measured, filled anew for every repetition, so that each has had its own luck with the
/// memory that it was given.
template <Structure S>
class Fixture
{
public:
	static void set_up(const benchmark::State &state)
	{
		const auto callbacks = static_cast<std::size_t>(state.range(0));
		Progress::begin(std::string("dispatch/") + S::name + "/callbacks:" + std::to_string(callbacks));
		const typename S::Thread thread;
		structure_ = std::make_unique<S>();
		for (std::size_t number = 0; number < callbacks; ++number)
			add_number(*structure_, number);
		dispatched_ = 0;
	}

	/// Every dispatch has to be in somebody's count.
	static void tear_down(const benchmark::State &state)
	{
		const typename S::Thread thread;
		std::uint64_t counted = 0;
		for (std::size_t number = 0; number < static_cast<std::size_t>(state.range(0)); ++number)
			counted += structure_->received(id_of(number));
		if (counted != dispatched_.load()) {
			std::fprintf(stderr, "%s has counted %lu messages of %lu\n", S::name,
			             static_cast<unsigned long>(counted),
			             static_cast<unsigned long>(dispatched_.load()));
			std::exit(1);
		}
		structure_.reset();
	}

	[[nodiscard]] static S &structure() { return *structure_; }
	static void dispatched(std::uint64_t messages) { dispatched_ += messages; }

private:
	static inline std::unique_ptr<S> structure_;
	static inline std::atomic<std::uint64_t> dispatched_{0};
};

/// One batch of messages; nonzero if one of them did not reach its own callback.
template <Structure S>
[[nodiscard]] int dispatch_batch(S &structure, Messages &messages)
{
	int status = 0;
	for (const cnx_message &message : messages.next())
		status |= structure.dispatch(message);
	S::pause();
	return status;
}

/// The loop that is measured, after a round that is not, or as much of one as there is time for: what has just been
/// registered is in no cache yet.
template <Structure S>
void dispatch_all(benchmark::State &state, Messages &messages)
{
	S &structure = Fixture<S>::structure();
	int status = 0;
	std::size_t before = 0;
	for (const auto end = clock::now() + std::chrono::milliseconds(10);
	     before < messages.all().size() && clock::now() < end; before += Messages::batch)
		status |= dispatch_batch(structure, messages);
	while (state.KeepRunningBatch(Messages::batch))
		status |= dispatch_batch(structure, messages);
	state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
	Fixture<S>::dispatched(before + state.iterations());
	if (status != 0)
		state.SkipWithError("a message did not reach its own callback");
}

/// The time of each dispatch by itself, reading the clock included: of a million, or of as many as there are time for.
template <Structure S>
void time_each(benchmark::State &state, Messages &messages)
{
	constexpr std::size_t most = 1'000'000;
	const auto end = clock::now() + std::chrono::milliseconds(100);
	S &structure = Fixture<S>::structure();
	Latencies latencies;
	std::size_t samples = 0;
	for (; samples < most && clock::now() < end; samples += Messages::batch) {
		for (const cnx_message &message : messages.next()) {
			const std::uint64_t start = ticks();
			benchmark::DoNotOptimize(structure.dispatch(message));
			latencies.add(ticks() - start);
		}
		S::pause();
	}
	Fixture<S>::dispatched(samples);
	const auto report = [&](const char *name, std::uint64_t value) {
		state.counters[name] = benchmark::Counter(static_cast<double>(value) * nanoseconds_per_tick(),
		                                          benchmark::Counter::kAvgThreads);
	};
	report("p50", latencies.quantile(0.5));
	report("p99", latencies.quantile(0.99));
	report("p999", latencies.quantile(0.999));
	report("max", latencies.largest());
}

template <Structure S>
void dispatch(benchmark::State &state)
{
	const Pinned pinned(static_cast<unsigned>(state.thread_index()));
	const typename S::Thread thread;
	Messages messages(static_cast<std::size_t>(state.range(0)), static_cast<unsigned>(state.thread_index()));
	dispatch_all<S>(state, messages);
}

/// One who registers and removes on the last CPU, for as long as it lives. What it registers, no reader asks for.
template <Structure S>
class Writer
{
public:
	/// From `first` numbers on up to `last`, then down again. By ones: each removal waits for its grace period.
	Writer(std::size_t first, std::size_t last) : thread_([this, first, last] { work(first, last); }) {}
	~Writer()
	{
		stop_ = true;
		thread_.join();
	}
	Writer(const Writer &) = delete;
	Writer &operator=(const Writer &) = delete;

	[[nodiscard]] std::uint64_t cycles() const { return cycles_; }

private:
	void work(std::size_t first, std::size_t last)
	{
		const Pinned pinned(replica::cpu_count() - 1);
		const typename S::Thread registered;
		S &structure = Fixture<S>::structure();
		std::vector<Id> ids;
		while (!stop_) {
			for (std::size_t number = first; number < last && !stop_; ++number) {
				add_number(structure, number);
				ids.push_back(id_of(number));
			}
			remove(structure, ids);
			ids.clear();
			++cycles_;
		}
	}

	static void remove(S &structure, const std::vector<Id> &ids)
	{
		if constexpr (requires { structure.remove(std::span<const Id>(ids)); }) {
			if (!structure.remove(std::span<const Id>(ids)))
				std::abort();
		} else {
			for (const Id id : ids) {
				if (!structure.remove(id))
					std::abort();
			}
		}
	}

	std::atomic<bool> stop_{false};
	std::atomic<std::uint64_t> cycles_{0};
	std::thread thread_;
};

struct Nothing {
	Nothing() {}
};
template <typename Thread>
struct Away {
	using type = Nothing;
};
template <typename Thread>
requires requires
{
	typename Thread::Offline;
}
struct Away<Thread> {
	using type = typename Thread::Offline;
};

/// Readers on all CPUs but the last. `last` above the number of callbacks: a writer goes up to it beside them.
template <Structure S>
void churn(benchmark::State &state, std::size_t last)
{
	static std::unique_ptr<Writer<S>> writer;
	const auto callbacks = static_cast<std::size_t>(state.range(0));
	const Pinned pinned(static_cast<unsigned>(state.thread_index()));
	const typename S::Thread thread;
	Messages messages(callbacks, static_cast<unsigned>(state.thread_index()));
	if (state.thread_index() == 0 && last > callbacks)
		writer = std::make_unique<Writer<S>>(callbacks, last);
	dispatch_all<S>(state, messages);
	if (!state.error_occurred())
		time_each<S>(state, messages);
	if (state.thread_index() == 0 && writer) {
		state.counters["cycles"] = static_cast<double>(writer->cycles());
		// Its last removal may wait for this thread, where threads have to say that they are in no read
		// section.
		const typename Away<typename S::Thread>::type away;
		writer.reset();
	}
}

[[nodiscard]] inline double seconds_since(clock::time_point start)
{
	return std::chrono::duration<double>(clock::now() - start).count();
}

/// Either half of a structure's life: `removing` measures the removal of all instead of their registration.
template <Structure S>
void registration(benchmark::State &state, bool removing)
{
	const Pinned pinned(0);
	const typename S::Thread thread;
	const auto callbacks = static_cast<std::size_t>(state.range(0));
	Progress::begin(std::string("register/") + S::name + "/callbacks:" + std::to_string(callbacks));
	for (auto _ : state) {
		S structure;
		std::vector<Id> ids;
		const auto start = clock::now();
		for (std::size_t number = 0; number < callbacks; ++number) {
			if (!structure.add(registration_of(number)))
				return state.SkipWithError("a registration was refused");
		}
		const double registered = seconds_since(start);
		if (!removing) {
			state.SetIterationTime(registered);
			continue;
		}
		for (std::size_t number = 0; number < callbacks; ++number)
			ids.push_back(id_of(number));
		const auto then = clock::now();
		bool removed = true;
		if constexpr (requires { structure.remove(std::span<const Id>(ids)); }) {
			removed = structure.remove(std::span<const Id>(ids));
		} else {
			for (const Id id : ids)
				removed = structure.remove(id) && removed;
		}
		state.SetIterationTime(seconds_since(then));
		if (!removed)
			return state.SkipWithError("a removal was refused");
	}
	state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
	if (!removing)
		Resident::report<S>(state);
}

/// One callback comes and goes, among 1,024 others; with its grace period.
template <Structure S>
void cycle(benchmark::State &state)
{
	constexpr std::size_t others = 1024;
	const Pinned pinned(0);
	const typename S::Thread thread;
	Progress::begin(std::string("cycle/") + S::name);
	S structure;
	for (std::size_t number = 0; number < others; ++number)
		add_number(structure, number);
	const Registration one = registration_of(others);
	for (auto _ : state) {
		if (!structure.add(one) || !structure.remove(one.id))
			return state.SkipWithError("a registration or its removal was refused");
	}
	state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}

/// Names, arguments and numbers of threads of all of them, for one structure.
template <Structure S>
class Families
{
public:
	explicit Families(const Options &options) : options_(options) {}

	void add() const
	{
		dispatching();
		churning();
		registering();
	}

	void dispatching() const
	{
		for (const long callbacks : sizes) {
			for (const unsigned threads : doubling(options_.threads))
				filled("dispatch", "", callbacks, threads,
				       [](benchmark::State &state) { dispatch<S>(state); });
		}
	}

	void churning() const
	{
		const unsigned most = options_.threads > 1 ? options_.threads - 1 : 1;
		for (const unsigned readers : doubling(most)) {
			filled("churn", "/quiescent", 1024, readers,
			       [](benchmark::State &state) { churn<S>(state, 0); });
			filled("churn", "/registering", 1024, readers,
			       [](benchmark::State &state) { churn<S>(state, 1025); });
			if constexpr (requires(S s, std::span<const Id> ids) { s.remove(ids); }) {
				filled("churn", "/quiescent", 16, readers,
				       [](benchmark::State &state) { churn<S>(state, 0); });
				filled("churn", "/growing", 16, readers,
				       [](benchmark::State &state) { churn<S>(state, 65536); });
			}
		}
	}

	void registering() const
	{
		for (const long callbacks : {1024L, 65536L}) {
			// A structure that looks at every other one first would take minutes.
			if (callbacks > 1024 && requires(S s) { s.add_unchecked(registration_of(0)); })
				continue;
			by_hand("register", callbacks, [](benchmark::State &state) { registration<S>(state, false); });
		}
		by_hand("remove", 1024, [](benchmark::State &state) { registration<S>(state, true); });
		const std::string name = std::string("cycle/") + S::name;
		if (selected(options_, name))
			benchmark::RegisterBenchmark(name.c_str(), cycle<S>)->UseRealTime();
	}

private:
	/// 1, 2, 4 and so on, and the most: enough to see how something scales.
	[[nodiscard]] static std::vector<unsigned> doubling(unsigned most)
	{
		std::vector<unsigned> numbers;
		for (unsigned number = 1; number < most; number *= 2)
			numbers.push_back(number);
		numbers.push_back(most);
		return numbers;
	}

	template <typename Function>
	void filled(const char *family, const char *variant, long callbacks, unsigned threads, Function function) const
	{
		const std::string name = std::string(family) + "/" + S::name + variant;
		if (!selected(options_,
		              name + "/callbacks:" + std::to_string(callbacks) + "/threads:" + std::to_string(threads)))
			return;
		benchmark::RegisterBenchmark(name.c_str(), function)
		    ->ArgName("callbacks")
		    ->Arg(callbacks)
		    ->Threads(static_cast<int>(threads))
		    ->UseRealTime()
		    ->Setup(Fixture<S>::set_up)
		    ->Teardown(Fixture<S>::tear_down);
	}

	template <typename Function>
	void by_hand(const char *family, long callbacks, Function function) const
	{
		const std::string name = std::string(family) + "/" + S::name;
		if (!selected(options_, name + "/callbacks:" + std::to_string(callbacks)))
			return;
		if (callbacks == Resident::registrations)
			Resident::measure<S>();
		benchmark::RegisterBenchmark(name.c_str(), function)
		    ->ArgName("callbacks")
		    ->Arg(callbacks)
		    ->Iterations(callbacks >= 65536 ? 1 : 8)
		    ->UseManualTime();
	}

	const Options &options_;
};

} // namespace cnx::bench

#endif // CNX_BENCH_FAMILIES_HPP
