// SPDX-License-Identifier: GPL-2.0-only
// Readers do not wait for the writer: wherever it stands still, in the middle of growing or for a grace period, lookups
// and calls are answered, and rightly.
#include "core_world.hpp"

#include <chrono>
#include <optional>
#include <thread>

namespace cnx::test
{
namespace
{

using namespace std::chrono_literals;

template <typename Predicate>
[[nodiscard]] bool comes_true(Predicate &&predicate)
{
	const P::Thread::Offline waiting;
	const auto end = std::chrono::steady_clock::now() + 20s;
	while (!predicate()) {
		if (std::chrono::steady_clock::now() > end)
			return false;
		std::this_thread::sleep_for(100us);
	}
	return true;
}

/// A thread of a test. Whoever waits for its end holds up no grace period.
class Worker
{
public:
	template <typename Work>
	explicit Worker(Work &&work)
	    : thread_([this, work = std::forward<Work>(work)] {
		      const P::Thread registered;
		      work();
		      done_ = true;
	      })
	{
	}
	~Worker() { join({&thread_, 1}); }
	Worker(const Worker &) = delete;
	Worker &operator=(const Worker &) = delete;

	[[nodiscard]] bool done() const { return done_; }

private:
	std::atomic<bool> done_{false};
	std::thread thread_;
};

/// While one lives, whoever allocates waits until it is let through. Readers would be held up, too, if they allocated.
class Gate
{
public:
	Gate()
	{
		arrived_ = let_through_ = 0;
		replica::Hooks::before_allocation = stop;
	}
	~Gate()
	{
		replica::Hooks::before_allocation = nullptr;
		let_through_ = ~0u;
	}
	Gate(const Gate &) = delete;
	Gate &operator=(const Gate &) = delete;

	/// Whether the next one comes to stand before the gate.
	[[nodiscard]] static bool next_one_stands()
	{
		return comes_true([] { return arrived_ == let_through_ + 1; });
	}
	static void let_one_through() { ++let_through_; }

private:
	static void stop(std::size_t)
	{
		const P::Thread::Offline waiting;
		const unsigned number = ++arrived_;
		while (let_through_ < number)
			std::this_thread::sleep_for(100us);
	}

	static inline std::atomic<unsigned> arrived_{0};
	static inline std::atomic<unsigned> let_through_{0};
};

/// Keeps a read section open, and with it every grace period that begins, for as long as it lives.
class ParkedReader
{
public:
	ParkedReader()
	{
		EXPECT_TRUE(comes_true([this] { return parked_.load(); }));
	}
	~ParkedReader() { leave_ = true; }
	ParkedReader(const ParkedReader &) = delete;
	ParkedReader &operator=(const ParkedReader &) = delete;

private:
	std::atomic<bool> parked_{false};
	std::atomic<bool> leave_{false};
	Worker worker_{[this] {
		const P::ReadGuard guard;
		parked_ = true;
		while (!leave_)
			std::this_thread::sleep_for(100us);
	}};
};

struct Value {
	std::uint64_t number;

	[[nodiscard]] std::uint64_t key() const { return number; }
};

class CoreProgress : public World
{
protected:
	/// Two threads each do `step(i)` for every i below `count`, many times over, and both come to an end of it,
	/// with all steps right.
	template <typename Step>
	static void expect_progress(std::size_t count, Step step)
	{
		std::atomic<unsigned> wrong{0};
		const auto work = [&] {
			for (unsigned round = 0; round < 200; ++round) {
				for (std::size_t i = 0; i < count; ++i) {
					if (!step(i))
						wrong.fetch_add(1, std::memory_order_relaxed);
				}
				P::Thread::quiescent();
			}
		};
		const Worker one(work), other(work);
		// A reader that waits for the writer would never come to an end, and neither would the test.
		if (!comes_true([&] { return one.done() && other.done(); }))
			GTEST_LOG_(FATAL) << "a reader stands still";
		EXPECT_EQ(wrong.load(), 0u);
	}

	static constexpr std::size_t most = 300; // values

	/// Holds the worker up at each of its allocations, of which there are so many, checks, and lets it through.
	template <typename Check>
	static void check_at_each_allocation(unsigned allocations, const Worker &worker, Check check)
	{
		for (unsigned allocation = 0; allocation < allocations; ++allocation) {
			ASSERT_TRUE(Gate::next_one_stands());
			check();
			EXPECT_FALSE(worker.done());
			Gate::let_one_through();
		}
		ASSERT_TRUE(comes_true([&] { return worker.done(); }));
	}

	/// The first `live` values are found, and of the others none is.
	void expect_lookups(std::size_t live)
	{
		expect_progress(most, [&](std::size_t i) {
			const P::ReadGuard guard;
			return table.find(guard, values[i].number) == (i < live ? &values[i] : nullptr);
		});
	}

	/// Runs `change` in another thread. It allocates a new array, which is two allocations: its buckets, and who
	/// owns them. The first `before` values are found while it does, and the first `after` then.
	template <typename Change>
	void expect_lookups_during(Change change, std::size_t before, std::size_t after)
	{
		// Made before the gate, it ends after it, whatever fails.
		std::optional<Worker> changing;
		const Gate gate;
		changing.emplace(change);
		check_at_each_allocation(2, *changing, [&] { expect_lookups(before); });
		expect_lookups(after);
	}

	CoreProgress()
	{
		for (std::uint64_t i = 0; i < most; ++i)
			values.push_back({i});
	}

	std::vector<Value> values;
	RcuTable<P, Value> table;
	RcuTable<P, Value>::Writer writer{table};
};

TEST_F(CoreProgress, LookupsGoOnWhileTheTableGrows)
{
	std::size_t live = 0;
	for (const std::size_t full : {0, 8, 16, 256}) {
		for (; live < full; ++live)
			ASSERT_EQ(error_of(writer.insert(values[live])), 0);
		expect_lookups_during([&] { EXPECT_EQ(error_of(writer.insert(values[full])), 0); }, full, full + 1);
		++live;
	}
}

TEST_F(CoreProgress, LookupsGoOnWhileTheTableShrinks)
{
	for (auto &value : values)
		ASSERT_EQ(error_of(writer.insert(value)), 0);
	// 128 buckets are too many for 63 values.
	for (std::size_t i = 63; i < most; ++i)
		ASSERT_EQ(error_of(writer.erase(i)), 0);
	P::synchronize();
	expect_lookups_during([&] { writer.recycle(values[63]); }, 63, 63);
}

TEST_F(CoreProgress, LookupsGoOnWhileTheWriterWaitsForAGracePeriod)
{
	for (std::size_t i = 0; i < 100; ++i)
		ASSERT_EQ(error_of(writer.insert(values[i])), 0);
	std::atomic<bool> erased{false};
	std::optional<Worker> erasing;
	{
		const ParkedReader parked;
		erasing.emplace([&] {
			EXPECT_EQ(error_of(writer.erase(99)), 0);
			erased = true;
			P::synchronize();
			writer.recycle(values[99]);
		});
		ASSERT_TRUE(comes_true([&] { return erased.load(); }));
		expect_lookups(99);
		EXPECT_FALSE(erasing->done());
	}
	ASSERT_TRUE(comes_true([&] { return erasing->done(); }));
	expect_lookups(99);
}

TEST_F(CoreProgress, MessagesAreDeliveredWhileARegistrationStandsStill)
{
	Body nothing = [](const cnx_message &, const cnx_sender &) { return 0; };
	constexpr std::uint32_t count = 8; // as many as the smallest array holds
	std::vector<Entry *> entries;
	for (std::uint32_t val = 0; val < count; ++val)
		entries.push_back(*add({1, val}, nothing, val % 2 ? Kind::sleepable : Kind::atomic));
	const auto expect_messages = [&](std::uint32_t registered) {
		expect_progress(count + 1, [&](std::size_t i) {
			const auto val = static_cast<std::uint32_t>(i);
			const int status = dispatcher().dispatch(message_for({1, val})).status;
			return status == (val < registered ? 0 : -ENODEV);
		});
	};
	std::optional<Worker> registering;
	{
		const Gate gate;
		registering.emplace([&] { EXPECT_TRUE(add({1, count}, nothing)); });
		// The callback's label, the callback, and then the new array's two.
		check_at_each_allocation(4, *registering, [&] { expect_messages(count); });
	}
	expect_messages(count + 1);
}

TEST_F(CoreProgress, MessagesAndRegistrationsGoOnWhileARemovalWaits)
{
	Body nothing = [](const cnx_message &, const cnx_sender &) { return 0; };
	Entry *const leaving = *add({1, 1}, nothing);
	ASSERT_TRUE(add({1, 0}, nothing));
	std::optional<Worker> removing;
	const ParkedReader parked;
	removing.emplace([&] { EXPECT_EQ(error_of(remove(leaving)), 0); });
	ASSERT_TRUE(comes_true([&] { return registry().size() == 1; }));
	EXPECT_EQ(error_of(add({1, 1}, nothing)), 0) << "an id is free as soon as it is unpublished";
	for (std::uint32_t val = 2; val < 100; ++val)
		ASSERT_TRUE(add({1, val}, nothing));
	expect_progress(100, [&](std::size_t i) {
		return dispatcher().dispatch(message_for({1, static_cast<std::uint32_t>(i)})).status == 0;
	});
	EXPECT_FALSE(removing->done());
}

} // namespace
} // namespace cnx::test
