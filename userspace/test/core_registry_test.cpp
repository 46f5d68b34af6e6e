// SPDX-License-Identifier: GPL-2.0-only
#include "core_world.hpp"

#include <chrono>
#include <memory>
#include <thread>

namespace cnx::test
{
namespace
{

using namespace std::chrono_literals;

class CoreRegistry : public World
{
protected:
	Body nothing = [](const cnx_message &, const cnx_sender &) { return 0; };

	static int check(const char *name, cnx_callback_fn function = run_body, int kind = CNX_KIND_ATOMIC,
	                 int sender = CNX_SENDER_NET_ADMIN)
	{
		return error_of(Registry<P>::check({1, 1}, name, function, nullptr, kind, sender, false));
	}

	std::vector<std::uint32_t> listed_after(std::uint64_t serial)
	{
		std::vector<std::uint32_t> vals;
		registry().visit_after(serial, [&](const Entry &entry) {
			vals.push_back(entry.id().val);
			return true;
		});
		return vals;
	}
};

TEST_F(CoreRegistry, ChecksNames)
{
	EXPECT_EQ(check(nullptr), -EINVAL);
	EXPECT_EQ(check(""), -EINVAL);
	EXPECT_EQ(check("a"), 0);
	EXPECT_EQ(check(std::string(CNX_NAME_SIZE - 1, 'x').c_str()), 0);
	EXPECT_EQ(check(std::string(CNX_NAME_SIZE, 'x').c_str()), -EINVAL);
	EXPECT_EQ(check(std::string(5000, 'x').c_str()), -EINVAL);
	// A name that no NUL ends is not read beyond the limit.
	const std::vector<char> endless(CNX_NAME_SIZE, 'x');
	EXPECT_EQ(check(endless.data()), -EINVAL);
}

TEST_F(CoreRegistry, ChecksTheRest)
{
	EXPECT_EQ(check("a", nullptr), -EINVAL);
	for (const int kind : {-1, 2, 1000})
		EXPECT_EQ(check("a", run_body, kind), -EINVAL) << kind;
	EXPECT_EQ(check("a", run_body, CNX_KIND_SLEEPABLE), 0);
	for (const int sender : {-2, -1000, 42, 1000, 0x7fffffff, -0x7fffffff - 1})
		EXPECT_EQ(check("a", run_body, CNX_KIND_ATOMIC, sender), -EINVAL) << sender;
	for (const int sender : {CNX_SENDER_ANYONE, CNX_SENDER_NET_ADMIN, 1, 41})
		EXPECT_EQ(check("a", run_body, CNX_KIND_ATOMIC, sender), 0) << sender;
}

TEST_F(CoreRegistry, KnowsWhichCapabilityWasMeant)
{
	const auto capability = [](int sender) {
		return Registry<P>::check({1, 1}, "a", run_body, nullptr, CNX_KIND_ATOMIC, sender, false)->capability;
	};
	EXPECT_EQ(capability(CNX_SENDER_NET_ADMIN), 12);
	EXPECT_EQ(capability(CNX_SENDER_ANYONE), -1);
	EXPECT_EQ(capability(CNX_SENDER_CAPABLE(0)), 0);
	EXPECT_EQ(capability(CNX_SENDER_CAPABLE(40)), 40);
}

TEST_F(CoreRegistry, RefusesADuplicate)
{
	const auto first = add({1, 2}, nothing);
	ASSERT_TRUE(first);
	EXPECT_EQ(error_of(add({1, 2}, nothing)), -EEXIST);
	EXPECT_TRUE(add({2, 1}, nothing));
	EXPECT_EQ(registry().size(), 2u);
	ASSERT_EQ(error_of(remove(*first)), 0);
	EXPECT_TRUE(add({1, 2}, nothing)) << "an id is free again once remove() has returned";
}

TEST_F(CoreRegistry, LeavesNothingBehindWithoutMemory)
{
	const auto before = replica::Hooks::outstanding.load();
	unsigned failures = 0;
	for (long successes = 0;; ++successes) {
		const FailAllocation fail(successes);
		const auto added = add({1, 2}, nothing);
		if (added) {
			EXPECT_EQ(error_of(remove(*added)), 0);
			break;
		}
		++failures;
		EXPECT_EQ(error_of(added), -ENOMEM);
		EXPECT_EQ(registry().size(), 0u);
		EXPECT_EQ(replica::Hooks::outstanding.load(), before);
	}
	EXPECT_EQ(failures, 5u) << "the counters, the label, the callback, the table's buckets, and who owns them";
}

TEST_F(CoreRegistry, ListsInOrderOfRegistrationFromACursorOn)
{
	std::vector<Entry *> entries;
	for (std::uint32_t val = 10; val > 0; --val)
		entries.push_back(*add({1, val}, nothing));
	EXPECT_EQ(listed_after(0), (std::vector<std::uint32_t>{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}));
	EXPECT_EQ(listed_after(entries[6]->serial()), (std::vector<std::uint32_t>{3, 2, 1}));
	EXPECT_TRUE(listed_after(entries[9]->serial()).empty());
	EXPECT_TRUE(listed_after(~std::uint64_t{0}).empty());
	EXPECT_EQ(listed_after(0).size(), 10u) << "the place of an earlier visit is no start for a lower cursor";
	// The visited place may go; the cursor still means what it meant.
	const auto cursor = entries[4]->serial();
	registry().visit_after(entries[3]->serial(), [](const Entry &) { return false; });
	ASSERT_EQ(error_of(registry().remove(std::span(entries).subspan(3, 3))), 0);
	EXPECT_EQ(listed_after(cursor), (std::vector<std::uint32_t>{4, 3, 2, 1}));
	EXPECT_EQ(listed_after(0), (std::vector<std::uint32_t>{10, 9, 8, 4, 3, 2, 1}));
	ASSERT_TRUE(add({1, 5}, nothing));
	EXPECT_EQ(listed_after(entries[9]->serial()), (std::vector<std::uint32_t>{5}));
}

TEST_F(CoreRegistry, RemovesABatchWhole)
{
	std::vector<Entry *> entries;
	for (std::uint32_t val = 0; val < 100; ++val)
		entries.push_back(*add({1, val}, nothing, val % 2 ? Kind::sleepable : Kind::atomic));
	ASSERT_EQ(error_of(registry().remove(entries)), 0);
	EXPECT_EQ(registry().size(), 0u);
	EXPECT_TRUE(listed_after(0).empty());
	EXPECT_EQ(error_of(registry().remove({})), 0);
}

TEST_F(CoreRegistry, RefusesABatchWithOneTwice)
{
	Entry *const one = *add({1, 1}, nothing);
	Entry *const two = *add({1, 2}, nothing);
	Entry *const batch[] = {one, two, one};
	EXPECT_EQ(error_of(registry().remove(batch)), -EINVAL);
	EXPECT_EQ(listed_after(0).size(), 2u);
	EXPECT_EQ(error_of(remove(two)), 0) << "a refused batch leaves its members as they were";
	EXPECT_EQ(error_of(remove(one)), 0);
}

TEST_F(CoreRegistry, RefusesRemovalInsideAnAtomicCallback)
{
	Entry *entry = nullptr;
	Entry *other = nullptr;
	Body body = [&](const cnx_message &, const cnx_sender &) {
		return error_of(remove(entry)) + error_of(remove(other));
	};
	entry = *add({1, 1}, body);
	other = *add({1, 2}, nothing);
	EXPECT_EQ(dispatcher().dispatch(message_for({1, 1})).status, 2 * -EDEADLK);
	EXPECT_EQ(registry().size(), 2u);
	EXPECT_EQ(error_of(remove(entry)), 0);
}

TEST_F(CoreRegistry, RefusesRemovalInsideItsOwnSleepableCallback)
{
	Entry *entry = nullptr;
	Entry *other = nullptr;
	std::vector<int> errors;
	Body body = [&](const cnx_message &, const cnx_sender &) {
		errors.push_back(error_of(remove(entry)));
		Entry *const both[] = {other, entry};
		errors.push_back(error_of(registry().remove(both)));
		errors.push_back(error_of(remove(other)));
		return 0;
	};
	entry = *add({1, 1}, body, Kind::sleepable);
	other = *add({1, 2}, nothing, Kind::sleepable);
	EXPECT_EQ(dispatcher().dispatch(message_for({1, 1})).status, 0);
	EXPECT_EQ(errors, (std::vector{-EDEADLK, -EDEADLK, 0})) << "another's registration may be removed there";
	EXPECT_EQ(registry().size(), 1u);
	EXPECT_EQ(error_of(remove(entry)), 0);
}

/// Calls itself until so many calls run at once in this thread, more than there are slots.
TEST_F(CoreRegistry, KnowsItsOwnCallsBeyondTheSlots)
{
	constexpr unsigned depth = 40;
	unsigned running = 0;
	Entry *entry = nullptr;
	std::vector<int> errors;
	Body body = [&](const cnx_message &message, const cnx_sender &) {
		if (++running < depth) {
			EXPECT_EQ(dispatcher().dispatch(message).status, 0);
		}
		errors.push_back(error_of(remove(entry)));
		return 0;
	};
	entry = *add({1, 1}, body, Kind::sleepable);
	EXPECT_EQ(dispatcher().dispatch(message_for({1, 1})).status, 0);
	EXPECT_EQ(errors, std::vector<int>(depth, -EDEADLK));
	EXPECT_EQ(error_of(remove(entry)), 0);
}

/// A machine of one CPU, where it is known how many slots there are.
struct OneCpu : P {
	[[nodiscard]] static unsigned cpu() { return 0; }
	[[nodiscard]] static unsigned cpu_count() { return 1; }
};

/// All slots are others', so that the call is known from the list alone, and gone from it when it has ended.
TEST_F(CoreRegistry, KnowsACallThatFoundNoSlot)
{
	const auto own = Dispatcher<OneCpu>::create().value();
	unsigned others = 0;
	std::vector<int> errors;
	Callback<OneCpu> *entry = nullptr;
	Body other = [&](const cnx_message &message, const cnx_sender &) {
		EXPECT_EQ(own->dispatch(++others < 16 ? message : message_for({1, 1})).status, 0);
		return 0;
	};
	Body body = [&](const cnx_message &, const cnx_sender &) {
		errors.push_back(error_of(own->registry().remove({&entry, 1})));
		return 0;
	};
	const auto add_to_own = [&](Id id, Body &run) {
		return own->registry()
		    .add(Registry<OneCpu>::check(id, "test", run_body, &run, CNX_KIND_SLEEPABLE, CNX_SENDER_ANYONE,
		                                 false)
		             .value())
		    .value();
	};
	entry = add_to_own({1, 1}, body);
	add_to_own({1, 2}, other);
	EXPECT_EQ(own->dispatch(message_for({1, 2})).status, 0);
	EXPECT_EQ(errors, std::vector{-EDEADLK});
	EXPECT_EQ(error_of(own->registry().remove({&entry, 1})), 0);
}

/// One who is removed while it runs in many threads, some of whose calls found no slot: none may be forgotten.
TEST_F(CoreRegistry, RemovalWaitsForEveryRunningCall)
{
	constexpr unsigned count = 48;
	std::atomic<unsigned> inside{0}, done{0};
	std::atomic<bool> go{false};
	Body body = [&](const cnx_message &, const cnx_sender &) {
		const P::Thread::Offline sleeping;
		inside.fetch_add(1);
		while (!go.load())
			std::this_thread::sleep_for(1ms);
		done.fetch_add(1);
		return 0;
	};
	Entry *const entry = *add({1, 1}, body, Kind::sleepable);
	std::vector<std::thread> callers;
	for (unsigned i = 0; i < count; ++i) {
		callers.emplace_back([&] {
			const P::Thread registered;
			EXPECT_EQ(dispatcher().dispatch(message_for({1, 1})).status, 0);
		});
	}
	while (inside.load() < count)
		std::this_thread::sleep_for(1ms);
	std::atomic<bool> removed{false};
	std::thread remover([&] {
		const P::Thread registered;
		EXPECT_EQ(error_of(remove(entry)), 0);
		EXPECT_EQ(done.load(), count);
		removed = true;
	});
	{
		const P::Thread::Offline waiting;
		std::this_thread::sleep_for(50ms);
	}
	EXPECT_FALSE(removed.load());
	EXPECT_EQ(dispatcher().dispatch(message_for({1, 1})).status, -ENODEV) << "a message to one that is going";
	go = true;
	join({&remover, 1});
	join(callers);
}

TEST_F(CoreRegistry, HoldsAHundredThousand)
{
	constexpr std::uint32_t count = 100'000;
	const auto before = replica::Hooks::outstanding.load();
	std::vector<Entry *> entries;
	for (std::uint32_t val = 0; val < count; ++val) {
		const auto added = add({val % 7, val}, nothing);
		ASSERT_TRUE(added);
		entries.push_back(*added);
	}
	EXPECT_EQ(registry().size(), count);
	for (std::uint32_t val = 0; val < count; val += 97)
		ASSERT_EQ(dispatcher().dispatch(message_for({val % 7, val})).status, 0);
	EXPECT_EQ(entries[97]->record().received, 1u);
	EXPECT_EQ(entries[98]->record().received, 0u);
	ASSERT_EQ(error_of(registry().remove(entries)), 0);
	P::flush_retired();
	EXPECT_EQ(replica::Hooks::outstanding.load(), before + 2) << "the table's array, and nothing else";
}

TEST_F(CoreRegistry, OpensAGroupOnlyIfAllOfItAreOpen)
{
	EXPECT_FALSE(registry().open_to_listeners(1));
	Entry *const open = *add({1, 1}, nothing, Kind::atomic, CNX_SENDER_ANYONE, "open", true);
	EXPECT_TRUE(registry().open_to_listeners(1));
	EXPECT_FALSE(registry().open_to_listeners(2));
	Entry *const closed = *add({1, 2}, nothing, Kind::atomic, CNX_SENDER_ANYONE, "closed", false);
	EXPECT_FALSE(registry().open_to_listeners(1));
	ASSERT_EQ(error_of(remove(closed)), 0);
	EXPECT_TRUE(registry().open_to_listeners(1));
	ASSERT_EQ(error_of(remove(open)), 0);
	EXPECT_FALSE(registry().open_to_listeners(1));
}

TEST_F(CoreRegistry, DropsWhatDriversLeftBehind)
{
	const auto before = replica::Hooks::outstanding.load();
	{
		Registry<P> registry(Registry<P>::Calls::Slots::create().value());
		for (std::uint32_t val = 0; val < 10; ++val) {
			const auto spec =
			    Registry<P>::check({1, val}, "left", run_body, &nothing, CNX_KIND_ATOMIC, 0, false);
			ASSERT_TRUE(registry.add(*spec));
		}
	}
	P::flush_retired();
	EXPECT_EQ(replica::Hooks::outstanding.load(), before);
}

/// The promise under load: a callback whose remove() has returned does not run, for atomic and sleepable ones, while
/// the table is rebuilt around it all the time.
TEST_F(CoreRegistry, NothingRunsOnceItsRemovalHasReturned)
{
	struct Canary {
		std::atomic<bool> alive{true};
		Body body;
	};
	constexpr std::uint32_t ids = 32;
	std::atomic<bool> stop{false};
	std::atomic<unsigned> dead{0};
	std::atomic<std::uint64_t> calls{0};
	std::vector<std::thread> readers;
	for (unsigned id = 0; id < 3; ++id) {
		readers.emplace_back([&, id] {
			const P::Thread registered;
			for (std::uint32_t val = id; !stop.load(std::memory_order_relaxed); ++val) {
				static_cast<void>(dispatcher().dispatch(message_for({1, val % ids})));
				P::Thread::quiescent();
			}
		});
	}
	const auto end = std::chrono::steady_clock::now() + 1500ms;
	unsigned rounds = 0;
	while (std::chrono::steady_clock::now() < end) {
		++rounds;
		const std::uint32_t batch = 1 + rounds * 5 % ids;
		std::vector<std::unique_ptr<Canary>> canaries;
		std::vector<Entry *> entries;
		for (std::uint32_t val = 0; val < batch; ++val) {
			auto canary = std::make_unique<Canary>();
			canary->body = [&, self = canary.get()](const cnx_message &message, const cnx_sender &) {
				if (!self->alive.load(std::memory_order_relaxed))
					dead.fetch_add(1);
				if (message.id.val % 2)
					sched_yield();
				if (!self->alive.load(std::memory_order_relaxed))
					dead.fetch_add(1);
				calls.fetch_add(1, std::memory_order_relaxed);
				return 0;
			};
			const auto added = add({1, val}, canary->body, val % 2 ? Kind::sleepable : Kind::atomic);
			ASSERT_TRUE(added);
			entries.push_back(*added);
			canaries.push_back(std::move(canary));
		}
		// Grace periods are long against what it takes to register: let the readers come in between.
		for (const auto before = calls.load();
		     calls.load() == before && std::chrono::steady_clock::now() < end;)
			sched_yield();
		ASSERT_EQ(error_of(registry().remove(entries)), 0);
		for (auto &canary : canaries)
			canary->alive.store(false, std::memory_order_relaxed);
		// Freed at the end of the round: a call that still runs is a use after free for AddressSanitizer, too.
	}
	stop = true;
	join(readers);
	EXPECT_EQ(dead.load(), 0u);
	EXPECT_GT(calls.load(), 0u);
	EXPECT_GT(rounds, 2u);
}

} // namespace
} // namespace cnx::test
