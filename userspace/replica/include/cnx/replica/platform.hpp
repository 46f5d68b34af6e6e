// SPDX-License-Identifier: GPL-2.0-only
// The world of user space for the core: RCU in one of its flavours, threads for tasks, so that what the sanitizers, the
// tests and the benchmarks run is the code that runs in the kernel.
#ifndef CNX_REPLICA_PLATFORM_HPP
#define CNX_REPLICA_PLATFORM_HPP

#include <cnx/core/annotations.hpp>
#include <cnx/core/platform.hpp>
#include <cnx/core/result.hpp>
#include <cnx/replica/counters.hpp>
#include <cnx/replica/flavour.hpp>
#include <cnx/replica/grace_periods.hpp>
#include <cnx/replica/hooks.hpp>
#include <cnx/replica/locks.hpp>
#include <cnx/replica/memory.hpp>

#include <cerrno>
#include <cstdint>

namespace cnx
{

/// Stands in for a socket.
struct Endpoint {
	bool closed = false;
};

} // namespace cnx

namespace cnx::replica
{

static_assert(to_errno(Error::not_permitted) == -EPERM);
static_assert(to_errno(Error::no_entry) == -ENOENT);
static_assert(to_errno(Error::again) == -EAGAIN && EAGAIN == EWOULDBLOCK);
static_assert(to_errno(Error::no_memory) == -ENOMEM);
static_assert(to_errno(Error::busy) == -EBUSY);
static_assert(to_errno(Error::exists) == -EEXIST);
static_assert(to_errno(Error::no_callback) == -ENODEV);
static_assert(to_errno(Error::invalid) == -EINVAL);
static_assert(to_errno(Error::no_space) == -ENOSPC);
static_assert(to_errno(Error::deadlock) == -EDEADLK);
static_assert(to_errno(Error::bad_message) == -EBADMSG);
static_assert(to_errno(Error::too_large) == -EMSGSIZE);
static_assert(to_errno(Error::not_supported) == -EOPNOTSUPP);

/// The core's world over the RCU flavour F. Worlds of different flavours do not mix: an object of the core belongs to
/// one, and so do the threads that use it.
template <Flavour F>
struct Platform {
	/// Makes the calling thread one that may open read sections, for as long as an object of it lives. May be
	/// nested.
	class Thread
	{
	public:
		Thread()
		{
			if (depth_++ == 0)
				F::register_thread();
		}
		~Thread()
		{
			if (--depth_ == 0)
				F::unregister_thread();
		}
		Thread(const Thread &) = delete;
		Thread &operator=(const Thread &) = delete;

		/// Says that the calling thread is in no read section. Only qsbr has to be told, now and then; the
		/// other flavours do nothing.
		static void quiescent() { F::quiescent(); }

		/// While one lives, the calling thread holds up no grace period and opens no read section.
		struct Offline {
			Offline() { F::offline(); }
			~Offline() { F::online(); }
			Offline(const Offline &) = delete;
			Offline &operator=(const Offline &) = delete;
		};

	private:
		static inline thread_local unsigned depth_ = 0;
	};

	/// A shared RCU read section. The thread must be registered, see Thread.
	class CNX_SCOPED_CAPABILITY ReadGuard
	{
	public:
		ReadGuard() CNX_ACQUIRE_SHARED(read_section) { F::read_lock(); }
		~ReadGuard() CNX_RELEASE() { F::read_unlock(); }
		ReadGuard(const ReadGuard &) = delete;
		ReadGuard &operator=(const ReadGuard &) = delete;
	};

	using Mutex = replica::Mutex;
	using SpinLock = replica::SpinLock;
	using WaitQueue = replica::WaitQueue<F>;
	using Counters = CounterMemory::Array;

	[[nodiscard]] static void *allocate(std::size_t bytes) CNX_EXCLUDES(read_section)
	{
		if (const auto hook = Hooks::before_allocation.load(std::memory_order_relaxed)) [[unlikely]]
			hook(bytes);
		if (Hooks::fail_now())
			return nullptr;
		void *const memory = Memory::allocate(bytes);
		if (memory)
			Hooks::outstanding.fetch_add(1, std::memory_order_relaxed);
		return memory;
	}

	[[nodiscard]] static void *allocate_now(std::size_t bytes) { return allocate(bytes); }

	static void release(void *memory, std::size_t bytes)
	{
		if (!memory)
			return;
		Hooks::outstanding.fetch_sub(1, std::memory_order_relaxed);
		Memory::release(memory, bytes);
	}

	static void retire(RetireHead *head, void (*reclaim)(RetireHead *))
	{
		static_assert(sizeof(RetireHead) >= sizeof(rcu_head) && alignof(RetireHead) >= alignof(rcu_head));
		// SAFETY: the storage of a RetireHead is there for an rcu_head to be made in it, and has room for one.
		auto *const rcu = reinterpret_cast<rcu_head *>(head);
		// SAFETY: the function takes one object pointer and gets the address that it was retired with; C, which
		// calls it, knows no difference between the two pointer types in any ABI that liburcu supports.
		F::call(rcu, reinterpret_cast<void (*)(rcu_head *)>(reclaim));
	}

	static void synchronize() CNX_EXCLUDES(read_section)
	{
		if (!Hooks::no_grace_periods.load(std::memory_order_relaxed)) [[likely]]
			GracePeriods<F>::synchronize();
	}
	static void flush_retired() CNX_EXCLUDES(read_section) { F::barrier(); }

	[[nodiscard]] static unsigned cpu() { return current_cpu(); }
	[[nodiscard]] static unsigned cpu_count() { return replica::cpu_count(); }

	[[nodiscard]] static const void *task()
	{
		static thread_local char identity;
		return &identity;
	}

	[[nodiscard]] static bool in_read_section() { return F::read_ongoing(); }
	[[nodiscard]] static bool may_sleep() { return !in_read_section(); }

	[[nodiscard]] static bool is_closed(const Endpoint *endpoint) { return endpoint->closed; }
	[[nodiscard]] static Endpoint *endpoint(const cnx_sender &) { return nullptr; }
	[[nodiscard]] static bool permits(const cnx_sender &sender, int capability)
	{
		if (sender.uid == 0)
			return true;
		const auto grant = Hooks::grant.load(std::memory_order_relaxed);
		return grant && grant(sender, capability);
	}

	[[nodiscard]] static Counters counters_allocate(std::size_t n)
	{
		if (Hooks::fail_now())
			return {};
		const Counters counters = CounterMemory::instance().allocate(n);
		if (counters)
			Hooks::outstanding.fetch_add(1, std::memory_order_relaxed);
		return counters;
	}

	static void counters_release(Counters counters, std::size_t n)
	{
		Hooks::outstanding.fetch_sub(1, std::memory_order_relaxed);
		CounterMemory::instance().release(counters, n);
	}

	static void counter_add(Counters counters, std::size_t index, std::uint64_t n) { counters.add(index, n); }

	[[nodiscard]] static std::uint64_t counter_read(Counters counters, std::size_t index, unsigned cpu)
	{
		return counters.read(index, cpu);
	}
};

} // namespace cnx::replica

#endif // CNX_REPLICA_PLATFORM_HPP
