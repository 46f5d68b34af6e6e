// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_REPLICA_LOCKS_HPP
#define CNX_REPLICA_LOCKS_HPP

#include <cnx/core/annotations.hpp>
#include <cnx/replica/flavour.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <sched.h>
#include <utility>

namespace cnx::replica
{

class CNX_CAPABILITY("mutex") Mutex
{
public:
	void lock() CNX_ACQUIRE() CNX_EXCLUDES(read_section) { mutex_.lock(); }
	void unlock() CNX_RELEASE() { mutex_.unlock(); }

private:
	std::mutex mutex_;
};

class CNX_CAPABILITY("spinlock") SpinLock
{
public:
	void lock() CNX_ACQUIRE()
	{
		while (held_.test_and_set(std::memory_order_acquire)) {
			// The holder may have been preempted, which the kernel's cannot be.
			while (held_.test(std::memory_order_relaxed))
				sched_yield();
		}
	}
	void unlock() CNX_RELEASE() { held_.clear(std::memory_order_release); }

private:
	std::atomic_flag held_;
};

template <Flavour F>
class WaitQueue
{
public:
	template <typename Predicate>
	void wait_until(Predicate &&predicate) CNX_EXCLUDES(read_section)
	{
		const Offline offline;
		std::unique_lock hold(mutex_);
		// Looked at under the mutex: a wake() after a look that failed finds this thread asleep.
		changed_.wait(hold, std::forward<Predicate>(predicate));
	}

	void wake()
	{
		const std::lock_guard hold(mutex_);
		changed_.notify_all();
	}

private:
	/// One who sleeps must not hold up the grace periods that its waker may wait for.
	struct Offline {
		Offline() { F::offline(); }
		~Offline() { F::online(); }
		Offline(const Offline &) = delete;
		Offline &operator=(const Offline &) = delete;
	};

	std::mutex mutex_;
	std::condition_variable changed_;
};

} // namespace cnx::replica

#endif // CNX_REPLICA_LOCKS_HPP
