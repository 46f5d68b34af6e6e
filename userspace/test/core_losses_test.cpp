// SPDX-License-Identifier: GPL-2.0-only
#include "core_world.hpp"

#include <cnx/core/losses.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <utility>

namespace cnx::test
{
namespace
{

using Pair = std::pair<std::uint32_t, std::uint64_t>; // portid and key

class CoreLosses : public ::testing::Test
{
protected:
	CoreLosses() : losses(std::make_unique<Losses<P>>()) {}
	~CoreLosses() override
	{
		losses.reset();
		P::flush_retired();
	}

	std::vector<cnx_loss> all(std::uint64_t after = 0) const
	{
		std::vector<cnx_loss> found;
		losses->visit_after(after, [&](std::uint64_t, const cnx_loss &loss) {
			found.push_back(loss);
			return true;
		});
		return found;
	}

	std::map<Pair, std::uint64_t> counts() const
	{
		std::map<Pair, std::uint64_t> counted;
		for (const auto &loss : all())
			counted[{loss.portid, key_of(loss.id)}] += loss.lost;
		return counted;
	}

	P::Thread thread;
	std::unique_ptr<Losses<P>> losses;
};

/// A spinlock that somebody else is faster to take, once.
struct Overtaken : replica::SpinLock {
	static inline std::function<void()> by;

	void lock()
	{
		if (const auto other = std::exchange(by, nullptr))
			other();
		replica::SpinLock::lock();
	}
};

struct OvertakenPlatform : P {
	using SpinLock = Overtaken;
};

TEST_F(CoreLosses, AreCountedForEachListenerAndCallback)
{
	EXPECT_TRUE(all().empty());
	EXPECT_TRUE(losses->add(7, {1, 1}, 2));
	EXPECT_TRUE(losses->add(7, {1, 2}, 3));
	EXPECT_TRUE(losses->add(8, {1, 1}, 4));
	EXPECT_TRUE(losses->add(7, {1, 1}, 5));
	const auto found = all();
	ASSERT_EQ(found.size(), 3u);
	EXPECT_EQ(found[0].portid, 7u);
	EXPECT_EQ(found[0].id.val, 1u);
	EXPECT_EQ(found[0].lost, 7u);
	EXPECT_EQ(found[1].lost, 3u);
	EXPECT_EQ(found[2].portid, 8u);
	EXPECT_EQ(found[2].lost, 4u);
}

TEST_F(CoreLosses, AreVisitedFromWhereTheLastVisitEnded)
{
	for (std::uint32_t val = 1; val <= 4; ++val)
		ASSERT_TRUE(losses->add(7, {1, val}, val));
	std::uint64_t last = 0;
	std::vector<std::uint32_t> seen;
	EXPECT_FALSE(losses->visit_after(0, [&](std::uint64_t serial, const cnx_loss &loss) {
		if (seen.size() == 2)
			return false;
		seen.push_back(loss.id.val);
		last = serial;
		return true;
	}));
	losses->forget(9);
	for (const auto &loss : all(last))
		seen.push_back(loss.id.val);
	EXPECT_EQ(seen, (std::vector<std::uint32_t>{1, 2, 3, 4}));
}

TEST_F(CoreLosses, EndWithTheirSocket)
{
	for (std::uint32_t portid = 1; portid <= 3; ++portid) {
		ASSERT_TRUE(losses->add(portid, {1, 1}, 1));
		ASSERT_TRUE(losses->add(portid, {1, 2}, 1));
	}
	losses->forget(2);
	EXPECT_EQ(all().size(), 4u);
	losses->forget(3);
	losses->forget(3);
	ASSERT_EQ(all().size(), 2u);
	// The last one of the list is gone, and the list goes on where it ended.
	ASSERT_TRUE(losses->add(3, {1, 1}, 6));
	ASSERT_EQ(all().size(), 3u);
	EXPECT_EQ(all().back().lost, 6u) << "the next socket with the portid starts at nothing";
	losses->forget(1);
	losses->forget(3);
	EXPECT_TRUE(all().empty());
	ASSERT_TRUE(losses->add(5, {1, 1}, 1));
	EXPECT_EQ(all().size(), 1u);
}

TEST_F(CoreLosses, OfANewPairNeedMemoryAndSayWhenThereIsNone)
{
	ASSERT_TRUE(losses->add(1, {1, 1}, 1));
	const auto before = replica::Hooks::outstanding.load();
	{
		const FailAllocation fail(0);
		EXPECT_FALSE(losses->add(1, {1, 2}, 1));
		EXPECT_TRUE(FailAllocation::happened());
	}
	{
		const FailAllocation fail(0);
		EXPECT_TRUE(losses->add(1, {1, 1}, 1)) << "a pair that is there needs none";
	}
	EXPECT_EQ(replica::Hooks::outstanding.load(), before);
	EXPECT_EQ(counts(), (std::map<Pair, std::uint64_t>{{{1, key_of({1, 1})}, 2}}));
}

TEST_F(CoreLosses, AreBounded)
{
	for (std::uint32_t val = 0; val < Losses<P>::limit; ++val)
		ASSERT_TRUE(losses->add(1 + val % 3, {1, val}, 1));
	EXPECT_FALSE(losses->add(1, {2, 1}, 1));
	EXPECT_TRUE(losses->add(1, {1, 0}, 1));
	losses->forget(2);
	EXPECT_TRUE(losses->add(1, {2, 1}, 1));
}

TEST_F(CoreLosses, GiveTheirMemoryBack)
{
	const auto before = replica::Hooks::outstanding.load();
	for (std::uint32_t val = 0; val < 100; ++val)
		ASSERT_TRUE(losses->add(val % 4, {1, val}, 1));
	EXPECT_EQ(replica::Hooks::outstanding.load(), before + 100);
	losses->forget(1);
	P::flush_retired();
	EXPECT_EQ(replica::Hooks::outstanding.load(), before + 75);
	losses.reset();
	EXPECT_EQ(replica::Hooks::outstanding.load(), before);
	losses = std::make_unique<Losses<P>>();
}

/// The first loss of a pair, seen by two at once: who comes second to the lock finds what the first has made.
TEST_F(CoreLosses, OfAPairAreCountedInOnePlaceWhoeverIsFirst)
{
	Losses<OvertakenPlatform> raced;
	Overtaken::by = [&] { EXPECT_TRUE(raced.add(1, {1, 2}, 3)); };
	EXPECT_TRUE(raced.add(1, {1, 2}, 4));
	std::vector<std::uint64_t> lost;
	raced.visit_after(0, [&](std::uint64_t, const cnx_loss &loss) {
		lost.push_back(loss.lost);
		return true;
	});
	EXPECT_EQ(lost, std::vector<std::uint64_t>{7});
}

/// Who finds a pair that another has made has nothing but the pair's own order to see it whole by: no lock, and a flag
/// that orders nothing.
TEST_F(CoreLosses, OfAPairAreSeenByWhoHasOnlyFoundIt)
{
	std::atomic<bool> made{false};
	const auto once_made = [&](auto &&look) {
		return std::thread([&made, look] {
			const P::Thread registered;
			while (!made.load(std::memory_order_relaxed))
				P::Thread::quiescent();
			look();
		});
	};
	std::array finders{
	    once_made([this] {
		    EXPECT_TRUE(losses->add(1, {1, 2}, 4));
	    }),
	    once_made([this] { EXPECT_EQ(all().size(), 1u); }),
	};
	EXPECT_TRUE(losses->add(1, {1, 2}, 3));
	made.store(true, std::memory_order_relaxed);
	join(finders);
	EXPECT_EQ(counts(), (std::map<Pair, std::uint64_t>{{{1, key_of({1, 2})}, 7}}));
}

/// Senders on all CPUs, a socket that closes again and again, and readers: what nobody forgot is exact.
TEST_F(CoreLosses, AreExactWhateverElseHappens)
{
	constexpr unsigned senders = 3;
	constexpr unsigned each = 6000;
	constexpr std::uint32_t pairs = 300;
	constexpr std::uint32_t closing = 99;
	std::atomic<bool> stop{false};
	std::atomic<unsigned> refused{0};
	std::vector<std::thread> threads;
	for (unsigned sender = 0; sender < senders; ++sender) {
		threads.emplace_back([&] {
			const P::Thread registered;
			for (unsigned i = 0; i < each; ++i) {
				refused += !losses->add(i % 2, {1, i % pairs}, 1);
				refused += !losses->add(closing, {1, i % pairs}, 1);
				P::Thread::quiescent();
			}
		});
	}
	std::vector<std::thread> others;
	others.emplace_back([&] {
		const P::Thread registered;
		while (!stop.load(std::memory_order_relaxed)) {
			losses->forget(closing);
			P::Thread::quiescent();
		}
	});
	others.emplace_back([&] {
		const P::Thread registered;
		while (!stop.load(std::memory_order_relaxed)) {
			std::uint64_t last = 0;
			losses->visit_after(0, [&](std::uint64_t serial, const cnx_loss &) {
				refused += serial <= last;
				last = serial;
				return true;
			});
			P::Thread::quiescent();
		}
	});
	join(threads);
	stop = true;
	join(others);
	losses->forget(closing);
	EXPECT_EQ(refused.load(), 0u);
	std::uint64_t sum = 0;
	for (const auto &[pair, lost] : counts()) {
		EXPECT_EQ(lost, senders * each / pairs) << pair.first;
		sum += lost;
	}
	EXPECT_EQ(sum, senders * each);
}

} // namespace
} // namespace cnx::test
