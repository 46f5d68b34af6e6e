// SPDX-License-Identifier: GPL-2.0-only
// What memory orders are for, at the one moment at which nothing else orders: threads meet by relaxed flags, which
// promise nothing, so that under ThreadSanitizer an order that is missing is a race.
#include "core_world.hpp"

#include <atomic>
#include <thread>

namespace cnx::test
{
namespace
{

std::atomic<unsigned> stage{0};

void reach(unsigned now)
{
	stage.store(now, std::memory_order_relaxed);
}

void await(unsigned wanted)
{
	while (stage.load(std::memory_order_relaxed) < wanted)
		std::this_thread::yield();
}

/// The platform, where a call ends between the grace period of its removal and the look at who still runs, and says so
/// to those who wait only when they have looked. The lock of the wait queue would order the two otherwise.
struct Unhurried : P {
	struct WaitQueue : P::WaitQueue {
		void wake()
		{
			reach(2);
			await(3);
			P::WaitQueue::wake();
		}
	};

	static void synchronize()
	{
		P::synchronize();
		reach(1);
		await(2);
	}
};

/// What a callback did to its data has happened when its removal returns.
TEST(CoreOrdering, ACallHappenedBeforeItsRemovalReturns)
{
	const P::Thread thread;
	reach(0);
	unsigned data = 0; // the callback's, and after the removal its driver's
	std::atomic<bool> running{false};
	const auto dispatcher = Dispatcher<Unhurried>::create().value();
	Body body = [&](const cnx_message &, const cnx_sender &) {
		running.store(true, std::memory_order_relaxed);
		while (stage.load(std::memory_order_relaxed) < 1) {
			P::Thread::quiescent();
			std::this_thread::yield();
		}
		data = 42;
		return 0;
	};
	const auto spec =
	    Registry<Unhurried>::check({1, 1}, "test", run_body, &body, CNX_KIND_SLEEPABLE, CNX_SENDER_ANYONE, false);
	Callback<Unhurried> *const entry = dispatcher->registry().add(spec.value()).value();
	std::thread messenger([&] {
		const P::Thread registered;
		cnx_message message{};
		message.id = {1, 1};
		EXPECT_EQ(dispatcher->dispatch(message).status, 0);
	});
	while (!running.load(std::memory_order_relaxed)) {
		P::Thread::quiescent();
		std::this_thread::yield();
	}
	EXPECT_EQ(error_of(dispatcher->registry().remove({&entry, 1})), 0);
	EXPECT_EQ(data, 42u);
	data = 0;
	reach(3);
	join({&messenger, 1});
	P::flush_retired();
}

} // namespace
} // namespace cnx::test
