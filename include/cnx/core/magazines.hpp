// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_CORE_MAGAZINES_HPP
#define CNX_CORE_MAGAZINES_HPP

#include <cnx/core/annotations.hpp>
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
/// How many buffers a magazine should hold is learned: it is few at first, twice as many each time that they turn out
/// to be too few, up to the depth, and half as many when it is drained.
///
/// INVARIANT: a buffer is in one slot at most, and belongs to the magazines while it is.
template <Platform P, typename T>
class Magazines
{
public:
	/// Buffers that a CPU's magazine holds at most.
	static constexpr unsigned deepest = 1024;
	/// Buffers that it should hold before anything is known, if its depth allows.
	static constexpr unsigned modest = 16;

	/// How full a magazine is: it should be given some when it is low, and at once when buffers are scarce. One
	/// that has run dry was too small for what was taken at a time.
	enum class Level : std::uint8_t { plenty, low, scarce, dry };

	struct Taken {
		T *buffer; // the taker's now; nullptr: there is none
		Level level;
	};

	/// Empty magazines of `depth` buffers. May sleep. invalid: a depth of 0 or above `deepest`. no_memory.
	[[nodiscard]] static Result<Magazines> create(unsigned depth) CNX_EXCLUDES(read_section)
	{
		if (depth == 0 || depth > deepest)
			return std::unexpected(Error::invalid);
		void *const memory = P::allocate(bytes(depth));
		if (!memory)
			return std::unexpected(Error::no_memory);
		const std::size_t count = words(depth) * P::cpu_count();
		Magazines magazines({new (memory) Word[count]{}, count}, depth);
		for (unsigned cpu = 0; cpu < P::cpu_count(); ++cpu)
			magazines.of_cpu(cpu).aim(magazines.least());
		return magazines;
	}

	Magazines(Magazines &&other) noexcept : words_(std::exchange(other.words_, {})), depth_(other.depth_) {}
	Magazines &operator=(Magazines &&) = delete;
	/// All magazines are empty: see drain().
	~Magazines() { P::release(words_.data(), words_.size_bytes()); }

	[[nodiscard]] unsigned depth() const { return depth_; }

	/// A buffer of this CPU's, the one that came last and is the likeliest to be in its caches. Any context.
	[[nodiscard]] Taken take()
	{
		const Magazine magazine = of_cpu(P::cpu());
		const unsigned hint = magazine.hint();
		if (hint == Magazine::dry) [[unlikely]]
			return {nullptr, Level::dry};
		// The likely case by itself: the slot below the hint is filled.
		if (hint - 1 < depth_) [[likely]] {
			if (T *const buffer = magazine.empty(hint - 1)) [[likely]] {
				magazine.hint(hint - 1);
				return {buffer, magazine.level(hint - 1)};
			}
		}
		return look_everywhere(magazine, hint);
	}

	/// Hand a buffer to this CPU. False: its magazine is full, and the buffer stays the caller's. Any context.
	[[nodiscard]] bool give(T &buffer) { return give(P::cpu(), buffer); }

	/// The same to any CPU: how magazines are filled before they run dry.
	[[nodiscard]] bool give(unsigned cpu, T &buffer)
	{
		const Magazine magazine = of_cpu(cpu);
		const unsigned hint = magazine.hint();
		const unsigned top = hint == Magazine::dry ? 0 : hint;
		for (unsigned i = 0; i < depth_; ++i) {
			const unsigned slot = (top + i) % depth_;
			if (magazine.fill(slot, buffer)) [[likely]] {
				magazine.hint(slot + 1);
				return true;
			}
		}
		return false;
	}

	/// This CPU's magazine turned out to hold too few: it should hold twice as many, but no more than its depth.
	/// Any context.
	void want_more()
	{
		const Magazine magazine = of_cpu(P::cpu());
		const unsigned more = magazine.aim() * 2;
		magazine.aim(more < depth_ ? more : depth_);
	}

	/// How many buffers a CPU's magazine should be given now, as far as nobody takes or gives meanwhile.
	[[nodiscard]] unsigned wanting(unsigned cpu)
	{
		const Magazine magazine = of_cpu(cpu);
		const unsigned held = size(cpu);
		// Who found nothing may have said so when somebody had just given.
		if (held != 0 && magazine.hint() == Magazine::dry)
			magazine.hint(depth_);
		return magazine.aim() - (held < magazine.aim() ? held : magazine.aim());
	}

	/// How many buffers a CPU's magazine holds.
	[[nodiscard]] unsigned size(unsigned cpu) const
	{
		unsigned held = 0;
		for (unsigned slot = 0; slot < depth_; ++slot)
			held += of_cpu(cpu).holds(slot);
		return held;
	}

	/// Take the buffers out of a CPU's magazine, `most` of them at most, and hand each to `gone`. Returns how many.
	/// Context is that of `gone`.
	template <typename Gone>
	unsigned drain(unsigned cpu, Gone &&gone, unsigned most = deepest)
	{
		const Magazine magazine = of_cpu(cpu);
		const unsigned aim = magazine.aim() / 2;
		magazine.aim(aim < least() ? least() : aim);
		unsigned drained = 0;
		for (unsigned slot = 0; slot < depth_ && drained < most; ++slot) {
			if (T *const buffer = magazine.empty(slot)) {
				gone(*buffer);
				++drained;
			}
		}
		return drained;
	}

private:
	using Word = std::atomic<std::uintptr_t>;
	static constexpr std::size_t words_per_line = 64 / sizeof(Word);
	static constexpr std::size_t first = 2; // word of a slot

	/// The words of one CPU: the hint, how many buffers it should hold, then a slot for each buffer.
	class Magazine
	{
	public:
		/// The hint that there is nothing, so that not every taker has to look for it.
		static constexpr unsigned dry = ~0u;

		explicit Magazine(std::span<Word> words) : words_(words) {}

		/// How many slots, counted from the first, are probably filled.
		[[nodiscard]] unsigned hint() const
		{
			return static_cast<unsigned>(words_[0].load(std::memory_order_relaxed));
		}
		void hint(unsigned filled) const { words_[0].store(filled, std::memory_order_relaxed); }

		/// There is nothing, unless somebody has given a buffer, and a hint, since the hint was `seen`.
		void run_dry(unsigned seen) const
		{
			std::uintptr_t expected = seen;
			words_[0].compare_exchange_strong(expected, dry, std::memory_order_relaxed);
		}

		[[nodiscard]] unsigned aim() const
		{
			return static_cast<unsigned>(words_[1].load(std::memory_order_relaxed));
		}
		void aim(unsigned buffers) const { words_[1].store(buffers, std::memory_order_relaxed); }

		[[nodiscard]] Level level(unsigned filled) const
		{
			const unsigned wanted = aim();
			if (filled > wanted - wanted / 4) [[likely]]
				return Level::plenty;
			return filled > wanted / 4 ? Level::low : Level::scarce;
		}

		[[nodiscard]] bool holds(unsigned slot) const
		{
			return words_[first + slot].load(std::memory_order_relaxed) != 0;
		}

		/// What is in the slot, which is empty then.
		[[nodiscard]] T *empty(unsigned slot) const
		{
			if (!holds(slot))
				return nullptr;
			// Pairs with the release in fill(): what the giver did with the buffer is done.
			// SAFETY: a word of a slot is 0 or the address that fill() was given.
			// NOLINTNEXTLINE(performance-no-int-to-ptr)
			return reinterpret_cast<T *>(words_[first + slot].exchange(0, std::memory_order_acquire));
		}

		/// False: the slot is taken.
		[[nodiscard]] bool fill(unsigned slot, T &buffer) const
		{
			if (holds(slot))
				return false;
			std::uintptr_t vacant = 0;
			// SAFETY: the address is only ever turned back by empty().
			return words_[first + slot].compare_exchange_strong(
			    vacant, reinterpret_cast<std::uintptr_t>(&buffer), std::memory_order_release,
			    std::memory_order_relaxed);
		}

	private:
		std::span<Word> words_;
	};

	/// The hint was wrong, or there is nothing.
	[[nodiscard, gnu::cold, gnu::noinline]] Taken look_everywhere(Magazine magazine, unsigned hint) const
	{
		for (unsigned slot = depth_; slot-- > 0;) {
			if (T *const buffer = magazine.empty(slot)) {
				magazine.hint(slot);
				return {buffer, magazine.level(slot)};
			}
		}
		magazine.run_dry(hint);
		return {nullptr, Level::dry};
	}

	[[nodiscard]] unsigned least() const { return depth_ < modest ? depth_ : modest; }

	/// Whole cache lines for each CPU, so that none writes to another's.
	[[nodiscard]] static std::size_t words(unsigned depth)
	{
		return (first + depth + words_per_line - 1) / words_per_line * words_per_line;
	}
	[[nodiscard]] static std::size_t bytes(unsigned depth) { return words(depth) * P::cpu_count() * sizeof(Word); }

	Magazines(std::span<Word> words, unsigned depth) : words_(words), depth_(depth) {}

	/// INVARIANT: cpu is below P::cpu_count().
	[[nodiscard]] Magazine of_cpu(unsigned cpu) const
	{
		return Magazine(words_.subspan(cpu * words(depth_), first + depth_));
	}

	std::span<Word> words_; // of all CPUs; empty when moved from
	unsigned depth_;
};

} // namespace cnx

#endif // CNX_CORE_MAGAZINES_HPP
