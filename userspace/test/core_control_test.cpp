// SPDX-License-Identifier: GPL-2.0-only
#include "core_world.hpp"

namespace cnx::test
{
namespace
{

constexpr std::uint64_t absurd = ~std::uint64_t{0};

class CoreControl : public World
{
protected:
	static constexpr std::size_t whole = CNX_MAX_MESSAGE - sizeof(cnx_msg);

	/// A reply, taken apart: its header and the bytes behind it.
	struct Reply {
		cnx_control_reply header{};
		Bytes records;

		template <typename T>
		[[nodiscard]] std::vector<T> all() const
		{
			EXPECT_EQ(records.size(), header.count * sizeof(T));
			std::vector<T> values;
			for (std::size_t at = 0; at + sizeof(T) <= records.size(); at += sizeof(T))
				values.push_back(*load<T>(std::span(records).subspan(at)));
			return values;
		}
	};

	Result<Reply> ask_bytes(const Bytes &payload, const cnx_sender &sender, std::size_t room = whole)
	{
		cnx_message message = message_for(control_id);
		message.payload = payload.data();
		message.length = static_cast<std::uint16_t>(payload.size());
		Bytes buffer(room);
		const auto used = control.answer(message, sender, buffer);
		if (!used)
			return std::unexpected(used.error());
		EXPECT_LE(*used, room);
		Reply reply;
		reply.header = load<cnx_control_reply>(buffer).value();
		reply.records.assign(buffer.begin() + sizeof(cnx_control_reply),
		                     buffer.begin() + static_cast<std::ptrdiff_t>(*used));
		EXPECT_EQ(reply.header.version, CNX_CONTROL_VERSION);
		return reply;
	}

	Result<Reply> ask(int op, Id id = {}, std::uint32_t count = 0, std::uint64_t cursor = 0)
	{
		return ask_as(root(), op, id, count, cursor);
	}

	Result<Reply> ask_as(const cnx_sender &sender, int op, Id id = {}, std::uint32_t count = 0,
	                     std::uint64_t cursor = 0)
	{
		Bytes payload;
		append(payload,
		       cnx_control_request{CNX_CONTROL_VERSION, static_cast<std::uint16_t>(op), count, id, cursor});
		return ask_bytes(payload, sender);
	}

	void fill(std::uint32_t count)
	{
		for (std::uint32_t val = 1; val <= count; ++val)
			ASSERT_TRUE(add({1, val}, nothing));
	}

	Body nothing = [](const cnx_message &, const cnx_sender &) { return 0; };
	Subscriptions<P> subscriptions;
	Losses<P> losses;
	Control<P> control{dispatcher(), subscriptions, losses, {28, 1024, {"1.2.3"}}};
};

TEST_F(CoreControl, RefusesShortRequestsAndOtherVersions)
{
	Bytes payload;
	append(payload, cnx_control_request{CNX_CONTROL_VERSION, CNX_CONTROL_INFO, 0, {}, 0});
	EXPECT_EQ(error_of(ask_bytes(payload, root())), 0);
	for (std::size_t size = 0; size < payload.size(); ++size) {
		const Bytes part(payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(size));
		EXPECT_EQ(error_of(ask_bytes(part, root())), -EBADMSG) << size;
	}
	Bytes longer = payload;
	longer.resize(100);
	EXPECT_EQ(error_of(ask_bytes(longer, root())), 0) << "a later program may say more";
	for (const std::uint16_t version : {0, 2, 65535}) {
		std::memcpy(payload.data(), &version, sizeof(version));
		EXPECT_EQ(error_of(ask_bytes(payload, root())), -EBADMSG) << version;
	}
}

TEST_F(CoreControl, RefusesUnknownOps)
{
	for (const int op : {0, 8, 15, CNX_EVENT_REGISTERED + 0, CNX_EVENT_UNREGISTERED + 0, 65535})
		EXPECT_EQ(error_of(ask(op)), -EOPNOTSUPP) << op;
}

TEST_F(CoreControl, FitsTheRoomOrRefuses)
{
	fill(3);
	Bytes payload;
	append(payload, cnx_control_request{CNX_CONTROL_VERSION, CNX_CONTROL_INFO, 0, {}, 0});
	EXPECT_EQ(error_of(ask_bytes(payload, root(), sizeof(cnx_control_reply) - 1)), -EMSGSIZE);
	EXPECT_EQ(error_of(ask_bytes(payload, root(), sizeof(cnx_control_reply) + sizeof(cnx_info) - 1)), -EMSGSIZE);
	EXPECT_EQ(error_of(ask_bytes(payload, root(), sizeof(cnx_control_reply) + sizeof(cnx_info))), 0);
}

TEST_F(CoreControl, RefusesAPageThatWouldHoldNothing)
{
	// Its cursor would be the one that was asked with, and 0 says that no more follow.
	fill(3);
	ASSERT_TRUE(losses.add(5, {1, 1}, 1));
	const std::pair<cnx_control_op, std::size_t> all[] = {{CNX_CONTROL_LIST, sizeof(cnx_callback_record)},
	                                                      {CNX_CONTROL_COUNTERS, sizeof(cnx_counters)},
	                                                      {CNX_CONTROL_SHOW, sizeof(cnx_callback_record)},
	                                                      {CNX_CONTROL_LOSSES, sizeof(cnx_loss)}};
	for (const auto &[op, size] : all) {
		Bytes payload;
		const Id id = op == CNX_CONTROL_SHOW ? Id{1, 1} : Id{};
		append(payload, cnx_control_request{CNX_CONTROL_VERSION, static_cast<std::uint16_t>(op), 0, id, 0});
		const std::size_t room = sizeof(cnx_control_reply) + size;
		EXPECT_EQ(error_of(ask_bytes(payload, root(), room - 1)), -EMSGSIZE) << op;
		const auto reply = ask_bytes(payload, root(), room);
		ASSERT_TRUE(reply) << op;
		EXPECT_EQ(reply->header.count, 1u) << op;
	}
}

TEST_F(CoreControl, TellsOfItself)
{
	fill(2);
	ASSERT_EQ(error_of(subscriptions.add({1, 1})), 0);
	const auto reply = ask(CNX_CONTROL_INFO);
	ASSERT_TRUE(reply);
	const auto infos = reply->all<cnx_info>();
	ASSERT_EQ(infos.size(), 1u);
	EXPECT_EQ(infos[0].protocol, 28u);
	EXPECT_EQ(infos[0].groups, 1024u);
	EXPECT_EQ(infos[0].max_message, 16384u);
	EXPECT_EQ(infos[0].counters, static_cast<unsigned>(CNX_COUNTERS));
	EXPECT_EQ(infos[0].callbacks, 2u);
	EXPECT_EQ(infos[0].subscriptions, 1u);
	EXPECT_STREQ(infos[0].version, "1.2.3");
}

TEST_F(CoreControl, ListsPageByPage)
{
	fill(1000);
	for (const std::uint32_t page : {0u, 1u, 7u, 1000u, 0xffffffffu}) {
		std::uint32_t next = 1;
		std::uint64_t cursor = 0;
		unsigned replies = 0;
		do {
			const auto reply = ask_as(nobody(), CNX_CONTROL_LIST, {}, page, cursor);
			ASSERT_TRUE(reply);
			const auto records = reply->all<cnx_callback_record>();
			ASSERT_FALSE(records.empty());
			EXPECT_LE(records.size(), page == 0 ? 1000u : page);
			for (const auto &record : records)
				ASSERT_EQ(record.id.val, next++);
			cursor = reply->header.cursor;
			ASSERT_LE(++replies, 1001u);
		} while (cursor != 0);
		EXPECT_EQ(next, 1001u) << page;
	}
}

TEST_F(CoreControl, ListsNothingBeyondTheLast)
{
	for (const std::uint64_t cursor : {std::uint64_t{0}, std::uint64_t{1}, absurd}) {
		const auto reply = ask(CNX_CONTROL_LIST, {}, 0xffffffff, cursor);
		ASSERT_TRUE(reply);
		EXPECT_EQ(reply->header.count, 0u);
		EXPECT_EQ(reply->header.cursor, 0u);
	}
	fill(3);
	const auto reply = ask(CNX_CONTROL_LIST, {}, 0, absurd);
	ASSERT_TRUE(reply);
	EXPECT_EQ(reply->header.count, 0u);
	EXPECT_EQ(reply->header.cursor, 0u);
}

TEST_F(CoreControl, PagesOnThoughTheCursorsCallbackIsGone)
{
	fill(5);
	const auto first = ask(CNX_CONTROL_LIST, {}, 2);
	ASSERT_TRUE(first);
	Entry *gone = nullptr;
	registry().visit_after(first->header.cursor - 1, [&](const Entry &entry) {
		// SAFETY: entries are registered as what they are, and not const; a driver has the pointer from add().
		gone = const_cast<Entry *>(&entry);
		return false;
	});
	ASSERT_EQ(gone->id().val, 2u);
	ASSERT_EQ(error_of(remove(gone)), 0);
	const auto second = ask(CNX_CONTROL_LIST, {}, 0, first->header.cursor);
	ASSERT_TRUE(second);
	ASSERT_EQ(second->header.count, 3u);
	EXPECT_EQ(second->all<cnx_callback_record>()[0].id.val, 3u);
}

TEST_F(CoreControl, CountsByCpu)
{
	fill(1);
	for (unsigned i = 0; i < 10; ++i)
		ASSERT_EQ(dispatcher().dispatch(message_for({1, 1})).status, 0);
	std::uint64_t sum = 0;
	std::uint64_t cursor = 0;
	std::uint32_t cpu = 0;
	do {
		const auto reply = ask(CNX_CONTROL_COUNTERS, {}, 1, cursor);
		ASSERT_TRUE(reply);
		const auto records = reply->all<cnx_counters>();
		ASSERT_EQ(records.size(), 1u);
		EXPECT_EQ(records[0].cpu, cpu++);
		sum += records[0].value[CNX_DISPATCHED];
		cursor = reply->header.cursor;
	} while (cursor != 0);
	EXPECT_EQ(cpu, P::cpu_count());
	EXPECT_EQ(sum, 10u);
	for (const std::uint64_t beyond : {std::uint64_t{P::cpu_count()}, std::uint64_t{1} << 32, absurd}) {
		const auto reply = ask(CNX_CONTROL_COUNTERS, {}, 0xffffffff, beyond);
		ASSERT_TRUE(reply);
		EXPECT_EQ(reply->header.count, 0u);
		EXPECT_EQ(reply->header.cursor, 0u);
	}
}

TEST_F(CoreControl, ShowsOne)
{
	ASSERT_TRUE(add({3, 4}, nothing, Kind::sleepable, CNX_SENDER_CAPABLE(21), "shown"));
	ASSERT_EQ(dispatcher().dispatch(message_for({3, 4})).status, 0);
	const auto reply = ask(CNX_CONTROL_SHOW, {3, 4});
	ASSERT_TRUE(reply);
	const auto record = reply->all<cnx_callback_record>().at(0);
	EXPECT_EQ(record.id.idx, 3u);
	EXPECT_EQ(record.flags, CNX_CALLBACK_SLEEPABLE);
	EXPECT_EQ(record.capability, 21);
	EXPECT_EQ(record.received, 1u);
	EXPECT_STREQ(record.name, "shown");
	EXPECT_EQ(error_of(ask(CNX_CONTROL_SHOW, {4, 3})), -ENODEV);
}

TEST_F(CoreControl, Subscribes)
{
	EXPECT_EQ(error_of(ask(CNX_CONTROL_SUBSCRIBE, {5000, 0})), 0);
	EXPECT_EQ(error_of(ask(CNX_CONTROL_SUBSCRIBE, {5000, 0})), -EEXIST);
	EXPECT_EQ(error_of(ask(CNX_CONTROL_SUBSCRIBE, {CNX_CONTROL_IDX, 0})), 0);
	{
		const P::ReadGuard guard;
		ASSERT_EQ(subscriptions.of_group(guard, 5000).size(), 1u);
		EXPECT_EQ(subscriptions.of_group(guard, 5000)[0].portid, root().portid);
	}
	EXPECT_EQ(error_of(ask(CNX_CONTROL_UNSUBSCRIBE, {5000, 0})), 0);
	EXPECT_EQ(error_of(ask(CNX_CONTROL_UNSUBSCRIBE, {5000, 0})), -ENOENT);
	EXPECT_EQ(subscriptions.size(), 1u);
	P::flush_retired();
}

TEST_F(CoreControl, RefusesASubscriptionToNothingOrForNobody)
{
	EXPECT_EQ(error_of(ask(CNX_CONTROL_SUBSCRIBE, {0, 0})), -EINVAL);
	EXPECT_EQ(error_of(ask(CNX_CONTROL_SUBSCRIBE, {5, 1})), -EINVAL);
	EXPECT_EQ(error_of(ask_as(cnx_sender{}, CNX_CONTROL_SUBSCRIBE, {5, 0})), -EINVAL);
}

TEST_F(CoreControl, TakesFlagsThatItKnows)
{
	EXPECT_EQ(error_of(ask(CNX_CONTROL_SUBSCRIBE, {5, 0}, 2)), -EINVAL);
	EXPECT_EQ(error_of(ask(CNX_CONTROL_SUBSCRIBE, {5, 0}, ~0u)), -EINVAL);
	EXPECT_EQ(error_of(ask(CNX_CONTROL_SUBSCRIBE, {5, 0}, CNX_SUBSCRIBE_BATCHES)), 0);
	{
		const P::ReadGuard guard;
		EXPECT_TRUE(subscriptions.of_group(guard, 5)[0].wants_batches());
	}
	// What is sent to the socket alone needs no right, and makes no sense without the flag.
	EXPECT_EQ(error_of(ask_as(nobody(), CNX_CONTROL_SUBSCRIBE, {0, 0})), -EINVAL);
	EXPECT_EQ(error_of(ask_as(nobody(), CNX_CONTROL_SUBSCRIBE, {0, 0}, CNX_SUBSCRIBE_BATCHES)), 0);
	EXPECT_EQ(error_of(ask_as(nobody(), CNX_CONTROL_UNSUBSCRIBE, {0, 0})), 0);
}

TEST_F(CoreControl, TellsWhatListenersMissed)
{
	const auto none = ask(CNX_CONTROL_LOSSES);
	ASSERT_TRUE(none);
	EXPECT_EQ(none->header.count, 0u);
	ASSERT_TRUE(losses.add(root().portid, {1, 1}, 5));
	ASSERT_TRUE(losses.add(nobody().portid, {1, 1}, 7));
	ASSERT_TRUE(losses.add(nobody().portid, {1, 2}, 9));

	const auto all = ask(CNX_CONTROL_LOSSES);
	ASSERT_TRUE(all);
	const auto records = all->all<cnx_loss>();
	ASSERT_EQ(records.size(), 3u);
	EXPECT_EQ(records[1].portid, nobody().portid);
	EXPECT_EQ(records[1].lost, 7u);
	EXPECT_EQ(all->header.cursor, 0u);

	const auto mine = ask_as(nobody(), CNX_CONTROL_LOSSES, {nobody().portid, 0});
	ASSERT_TRUE(mine);
	ASSERT_EQ(mine->all<cnx_loss>().size(), 2u);
	EXPECT_EQ(mine->all<cnx_loss>()[1].id.val, 2u);
	EXPECT_EQ(error_of(ask_as(nobody(), CNX_CONTROL_LOSSES)), -EPERM);
	EXPECT_EQ(error_of(ask_as(nobody(), CNX_CONTROL_LOSSES, {root().portid, 0})), -EPERM);
	EXPECT_EQ(error_of(ask(CNX_CONTROL_LOSSES, {0, 1})), -EINVAL);
}

TEST_F(CoreControl, TellsLossesPageByPage)
{
	for (std::uint32_t val = 1; val <= 5; ++val)
		ASSERT_TRUE(losses.add(val % 2 ? 300 : 400, {1, val}, val));
	std::vector<std::uint32_t> seen;
	std::uint64_t cursor = 0;
	do {
		const auto page = ask(CNX_CONTROL_LOSSES, {300, 0}, 1, cursor);
		ASSERT_TRUE(page);
		ASSERT_LE(page->header.count, 1u);
		for (const auto &loss : page->all<cnx_loss>())
			seen.push_back(loss.id.val);
		ASSERT_TRUE(page->header.cursor == 0 || page->header.cursor > cursor);
		cursor = page->header.cursor;
	} while (cursor != 0);
	EXPECT_EQ(seen, (std::vector<std::uint32_t>{1, 3, 5}));
	const auto beyond = ask(CNX_CONTROL_LOSSES, {}, 0, absurd);
	ASSERT_TRUE(beyond);
	EXPECT_EQ(beyond->header.count, 0u);
	EXPECT_EQ(beyond->header.cursor, 0u);
}

TEST_F(CoreControl, LetsOnlyThoseListenWhoMay)
{
	EXPECT_EQ(error_of(ask_as(nobody(), CNX_CONTROL_SUBSCRIBE, {5, 0})), -EPERM);
	EXPECT_EQ(error_of(ask_as(nobody(), CNX_CONTROL_SUBSCRIBE, {CNX_CONTROL_IDX, 0})), -EPERM);
	ASSERT_TRUE(add({5, 1}, nothing, Kind::atomic, CNX_SENDER_ANYONE, "open", true));
	EXPECT_EQ(error_of(ask_as(nobody(), CNX_CONTROL_SUBSCRIBE, {5, 0})), 0);
	ASSERT_TRUE(add({5, 2}, nothing, Kind::atomic, CNX_SENDER_ANYONE, "closed", false));
	auto other = nobody();
	other.portid = 201;
	EXPECT_EQ(error_of(ask_as(other, CNX_CONTROL_SUBSCRIBE, {5, 0})), -EPERM);
	EXPECT_EQ(error_of(ask_as(nobody(), CNX_CONTROL_UNSUBSCRIBE, {5, 0})), 0) << "one may always leave";
	EXPECT_EQ(subscriptions.size(), 0u);
}

TEST_F(CoreControl, KeepsHalfOfAllSubscriptionsForThePrivileged)
{
	ASSERT_TRUE(add({5, 1}, nothing, Kind::atomic, CNX_SENDER_ANYONE, "open", true));
	for (std::uint32_t portid = 1000; subscriptions.size() < CNX_MAX_SUBSCRIPTIONS / 2 - 1; ++portid)
		ASSERT_TRUE(subscriptions.add({.group = 6, .portid = portid}));
	EXPECT_EQ(error_of(ask_as(nobody(), CNX_CONTROL_SUBSCRIBE, {5, 0})), 0);
	auto other = nobody();
	other.portid = 201;
	EXPECT_EQ(error_of(ask_as(other, CNX_CONTROL_SUBSCRIBE, {5, 0})), -ENOSPC);
	EXPECT_EQ(error_of(ask_as(root(), CNX_CONTROL_SUBSCRIBE, {5, 0})), 0);
}

TEST_F(CoreControl, SaysWhatAnEventIsAbout)
{
	Entry *const entry = *add({3, 4}, nothing, Kind::sleepable, CNX_SENDER_ANYONE, "coming");
	const auto event = Control<P>::event(CNX_EVENT_REGISTERED, *entry);
	EXPECT_EQ(event.version, CNX_CONTROL_VERSION);
	EXPECT_EQ(event.op, CNX_EVENT_REGISTERED);
	EXPECT_EQ(event.flags, CNX_CALLBACK_SLEEPABLE);
	EXPECT_EQ(event.id.val, 4u);
	EXPECT_STREQ(event.name, "coming");
}

TEST_F(CoreControl, RecordsFillTheRoomExactly)
{
	Bytes room(10);
	RecordWriter records(room);
	EXPECT_TRUE(records.write(std::uint64_t{1}));
	EXPECT_FALSE(records.write(std::uint32_t{2}));
	EXPECT_TRUE(records.write(std::uint16_t{3}));
	EXPECT_FALSE(records.write(std::uint8_t{4}));
	EXPECT_EQ(records.used(), 10u);
}

} // namespace
} // namespace cnx::test
