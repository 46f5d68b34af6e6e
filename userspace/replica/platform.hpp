// SPDX-License-Identifier: GPL-2.0-only
// The world of user space for the core: liburcu for RCU, threads for tasks, so that what the sanitizers, the tests and
// the benchmarks run is the code that runs in the kernel.
#ifndef CNX_REPLICA_PLATFORM_HPP
#define CNX_REPLICA_PLATFORM_HPP

// The read side of liburcu is to be inlined, as the kernel's is. Both names ask for it, in older and newer versions.
#ifndef URCU_INLINE_SMALL_FUNCTIONS
#define URCU_INLINE_SMALL_FUNCTIONS
#endif
#ifndef _LGPL_SOURCE
#define _LGPL_SOURCE
#endif
#include <urcu/urcu-memb.h>

#include <cnx/core/annotations.hpp>
#include <cnx/core/platform.hpp>
#include <cnx/core/result.hpp>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <sched.h>
#include <sys/rseq.h>
#include <thread>
#include <unistd.h>
#include <vector>

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

/// Makes the calling thread one that may open read sections, for as long as an object of it lives. May be nested.
class Thread
{
public:
	Thread()
	{
		if (depth_++ == 0)
			urcu_memb_register_thread();
	}
	~Thread()
	{
		if (--depth_ == 0)
			urcu_memb_unregister_thread();
	}
	Thread(const Thread &) = delete;
	Thread &operator=(const Thread &) = delete;

private:
	static inline thread_local unsigned depth_ = 0;
};

/// What tests may change about this world. Left alone, it behaves as the kernel does.
struct Hooks {
	/// So many allocations succeed before one fails; negative: none fails. The one that fails turns it off.
	static inline std::atomic<long> allocations_until_failure{-1};
	/// Allocations, counters included, that were not given back yet.
	static inline std::atomic<long> outstanding{0};
	/// Asked about a sender whose uid is not 0; nullptr: it has no capability.
	static inline std::atomic<bool (*)(const cnx_sender &, int)> grant{nullptr};

	/// Whether this allocation is the one that must fail.
	[[nodiscard]] static bool fail_now()
	{
		if (allocations_until_failure.load(std::memory_order_relaxed) < 0) [[likely]]
			return false;
		return allocations_until_failure.fetch_sub(1, std::memory_order_relaxed) == 0;
	}
};

class CNX_CAPABILITY("mutex") Mutex
{
public:
	void lock() CNX_ACQUIRE() { mutex_.lock(); }
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

class WaitQueue
{
public:
	template <typename Predicate>
	void wait_until(Predicate &&predicate)
	{
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
	std::mutex mutex_;
	std::condition_variable changed_;
};

/// A shared RCU read section. The thread must be registered, see Thread.
class ReadGuard
{
public:
	ReadGuard() { urcu_memb_read_lock(); }
	~ReadGuard() { urcu_memb_read_unlock(); }
	ReadGuard(const ReadGuard &) = delete;
	ReadGuard &operator=(const ReadGuard &) = delete;
};

/// How many CPUs the machine may ever show.
inline unsigned cpu_count()
{
	static const unsigned count = [] {
		const long configured = sysconf(_SC_NPROCESSORS_CONF);
		return configured > 0 ? static_cast<unsigned>(configured) : 1u;
	}();
	return count;
}

/// Per-CPU arrays of counters, laid out as the kernel's per-CPU allocator lays them: a chunk holds one region for each
/// CPU, and an array has the same offset in each. So the counters of many small arrays share a CPU's cache lines, and
/// no two CPUs share one.
class CounterMemory
{
public:
	using Cell = std::atomic<std::uint64_t>;

	/// An array for every CPU. Empty when there is no memory.
	struct Array {
		Cell *first = nullptr; // CPU 0's
		std::size_t size = 0;

		explicit operator bool() const { return first != nullptr; }
		/// INVARIANT: index < size and cpu < cpu_count(), so the cell is in the chunk of `first`.
		[[nodiscard]] Cell &at(std::size_t index, unsigned cpu) const
		{
			return first[cpu * cells_per_cpu + index];
		}
	};

	static CounterMemory &instance()
	{
		// Never destroyed: threads of liburcu may free callbacks while static objects are being destroyed.
		static auto *const memory = new CounterMemory;
		return *memory;
	}

	[[nodiscard]] Array allocate(std::size_t size)
	{
		if (size == 0 || size > cells_per_cpu)
			return {};
		const std::lock_guard hold(mutex_);
		auto &vacant = vacant_[size];
		if (!vacant.empty()) {
			const Array array{vacant.back(), size};
			vacant.pop_back();
			for (unsigned cpu = 0; cpu < cpu_count(); ++cpu) {
				for (std::size_t i = 0; i < size; ++i)
					array.at(i, cpu).store(0, std::memory_order_relaxed);
			}
			return array;
		}
		if (!chunk_ || used_ + size > cells_per_cpu) {
			chunk_ = make_chunk();
			used_ = 0;
			if (!chunk_)
				return {};
		}
		const Array array{chunk_ + used_, size};
		used_ += size;
		return array;
	}

	void release(Array array)
	{
		const std::lock_guard hold(mutex_);
		vacant_[array.size].push_back(array.first);
	}

private:
	// A region of 32 KiB, as in the kernel; and a multiple of a cache line.
	static constexpr std::size_t cells_per_cpu = 4096;

	[[nodiscard]] static Cell *make_chunk()
	{
		const std::size_t cells = cells_per_cpu * cpu_count();
		void *const memory = std::aligned_alloc(64, cells * sizeof(Cell));
		return memory ? new (memory) Cell[cells]{} : nullptr;
	}

	std::mutex mutex_;
	Cell *chunk_ = nullptr;
	std::size_t used_ = 0;                              // cells of chunk_, in each region
	std::map<std::size_t, std::vector<Cell *>> vacant_; // by size
};

struct Platform {
	using ReadGuard = replica::ReadGuard;
	using Mutex = replica::Mutex;
	using SpinLock = replica::SpinLock;
	using WaitQueue = replica::WaitQueue;
	using Counters = CounterMemory::Array;

	[[nodiscard]] static void *allocate(std::size_t bytes)
	{
		if (Hooks::fail_now())
			return nullptr;
		// Cache lines, since the core asks for memory that is aligned for anything it may place there.
		const std::size_t rounded = (bytes + 63) & ~std::size_t{63};
		void *const memory = rounded < bytes ? nullptr : std::aligned_alloc(64, rounded ? rounded : 64);
		if (!memory)
			return nullptr;
		std::memset(memory, 0, rounded);
		Hooks::outstanding.fetch_add(1, std::memory_order_relaxed);
		return memory;
	}

	static void release(void *memory)
	{
		if (memory)
			Hooks::outstanding.fetch_sub(1, std::memory_order_relaxed);
		std::free(memory);
	}

	static void retire(RetireHead *head, void (*reclaim)(RetireHead *))
	{
		static_assert(sizeof(RetireHead) >= sizeof(rcu_head) && alignof(RetireHead) >= alignof(rcu_head));
		// SAFETY: the storage of a RetireHead is there for an rcu_head to be made in it, and has room for one.
		auto *const rcu = reinterpret_cast<rcu_head *>(head);
		// SAFETY: the function takes one object pointer and gets the address that it was retired with; C, which
		// calls it, knows no difference between the two pointer types in any ABI that liburcu supports.
		urcu_memb_call_rcu(rcu, reinterpret_cast<void (*)(rcu_head *)>(reclaim));
	}

	static void synchronize() { urcu_memb_synchronize_rcu(); }
	static void flush_retired() { urcu_memb_barrier(); }

	[[nodiscard]] static unsigned cpu()
	{
		// SAFETY: glibc promises a struct rseq at this offset from the thread pointer in every thread.
		const auto *const rseq_area = reinterpret_cast<const volatile struct rseq *>(
		    static_cast<const char *>(__builtin_thread_pointer()) + __rseq_offset);
		auto cpu = rseq_area->cpu_id;
		// Where the kernel does not maintain it, cpu_id is a negative number.
		if (__rseq_size == 0 || cpu >= cpu_count()) [[unlikely]] {
			const int asked = sched_getcpu();
			cpu = asked < 0 ? 0 : static_cast<unsigned>(asked) % cpu_count();
		}
		return cpu;
	}
	[[nodiscard]] static unsigned cpu_count() { return replica::cpu_count(); }

	[[nodiscard]] static const void *task()
	{
		static thread_local char identity;
		return &identity;
	}

	[[nodiscard]] static bool in_read_section() { return urcu_memb_read_ongoing() != 0; }
	[[nodiscard]] static bool may_sleep() { return !in_read_section(); }

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

	static void counters_release(Counters counters)
	{
		Hooks::outstanding.fetch_sub(1, std::memory_order_relaxed);
		CounterMemory::instance().release(counters);
	}

	static void counter_add(Counters counters, std::size_t index, std::uint64_t n)
	{
		// Atomic, since a thread may be moved to another CPU between asking for the CPU and adding.
		counters.at(index, cpu()).fetch_add(n, std::memory_order_relaxed);
	}

	[[nodiscard]] static std::uint64_t counter_read(Counters counters, std::size_t index, unsigned cpu)
	{
		return counters.at(index, cpu).load(std::memory_order_relaxed);
	}
};

static_assert(cnx::Platform<Platform>);

} // namespace cnx::replica

#endif // CNX_REPLICA_PLATFORM_HPP
