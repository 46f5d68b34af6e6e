// SPDX-License-Identifier: GPL-2.0-only
#include "core_world.hpp"

#include <chrono>
#include <thread>

namespace cnx::test
{
namespace
{

class CoreSubscriptions : public ::testing::Test
{
protected:
	~CoreSubscriptions() override { P::flush_retired(); }

	std::vector<std::uint32_t> group(std::uint32_t number)
	{
		const P::ReadGuard guard;
		std::vector<std::uint32_t> portids;
		for (const auto &subscription : subscriptions.of_group(guard, number)) {
			EXPECT_EQ(subscription.group, number);
			portids.push_back(subscription.portid);
		}
		return portids;
	}

	using Portids = std::vector<std::uint32_t>;

	P::Thread thread;
	Subscriptions<P> subscriptions;
};

TEST_F(CoreSubscriptions, AreEmptyAtFirst)
{
	EXPECT_EQ(group(1), Portids{});
	EXPECT_EQ(subscriptions.size(), 0u);
	EXPECT_EQ(error_of(subscriptions.remove({1, 1})), -ENOENT);
	EXPECT_EQ(error_of(subscriptions.remove_all(1)), -ENOENT);
}

TEST_F(CoreSubscriptions, AreFoundByGroup)
{
	for (const auto &one : {Subscription{5, 30}, {4, 10}, {5, 10}, {6, 1}, {5, 20}, {0xffffffff, 0xffffffff}})
		ASSERT_EQ(error_of(subscriptions.add(one)), 0);
	EXPECT_EQ(group(5), (Portids{10, 20, 30}));
	EXPECT_EQ(group(4), Portids{10});
	EXPECT_EQ(group(0xffffffff), Portids{0xffffffff});
	EXPECT_EQ(group(3), Portids{});
	EXPECT_EQ(group(7), Portids{});
	EXPECT_EQ(error_of(subscriptions.add({5, 20})), -EEXIST);
	EXPECT_EQ(subscriptions.size(), 6u);
}

/// Where a socket is stays with its subscription while others come and go.
TEST_F(CoreSubscriptions, KeepTheirEndpoints)
{
	std::array<Endpoint, 3> sockets{};
	for (std::uint32_t portid = 1; portid <= sockets.size(); ++portid)
		ASSERT_EQ(error_of(subscriptions.add({.group = 1, .portid = portid, .endpoint = &sockets[portid - 1]})),
		          0);
	ASSERT_EQ(error_of(subscriptions.remove({.group = 1, .portid = 2})), 0);
	const P::ReadGuard guard;
	const auto left = subscriptions.of_group(guard, 1);
	ASSERT_EQ(left.size(), 2u);
	EXPECT_EQ(left[0].endpoint, &sockets[0]);
	EXPECT_EQ(left[1].endpoint, &sockets[2]);
}

/// A portid is free before the end of its last socket has come to be known here.
TEST_F(CoreSubscriptions, OfTheNextSocketWithAPortidStay)
{
	Endpoint last;
	Endpoint next;
	ASSERT_EQ(error_of(subscriptions.add({.group = 1, .portid = 7, .endpoint = &last})), 0);
	ASSERT_EQ(error_of(subscriptions.add({.group = 2, .portid = 7, .endpoint = &last})), 0);
	EXPECT_EQ(error_of(subscriptions.add({.group = 1, .portid = 7, .endpoint = &next})), -EEXIST);
	last.closed = true;
	ASSERT_EQ(error_of(subscriptions.add({.group = 1, .portid = 7, .endpoint = &next})), 0);
	EXPECT_EQ(subscriptions.size(), 2u);
	ASSERT_EQ(error_of(subscriptions.remove_all(7)), 0);
	EXPECT_EQ(subscriptions.size(), 1u);
	const P::ReadGuard guard;
	const auto left = subscriptions.of_group(guard, 1);
	ASSERT_EQ(left.size(), 1u);
	EXPECT_EQ(left[0].endpoint, &next);
}

TEST_F(CoreSubscriptions, EndOneByOneOrWithTheirSocket)
{
	for (const auto &one : {Subscription{1, 7}, {2, 7}, {3, 7}, {2, 8}})
		ASSERT_EQ(error_of(subscriptions.add(one)), 0);
	ASSERT_EQ(error_of(subscriptions.remove({1, 7})), 0);
	EXPECT_EQ(error_of(subscriptions.remove({1, 7})), -ENOENT);
	EXPECT_EQ(group(2), (Portids{7, 8}));
	ASSERT_EQ(error_of(subscriptions.remove_all(7)), 0);
	EXPECT_EQ(error_of(subscriptions.remove_all(7)), -ENOENT);
	EXPECT_EQ(group(2), Portids{8});
	EXPECT_EQ(group(3), Portids{});
	P::flush_retired();
	const auto before = replica::Hooks::outstanding.load();
	ASSERT_EQ(error_of(subscriptions.remove_all(8)), 0);
	P::flush_retired();
	EXPECT_EQ(replica::Hooks::outstanding.load(), before - 1) << "no subscriptions take no memory";
}

TEST_F(CoreSubscriptions, AreBounded)
{
	for (std::uint32_t i = 0; i < Subscriptions<P>::limit; ++i)
		ASSERT_EQ(error_of(subscriptions.add({i % 3 + 1, i + 1})), 0);
	EXPECT_EQ(error_of(subscriptions.add({9, 9})), -ENOSPC);
	EXPECT_EQ(error_of(subscriptions.add({1, 1})), -EEXIST);
	EXPECT_EQ(subscriptions.size(), Subscriptions<P>::limit);
	ASSERT_EQ(error_of(subscriptions.remove({1, 1})), 0);
	EXPECT_EQ(error_of(subscriptions.add({9, 9})), 0);
}

TEST_F(CoreSubscriptions, StayAsTheyWereWithoutMemory)
{
	ASSERT_EQ(error_of(subscriptions.add({1, 1})), 0);
	ASSERT_EQ(error_of(subscriptions.add({1, 2})), 0);
	const auto without_memory = [](auto &&change) {
		const FailAllocation next(0);
		return error_of(change());
	};
	EXPECT_EQ(without_memory([&] { return subscriptions.add({1, 3}); }), -ENOMEM);
	EXPECT_EQ(without_memory([&] { return subscriptions.remove({1, 1}); }), -ENOMEM);
	EXPECT_EQ(group(1), (Portids{1, 2}));
}

/// A portid may be another socket's as soon as its own has closed, so its subscriptions must not survive it.
TEST_F(CoreSubscriptions, OfAClosedSocketEndEvenWithoutMemoryAtFirst)
{
	ASSERT_EQ(error_of(subscriptions.add({1, 1})), 0);
	ASSERT_EQ(error_of(subscriptions.add({1, 2})), 0);
	const FailAllocation next(0);
	EXPECT_EQ(error_of(subscriptions.remove_all(2)), 0);
	EXPECT_EQ(group(1), Portids{1});
}

TEST_F(CoreSubscriptions, HaveALimitThatTheCallerMayLower)
{
	ASSERT_EQ(error_of(subscriptions.add({1, 1}, 1)), 0);
	EXPECT_EQ(error_of(subscriptions.add({1, 2}, 1)), -ENOSPC);
	EXPECT_EQ(error_of(subscriptions.add({1, 2}, 2)), 0);
}

TEST_F(CoreSubscriptions, KeepTheirFlags)
{
	ASSERT_EQ(error_of(subscriptions.add({1, 7, CNX_SUBSCRIBE_BATCHES})), 0);
	ASSERT_EQ(error_of(subscriptions.add({1, 8})), 0);
	EXPECT_EQ(error_of(subscriptions.add({1, 7})), -EEXIST) << "flags make no other subscription";
	const P::ReadGuard guard;
	const auto found = subscriptions.of_group(guard, 1);
	ASSERT_EQ(found.size(), 2u);
	EXPECT_TRUE(found[0].wants_batches());
	EXPECT_FALSE(found[1].wants_batches());
}

TEST_F(CoreSubscriptions, AreLikelyWhereThereAreSome)
{
	EXPECT_FALSE(subscriptions.likely(5));
	ASSERT_EQ(error_of(subscriptions.add({5, 7})), 0);
	ASSERT_EQ(error_of(subscriptions.add({5 + 64 * 3, 7})), 0);
	EXPECT_TRUE(subscriptions.likely(5));
	EXPECT_FALSE(subscriptions.likely(6));
	ASSERT_EQ(error_of(subscriptions.remove({5, 7})), 0);
	EXPECT_TRUE(subscriptions.likely(5 + 64 * 3)) << "another one has the same remainder";
	ASSERT_EQ(error_of(subscriptions.remove_all(7)), 0);
	EXPECT_FALSE(subscriptions.likely(5));
}

TEST_F(CoreSubscriptions, AreSeenBeforeOrAfterAChangeAndNeverBetween)
{
	// Two that come and go in one step between two that stay.
	ASSERT_EQ(error_of(subscriptions.add({1, 1})), 0);
	ASSERT_EQ(error_of(subscriptions.add({1, 9})), 0);
	std::atomic<bool> stop{false};
	std::atomic<unsigned> wrong{0};
	std::thread reader([&] {
		const P::Thread registered;
		while (!stop.load(std::memory_order_relaxed)) {
			P::Thread::quiescent();
			const P::ReadGuard guard;
			const auto found = subscriptions.of_group(guard, 1);
			const bool sorted = std::is_sorted(
			    found.begin(), found.end(),
			    [](const Subscription &one, const Subscription &other) { return one.key() < other.key(); });
			if (!sorted || found.size() < 2 || found.front().portid != 1 || found.back().portid != 9)
				wrong.fetch_add(1);
		}
	});
	const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(200);
	while (std::chrono::steady_clock::now() < end) {
		EXPECT_EQ(error_of(subscriptions.add({1, 5})), 0);
		EXPECT_EQ(error_of(subscriptions.add({2, 5})), 0);
		EXPECT_EQ(error_of(subscriptions.remove_all(5)), 0);
	}
	stop = true;
	join({&reader, 1});
	EXPECT_EQ(wrong.load(), 0u);
}

} // namespace
} // namespace cnx::test
