// SPDX-License-Identifier: GPL-2.0-only
// The core's world inside the kernel.
#ifndef CNX_KERNEL_PLATFORM_HPP
#define CNX_KERNEL_PLATFORM_HPP

#include "bindings.h"
#include "deferral.h"

#include <cnx/core/annotations.hpp>
#include <cnx/core/message.hpp>
#include <cnx/core/platform.hpp>
#include <cnx/core/result.hpp>

#include <cerrno>
#include <memory>
#include <type_traits>

namespace cnx::kernel
{

static_assert(static_cast<int>(Error::not_permitted) == EPERM && static_cast<int>(Error::no_entry) == ENOENT &&
              static_cast<int>(Error::again) == EAGAIN && static_cast<int>(Error::no_memory) == ENOMEM &&
              static_cast<int>(Error::exists) == EEXIST && static_cast<int>(Error::no_callback) == ENODEV &&
              static_cast<int>(Error::invalid) == EINVAL && static_cast<int>(Error::no_space) == ENOSPC &&
              static_cast<int>(Error::deadlock) == EDEADLK && static_cast<int>(Error::bad_message) == EBADMSG &&
              static_cast<int>(Error::too_large) == EMSGSIZE && static_cast<int>(Error::not_supported) == EOPNOTSUPP);

/// Storage for a kernel object that only C can make.
template <typename Object, std::size_t Bytes>
class Embedded
{
public:
	Embedded() = default;
	Embedded(const Embedded &) = delete;
	Embedded &operator=(const Embedded &) = delete;

	Object *get()
	{
		// SAFETY: bindings.c asserts that the object fits, and the owner initialises it before use.
		return reinterpret_cast<Object *>(storage_);
	}

private:
	alignas(64) std::byte storage_[Bytes];
};

/// What lockdep takes for one kind of lock: all those that guard data of one type.
template <typename Guarded>
struct LockClass {
	static inline constinit Embedded<cnx_k_lock_class, CNX_K_LOCK_CLASS_BYTES> object{};
};

struct Platform {
	class CNX_SCOPED_CAPABILITY ReadGuard
	{
	public:
		ReadGuard() CNX_ACQUIRE_SHARED(read_section) { read_lock(); }
		~ReadGuard() CNX_RELEASE() { read_unlock(); }
		ReadGuard(const ReadGuard &) = delete;
		ReadGuard &operator=(const ReadGuard &) = delete;

	private:
#ifdef CNX_RCU_IS_A_FUNCTION
		static void read_lock()
		{
			__rcu_read_lock();
		}
		static void read_unlock()
		{
			__rcu_read_unlock();
		}
#elif defined(CNX_RCU_IS_A_BARRIER)
		// SAFETY: no instruction at all; it keeps the compiler from moving what must stay inside.
		static void read_lock()
		{
			asm volatile("" ::: "memory");
		}
		// SAFETY: the same.
		static void read_unlock()
		{
			asm volatile("" ::: "memory");
		}
#else
		static void read_lock()
		{
			cnx_k_rcu_read_lock();
		}
		static void read_unlock()
		{
			cnx_k_rcu_read_unlock();
		}
#endif
	};

	class CNX_CAPABILITY("mutex") Mutex
	{
	public:
		template <typename Guarded>
		explicit Mutex(std::type_identity<Guarded>)
		{
			cnx_k_mutex_init(mutex_.get(), LockClass<Guarded>::object.get());
		}
		Mutex() : Mutex(std::type_identity<Mutex>{}) {}
		void lock() CNX_ACQUIRE() CNX_EXCLUDES(read_section) { cnx_k_mutex_lock(mutex_.get()); }
		void unlock() CNX_RELEASE() { cnx_k_mutex_unlock(mutex_.get()); }

	private:
		Embedded<cnx_k_mutex, CNX_K_MUTEX_BYTES> mutex_;
	};

	class CNX_CAPABILITY("spinlock") SpinLock
	{
	public:
		template <typename Guarded>
		explicit SpinLock(std::type_identity<Guarded>)
		{
			cnx_k_spinlock_init(lock_.get(), LockClass<Guarded>::object.get());
		}
		SpinLock() : SpinLock(std::type_identity<SpinLock>{}) {}
		void lock() CNX_ACQUIRE()
		{
			const unsigned long flags = cnx_k_spinlock_lock(lock_.get());
			flags_ = flags;
		}
		void unlock() CNX_RELEASE() { cnx_k_spinlock_unlock(lock_.get(), flags_); }

	private:
		Embedded<cnx_k_spinlock, CNX_K_SPINLOCK_BYTES> lock_;
		unsigned long flags_ = 0; // the holder's
	};

	class WaitQueue
	{
	public:
		WaitQueue() { cnx_k_waitqueue_init(queue_.get()); }

		template <typename Predicate>
		void wait_until(Predicate predicate) CNX_EXCLUDES(read_section)
		{
			cnx_k_waitqueue_wait(
			    queue_.get(),
			    // SAFETY: the context is the predicate below, which outlives the wait.
			    [](void *context) -> bool { return (*static_cast<Predicate *>(context))(); },
			    std::addressof(predicate));
		}
		void wake() { cnx_k_waitqueue_wake(queue_.get()); }

	private:
		Embedded<cnx_k_waitqueue, CNX_K_WAITQUEUE_BYTES> queue_;
	};

	static void *allocate(std::size_t bytes) CNX_EXCLUDES(read_section)
	{
		return cnx_k_allocate(bytes);
	}
	static void *allocate_now(std::size_t bytes)
	{
		return cnx_k_allocate_now(bytes);
	}
	static void release(void *memory, std::size_t)
	{
		cnx_k_release(memory);
	}

	static void retire(RetireHead *head, void (*reclaim)(RetireHead *))
	{
		// SAFETY: RetireHead is storage for an rcu_head and nothing else, so the two functions differ only in
		// what they call the one pointer that they take.
		cnx_k_call_rcu(reinterpret_cast<cnx_k_rcu_head *>(head),
		               reinterpret_cast<void (*)(cnx_k_rcu_head *)>(reclaim));
	}
	static void synchronize() CNX_EXCLUDES(read_section)
	{
		cnx_k_synchronize();
	}
	static void flush_retired() CNX_EXCLUDES(read_section)
	{
		cnx_k_rcu_barrier();
	}

	static unsigned cpu()
	{
		return cnx_k_cpu();
	}
	static unsigned cpu_count()
	{
		return cnx_k_cpu_count();
	}
	static const void *task()
	{
		return cnx_k_task();
	}
	static bool in_read_section()
	{
		return !cnx_k_may_sleep();
	}
	static bool may_sleep()
	{
		return cnx_k_may_sleep();
	}

	static bool may_lock()
	{
		return !cnx_k_must_defer();
	}

	static bool permits(const cnx_sender &sender, int capability)
	{
		return sender.skb && cnx_k_permits(sender.skb, sender.net, capability);
	}

	static Endpoint *endpoint(const cnx_sender &sender)
	{
		// SAFETY: only the transport follows it, and under this type.
		return sender.skb ? reinterpret_cast<Endpoint *>(cnx_k_sender_socket(sender.skb)) : nullptr;
	}

	static bool is_closed(const Endpoint *endpoint)
	{
		// SAFETY: an endpoint is a socket under an opaque name.
		return cnx_k_socket_is_closed(reinterpret_cast<const sock *>(endpoint));
	}

	static int observed()
	{
		return cnx_k_tracing;
	}

	[[gnu::noinline, gnu::cold]] static void observe(const NetlinkMessage &message, const cnx_sender &sender,
	                                                 int status, cnx_counter counted)
	{
		if (const auto header = load<cnx_msg>(message.body))
			cnx_k_trace_receive(header->id, sender.portid, header->len, status);
		if (counted != CNX_RECEIVED)
			cnx_k_trace_drop(counted);
	}

	static void observe_drop(cnx_counter reason)
	{
		if (cnx_k_tracing) [[unlikely]]
			cnx_k_trace_drop(reason);
	}

	using Counters = cnx_k_counters *;
	static Counters counters_allocate(std::size_t count)
	{
		return cnx_k_counters_allocate(count);
	}
	static void counters_release(Counters counters, std::size_t)
	{
		cnx_k_counters_release(counters);
	}
	static void counter_add(Counters counters, std::size_t index, std::uint64_t n)
	{
		CNX_UNSAFE_BUFFERS_BEGIN
#ifdef CNX_PERCPU_IS_GS
		// SAFETY: per-CPU memory is an array of counters at this distance from where %gs points, and one
		// instruction adds to it, which no interrupt can divide.
		asm("addq %1, %%gs:%0" : "+m"(reinterpret_cast<std::uint64_t *>(counters)[index]) : "er"(n));
#elif defined(CNX_PERCPU_IS_PLAIN)
		// SAFETY: the memory of the only CPU is an array of counters, and the rest is as above.
		asm("addq %1, %0" : "+m"(reinterpret_cast<std::uint64_t *>(counters)[index]) : "er"(n));
#else
		cnx_k_counter_add(counters, index, n);
#endif
		CNX_UNSAFE_BUFFERS_END
	}
	static std::uint64_t counter_read(Counters counters, std::size_t index, unsigned cpu)
	{
		return cnx_k_counter_read(counters, index, cpu);
	}
};

static_assert(cnx::Platform<Platform>);

} // namespace cnx::kernel

#endif // CNX_KERNEL_PLATFORM_HPP
