// SPDX-License-Identifier: GPL-2.0-only
#include "core_history.hpp"
#include "core_world.hpp"

#include <array>
#include <bit>
#include <chrono>
#include <memory>
#include <random>
#include <set>
#include <thread>

namespace cnx::test
{
namespace
{

using namespace std::chrono_literals;

// ------------------------------------------------------------------------------------------------- the checker itself

/// Two stays: inserted in [10, 20] and [50, 60], erased in [30, 40] and [70, 80].
KeyHistory two_stays(std::vector<Lookup> lookups)
{
	return {{{1, {10, 20}, {30, 40}}, {2, {50, 60}, {70, 80}}}, std::move(lookups)};
}

bool linearizable(std::vector<Lookup> lookups)
{
	return complaint(two_stays(std::move(lookups))).empty();
}

TEST(CoreHistory, AcceptsWhatAMapCanDo)
{
	EXPECT_TRUE(linearizable({}));
	EXPECT_TRUE(linearizable({{{1, 2}, 0}, {{21, 22}, 1}, {{41, 42}, 0}, {{61, 62}, 2}, {{81, 82}, 0}}));
	// Beside an insert or an erase either answer is right, and so is each while a lookup lasts across one.
	for (const std::uint64_t found : {0, 1}) {
		EXPECT_TRUE(linearizable({{{11, 12}, found}}));
		EXPECT_TRUE(linearizable({{{31, 32}, found}}));
		EXPECT_TRUE(linearizable({{{5, 25}, found}}));
		EXPECT_TRUE(linearizable({{{25, 45}, found}}));
	}
	for (const std::uint64_t found : {0, 1, 2})
		EXPECT_TRUE(linearizable({{{25, 65}, found}})) << found;
	// One after the other beside an insert, in the order in which things came to be.
	EXPECT_TRUE(linearizable({{{11, 12}, 0}, {{13, 14}, 1}, {{15, 16}, 1}, {{31, 32}, 1}, {{33, 34}, 0}}));
	// At once beside an insert, in any.
	EXPECT_TRUE(linearizable({{{11, 14}, 1}, {{12, 15}, 0}}));
	EXPECT_TRUE(linearizable({{{11, 14}, 0}, {{12, 15}, 1}}));
	// What was never erased is there for ever.
	EXPECT_EQ(complaint({{{1, {10, 20}}}, {{{11, 12}, 0}, {{100, 101}, 1}}}), "");
	EXPECT_EQ(complaint({{}, {{{1, 2}, 0}}}), "");
}

TEST(CoreHistory, RefusesASightingOfThePast)
{
	EXPECT_FALSE(linearizable({{{41, 42}, 1}}));
	EXPECT_FALSE(linearizable({{{51, 62}, 1}}));
	EXPECT_FALSE(linearizable({{{81, 82}, 2}}));
}

TEST(CoreHistory, RefusesASightingOfTheFuture)
{
	EXPECT_FALSE(linearizable({{{8, 9}, 1}}));
	EXPECT_FALSE(linearizable({{{21, 45}, 2}}));
	EXPECT_FALSE(linearizable({{{21, 22}, 3}}));
}

TEST(CoreHistory, RefusesToFindNothingWhereSomethingSurelyIs)
{
	EXPECT_FALSE(linearizable({{{21, 22}, 0}}));
	EXPECT_FALSE(linearizable({{{61, 69}, 0}}));
	EXPECT_FALSE(complaint({{{1, {10, 20}}}, {{{100, 101}, 0}}}).empty());
	// Beside the insert, once it was seen; beside the erase, as long as it is yet to be seen.
	EXPECT_FALSE(linearizable({{{11, 12}, 1}, {{13, 14}, 0}}));
	EXPECT_FALSE(linearizable({{{31, 32}, 0}, {{33, 34}, 1}}));
	// Between two sightings of the same stay.
	EXPECT_FALSE(linearizable({{{11, 12}, 1}, {{13, 32}, 0}, {{33, 34}, 1}}));
	// Each alone would do; of the two that found nothing, one needs the insert late and one the erase early.
	EXPECT_TRUE(linearizable({{{11, 14}, 1}, {{13, 28}, 0}}));
	EXPECT_TRUE(linearizable({{{26, 33}, 0}, {{32, 36}, 1}}));
	EXPECT_FALSE(linearizable({{{11, 14}, 1}, {{15, 28}, 0}, {{26, 33}, 0}}));
}

TEST(CoreHistory, RefusesLookupsThatGoBack)
{
	EXPECT_FALSE(linearizable({{{51, 52}, 2}, {{53, 54}, 1}}));
	EXPECT_FALSE(linearizable({{{33, 34}, 0}, {{35, 36}, 1}}));
	EXPECT_FALSE(linearizable({{{51, 52}, 2}, {{53, 54}, 0}}));
}

TEST(CoreHistory, RefusesWhatIsNoHistoryOfOneWriter)
{
	EXPECT_FALSE(complaint({{{1, {10, 30}, {20, 40}}}, {}}).empty());
	EXPECT_FALSE(complaint({{{1, {10, 20}, {30, 50}}, {2, {40, 60}}}, {}}).empty());
	EXPECT_FALSE(complaint({{{1, {10, 20}}, {2, {40, 60}}}, {}}).empty());
	EXPECT_FALSE(complaint({{{2, {10, 20}, {30, 40}}, {1, {50, 60}}}, {}}).empty());
	EXPECT_FALSE(complaint({{{0, {10, 20}}}, {}}).empty());
}

/// Linearizability by its definition: tries every order of the operations that real time allows (Wing and Gong, 1993).
class EveryOrder
{
public:
	explicit EveryOrder(const KeyHistory &history)
	{
		for (const Stay &stay : history.stays) {
			operations_.push_back({stay.insert, Does::insert, stay.identity});
			operations_.push_back({stay.erase, Does::erase, stay.identity});
		}
		for (const Lookup &lookup : history.lookups)
			operations_.push_back({lookup.when, Does::lookup, lookup.found});
	}

	[[nodiscard]] bool one_is_right() { return from(0, 0); }

private:
	enum class Does { insert, erase, lookup };
	struct Operation {
		Interval when;
		Does does;
		std::uint64_t identity;
	};

	/// Whether the operations that are not in the set `done` have a right order, with `present` in the map.
	bool from(unsigned done, std::uint64_t present)
	{
		if (done + 1 == 1u << operations_.size())
			return true;
		// What is in the map follows from which operations are done, because the writer's have one order.
		if (!tried_.insert(done).second)
			return false;
		for (unsigned next = 0; next < operations_.size(); ++next) {
			if (done >> next & 1 || !may_be_next(done, next))
				continue;
			const Operation &operation = operations_[next];
			if (operation.does == Does::lookup && operation.identity != present)
				continue;
			std::uint64_t after = present;
			if (operation.does == Does::insert)
				after = operation.identity;
			else if (operation.does == Does::erase)
				after = 0;
			if (from(done | 1u << next, after))
				return true;
		}
		return false;
	}

	[[nodiscard]] bool may_be_next(unsigned done, unsigned next) const
	{
		for (unsigned other = 0; other < operations_.size(); ++other) {
			if (!(done >> other & 1) && operations_[other].when.end < operations_[next].when.begin)
				return false;
		}
		return true;
	}

	std::vector<Operation> operations_;
	std::set<unsigned> tried_;
};

/// Two stays and up to four lookups at random moments with random answers.
KeyHistory random_history(std::mt19937 &random)
{
	const std::size_t lookups = 1 + random() % 4;
	std::vector<std::uint64_t> ticks(8 + 2 * lookups);
	for (std::size_t i = 0; i < ticks.size(); ++i)
		ticks[i] = i + 1;
	std::shuffle(ticks.begin(), ticks.end(), random);
	std::sort(ticks.begin(), ticks.begin() + 8);
	KeyHistory history{
	    {{1, {ticks[0], ticks[1]}, {ticks[2], ticks[3]}}, {2, {ticks[4], ticks[5]}, {ticks[6], ticks[7]}}}, {}};
	for (std::size_t i = 8; i < ticks.size(); i += 2) {
		const auto [begin, end] = std::minmax(ticks[i], ticks[i + 1]);
		history.lookups.push_back({{begin, end}, random() % 3});
	}
	return history;
}

TEST(CoreHistory, JudgesAsTheDefinitionDoes)
{
	std::mt19937 random(1);
	unsigned right = 0;
	constexpr unsigned count = 5000;
	for (unsigned i = 0; i < count; ++i) {
		const KeyHistory history = random_history(random);
		const bool expected = EveryOrder(history).one_is_right();
		ASSERT_EQ(complaint(history).empty(), expected) << "history " << i << ": " << complaint(history);
		right += expected;
	}
	EXPECT_GT(right, count / 10);
	EXPECT_LT(right, count / 10 * 9);
}

// ------------------------------------------------------------------------------------------------ what is put to test

constexpr unsigned watched = 6; // keys whose histories are taken down

/// Lets other threads run, now and then: that is how the writer comes between any two steps of a lookup even where
/// there are few CPUs.
void give_way()
{
	static thread_local unsigned asked = 0;
	if (++asked % 61 == 0)
		sched_yield();
}

/// A value that may give way when a lookup asks for its key.
struct Value {
	std::uint64_t number;
	std::uint64_t identity;

	[[nodiscard]] std::uint64_t key() const
	{
		give_way();
		return number;
	}
};

/// Keys that share their home and their tag in any array of up to 64 buckets, so that some lie in the next ones.
std::vector<std::uint64_t> colliding_keys(std::size_t count)
{
	std::vector<std::uint64_t> keys;
	for (std::uint64_t key = 0; keys.size() < count; ++key) {
		if (key * 0xa0b2f2b0ed976d97u >> 51 == 0x1fff)
			keys.push_back(key);
	}
	return keys;
}

/// RcuTable as a map of the watched keys. Other keys come and go around them, so that it grows, shrinks, and is rebuilt
/// for its erased slots. Values are freed once readers cannot hold them.
class TableMap
{
public:
	TableMap()
	{
		const auto keys = colliding_keys(watched + 8);
		std::copy_n(keys.begin(), watched, keys_.begin());
		for (std::size_t i = watched; i < keys.size(); ++i)
			crowd_.push_back({keys[i], 0});
		for (std::uint64_t i = 0; i < 120; ++i)
			crowd_.push_back({~i, 0});
	}
	~TableMap() { P::flush_retired(); }
	TableMap(const TableMap &) = delete;
	TableMap &operator=(const TableMap &) = delete;

	/// The identity of the new value.
	std::uint64_t insert(unsigned i)
	{
		present_[i] = std::make_unique<Value>(keys_[i], next_identity_++);
		EXPECT_EQ(error_of(writer_.insert(*present_[i])), 0);
		return present_[i]->identity;
	}

	void erase(unsigned i)
	{
		EXPECT_EQ(error_of(writer_.erase(keys_[i])), 0);
		leaving_.push_back(std::move(present_[i]));
	}

	/// What the writer does between its steps. `random` is a number.
	void churn(unsigned random)
	{
		if (random % 8 != 0)
			return;
		if (crowded_ == 0) {
			crowded_ = 1 + random / 8 % crowd_.size();
			for (std::size_t i = 0; i < crowded_; ++i)
				EXPECT_EQ(error_of(writer_.insert(crowd_[i])), 0);
			displaced_ = std::max(displaced_, writer_.displaced());
			return;
		}
		for (std::size_t i = 0; i < crowded_; ++i)
			EXPECT_EQ(error_of(writer_.erase(crowd_[i].number)), 0);
		P::synchronize();
		for (std::size_t i = 0; i < crowded_; ++i)
			writer_.recycle(crowd_[i]);
		for (const auto &value : leaving_)
			writer_.recycle(*value);
		leaving_.clear();
		crowded_ = 0;
		++dispersals_;
	}

	/// The identity of what is there, or 0.
	[[nodiscard]] std::uint64_t look_up(unsigned i) const
	{
		const P::ReadGuard guard;
		const Value *const value = table_.find(guard, keys_[i]);
		return value ? value->identity : 0;
	}

	[[nodiscard]] std::size_t displaced() const { return displaced_; }
	[[nodiscard]] unsigned dispersals() const { return dispersals_; }

protected:
	/// Takes a value out of the table, lets readers look, and puts it back.
	void move(unsigned i)
	{
		if (!present_[i])
			return;
		EXPECT_EQ(error_of(writer_.erase(keys_[i])), 0);
		std::this_thread::sleep_for(1ms);
		EXPECT_EQ(error_of(writer_.insert(*present_[i])), 0);
	}

private:
	std::array<std::uint64_t, watched> keys_{};
	std::vector<Value> crowd_;
	std::size_t crowded_ = 0; // of the crowd, so many are in the table
	std::uint64_t next_identity_ = 1;
	std::array<std::unique_ptr<Value>, watched> present_;
	std::vector<std::unique_ptr<Value>> leaving_;
	std::size_t displaced_ = 0;
	unsigned dispersals_ = 0;
	RcuTable<P, Value> table_;
	RcuTable<P, Value>::Writer writer_{table_};
};

/// A wrong map: it remembers what it found, and looks only every sixteenth time.
class ForgetfulMap : public TableMap
{
public:
	[[nodiscard]] std::uint64_t look_up(unsigned i) const
	{
		static thread_local std::array<std::uint64_t, watched> remembered{};
		static thread_local std::array<unsigned, watched> asked{};
		if (asked[i]++ % 16 == 0)
			remembered[i] = TableMap::look_up(i);
		return remembered[i];
	}
};

/// A wrong map: it moves values from one slot to another without a moment's regard for its readers.
class MovingMap : public TableMap
{
public:
	void churn(unsigned random)
	{
		move(random % watched);
		TableMap::churn(random);
	}
};

/// The registry as a map of the watched ids.
class RegistryMap
{
public:
	~RegistryMap() { P::flush_retired(); }

	std::uint64_t insert(unsigned i)
	{
		const auto entry = add({1, i});
		present_[i] = entry;
		return entry->serial();
	}

	void erase(unsigned i) { EXPECT_EQ(error_of(registry_.remove({&present_[i], 1})), 0); }

	void churn(unsigned random)
	{
		if (random % 8 != 0)
			return;
		if (crowd_.empty()) {
			for (std::uint32_t val = 0; val < 1 + random / 8 % 60; ++val)
				crowd_.push_back(add({2, val}));
			return;
		}
		EXPECT_EQ(error_of(registry_.remove(crowd_)), 0);
		crowd_.clear();
	}

	[[nodiscard]] std::uint64_t look_up(unsigned i) const
	{
		const P::ReadGuard guard;
		const Entry *const entry = registry_.find(guard, {1, i});
		give_way();
		return entry ? entry->serial() : 0;
	}

private:
	Entry *add(Id id)
	{
		const auto spec =
		    Registry<P>::check(id, "test", run_body, nullptr, CNX_KIND_ATOMIC, CNX_SENDER_ANYONE, false);
		return registry_.add(*spec).value();
	}

	Registry<P> registry_{Registry<P>::Calls::Slots::create().value()};
	std::array<Entry *, watched> present_{};
	std::vector<Entry *> crowd_;
};

using Histories = std::array<KeyHistory, watched>;

/// One reader: looks keys up one after the other, and takes down what it finds, until it has done so `most` times.
template <typename Map>
Histories read(const Map &map, Clock &clock, const std::atomic<bool> &stop, std::size_t most)
{
	const P::Thread registered;
	Histories histories;
	for (std::size_t done = 0; done < most && !stop.load(std::memory_order_relaxed); ++done) {
		const auto key = static_cast<unsigned>(done % watched);
		Lookup lookup{};
		lookup.when.begin = clock.tick();
		lookup.found = map.look_up(key);
		lookup.when.end = clock.tick();
		histories[key].lookups.push_back(lookup);
		P::Thread::quiescent();
	}
	return histories;
}

/// Two readers against one writer for a while, or until the readers have seen enough. Whatever is left in the map goes
/// at the end.
template <typename Map>
Histories exercise(Map &map, std::chrono::milliseconds time)
{
	constexpr unsigned readers = 2;
	constexpr std::size_t most = 500'000;
	Clock clock;
	std::atomic<bool> stop{false};
	std::atomic<unsigned> reading{readers};
	std::array<Histories, readers> seen;
	std::vector<std::thread> threads;
	for (Histories &histories : seen) {
		threads.emplace_back([&] {
			histories = read(map, clock, stop, most);
			reading.fetch_sub(1);
		});
	}
	Histories result;
	std::array<bool, watched> present{};
	std::mt19937 random(1);
	const auto erase = [&](unsigned key) {
		Stay &stay = result[key].stays.back();
		stay.erase.begin = clock.tick();
		map.erase(key);
		stay.erase.end = clock.tick();
		present[key] = false;
	};
	const auto end = std::chrono::steady_clock::now() + time;
	while (reading.load() == readers && std::chrono::steady_clock::now() < end) {
		const auto key = static_cast<unsigned>(random() % watched);
		if (present[key]) {
			erase(key);
		} else {
			Interval insert{};
			insert.begin = clock.tick();
			const std::uint64_t identity = map.insert(key);
			insert.end = clock.tick();
			result[key].stays.push_back({identity, insert});
			present[key] = true;
		}
		map.churn(static_cast<unsigned>(random()));
	}
	for (unsigned key = 0; key < watched; ++key) {
		if (present[key])
			erase(key);
	}
	stop = true;
	join(threads);
	for (unsigned key = 0; key < watched; ++key) {
		for (const Histories &histories : seen) {
			const auto &lookups = histories[key].lookups;
			result[key].lookups.insert(result[key].lookups.end(), lookups.begin(), lookups.end());
		}
	}
	return result;
}

std::vector<std::string> complaints(const Histories &histories)
{
	std::vector<std::string> all;
	for (const KeyHistory &history : histories) {
		if (const auto one = complaint(history); !one.empty())
			all.push_back(one);
	}
	return all;
}

/// That the histories are worth judging: of each kind of lookup there are some that an insert or an erase overlapped.
void expect_contention(const Histories &histories)
{
	std::array<std::size_t, 2> overlapped{};
	std::size_t stays = 0;
	for (const KeyHistory &history : histories) {
		stays += history.stays.size();
		for (const Lookup &lookup : history.lookups) {
			const auto stay = std::partition_point(
			    history.stays.begin(), history.stays.end(),
			    [&](const Stay &candidate) { return candidate.erase.end < lookup.when.begin; });
			if (stay == history.stays.end())
				continue;
			const auto meets = [&](const Interval &step) {
				return step.begin < lookup.when.end && lookup.when.begin < step.end;
			};
			overlapped[lookup.found != 0] += meets(stay->insert) || meets(stay->erase);
		}
	}
	EXPECT_GT(stays, 20u);
	EXPECT_GT(overlapped[0], 0u) << "no lookup that found nothing met an insert or an erase";
	EXPECT_GT(overlapped[1], 0u) << "no lookup that found something met an insert or an erase";
}

class CoreLinearizable : public ::testing::Test
{
	P::Thread thread;
};

TEST_F(CoreLinearizable, TheTableIs)
{
	TableMap map;
	const auto histories = exercise(map, 700ms);
	EXPECT_EQ(complaints(histories), std::vector<std::string>{});
	expect_contention(histories);
	EXPECT_GT(map.dispersals(), 2u) << "the table did not grow and shrink";
	EXPECT_GT(map.displaced(), 0u) << "no key was beyond its home: do the colliding keys still collide?";
}

TEST_F(CoreLinearizable, TheRegistryIs)
{
	RegistryMap map;
	const auto histories = exercise(map, 400ms);
	EXPECT_EQ(complaints(histories), std::vector<std::string>{});
	expect_contention(histories);
}

TEST_F(CoreLinearizable, AMapThatRemembersIsNot)
{
	ForgetfulMap map;
	EXPECT_FALSE(complaints(exercise(map, 200ms)).empty());
}

TEST_F(CoreLinearizable, AMapThatMovesValuesAboutIsNot)
{
	MovingMap map;
	EXPECT_FALSE(complaints(exercise(map, 200ms)).empty());
}

} // namespace
} // namespace cnx::test
