// SPDX-License-Identifier: GPL-2.0-only
#include "core_world.hpp"

namespace cnx::test
{
namespace
{

class CoreDispatcher : public World
{
protected:
	unsigned calls = 0;
	int answer = 0;
	Body counting = [this](const cnx_message &, const cnx_sender &) {
		++calls;
		return answer;
	};

	Bytes one(std::uint16_t flags, Id id = {1, 1}) { return datagram_of({connector_message(id)}, flags); }

	std::vector<int> statuses(const Bytes &bytes, const cnx_sender &sender)
	{
		std::vector<int> all;
		for (const auto &answered : receive(bytes, sender))
			all.push_back(answered.status);
		return all;
	}
};

constexpr auto ack = netlink_flag_ack;
constexpr auto request = netlink_flag_request;

TEST_F(CoreDispatcher, HandsTheMessageAndItsSenderOver)
{
	Body body = [this](const cnx_message &message, const cnx_sender &sender) {
		++calls;
		EXPECT_EQ(message.id.val, 1u);
		EXPECT_EQ(message.seq, 7u);
		EXPECT_EQ(message.ack, 8u);
		EXPECT_EQ(message.length, 4u);
		EXPECT_EQ(std::memcmp(message.payload, "ZZZZ", 4), 0);
		EXPECT_EQ(sender.portid, 100u);
		return 0;
	};
	Entry *const entry = *add({1, 1}, body);
	EXPECT_TRUE(receive(one(0), root()).empty());
	EXPECT_EQ(calls, 1u);
	EXPECT_EQ(counter(CNX_RECEIVED), 1u);
	EXPECT_EQ(entry->record().received, 1u);
}

TEST_F(CoreDispatcher, AnswersThoseWhoAsk)
{
	ASSERT_TRUE(add({1, 1}, counting));
	EXPECT_EQ(statuses(one(0), root()), std::vector<int>{});
	EXPECT_EQ(statuses(one(request), root()), std::vector<int>{});
	EXPECT_EQ(statuses(one(ack), root()), std::vector<int>{0});
	EXPECT_EQ(statuses(one(ack | request), root()), std::vector<int>{0});
	EXPECT_EQ(statuses(one(0, {9, 9}), root()), std::vector<int>{});
	EXPECT_EQ(statuses(one(request, {9, 9}), root()), std::vector<int>{-ENODEV});
	EXPECT_EQ(statuses(one(ack, {9, 9}), root()), std::vector<int>{-ENODEV});
	EXPECT_EQ(calls, 4u);
	EXPECT_EQ(counter(CNX_DROP_UNKNOWN_ID), 3u);
}

TEST_F(CoreDispatcher, RefusesASenderWithoutTheCapability)
{
	Entry *const admin = *add({1, 1}, counting, Kind::atomic, CNX_SENDER_NET_ADMIN);
	Entry *const chown = *add({1, 2}, counting, Kind::sleepable, CNX_SENDER_CAPABLE(0));
	ASSERT_TRUE(add({1, 3}, counting, Kind::atomic, CNX_SENDER_ANYONE));
	EXPECT_EQ(statuses(one(ack, {1, 1}), nobody()), std::vector<int>{-EPERM});
	EXPECT_EQ(statuses(one(ack, {1, 2}), nobody()), std::vector<int>{-EPERM});
	EXPECT_EQ(calls, 0u);
	EXPECT_EQ(statuses(one(ack, {1, 3}), nobody()), std::vector<int>{0});
	EXPECT_EQ(statuses(one(ack, {1, 1}), root()), std::vector<int>{0});
	EXPECT_EQ(counter(CNX_DROP_NOT_PERMITTED), 2u);
	EXPECT_EQ(admin->record().refused, 1u);
	EXPECT_EQ(admin->record().received, 1u);
	EXPECT_EQ(admin->record().capability, 12);
	// The very capability that was asked for, and no other, helps.
	replica::Hooks::grant = [](const cnx_sender &, int capability) { return capability == 0; };
	EXPECT_EQ(statuses(one(ack, {1, 1}), nobody()), std::vector<int>{-EPERM});
	EXPECT_EQ(statuses(one(ack, {1, 2}), nobody()), std::vector<int>{0});
	replica::Hooks::grant = nullptr;
	EXPECT_EQ(chown->record().refused, 1u);
}

TEST_F(CoreDispatcher, HandlesEveryMessageOfADatagram)
{
	ASSERT_TRUE(add({1, 1}, counting));
	Bytes bytes;
	for (unsigned i = 0; i < 100; ++i)
		append_netlink(bytes, connector_message({1, i % 2 ? 1u : 2u}, i), i % 2 ? ack : request);
	const auto all = statuses(bytes, root());
	EXPECT_EQ(all.size(), 100u);
	EXPECT_EQ(calls, 50u);
	EXPECT_EQ(counter(CNX_RECEIVED), 50u);
	EXPECT_EQ(counter(CNX_DROP_UNKNOWN_ID), 50u);
}

TEST_F(CoreDispatcher, HandlesTheGoodOnesBeforeAndAmongTheBad)
{
	ASSERT_TRUE(add({1, 1}, counting));
	Bytes bytes;
	append_netlink(bytes, connector_message({1, 1}), ack);
	append_netlink(bytes, connector_message({1, 1}, 4, 99), ack);
	append_netlink(bytes, Bytes(3), ack);
	append_netlink(bytes, connector_message({1, 1}, CNX_MAX_MESSAGE), ack);
	append_netlink(bytes, connector_message({1, 1}), ack);
	append(bytes, NetlinkHeader{5, netlink_type_done, ack, 1, 0});
	append_netlink(bytes, connector_message({1, 1}), ack);
	EXPECT_EQ(statuses(bytes, root()), (std::vector{0, -EBADMSG, -EBADMSG, -EMSGSIZE, 0}));
	EXPECT_EQ(calls, 2u);
	EXPECT_EQ(counter(CNX_RECEIVED), 2u);
	EXPECT_EQ(counter(CNX_DROP_BAD_LENGTH), 2u) << "the connector's length and the header's";
	EXPECT_EQ(counter(CNX_DROP_TRUNCATED), 1u);
	EXPECT_EQ(counter(CNX_DROP_TOO_LARGE), 1u);
	for (const auto reason : {CNX_DROP_BAD_LENGTH, CNX_DROP_TRUNCATED, CNX_DROP_TOO_LARGE, CNX_DROP_UNKNOWN_ID,
	                          CNX_DROP_NOT_PERMITTED, CNX_DROP_FAILED})
		EXPECT_NE(explain(reason), nullptr) << reason;
	EXPECT_EQ(explain(CNX_RECEIVED), nullptr);
}

TEST_F(CoreDispatcher, CountsATruncatedEnd)
{
	ASSERT_TRUE(add({1, 1}, counting));
	Bytes bytes = one(ack);
	bytes.resize(bytes.size() + 7);
	EXPECT_EQ(statuses(bytes, root()), std::vector<int>{0});
	EXPECT_EQ(counter(CNX_DROP_TRUNCATED), 1u);
}

TEST_F(CoreDispatcher, SkipsNoops)
{
	ASSERT_TRUE(add({1, 1}, counting));
	Bytes bytes;
	append_netlink(bytes, connector_message({1, 1}), ack, netlink_type_noop);
	append_netlink(bytes, Bytes{}, ack, netlink_type_noop);
	append_netlink(bytes, connector_message({1, 1}), ack, 77);
	EXPECT_EQ(statuses(bytes, root()), std::vector<int>{0});
	EXPECT_EQ(calls, 1u);
}

TEST_F(CoreDispatcher, TellsWhatTheCallbackAnswered)
{
	Entry *const entry = *add({1, 1}, counting);
	answer = -EIO;
	EXPECT_EQ(statuses(one(request), root()), std::vector<int>{-EIO});
	EXPECT_EQ(dispatcher().dispatch(message_for({1, 1})).status, -EIO);
	EXPECT_EQ(counter(CNX_DROP_FAILED), 2u);
	EXPECT_EQ(entry->record().failed, 2u);
	EXPECT_EQ(entry->record().received, 2u);
	// A positive answer means nothing and must not reach a sender as an errno.
	answer = 5;
	EXPECT_EQ(statuses(one(ack), root()), std::vector<int>{0});
}

TEST_F(CoreDispatcher, TakesADriversMessageWhateverThePolicy)
{
	Body body = [this](const cnx_message &, const cnx_sender &sender) {
		++calls;
		EXPECT_EQ(sender.portid, 0u);
		EXPECT_EQ(sender.skb, nullptr);
		return 0;
	};
	ASSERT_TRUE(add({1, 1}, body, Kind::atomic, CNX_SENDER_CAPABLE(21)));
	EXPECT_EQ(dispatcher().dispatch(message_for({1, 1})).status, 0);
	EXPECT_EQ(counter(CNX_DISPATCHED), 1u);
	EXPECT_EQ(counter(CNX_RECEIVED), 0u);
	const auto outcome = dispatcher().dispatch(message_for({1, 2}));
	EXPECT_EQ(outcome.status, -ENODEV);
	EXPECT_EQ(outcome.counted, CNX_DROP_UNKNOWN_ID);
	EXPECT_EQ(calls, 1u);
}

TEST_F(CoreDispatcher, RunsEachKindWhereItMayRun)
{
	Body atomic = [this](const cnx_message &, const cnx_sender &) {
		++calls;
		EXPECT_TRUE(P::in_read_section());
		return 0;
	};
	Body sleepable = [this](const cnx_message &, const cnx_sender &) {
		++calls;
		EXPECT_FALSE(P::in_read_section());
		P::synchronize();
		return 0;
	};
	ASSERT_TRUE(add({1, 1}, atomic));
	ASSERT_TRUE(add({1, 2}, sleepable, Kind::sleepable));
	EXPECT_EQ(statuses(datagram_of({connector_message({1, 1}), connector_message({1, 2})}, ack), root()),
	          (std::vector{0, 0}));
	EXPECT_EQ(dispatcher().dispatch(message_for({1, 1})).status, 0);
	EXPECT_EQ(dispatcher().dispatch(message_for({1, 2})).status, 0);
	EXPECT_EQ(calls, 4u);
	{
		const P::ReadGuard guard;
		EXPECT_EQ(dispatcher().dispatch(message_for({1, 1})).status, 0);
		const auto outcome = dispatcher().dispatch(message_for({1, 2}));
		EXPECT_EQ(outcome.status, -EWOULDBLOCK);
		EXPECT_EQ(outcome.counted, CNX_DROP_WOULD_BLOCK);
	}
	EXPECT_EQ(calls, 5u);
	EXPECT_EQ(counter(CNX_DROP_WOULD_BLOCK), 1u);
	const P::ReadGuard guard;
	EXPECT_EQ(registry().find(guard, {1, 2})->record().received, 2u) << "a call that was not made is not counted";
}

TEST_F(CoreDispatcher, CountsPerCpuToOneSum)
{
	ASSERT_TRUE(add({1, 1}, counting));
	for (unsigned i = 0; i < 1000; ++i)
		ASSERT_EQ(dispatcher().dispatch(message_for({1, 1})).status, 0);
	std::uint64_t sum = 0;
	for (unsigned cpu = 0; cpu < P::cpu_count(); ++cpu)
		sum += dispatcher().counters().read(CNX_DISPATCHED, cpu);
	EXPECT_EQ(sum, 1000u);
	EXPECT_EQ(counter(CNX_DISPATCHED), 1000u);
	EXPECT_LT(P::cpu(), P::cpu_count());
}

} // namespace
} // namespace cnx::test
