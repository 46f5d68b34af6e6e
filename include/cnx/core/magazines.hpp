// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_CORE_MAGAZINES_HPP
#define CNX_CORE_MAGAZINES_HPP

#include <cnx/core/platform.hpp>
#include <cnx/core/result.hpp>

#include <atomic>
#include <cstdint>
#include <new>
#include <span>
#include <utility>

namespace cnx
{

/// Ready buffers, a magazine of them for each CPU, so that a sender takes one without a lock and without asking an
/// allocator (Bonwick and Adams, "Magazines and Vmem", 2001). Bounded: what does not fit stays its giver's.
///
/// A magazine is a row of slots, and who exchanges a buffer out of its slot, or into an empty one, owns what it has in
/// its hand. That one step is all that orders takers, givers and drainers against each other, so each of them may be
/// interrupted anywhere by any other, in process, softirq and hardirq context, and may work on any CPU's magazine.
/// Where to look first is a hint that may be wrong, which costs looking further and no buffer.
///
/// INVARIANT: a buffer is in one slot at most, and belongs to the magazines while it is.
template <Platform P, typename T>
class Magazines
{
public:
	/// Buffers that a CPU's magazine holds at most.
	static constexpr unsigned deepest = 1024;

	/// Empty magazines of `depth` buffers. May sleep. invalid: a depth of 0 or above `deepest`. no_memory.
	[[nodiscard]] static Result<Magazines> create(unsigned depth)
	{
		if (depth == 0 || depth > deepest)
			return std::unexpected(Error::invalid);
		void *const memory = P::allocate(bytes(depth));
		if (!memory)
			return std::unexpected(Error::no_memory);
		const std::size_t count = words(depth) * P::cpu_count();
		return Magazines({new (memory) Word[count]{}, count}, depth);
	}

	Magazines(Magazines &&other) noexcept : words_(std::exchange(other.words_, {})), depth_(other.depth_) {}
	Magazines &operator=(Magazines &&) = delete;
	/// All magazines are empty: see drain().
	~Magazines() { P::release(words_.data(), words_.size_bytes()); }

	[[nodiscard]] unsigned depth() const { return depth_; }

	/// A buffer of this CPU's, the one that came last and is the likeliest to be in its caches; it is the caller's
	/// now. nullptr: there is none. Any context.
	[[nodiscard]] T *take()
	{
		const Magazine magazine = of_cpu(P::cpu());
		const unsigned top = magazine.hint() < depth_ ? magazine.hint() : depth_;
		// Downwards from the hint; what it does not know of is found last.
		T *buffer = magazine.take_below(top, 0);
		if (!buffer) [[unlikely]]
			buffer = magazine.take_below(depth_, top);
		// Drainers leave the hint alone, and who finds nothing must not leave it at plenty.
		if (!buffer) [[unlikely]]
			magazine.hint(0);
		return buffer;
	}

	/// Hand a buffer to this CPU. False: its magazine is full, and the buffer stays the caller's. Any context.
	[[nodiscard]] bool give(T &buffer) { return give(P::cpu(), buffer); }

	/// The same to any CPU: how magazines are filled before they run dry.
	[[nodiscard]] bool give(unsigned cpu, T &buffer)
	{
		const Magazine magazine = of_cpu(cpu);
		const unsigned top = magazine.hint();
		for (unsigned i = 0; i < depth_; ++i) {
			const unsigned slot = (top + i) % depth_;
			if (magazine.fill(slot, buffer)) [[likely]] {
				magazine.hint(slot + 1);
				return true;
			}
		}
		return false;
	}

	/// Whether this CPU's magazine is probably half empty: time to refill it. Any context.
	[[nodiscard]] bool low() const { return of_cpu(P::cpu()).hint() <= depth_ / 2; }

	/// How many buffers a CPU's magazine has room for, as far as nobody takes or gives meanwhile.
	[[nodiscard]] unsigned room(unsigned cpu) const
	{
		unsigned vacant = 0;
		for (unsigned slot = 0; slot < depth_; ++slot)
			vacant += !of_cpu(cpu).holds(slot);
		return vacant;
	}

	/// Take the buffers out of a CPU's magazine, `most` of them at most, and hand each to `gone`. Returns how many.
	/// Context is that of `gone`.
	template <typename Gone>
	unsigned drain(unsigned cpu, Gone &&gone, unsigned most = deepest)
	{
		unsigned drained = 0;
		for (unsigned slot = 0; slot < depth_ && drained < most; ++slot) {
			if (T *const buffer = of_cpu(cpu).empty(slot)) {
				gone(*buffer);
				++drained;
			}
		}
		return drained;
	}

private:
	using Word = std::atomic<std::uintptr_t>;
	static constexpr std::size_t words_per_line = 64 / sizeof(Word);

	/// The words of one CPU: the hint, then a slot for each buffer.
	class Magazine
	{
	public:
		explicit Magazine(std::span<Word> words) : words_(words) {}

		/// How many slots, counted from the first, are probably filled.
		[[nodiscard]] unsigned hint() const
		{
			return static_cast<unsigned>(words_[0].load(std::memory_order_relaxed));
		}
		void hint(unsigned filled) const { words_[0].store(filled, std::memory_order_relaxed); }

		[[nodiscard]] bool holds(unsigned slot) const
		{
			return words_[1 + slot].load(std::memory_order_relaxed) != 0;
		}

		/// The buffer in the highest filled slot from `end` down to `begin`, or nullptr. The hint follows.
		[[nodiscard]] T *take_below(unsigned end, unsigned begin) const
		{
			for (unsigned slot = end; slot-- > begin;) {
				if (T *const buffer = empty(slot)) {
					hint(slot);
					return buffer;
				}
			}
			return nullptr;
		}

		/// What is in the slot, which is empty then.
		[[nodiscard]] T *empty(unsigned slot) const
		{
			if (!holds(slot))
				return nullptr;
			// Pairs with the release in fill(): what the giver did with the buffer is done.
			// SAFETY: a word of a slot is 0 or the address that fill() was given.
			return reinterpret_cast<T *>(words_[1 + slot].exchange(0, std::memory_order_acquire));
		}

		/// False: the slot is taken.
		[[nodiscard]] bool fill(unsigned slot, T &buffer) const
		{
			if (holds(slot))
				return false;
			std::uintptr_t vacant = 0;
			// SAFETY: the address is only ever turned back by empty().
			return words_[1 + slot].compare_exchange_strong(
			    vacant, reinterpret_cast<std::uintptr_t>(&buffer), std::memory_order_release,
			    std::memory_order_relaxed);
		}

	private:
		std::span<Word> words_;
	};

	/// Whole cache lines for each CPU, so that none writes to another's.
	[[nodiscard]] static std::size_t words(unsigned depth)
	{
		return (1 + depth + words_per_line - 1) / words_per_line * words_per_line;
	}
	[[nodiscard]] static std::size_t bytes(unsigned depth) { return words(depth) * P::cpu_count() * sizeof(Word); }

	Magazines(std::span<Word> words, unsigned depth) : words_(words), depth_(depth) {}

	/// INVARIANT: cpu is below P::cpu_count().
	[[nodiscard]] Magazine of_cpu(unsigned cpu) const
	{
		return Magazine(words_.subspan(cpu * words(depth_), 1 + depth_));
	}

	std::span<Word> words_; // of all CPUs; empty when moved from
	unsigned depth_;
};

} // namespace cnx

#endif // CNX_CORE_MAGAZINES_HPP
