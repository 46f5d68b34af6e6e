// SPDX-License-Identifier: GPL-2.0-only
#include "core_world.hpp"

#include <memory>

namespace cnx::test
{
namespace
{

struct Value {
	std::uint64_t number;

	[[nodiscard]] std::uint64_t key() const { return number; }
};

class CoreRcuTable : public ::testing::Test
{
protected:
	~CoreRcuTable() override { P::flush_retired(); }

	Value *find(std::uint64_t key)
	{
		// Only compared, or followed where the test knows that the value lives: it leaves its guard knowingly.
		Value *found = nullptr;
		{
			const P::ReadGuard guard;
			found = table.find(guard, key);
		}
		return found;
	}

	void forget(const Value &value)
	{
		ASSERT_EQ(error_of(writer.erase(value.number)), 0);
		writer.recycle(value);
	}

	static std::vector<Value> numbered(std::size_t count, std::uint64_t first = 0)
	{
		std::vector<Value> values(count);
		for (auto &value : values)
			value.number = first++;
		return values;
	}

	/// Values whose keys all belong into the last bucket of the smallest array, so that what finds it full wraps
	/// around. `same_tag` lets them have the same tag, too.
	static std::vector<Value> colliding(std::size_t count, bool same_tag = false)
	{
		std::vector<Value> values;
		for (std::uint64_t key = 0; values.size() < count; ++key) {
			const std::uint64_t bits = key * 0xa0b2f2b0ed976d97u >> 56;
			if (same_tag ? bits == 0xff : bits >> 7 == 1)
				values.push_back({key});
		}
		return values;
	}

	/// At most a twentieth of the ids lie beyond their home bucket.
	void expect_spread(const std::vector<Id> &ids)
	{
		std::vector<Value> values;
		for (const Id id : ids)
			values.push_back({key_of(id)});
		for (auto &value : values)
			ASSERT_EQ(error_of(writer.insert(value)), 0);
		EXPECT_LT(writer.displaced(), ids.size() / 20)
		    << "the last of them is " << ids.back().idx << ", " << ids.back().val;
		for (auto &value : values)
			forget(value);
	}

	P::Thread thread;
	RcuTable<P, Value> table;
	RcuTable<P, Value>::Writer writer{table};
};

TEST_F(CoreRcuTable, IsEmptyAtFirst)
{
	EXPECT_EQ(find(0), nullptr);
	EXPECT_EQ(error_of(writer.erase(0)), -ENOENT);
	writer.recycle(Value{0});
	EXPECT_EQ(writer.size(), 0u);
}

TEST_F(CoreRcuTable, FindsWhatWasInsertedUntilItIsErased)
{
	for (const std::uint64_t key :
	     {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}, std::uint64_t{1} << 32}) {
		Value value{key};
		ASSERT_EQ(error_of(writer.insert(value)), 0);
		EXPECT_EQ(find(key), &value);
		EXPECT_EQ(find(key + 7), nullptr);
		ASSERT_EQ(error_of(writer.erase(key)), 0);
		EXPECT_EQ(find(key), nullptr);
		writer.recycle(value);
		EXPECT_EQ(find(key), nullptr);
	}
}

TEST_F(CoreRcuTable, RefusesADuplicateAndKeepsTheFirst)
{
	Value first{5}, second{5};
	ASSERT_EQ(error_of(writer.insert(first)), 0);
	EXPECT_EQ(error_of(writer.insert(second)), -EEXIST);
	EXPECT_EQ(find(5), &first);
	EXPECT_EQ(writer.size(), 1u);
}

TEST_F(CoreRcuTable, TakesAKeyAgainBeforeItsOldSlotIsRecycled)
{
	Value first{5}, second{5};
	ASSERT_EQ(error_of(writer.insert(first)), 0);
	ASSERT_EQ(error_of(writer.erase(5)), 0);
	ASSERT_EQ(error_of(writer.insert(second)), 0);
	EXPECT_EQ(find(5), &second);
	writer.recycle(first);
	EXPECT_EQ(find(5), &second);
}

TEST_F(CoreRcuTable, KeepsCollidingKeysApart)
{
	for (const bool same_tag : {false, true}) {
		auto values = colliding(8, same_tag);
		for (auto &value : values)
			ASSERT_EQ(error_of(writer.insert(value)), 0);
		for (auto &value : values)
			EXPECT_EQ(find(value.number), &value);
		// One that goes from the middle must not hide those behind it, erased or recycled.
		for (std::size_t gone = 0; gone < values.size(); ++gone) {
			ASSERT_EQ(error_of(writer.erase(values[gone].number)), 0);
			for (std::size_t i = 0; i < values.size(); ++i)
				EXPECT_EQ(find(values[i].number), i <= gone ? nullptr : &values[i]);
			writer.recycle(values[gone]);
			for (std::size_t i = 0; i < values.size(); ++i)
				EXPECT_EQ(find(values[i].number), i <= gone ? nullptr : &values[i]);
		}
	}
}

/// Eight keys of one bucket: the last of them lies in the next one. Who passed a bucket by is found for as long as it
/// is there, and a lookup of what is not there ends early again once it is gone.
TEST_F(CoreRcuTable, FindsWhatPassedAFullBucketBy)
{
	auto values = colliding(9);
	for (std::size_t i = 0; i < 8; ++i)
		ASSERT_EQ(error_of(writer.insert(values[i])), 0);
	// Room in the home bucket again: the one that is further on is still found, and the next comer goes home.
	forget(values[0]);
	EXPECT_EQ(find(values[7].number), &values[7]);
	ASSERT_EQ(error_of(writer.insert(values[8])), 0);
	EXPECT_EQ(find(values[8].number), &values[8]);
	forget(values[7]);
	EXPECT_EQ(find(values[7].number), nullptr);
	for (std::size_t i = 1; i < 7; ++i)
		EXPECT_EQ(find(values[i].number), &values[i]);
}

/// More keys pass a bucket by than its byte can count. It stays at its limit then, whoever goes again.
TEST_F(CoreRcuTable, CountsThoseWhoPassByNoFurtherThanItCan)
{
	// The upper eight bits of their hashes are the same, so that they belong into one bucket of all these.
	auto values = colliding(300, true);
	for (auto &value : values)
		ASSERT_EQ(error_of(writer.insert(value)), 0);
	for (auto &value : values)
		ASSERT_EQ(find(value.number), &value);
	for (std::size_t i = 0; i < 200; ++i)
		forget(values[i]);
	for (std::size_t i = 0; i < values.size(); ++i)
		ASSERT_EQ(find(values[i].number), i < 200 ? nullptr : &values[i]);
}

TEST_F(CoreRcuTable, ReusesRecycledSlotsWithoutAnotherArray)
{
	auto values = colliding(2);
	ASSERT_EQ(error_of(writer.insert(values[0])), 0);
	const FailAllocation none(0);
	for (unsigned round = 0; round < 1000; ++round) {
		forget(values[round % 2]);
		ASSERT_EQ(error_of(writer.insert(values[1 - round % 2])), 0) << round;
	}
	EXPECT_FALSE(FailAllocation::happened());
}

TEST_F(CoreRcuTable, NeverReusesAnErasedSlotBeforeItIsRecycled)
{
	// A reader may hold a tag word that announces what was erased; its slot must not get another value. Eight slots
	// are all that the smallest array gives out.
	auto values = numbered(9);
	for (std::size_t i = 0; i < 8; ++i) {
		ASSERT_EQ(error_of(writer.insert(values[i])), 0);
		ASSERT_EQ(error_of(writer.erase(i)), 0);
	}
	// To recycle one that was not erased, or another value of the same key, frees no slot.
	const Value other{3};
	writer.recycle(values[8]);
	writer.recycle(other);
	{
		const FailAllocation none(0);
		EXPECT_EQ(error_of(writer.insert(values[8])), -ENOMEM)
		    << "it needs another array, and not an erased slot";
	}
	writer.recycle(values[3]);
	const FailAllocation none(0);
	EXPECT_EQ(error_of(writer.insert(values[8])), 0);
	EXPECT_EQ(find(8), &values[8]);
}

/// A key that went, came back and went again, with the array exchanged in between: what waited for the first grace
/// period must leave the slot alone whose grace period is still running.
TEST_F(CoreRcuTable, RecyclesTheSlotThatWasWaitedForAndNoOther)
{
	Value first{7}, second{7};
	ASSERT_EQ(error_of(writer.insert(first)), 0);
	ASSERT_EQ(error_of(writer.erase(7)), 0);
	auto crowd = numbered(40, 1'000'000);
	for (auto &value : crowd)
		ASSERT_EQ(error_of(writer.insert(value)), 0);
	ASSERT_EQ(error_of(writer.insert(second)), 0);
	ASSERT_EQ(error_of(writer.erase(7)), 0);
	writer.recycle(first);
	// The array of 16 buckets takes 64 keys. 41 slots are in use, and none of them may be had again: not even for
	// the key that was there.
	auto more = numbered(64, 2'000'000);
	more[0].number = 7;
	const FailAllocation none(0);
	std::size_t fit = 0;
	while (writer.insert(more[fit]))
		++fit;
	EXPECT_EQ(fit, 23u);
}

TEST_F(CoreRcuTable, GrowsToManyAndShrinksAgain)
{
	constexpr std::size_t count = 100'000;
	const auto before = replica::Hooks::outstanding.load();
	auto values = numbered(count);
	for (auto &value : values)
		value.number = key_of({7, static_cast<std::uint32_t>(value.number)});
	for (auto &value : values)
		ASSERT_EQ(error_of(writer.insert(value)), 0);
	EXPECT_EQ(writer.size(), count);
	for (auto &value : values)
		ASSERT_EQ(find(value.number), &value);
	EXPECT_EQ(find(key_of({7, count})), nullptr);
	for (auto &value : values)
		forget(value);
	EXPECT_EQ(writer.size(), 0u);
	P::flush_retired();
	EXPECT_EQ(replica::Hooks::outstanding.load(), before + 2) << "more than the one array is left";
	// The smallest array has two buckets for eight keys.
	const FailAllocation none(0);
	std::size_t fit = 0;
	while (writer.insert(values[fit]))
		++fit;
	EXPECT_EQ(fit, 8u);
}

TEST_F(CoreRcuTable, StaysIntactWhenItCannotGrow)
{
	auto values = numbered(2000);
	unsigned failures = 0;
	for (std::size_t i = 0; i < values.size(); ++i) {
		// An array is two allocations, its buckets and who owns them, and either may fail.
		for (const long successes : {0, 1}) {
			const auto status = [&] {
				const FailAllocation next(successes);
				return writer.insert(values[i]);
			}();
			if (status) {
				if (successes == 0)
					break;
				continue;
			}
			++failures;
			ASSERT_EQ(error_of(status), -ENOMEM);
			ASSERT_EQ(writer.size(), i);
			ASSERT_EQ(find(i), nullptr);
			for (std::size_t known = 0; known < i; ++known)
				ASSERT_EQ(find(known), &values[known]);
			if (successes == 1) {
				ASSERT_EQ(error_of(writer.insert(values[i])), 0);
			}
		}
	}
	EXPECT_EQ(failures, 2 * 9u) << "both for each time that it had to grow, from 2 to 512 buckets";
}

TEST_F(CoreRcuTable, ShrinkingNeedsNoMemoryToBeRight)
{
	auto values = numbered(1000);
	for (auto &value : values)
		ASSERT_EQ(error_of(writer.insert(value)), 0);
	for (std::size_t i = 1; i < values.size(); ++i) {
		const FailAllocation next(0);
		forget(values[i]);
	}
	EXPECT_EQ(find(0), &values[0]);
	EXPECT_EQ(find(999), nullptr);
	EXPECT_EQ(writer.size(), 1u);
}

/// However the ids of drivers count, few of them may find their bucket full: each costs every lookup that passes by.
TEST_F(CoreRcuTable, SpreadsTheIdsThatDriversUse)
{
	for (const std::uint32_t drivers : {1u, 3u, 8u, 64u}) {
		for (const auto &[idx_step, val_step] :
		     {std::pair{1u, 1u}, {1u, 2u}, {1u, 16u}, {1u, 256u}, {16u, 1u}, {256u, 1u}}) {
			std::vector<Id> ids;
			for (std::uint32_t i = 0; i < 4096; ++i)
				ids.push_back({1 + i % drivers * idx_step, i / drivers * val_step});
			expect_spread(ids);
		}
	}
	for (const auto &[idx_step, val_step] : {std::pair{1u, 0u}, {0u, 1u}, {1u, 1u}, {256u, 256u}}) {
		std::vector<Id> ids;
		for (std::uint32_t i = 0; i < 4096; ++i)
			ids.push_back({1 + i * idx_step, i * val_step});
		expect_spread(ids);
	}
}

/// Every key that a writer keeps live is found at any time, whatever it does to the others.
TEST_F(CoreRcuTable, ReadersNeverMissNorMistakeAKey)
{
	constexpr std::uint64_t kept = 64, moving = 512;
	auto values = numbered(kept + moving);
	for (std::uint64_t i = 0; i < kept; ++i)
		ASSERT_EQ(error_of(writer.insert(values[i])), 0);
	std::atomic<bool> stop{false};
	std::atomic<unsigned> wrong{0};
	std::vector<std::thread> readers;
	for (unsigned id = 0; id < 3; ++id) {
		readers.emplace_back([&] {
			const P::Thread registered;
			while (!stop.load(std::memory_order_relaxed)) {
				for (std::uint64_t key = 0; key < kept + moving; ++key) {
					const P::ReadGuard guard;
					const Value *const value = table.find(guard, key);
					if (value ? value->number != key : key < kept)
						wrong.fetch_add(1);
				}
				P::Thread::quiescent();
			}
		});
	}
	const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(700);
	for (std::uint64_t round = 0; std::chrono::steady_clock::now() < end; ++round) {
		// Batches of every size, so that the array grows, shrinks, and is rebuilt for its erased slots.
		const std::uint64_t batch = 1 + round * 37 % moving;
		for (std::uint64_t i = 0; i < batch; ++i)
			EXPECT_EQ(error_of(writer.insert(values[kept + i])), 0);
		for (std::uint64_t i = 0; i < batch; ++i)
			EXPECT_EQ(error_of(writer.erase(kept + i)), 0);
		P::synchronize();
		for (std::uint64_t i = 0; i < batch; ++i)
			writer.recycle(values[kept + i]);
	}
	stop = true;
	join(readers);
	EXPECT_EQ(wrong.load(), 0u);
}

} // namespace
} // namespace cnx::test
