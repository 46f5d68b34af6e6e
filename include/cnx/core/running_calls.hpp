// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_CORE_RUNNING_CALLS_HPP
#define CNX_CORE_RUNNING_CALLS_HPP

#include <cnx/core/annotations.hpp>
#include <cnx/core/memory.hpp>
#include <cnx/core/platform.hpp>
#include <cnx/core/protected.hpp>
#include <cnx/core/result.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <new>
#include <utility>

namespace cnx
{

/// Which sleepable callbacks are running, and in which tasks: what keeps a callback alive after the RCU read section
/// that found it has ended, and what tells that it unregisters itself.
///
/// A call claims a slot near its CPU, as a hazard pointer would be set (Michael, 2004), inside the read section of
/// its lookup. Whoever has unpublished a callback waits a grace period, after which every call of it stands in a
/// slot, and then until no slot holds it. Only when all slots are taken does a call enter a locked list instead.
///
/// Ordering of end against wait: a call clears its slot and looks for waiters inside one read section; a waiter
/// announces itself before its grace period and looks at the slots after it. A read section that the grace period
/// waited for has cleared its slot; one that it did not began after the announcement and wakes the waiter.
template <Platform P, typename C>
class RunningCalls
{
	struct Slot;

public:
	/// One running call of a callback, for as long as it lives. Lives on the stack of the task that runs it.
	class Call
	{
	public:
		/// `guard` is the one under which `callback` was found; it may end once this exists.
		Call(RunningCalls &calls, const typename P::ReadGuard &guard, const C &callback)
		    : calls_(calls), task_(P::task()), callback_(&callback)
		{
			static_cast<void>(guard);
			slot_ = calls_.claim(callback, task_);
			if (!slot_)
				calls_.overflow_.with([this](Overflow &overflow) { overflow.push(*this); });
		}
		Call(RunningCalls &, const typename P::ReadGuard &&, const C &) = delete;
		Call(const Call &) = delete;
		Call &operator=(const Call &) = delete;

		~Call()
		{
			const typename P::ReadGuard guard;
			if (slot_)
				slot_->vacate();
			else
				calls_.overflow_.with([this](Overflow &overflow) { overflow.unlink(*this); });
			// From here on the callback may be freed: it is not touched again.
			if (calls_.waiters_.load(std::memory_order_relaxed) != 0) [[unlikely]]
				calls_.ended_.wake();
		}

	private:
		friend class RunningCalls;

		RunningCalls &calls_;
		Slot *slot_;
		const void *task_;
		const C *callback_;
		Call *next_ = nullptr; // in the overflow list
	};

	/// Announces somebody who will wait(). Before the grace period, which orders it against the calls' ends.
	void announce_waiter() { waiters_.fetch_add(1, std::memory_order_relaxed); }

	/// Sleeps until no call of `callback` is running. Announced, and after the grace period.
	void wait(const C &callback) CNX_EXCLUDES(read_section)
	{
		ended_.wait_until([&] { return !any(callback, nullptr); });
	}

	/// One who was announced waits no more.
	void dismiss_waiter() { waiters_.fetch_sub(1, std::memory_order_relaxed); }

	/// The slots of every CPU. Its owner.
	class Slots;

	explicit RunningCalls(Slots &&slots) : slots_(std::move(slots)) {}
	RunningCalls(const RunningCalls &) = delete;
	RunningCalls &operator=(const RunningCalls &) = delete;

	/// Whether the calling task is inside a call of `callback`.
	[[nodiscard]] bool running_here(const C &callback) { return any(callback, P::task()); }

private:
	struct Slot {
		std::atomic<const C *> callback{nullptr};
		std::atomic<const void *> task{nullptr};

		/// The task goes first, so that a slot claimed anew never shows its last tenant's.
		void vacate()
		{
			task.store(nullptr, std::memory_order_relaxed);
			// Pairs with the acquire load in any(): what the call did happened before it is seen to be
			// over.
			callback.store(nullptr, std::memory_order_release);
		}
	};

	struct Overflow {
		Call *first = nullptr;

		void push(Call &call)
		{
			call.next_ = first;
			first = &call;
		}

		void unlink(const Call &call)
		{
			for (Call **at = &first; *at; at = &(*at)->next_) {
				if (*at == &call) {
					*at = call.next_;
					return;
				}
			}
		}
	};

	[[nodiscard]] Slot *claim(const C &callback, const void *task)
	{
		for (Slot &slot : slots_.of_cpu(P::cpu())) {
			const C *vacant = nullptr;
			// Acquire pairs with the release in vacate(): the task goes in after the last tenant's has
			// gone. What the slot says to any() needs no release, see there.
			if (slot.callback.load(std::memory_order_relaxed) == nullptr &&
			    slot.callback.compare_exchange_strong(vacant, &callback, std::memory_order_acquire,
			                                          std::memory_order_relaxed)) {
				slot.task.store(task, std::memory_order_relaxed);
				return &slot;
			}
		}
		return nullptr;
	}

	/// Whether a call of `callback` is running; with a task, whether in that one. A task sees its own claims.
	/// Others see those that a grace period lies between; and who sees a slot that was claimed anew synchronizes
	/// with the end of the call before, because the claim continues its release sequence.
	[[nodiscard]] bool any(const C &callback, const void *task)
	{
		for (unsigned cpu = 0; cpu < P::cpu_count(); ++cpu) {
			for (Slot &slot : slots_.of_cpu(cpu)) {
				if (slot.callback.load(std::memory_order_acquire) == &callback &&
				    (!task || slot.task.load(std::memory_order_relaxed) == task))
					return true;
			}
		}
		return overflow_.with([&](Overflow &overflow) {
			for (const Call *call = overflow.first; call; call = call->next_) {
				if (call->callback_ == &callback && (!task || call->task_ == task))
					return true;
			}
			return false;
		});
	}

	Slots slots_;
	Protected<Overflow, typename P::SpinLock> overflow_;
	std::atomic<unsigned> waiters_{0};
	typename P::WaitQueue ended_;
};

template <Platform P, typename C>
class RunningCalls<P, C>::Slots
{
public:
	[[nodiscard]] static Result<Slots> create() CNX_EXCLUDES(read_section)
	{
		void *const memory = P::allocate(P::cpu_count() * sizeof(Cpu));
		if (!memory)
			return std::unexpected(Error::no_memory);
		return Slots(new (memory) Cpu[P::cpu_count()]);
	}

	Slots(Slots &&other) noexcept : cpus_(std::exchange(other.cpus_, nullptr)) {}
	Slots &operator=(Slots &&) = delete;
	~Slots() { P::release(cpus_, P::cpu_count() * sizeof(Cpu)); }

private:
	friend class RunningCalls;

	// Whole cache lines, so that CPUs that call do not write to each other's.
	struct alignas(64) Cpu {
		std::array<Slot, 16> slots;
	};

	explicit Slots(Cpu *cpus) : cpus_(cpus) {}
	// INVARIANT: one Cpu for each number below P::cpu_count(), unless moved from.
	[[nodiscard]] std::array<Slot, 16> &of_cpu(unsigned cpu) const
	{
		CNX_UNSAFE_BUFFERS_BEGIN
		// SAFETY: by the invariant; whoever asks has the number from the platform, or counts to it.
		return cpus_[cpu].slots;
		CNX_UNSAFE_BUFFERS_END
	}

	Cpu *cpus_;
};

} // namespace cnx

#endif // CNX_CORE_RUNNING_CALLS_HPP
