// SPDX-License-Identifier: GPL-2.0-only
#include "core_world.hpp"

#include <cnx/core/magazines.hpp>

#include <algorithm>
#include <thread>

namespace cnx::test
{
namespace
{

struct Buffer {
	std::atomic<unsigned> holders{0};
	unsigned number = 0;
	unsigned touched = 0; // by who holds it: ThreadSanitizer sees whether the next one was told

	/// Whether nobody else has it. Relaxed, so that nothing but the magazines orders one holder after the other.
	[[nodiscard]] bool hold()
	{
		++touched;
		return holders.fetch_add(1, std::memory_order_relaxed) == 0;
	}
	[[nodiscard]] bool let_go()
	{
		++touched;
		return holders.fetch_sub(1, std::memory_order_relaxed) == 1;
	}
};

/// A machine of one CPU on which several threads run at once: they meet in one magazine all the time, as otherwise they
/// do only when one of them is moved at the wrong moment.
struct Crowded : P {
	[[nodiscard]] static unsigned cpu() { return 0; }
	[[nodiscard]] static unsigned cpu_count() { return 1; }
};

class CoreMagazines : public ::testing::Test
{
protected:
	template <typename Q = P>
	static Magazines<Q, Buffer> of_depth(unsigned depth)
	{
		auto created = Magazines<Q, Buffer>::create(depth);
		return std::move(created).value();
	}

	using Level = Magazines<P, Buffer>::Level;

	/// Gives to CPU 0 and takes from all, since a test's thread may be moved between CPUs.
	template <typename Q>
	static unsigned drain(Magazines<Q, Buffer> &magazines, std::vector<Buffer *> &into)
	{
		unsigned drained = 0;
		for (unsigned cpu = 0; cpu < Q::cpu_count(); ++cpu)
			drained += magazines.drain(cpu, [&](Buffer &buffer) { into.push_back(&buffer); });
		return drained;
	}

	P::Thread thread;
};

TEST_F(CoreMagazines, RefusesADepthThatMakesNoSense)
{
	EXPECT_EQ(error_of(Magazines<P, Buffer>::create(0)), -EINVAL);
	EXPECT_EQ(error_of(Magazines<P, Buffer>::create(Magazines<P, Buffer>::deepest + 1)), -EINVAL);
	EXPECT_EQ(error_of(Magazines<P, Buffer>::create(Magazines<P, Buffer>::deepest)), 0);
	EXPECT_EQ(of_depth(1).depth(), 1u);
}

TEST_F(CoreMagazines, LeavesNothingBehindWithoutMemory)
{
	const auto before = replica::Hooks::outstanding.load();
	{
		const FailAllocation fail(0);
		EXPECT_EQ(error_of(Magazines<P, Buffer>::create(8)), -ENOMEM);
		EXPECT_TRUE(FailAllocation::happened());
	}
	static_cast<void>(of_depth(8));
	EXPECT_EQ(replica::Hooks::outstanding.load(), before);
}

TEST_F(CoreMagazines, GivesBackWhatItWasGivenAndNoMore)
{
	auto magazines = of_depth(3);
	std::vector<Buffer> buffers(4);
	EXPECT_EQ(magazines.take().buffer, nullptr);
	EXPECT_EQ(magazines.wanting(0), 3u);
	for (unsigned i = 0; i < 3; ++i)
		EXPECT_TRUE(magazines.give(0, buffers[i])) << i;
	EXPECT_EQ(magazines.wanting(0), 0u);
	EXPECT_EQ(magazines.size(0), 3u);
	EXPECT_FALSE(magazines.give(0, buffers[3])) << "it is full, and the buffer stays the giver's";
	std::vector<Buffer *> drained;
	EXPECT_EQ(drain(magazines, drained), 3u);
	std::sort(drained.begin(), drained.end());
	EXPECT_EQ(drained, (std::vector<Buffer *>{&buffers[0], &buffers[1], &buffers[2]}));
	EXPECT_EQ(drain(magazines, drained), 0u);
	EXPECT_EQ(magazines.wanting(0), 3u);
}

/// On one CPU: what came last goes first.
TEST_F(CoreMagazines, TakesWhatCameLast)
{
	auto magazines = of_depth(4);
	std::vector<Buffer> buffers(5);
	// Whatever CPU this runs on, every CPU's magazine gets the same.
	unsigned failures = 0;
	for (unsigned round = 0; round < 100; ++round) {
		const unsigned cpu = P::cpu();
		for (auto &buffer : buffers)
			failures += !magazines.give(cpu, buffer);
		Buffer *const taken = magazines.take().buffer;
		if (P::cpu() == cpu) {
			EXPECT_EQ(taken, &buffers[3]);
		}
		std::vector<Buffer *> rest;
		drain(magazines, rest);
	}
	EXPECT_EQ(failures, 100u);
}

/// All CPUs' magazines hold the same, so that it does not matter where the test's thread is.
TEST_F(CoreMagazines, AreLowWhenAQuarterIsGone)
{
	auto magazines = of_depth(8);
	std::vector<Buffer> buffers(8 * P::cpu_count());
	for (std::size_t given = 0; given < buffers.size(); ++given)
		EXPECT_TRUE(magazines.give(static_cast<unsigned>(given % P::cpu_count()), buffers[given]));
	std::vector<unsigned> left(P::cpu_count(), 8);
	unsigned judged = 0;
	for (unsigned taken = 0; taken < buffers.size(); ++taken) {
		const unsigned cpu = P::cpu();
		const auto [buffer, level] = magazines.take();
		if (!buffer || P::cpu() != cpu || magazines.size(cpu) != left[cpu] - 1)
			break; // the thread was moved
		--left[cpu];
		EXPECT_EQ(level != Level::plenty, left[cpu] <= 6) << left[cpu];
		EXPECT_EQ(level == Level::scarce, left[cpu] <= 2) << left[cpu];
		++judged;
	}
	EXPECT_GE(judged, 1u);
	std::vector<Buffer *> drained;
	drain(magazines, drained);
}

TEST_F(CoreMagazines, AreDryWhenThereIsNothing)
{
	auto magazines = of_depth(4);
	for (unsigned look = 0; look < 3; ++look) {
		const auto taken = magazines.take();
		EXPECT_EQ(taken.buffer, nullptr);
		EXPECT_EQ(taken.level, Level::dry);
	}
}

/// Who found nothing says so to those who come after; one who gives says otherwise.
TEST_F(CoreMagazines, AreFoundAgainAfterTheyRanDry)
{
	auto magazines = of_depth(4);
	std::vector<Buffer> buffers(P::cpu_count());
	for (unsigned round = 0; round < 3; ++round) {
		for (unsigned look = 0; look < 2; ++look)
			EXPECT_EQ(magazines.take().buffer, nullptr);
		for (unsigned cpu = 0; cpu < P::cpu_count(); ++cpu)
			EXPECT_TRUE(magazines.give(cpu, buffers[cpu]));
		EXPECT_NE(magazines.take().buffer, nullptr);
		std::vector<Buffer *> drained;
		EXPECT_EQ(drain(magazines, drained), buffers.size() - 1);
	}
}

TEST_F(CoreMagazines, LearnHowManyAreWanted)
{
	constexpr unsigned modest = Magazines<P, Buffer>::modest;
	auto magazines = of_depth(modest * 3);
	const unsigned cpu = P::cpu();
	EXPECT_EQ(magazines.wanting(cpu), modest);
	std::vector<Buffer> buffers(modest * 3);
	for (const unsigned wanted : {modest * 2, modest * 3, modest * 3}) {
		magazines.want_more();
		if (P::cpu() != cpu)
			GTEST_SKIP() << "the test's thread was moved to another CPU";
		EXPECT_EQ(magazines.wanting(cpu), wanted);
	}
	for (unsigned given = 0; given < modest * 3; ++given)
		EXPECT_TRUE(magazines.give(cpu, buffers[given]));
	EXPECT_EQ(magazines.wanting(cpu), 0u);
	magazines.drain(cpu, [](Buffer &) {});
	EXPECT_EQ(magazines.wanting(cpu), modest * 3 / 2) << "who drains them wants them smaller";
	magazines.drain(cpu, [](Buffer &) {});
	EXPECT_EQ(magazines.wanting(cpu), modest);
}

TEST_F(CoreMagazines, DrainNoMoreThanTheyAreAskedTo)
{
	auto magazines = of_depth(4);
	std::vector<Buffer> buffers(4);
	for (auto &buffer : buffers)
		EXPECT_TRUE(magazines.give(0, buffer));
	unsigned gone = 0;
	EXPECT_EQ(magazines.drain(
	              0, [&](Buffer &) { ++gone; }, 3),
	          3u);
	EXPECT_EQ(gone, 3u);
	EXPECT_EQ(magazines.drain(0, [&](Buffer &) { ++gone; }), 1u);
}

/// What an interrupt does between a taker's step and its hint leaves the hint wrong. Here the holes are made by hand:
/// each buffer must be found, wherever the hint points.
TEST_F(CoreMagazines, FindsEveryBufferWhereverTheHintPoints)
{
	constexpr unsigned depth = 8;
	for (unsigned holes = 0; holes < 1u << depth; ++holes) {
		auto magazines = of_depth(depth);
		std::vector<Buffer> buffers(depth);
		unsigned filled = 0;
		for (unsigned cpu = 0; cpu < P::cpu_count(); ++cpu) {
			for (auto &buffer : buffers)
				EXPECT_TRUE(magazines.give(cpu, buffer));
			unsigned slot = 0;
			std::vector<Buffer *> back;
			magazines.drain(cpu, [&](Buffer &buffer) {
				if (!(holes >> slot++ & 1))
					back.push_back(&buffer);
			});
			filled = static_cast<unsigned>(back.size());
			for (Buffer *const buffer : back)
				EXPECT_TRUE(magazines.give(cpu, *buffer));
		}
		unsigned found = 0;
		while (found <= filled * P::cpu_count() && magazines.take().buffer)
			++found;
		// A thread that stayed on one CPU has found all of that CPU's; one that moved has found more.
		EXPECT_GE(found, filled);
		std::vector<Buffer *> rest;
		EXPECT_EQ(found + drain(magazines, rest), filled * P::cpu_count());
	}
}

/// Takers, givers and drainers at once, more threads than CPUs: no buffer is ever in two hands, and none is lost.
template <typename Q>
void strain(Magazines<Q, Buffer> magazines, unsigned rounds = 20'000)
{
	constexpr unsigned count = 24;
	std::vector<Buffer> buffers(count);
	std::vector<std::thread> threads;
	std::atomic<unsigned> in_two_hands{0};
	std::atomic<unsigned> exchanged{0};
	const auto hold = [&](Buffer &buffer) { in_two_hands += !buffer.hold(); };
	const auto release = [&](Buffer &buffer) { in_two_hands += !buffer.let_go(); };
	std::mutex mutex;
	std::vector<Buffer *> outside;
	for (auto &buffer : buffers) {
		hold(buffer);
		outside.push_back(&buffer);
	}
	for (unsigned id = 0; id < 4; ++id) {
		threads.emplace_back([&, id] {
			const P::Thread registered;
			std::vector<Buffer *> mine;
			for (unsigned round = 0; round < rounds; ++round) {
				if (mine.empty()) {
					const std::lock_guard guard(mutex);
					if (!outside.empty()) {
						mine.push_back(outside.back());
						outside.pop_back();
					}
				}
				if (!mine.empty() && (round + id) % 3 != 0) {
					Buffer *const buffer = mine.back();
					release(*buffer);
					if (magazines.give(*buffer))
						mine.pop_back();
					else
						hold(*buffer);
				} else if (Buffer *const buffer = magazines.take().buffer) {
					hold(*buffer);
					mine.push_back(buffer);
					exchanged.fetch_add(1, std::memory_order_relaxed);
				}
				if (round % 1000 == id) {
					magazines.drain(round / 1000 % Q::cpu_count(), [&](Buffer &buffer) {
						hold(buffer);
						mine.push_back(&buffer);
					});
				}
			}
			const std::lock_guard guard(mutex);
			outside.insert(outside.end(), mine.begin(), mine.end());
		});
	}
	for (auto &thread : threads)
		thread.join();
	for (unsigned cpu = 0; cpu < Q::cpu_count(); ++cpu)
		magazines.drain(cpu, [&](Buffer &buffer) { outside.push_back(&buffer); });
	std::sort(outside.begin(), outside.end());
	EXPECT_EQ(outside.size(), count);
	EXPECT_EQ(std::unique(outside.begin(), outside.end()), outside.end());
	EXPECT_EQ(in_two_hands.load(), 0u);
	EXPECT_GT(exchanged.load(), 0u);
}

TEST_F(CoreMagazines, NoBufferIsInTwoHandsAndNoneIsLost)
{
	strain(of_depth(16));
}

TEST_F(CoreMagazines, NoBufferIsInTwoHandsWhereAllMeet)
{
	strain(of_depth<Crowded>(16), 200'000);
}

} // namespace
} // namespace cnx::test
