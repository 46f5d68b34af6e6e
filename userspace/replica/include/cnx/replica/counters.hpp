// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_REPLICA_COUNTERS_HPP
#define CNX_REPLICA_COUNTERS_HPP

#include <cnx/core/annotations.hpp>
#include <cnx/replica/rseq.hpp>

#include <atomic>
#include <bit>
#include <cstdint>
#include <mutex>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace cnx::replica
{

/// How many CPUs the machine may ever show.
[[nodiscard]] inline unsigned cpu_count()
{
	static const unsigned count = [] {
		const long configured = sysconf(_SC_NPROCESSORS_CONF);
		return configured > 0 ? static_cast<unsigned>(configured) : 1u;
	}();
	return count;
}

/// A number below cpu_count(), probably that of the caller's CPU.
[[nodiscard]] inline unsigned current_cpu()
{
	const unsigned cpu = rseq::cpu();
	return cpu < cpu_count() ? cpu : 0;
}

/// Per-CPU arrays of counters. A chunk holds one region for each CPU, and an array has the same place in each, so that
/// no two CPUs share a cache line. Within a region, cells of the same index of different arrays lie side by side, in a
/// page of their own: what many arrays count often is dense, and what they never count takes no memory.
class CounterMemory
{
	using Cell = std::atomic<std::uint64_t>;
	static constexpr std::size_t page = 4096;
	static constexpr std::size_t arrays_per_chunk = page / sizeof(Cell);
	static constexpr std::size_t largest_array = 32; // cells
	static constexpr std::size_t cells_per_cpu = arrays_per_chunk * largest_array;
	static constexpr unsigned region_shift = std::countr_zero(cells_per_cpu * sizeof(Cell));

public:
	/// An array for every CPU. Empty when there is no memory.
	class Array
	{
	public:
		Array() = default;
		explicit operator bool() const { return first_ != nullptr; }

		/// On the calling CPU, as one step for everything else that runs there.
		void add(std::size_t index, std::uint64_t n) const
		{
#if CNX_REPLICA_RSEQ
			if (rseq::available()) [[likely]]
				return rseq::add<region_shift>(&at(index, 0), n);
#endif
			// The thread may be moved to another CPU after it has asked which one it is on.
			at(index, current_cpu()).fetch_add(n, std::memory_order_relaxed);
		}

		[[nodiscard]] std::uint64_t read(std::size_t index, unsigned cpu) const
		{
			return at(index, cpu).load(std::memory_order_relaxed);
		}

	private:
		friend class CounterMemory;
		explicit Array(Cell *first) : first_(first) {}

		/// INVARIANT: index is below the size that was asked for and cpu below cpu_count(), so the cell is in
		/// the chunk of `first_`.
		[[nodiscard]] Cell &at(std::size_t index, unsigned cpu) const
		{
			CNX_UNSAFE_BUFFERS_BEGIN
			// SAFETY: by the invariant.
			return first_[cpu * cells_per_cpu + index * arrays_per_chunk];
			CNX_UNSAFE_BUFFERS_END
		}

		Cell *first_ = nullptr; // CPU 0's
	};

	static CounterMemory &instance()
	{
		// Never destroyed: threads of liburcu may free callbacks while static objects are being destroyed.
		static auto *const memory = new CounterMemory;
		return *memory;
	}

	/// All zero. Empty where there is no memory, or none for so large an array.
	[[nodiscard]] Array allocate(std::size_t size)
	{
		if (size > largest_array)
			return {};
		const std::lock_guard hold(mutex_);
		if (!vacant_.empty()) {
			const Array array(vacant_.back());
			vacant_.pop_back();
			return array;
		}
		if (!chunk_ || used_ == arrays_per_chunk) {
			chunk_ = make_chunk();
			used_ = 0;
		}
		CNX_UNSAFE_BUFFERS_BEGIN
		// SAFETY: used_ is below arrays_per_chunk here, which is how many begin in a chunk.
		return chunk_ ? Array(chunk_ + used_++) : Array();
		CNX_UNSAFE_BUFFERS_END
	}

	/// `size` is what it was allocated with.
	void release(Array array, std::size_t size)
	{
		for (unsigned cpu = 0; cpu < cpu_count(); ++cpu) {
			for (std::size_t i = 0; i < size; ++i)
				array.at(i, cpu).store(0, std::memory_order_relaxed);
		}
		const std::lock_guard hold(mutex_);
		vacant_.push_back(array.first_);
	}

private:
	[[nodiscard]] static Cell *make_chunk()
	{
		// Fresh pages are zero, and those never written to take no memory.
		void *const memory = mmap(nullptr, cells_per_cpu * cpu_count() * sizeof(Cell), PROT_READ | PROT_WRITE,
		                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		// SAFETY: an atomic word that is all zero is one that holds zero, so the cells need no construction.
		return memory == MAP_FAILED ? nullptr : static_cast<Cell *>(memory);
	}

	std::mutex mutex_;
	Cell *chunk_ = nullptr;
	std::size_t used_ = 0; // arrays of chunk_
	std::vector<Cell *> vacant_;
};

} // namespace cnx::replica

#endif // CNX_REPLICA_COUNTERS_HPP
