// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_REPLICA_GRACE_PERIODS_HPP
#define CNX_REPLICA_GRACE_PERIODS_HPP

#include <cnx/replica/flavour.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace cnx::replica
{

/// Grace periods no closer together than the flavour's interval. With memb each one interrupts every running reader,
/// and a writer that asks for one after the other would take most of the readers' time, and the worst of their latency.
/// The kernel's grace periods are milliseconds long for the same reason. The first after a pause does not wait, and
/// whoever asks while one is due shares it.
template <Flavour F>
class GracePeriods
{
public:
	static void synchronize()
	{
		if constexpr (F::interval == std::chrono::microseconds::zero()) {
			F::synchronize();
		} else {
			// One who sleeps here must not hold up the very grace period that it waits for.
			const Offline offline;
			instance().wait_for_next();
		}
	}

private:
	using clock = std::chrono::steady_clock;

	struct Offline {
		Offline() { F::offline(); }
		~Offline() { F::online(); }
		Offline(const Offline &) = delete;
		Offline &operator=(const Offline &) = delete;
	};

	static GracePeriods &instance()
	{
		// Never destroyed: threads may still be waiting while static objects are being destroyed.
		static auto *const instance = new GracePeriods;
		return *instance;
	}

	void wait_for_next()
	{
		std::unique_lock hold(mutex_);
		// The one that is under way has begun before this was called, and may not have waited for a reader that
		// is of concern here.
		const std::uint64_t wanted = begun_ + 1;
		while (ended_ < wanted) {
			if (leading_)
				changed_.wait(hold);
			else
				lead(hold);
		}
	}

	/// Begins the next grace period, when it is due, and waits for its end.
	void lead(std::unique_lock<std::mutex> &hold)
	{
		leading_ = true;
		const auto due = last_ + F::interval;
		hold.unlock();
		std::this_thread::sleep_until(due);
		hold.lock();
		const std::uint64_t number = ++begun_;
		last_ = clock::now();
		hold.unlock();
		F::synchronize();
		hold.lock();
		ended_ = number;
		leading_ = false;
		changed_.notify_all();
	}

	std::mutex mutex_;
	std::condition_variable changed_;
	bool leading_ = false; // one thread is in lead()
	std::uint64_t begun_ = 0;
	std::uint64_t ended_ = 0;
	clock::time_point last_{}; // when the last one began
};

} // namespace cnx::replica

#endif // CNX_REPLICA_GRACE_PERIODS_HPP
