// SPDX-License-Identifier: GPL-2.0-only
#include "core_world.hpp"

#include <memory>

namespace cnx::test
{
namespace
{

struct alignas(8) Value {
	std::uint64_t number;
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

	void forget(std::uint64_t key, const Value &value)
	{
		ASSERT_EQ(error_of(writer.erase(key)), 0);
		writer.recycle(key, value);
	}

	/// A key whose probe starts in the last slot of the smallest array, so that it wraps around.
	static std::vector<std::uint64_t> colliding_keys(std::size_t count)
	{
		std::vector<std::uint64_t> keys;
		for (std::uint64_t key = 0; keys.size() < count; ++key) {
			if (((key ^ (key >> 32)) * 0x9e3779b97f4a7c15u) >> 60 == 15)
				keys.push_back(key);
		}
		return keys;
	}

	replica::Thread thread;
	RcuTable<P, Value> table;
	RcuTable<P, Value>::Writer writer{table};
};

TEST_F(CoreRcuTable, IsEmptyAtFirst)
{
	EXPECT_EQ(find(0), nullptr);
	EXPECT_EQ(error_of(writer.erase(0)), -ENOENT);
	Value value{0};
	writer.recycle(0, value);
	EXPECT_EQ(writer.size(), 0u);
}

TEST_F(CoreRcuTable, FindsWhatWasInsertedUntilItIsErased)
{
	Value value{1};
	for (const std::uint64_t key :
	     {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}, std::uint64_t{1} << 32}) {
		ASSERT_EQ(error_of(writer.insert(key, value)), 0);
		EXPECT_EQ(find(key), &value);
		EXPECT_EQ(find(key + 7), nullptr);
		ASSERT_EQ(error_of(writer.erase(key)), 0);
		EXPECT_EQ(find(key), nullptr);
		writer.recycle(key, value);
		EXPECT_EQ(find(key), nullptr);
	}
}

TEST_F(CoreRcuTable, RefusesADuplicateAndKeepsTheFirst)
{
	Value first{1}, second{2};
	ASSERT_EQ(error_of(writer.insert(5, first)), 0);
	EXPECT_EQ(error_of(writer.insert(5, second)), -EEXIST);
	EXPECT_EQ(find(5), &first);
	EXPECT_EQ(writer.size(), 1u);
}

TEST_F(CoreRcuTable, TakesAKeyAgainBeforeItsOldSlotIsRecycled)
{
	Value first{1}, second{2};
	ASSERT_EQ(error_of(writer.insert(5, first)), 0);
	ASSERT_EQ(error_of(writer.erase(5)), 0);
	ASSERT_EQ(error_of(writer.insert(5, second)), 0);
	EXPECT_EQ(find(5), &second);
	writer.recycle(5, first);
	EXPECT_EQ(find(5), &second);
}

TEST_F(CoreRcuTable, KeepsCollidingKeysApart)
{
	const auto keys = colliding_keys(8);
	std::vector<Value> values(keys.size());
	for (std::size_t i = 0; i < keys.size(); ++i)
		ASSERT_EQ(error_of(writer.insert(keys[i], values[i])), 0);
	for (std::size_t i = 0; i < keys.size(); ++i)
		EXPECT_EQ(find(keys[i]), &values[i]);
	// One that goes from the middle must not hide those behind it, erased or recycled.
	ASSERT_EQ(error_of(writer.erase(keys[3])), 0);
	for (std::size_t i = 0; i < keys.size(); ++i)
		EXPECT_EQ(find(keys[i]), i == 3 ? nullptr : &values[i]);
	writer.recycle(keys[3], values[3]);
	for (std::size_t i = 0; i < keys.size(); ++i)
		EXPECT_EQ(find(keys[i]), i == 3 ? nullptr : &values[i]);
}

TEST_F(CoreRcuTable, ReusesRecycledSlotsWithoutAnotherArray)
{
	const auto keys = colliding_keys(2);
	Value values[2]{};
	ASSERT_EQ(error_of(writer.insert(keys[0], values[0])), 0);
	const FailAllocation none(0);
	for (unsigned round = 0; round < 1000; ++round) {
		forget(keys[round % 2], values[round % 2]);
		ASSERT_EQ(error_of(writer.insert(keys[1 - round % 2], values[1 - round % 2])), 0) << round;
	}
	EXPECT_FALSE(FailAllocation::happened());
}

TEST_F(CoreRcuTable, NeverReusesAnErasedSlotBeforeItIsRecycled)
{
	// The reader holds the erased value across the writer's doings; the slot that it found must not change key.
	const auto keys = colliding_keys(3);
	Value values[3]{};
	ASSERT_EQ(error_of(writer.insert(keys[0], values[0])), 0);
	ASSERT_EQ(error_of(writer.erase(keys[0])), 0);
	ASSERT_EQ(error_of(writer.insert(keys[1], values[1])), 0);
	ASSERT_EQ(error_of(writer.erase(keys[1])), 0);
	ASSERT_EQ(error_of(writer.insert(keys[2], values[2])), 0);
	// To recycle the one that was not erased, or the wrong value of a key, frees no slot.
	writer.recycle(keys[2], values[2]);
	writer.recycle(keys[0], values[1]);
	EXPECT_EQ(find(keys[2]), &values[2]);
	EXPECT_EQ(find(keys[0]), nullptr);
}

/// A key that went, came back and went again, with the array exchanged in between: what waited for the first grace
/// period must leave the slot alone whose grace period is still running.
TEST_F(CoreRcuTable, RecyclesTheSlotThatWasWaitedForAndNoOther)
{
	const auto keys = colliding_keys(3);
	Value first{1}, second{2}, other{3};
	ASSERT_EQ(error_of(writer.insert(keys[0], first)), 0);
	ASSERT_EQ(error_of(writer.erase(keys[0])), 0);
	std::vector<Value> crowd(40);
	for (std::size_t i = 0; i < crowd.size(); ++i)
		ASSERT_EQ(error_of(writer.insert(1'000'000 + i, crowd[i])), 0);
	ASSERT_EQ(error_of(writer.insert(keys[0], second)), 0);
	ASSERT_EQ(error_of(writer.erase(keys[0])), 0);
	writer.recycle(keys[0], first);
	// The array of 128 slots takes 80 keys. 41 slots are in use, and none of them may be had again: not even for
	// the key that was there.
	const FailAllocation none(0);
	std::size_t fit = 0;
	for (std::uint64_t key = keys[0]; writer.insert(key, other); key = 2'000'000 + fit)
		++fit;
	EXPECT_EQ(fit, 39u);
}

TEST_F(CoreRcuTable, GrowsToManyAndShrinksAgain)
{
	constexpr std::size_t count = 100'000;
	const auto before = replica::Hooks::outstanding.load();
	std::vector<Value> values(count);
	for (std::size_t i = 0; i < count; ++i)
		ASSERT_EQ(error_of(writer.insert(key_of({7, static_cast<std::uint32_t>(i)}), values[i])), 0);
	EXPECT_EQ(writer.size(), count);
	for (std::size_t i = 0; i < count; ++i)
		ASSERT_EQ(find(key_of({7, static_cast<std::uint32_t>(i)})), &values[i]);
	EXPECT_EQ(find(key_of({7, count})), nullptr);
	for (std::size_t i = 0; i < count; ++i)
		forget(key_of({7, static_cast<std::uint32_t>(i)}), values[i]);
	EXPECT_EQ(writer.size(), 0u);
	P::flush_retired();
	EXPECT_EQ(replica::Hooks::outstanding.load(), before + 1) << "more than the one array is left";
	// The smallest array has sixteen slots, ten of which may be used.
	const FailAllocation none(0);
	std::size_t fit = 0;
	while (writer.insert(fit, values[fit]))
		++fit;
	EXPECT_LE(fit, 10u);
}

TEST_F(CoreRcuTable, StaysIntactWhenItCannotGrow)
{
	std::vector<Value> values(2000);
	unsigned failures = 0;
	for (std::size_t i = 0; i < values.size(); ++i) {
		const auto status = [&] {
			const FailAllocation next(0);
			return writer.insert(i, values[i]);
		}();
		if (!status) {
			++failures;
			ASSERT_EQ(error_of(status), -ENOMEM);
			ASSERT_EQ(writer.size(), i);
			ASSERT_EQ(find(i), nullptr);
			for (std::size_t known = 0; known < i; ++known)
				ASSERT_EQ(find(known), &values[known]);
			ASSERT_EQ(error_of(writer.insert(i, values[i])), 0);
		}
	}
	EXPECT_GE(failures, 8u) << "one for each time that it had to grow";
}

TEST_F(CoreRcuTable, ShrinkingNeedsNoMemoryToBeRight)
{
	std::vector<Value> values(1000);
	for (std::size_t i = 0; i < values.size(); ++i)
		ASSERT_EQ(error_of(writer.insert(i, values[i])), 0);
	for (std::size_t i = 1; i < values.size(); ++i) {
		const FailAllocation next(0);
		forget(i, values[i]);
	}
	EXPECT_EQ(find(0), &values[0]);
	EXPECT_EQ(find(999), nullptr);
	EXPECT_EQ(writer.size(), 1u);
}

/// Every key that a writer keeps live is found at any time, whatever it does to the others.
TEST_F(CoreRcuTable, ReadersNeverMissNorMistakeAKey)
{
	constexpr std::uint64_t kept = 64, moving = 512;
	std::vector<Value> values(kept + moving);
	for (std::size_t i = 0; i < values.size(); ++i)
		values[i].number = i;
	for (std::uint64_t i = 0; i < kept; ++i)
		ASSERT_EQ(error_of(writer.insert(i, values[i])), 0);
	std::atomic<bool> stop{false};
	std::atomic<unsigned> wrong{0};
	std::vector<std::thread> readers;
	for (unsigned id = 0; id < 3; ++id) {
		readers.emplace_back([&] {
			const replica::Thread registered;
			while (!stop.load(std::memory_order_relaxed)) {
				for (std::uint64_t key = 0; key < kept + moving; ++key) {
					const P::ReadGuard guard;
					const Value *const value = table.find(guard, key);
					if (value ? value->number != key : key < kept)
						wrong.fetch_add(1);
				}
			}
		});
	}
	const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(700);
	for (std::uint64_t round = 0; std::chrono::steady_clock::now() < end; ++round) {
		// Batches of every size, so that the array grows, shrinks, and is rebuilt for its erased slots.
		const std::uint64_t batch = 1 + round * 37 % moving;
		for (std::uint64_t i = 0; i < batch; ++i)
			EXPECT_EQ(error_of(writer.insert(kept + i, values[kept + i])), 0);
		for (std::uint64_t i = 0; i < batch; ++i)
			EXPECT_EQ(error_of(writer.erase(kept + i)), 0);
		P::synchronize();
		for (std::uint64_t i = 0; i < batch; ++i)
			writer.recycle(kept + i, values[kept + i]);
	}
	stop = true;
	for (auto &reader : readers)
		reader.join();
	EXPECT_EQ(wrong.load(), 0u);
}

} // namespace
} // namespace cnx::test
