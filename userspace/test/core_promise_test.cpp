// SPDX-License-Identifier: GPL-2.0-only
// The promise of removal: once it has returned, the callback neither runs nor ever will. Each test catches a message
// at the worst moment, and says what happens where the promise is kept, and where it is broken on purpose.
#include "core_world.hpp"

#include <chrono>
#include <deque>
#include <thread>

namespace cnx::test
{
namespace
{

using namespace std::chrono_literals;
using std::chrono::milliseconds;

/// Where messages are when the removal comes.
enum class Moment {
	found,  // the callback was found, and is yet to be called
	running // inside the callback
};

/// Messages under way to callbacks that are then removed, over the world Q. Each callback has a canary, which the
/// removal kills when it gives its promise, and a message which stays on its way for as long as it can.
///
/// Where the promise is broken, what the message still needs of its callback must not be freed under it, or the test
/// would be one of luck. So the canaries outlive everything, and the removal is held up after the promise, before the
/// callback is freed, until the message is through.
template <Platform Q>
class Flight
{
public:
	Flight(Kind kind, Moment moment, std::size_t count, milliseconds patience)
	    : kind_(kind), moment_(moment), count_(count), patience_(patience)
	{
		replica::Hooks::grant = grant;
	}
	~Flight()
	{
		replica::Hooks::grant = nullptr;
		Q::flush_retired();
	}
	Flight(const Flight &) = delete;
	Flight &operator=(const Flight &) = delete;

	/// How many of the calls began or ended with a dead canary. A message stays on its way until its canary dies,
	/// but no longer than its patience.
	unsigned broken_promises()
	{
		std::vector<Callback<Q> *> entries;
		std::vector<std::thread> messengers;
		for (std::uint32_t i = 0; i < count_; ++i) {
			Canary &canary = canaries_.emplace_back(*this, Id{1, i});
			entries.push_back(registry().add(spec_of(canary)).value());
			messengers.emplace_back([&] { carry_message_to(canary); });
		}
		for (const Canary &canary : canaries_)
			await([&] { return canary.caught.load(); });
		remove(entries);
		for (auto &messenger : messengers)
			messenger.join();
		unsigned broken = 0;
		for (const Canary &canary : canaries_) {
			EXPECT_TRUE(canary.called) << "the message did not reach its callback";
			broken += canary.found_dead;
		}
		return broken;
	}

private:
	struct Canary {
		Canary(Flight &in, Id at) : flight(in), id(at) {}

		Flight &flight;
		Id id;
		std::atomic<bool> dead{false};
		std::atomic<bool> caught{false}; // its message is where the removal is to find it
		std::atomic<bool> through{false};
		bool called = false;
		bool found_dead = false;
	};

	Registry<Q> &registry() { return dispatcher_.registry(); }

	[[nodiscard]] CallbackSpec spec_of(Canary &canary) const
	{
		// What the sender must be capable of is asked about between the lookup and the call.
		return Registry<Q>::check(canary.id, "canary", call, &canary,
		                          kind_ == Kind::atomic ? CNX_KIND_ATOMIC : CNX_KIND_SLEEPABLE,
		                          CNX_SENDER_NET_ADMIN, false)
		    .value();
	}

	void carry_message_to(Canary &canary)
	{
		const typename Q::Thread registered;
		travelling_ = &canary;
		cnx_sender nobody{};
		nobody.uid = 65534;
		dispatcher_.receive(datagram_of({connector_message(canary.id)}), nobody,
		                    [](const NetlinkMessage &, const Outcome &) {});
		canary.through = true;
	}

	void remove(std::span<Callback<Q> *const> entries)
	{
		const auto gone = [this](const Callback<Q> &entry) {
			Canary &canary = canaries_[entry.id().val];
			canary.dead = true;
			await([&] { return canary.through.load(); });
		};
		EXPECT_EQ(error_of(registry().remove(entries, gone)), 0);
	}

	static bool grant(const cnx_sender &, int)
	{
		if (travelling_->flight.moment_ == Moment::found)
			travelling_->flight.linger(*travelling_);
		return true;
	}

	static int call(void *context, const cnx_message *, const cnx_sender *)
	{
		// SAFETY: spec_of() registers this function with the address of a Canary, which outlives the callback.
		Canary &canary = *static_cast<Canary *>(context);
		canary.called = true;
		canary.found_dead = canary.dead;
		if (canary.flight.moment_ == Moment::running) {
			if (canary.flight.kind_ == Kind::sleepable) {
				const typename Q::Thread::Offline sleeping;
				canary.flight.linger(canary);
			} else {
				canary.flight.linger(canary);
			}
		}
		canary.found_dead = canary.found_dead || canary.dead;
		return 0;
	}

	void linger(Canary &canary)
	{
		canary.caught = true;
		// All are unpublished at once, and after that the removal has only to wait.
		await([this] { return registry().size() == 0; });
		await([&] { return canary.dead.load(); }, patience_);
	}

	template <typename Predicate>
	static void await(Predicate &&predicate, milliseconds at_most)
	{
		const auto end = std::chrono::steady_clock::now() + at_most;
		while (!predicate() && std::chrono::steady_clock::now() < end)
			std::this_thread::sleep_for(100us);
	}

	/// For what must come.
	template <typename Predicate>
	static void await(Predicate &&predicate)
	{
		await(predicate, 20s);
		EXPECT_TRUE(predicate());
	}

	// For grant(), which is told of no context: the canary that the calling thread has a message for.
	static inline thread_local Canary *travelling_ = nullptr;

	const Kind kind_;
	const Moment moment_;
	const std::size_t count_;
	const milliseconds patience_;
	std::deque<Canary> canaries_;
	Dispatcher<Q> dispatcher_{Registry<Q>::Calls::Slots::create().value(),
	                          Dispatcher<Q>::GlobalCounters::create().value()};
};

/// While one lives, nobody waits for readers.
class NoGracePeriods
{
public:
	NoGracePeriods() { replica::Hooks::no_grace_periods = true; }
	~NoGracePeriods() { replica::Hooks::no_grace_periods = false; }
	NoGracePeriods(const NoGracePeriods &) = delete;
	NoGracePeriods &operator=(const NoGracePeriods &) = delete;
};

/// The replica, but nobody waits for running calls.
struct Impatient : P {
	struct WaitQueue {
		template <typename Predicate>
		void wait_until(Predicate &&)
		{
		}
		void wake() {}
	};
};
static_assert(Platform<Impatient>);

class CorePromise : public ::testing::TestWithParam<std::size_t>
{
protected:
	/// For a world that keeps the promise: a removal that does not wait would return in far less.
	static constexpr milliseconds a_while = 40ms;
	/// For one that breaks it: the message waits until it is broken.
	static constexpr milliseconds long_enough = 10s;

	template <typename Q = P>
	static unsigned broken(Kind kind, Moment moment, milliseconds patience)
	{
		return Flight<Q>(kind, moment, GetParam(), patience).broken_promises();
	}

private:
	P::Thread thread_;
};

TEST_P(CorePromise, IsKept)
{
	for (const Kind kind : {Kind::atomic, Kind::sleepable}) {
		EXPECT_EQ(broken(kind, Moment::found, a_while), 0u);
		EXPECT_EQ(broken(kind, Moment::running, a_while), 0u);
	}
}

TEST_P(CorePromise, OfAtomicCallbacksNeedsGracePeriods)
{
	const NoGracePeriods broken_world;
	EXPECT_EQ(broken(Kind::atomic, Moment::found, long_enough), GetParam());
	EXPECT_EQ(broken(Kind::atomic, Moment::running, long_enough), GetParam());
}

/// A sleepable callback that was found but is yet to claim its slot is known to its read section alone.
TEST_P(CorePromise, OfSleepableCallbacksNeedsGracePeriodsBeforeTheCall)
{
	const NoGracePeriods broken_world;
	EXPECT_EQ(broken(Kind::sleepable, Moment::found, long_enough), GetParam());
}

/// One that has claimed its slot does without.
TEST_P(CorePromise, OfSleepableCallbacksNeedsNoGracePeriodDuringTheCall)
{
	const NoGracePeriods broken_world;
	EXPECT_EQ(broken(Kind::sleepable, Moment::running, a_while), 0u);
}

TEST_P(CorePromise, OfSleepableCallbacksNeedsTheWaitForRunningCalls)
{
	EXPECT_EQ(broken<Impatient>(Kind::sleepable, Moment::running, long_enough), GetParam());
	EXPECT_EQ(broken<Impatient>(Kind::atomic, Moment::running, a_while), 0u);
}

INSTANTIATE_TEST_SUITE_P(Removing, CorePromise, ::testing::Values(std::size_t{1}, std::size_t{5}),
                         [](const auto &count) { return count.param == 1 ? "One" : "ABatch"; });

} // namespace
} // namespace cnx::test
