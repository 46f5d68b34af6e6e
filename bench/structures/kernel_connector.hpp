// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_BENCH_KERNEL_CONNECTOR_HPP
#define CNX_BENCH_KERNEL_CONNECTOR_HPP

#include "../structure.hpp"

#include <cnx/replica/locks.hpp>

#include <atomic>
#include <list>
#include <mutex>
#include <sched.h>

namespace cnx::bench
{

/// The scheme of the kernel's own connector (drivers/connector), in user space: one spinlock around a walk of one
/// doubly linked list, in the order of registration. Whoever finds an entry there takes a reference to it, drops the
/// lock, calls, and drops the reference.
///
/// It differs in three ways. An entry is as small as what it holds, where the kernel's has a name and lies in two cache
/// lines or more. Who waits for the lock yields the processor, for in user space the holder may have been preempted; of
/// the spinlocks tried, the one that does so at once was the fastest with two threads and with four on two processors.
/// And remove() waits until nobody has a reference any more, because every structure here promises that the callback
/// has returned; the kernel's does not wait, and its callback may still be running.
class KernelConnector
{
public:
	static constexpr const char *name = "kernel_connector";
	struct Thread {
		Thread() {}
	};
	static void pause() {}

	[[nodiscard]] bool add(const Registration &registration)
	{
		std::list<Callback> fresh;
		fresh.emplace_back(registration);
		const std::lock_guard hold(lock_);
		if (find(key_of(registration.id)) != callbacks_.end())
			return false;
		callbacks_.splice(callbacks_.end(), fresh);
		return true;
	}

	/// Adds without the walk that looks for the id, which makes filling a large list quadratic. The id must be new.
	void add_unchecked(const Registration &registration)
	{
		std::list<Callback> fresh;
		fresh.emplace_back(registration);
		const std::lock_guard hold(lock_);
		callbacks_.splice(callbacks_.end(), fresh);
	}

	[[nodiscard]] bool remove(Id id)
	{
		std::list<Callback> removed;
		{
			const std::lock_guard hold(lock_);
			const auto found = find(key_of(id));
			if (found == callbacks_.end())
				return false;
			removed.splice(removed.end(), callbacks_, found);
		}
		removed.front().references.drop();
		removed.front().references.wait_for_none();
		return true;
	}

	[[nodiscard]] int dispatch(const cnx_message &message)
	{
		const Callback *const callback = find_and_refer(key_of(message.id));
		if (!callback)
			return -ENODEV;
		callback->received.count();
		const int status = callback->function(callback->context, &message, &driver);
		callback->references.drop();
		return status;
	}

	[[nodiscard]] std::uint64_t received(Id id) { return find(key_of(id))->received.sum(); }

private:
	/// How many use a callback; the list is one of them.
	class References
	{
	public:
		/// Under the lock, which orders it.
		void take() const { count_.fetch_add(1, std::memory_order_relaxed); }
		/// After it the callback may be gone.
		void drop() const { count_.fetch_sub(1, std::memory_order_release); }
		void wait_for_none() const
		{
			while (count_.load(std::memory_order_acquire) != 0)
				sched_yield();
		}

	private:
		mutable std::atomic<unsigned> count_{1};
	};

	struct Callback {
		explicit Callback(const Registration &registration)
		    : key(key_of(registration.id)), function(registration.function), context(registration.context)
		{
		}

		std::uint64_t key; // both halves of the id, to be compared at once
		References references;
		cnx_callback_fn function;
		void *context;
		Received received;
	};

	[[nodiscard]] std::list<Callback>::iterator find(std::uint64_t key)
	{
		auto callback = callbacks_.begin();
		while (callback != callbacks_.end() && callback->key != key)
			++callback;
		return callback;
	}

	[[nodiscard]] const Callback *find_and_refer(std::uint64_t key)
	{
		const std::lock_guard hold(lock_);
		const auto found = find(key);
		if (found == callbacks_.end())
			return nullptr;
		found->references.take();
		return &*found;
	}

	replica::SpinLock lock_;
	std::list<Callback> callbacks_;
};
static_assert(Structure<KernelConnector>);

} // namespace cnx::bench

#endif // CNX_BENCH_KERNEL_CONNECTOR_HPP
