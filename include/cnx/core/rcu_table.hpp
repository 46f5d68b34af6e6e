// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_CORE_RCU_TABLE_HPP
#define CNX_CORE_RCU_TABLE_HPP

#include <cnx/core/annotations.hpp>
#include <cnx/core/platform.hpp>
#include <cnx/core/result.hpp>

#include <atomic>
#include <bit>
#include <cstdint>
#include <limits>
#include <new>
#include <utility>

namespace cnx
{

/// A map from 64-bit keys to borrowed values: open addressing with linear probing, read under RCU without a store or
/// a loop that a writer could prolong, written by one writer at a time. It owns its slots and no value.
///
/// A slot is a key and a value word. The value word says what the slot is, and is what publishes it:
///
///	empty -> live -> erased -> reusable -> live -> ...
///
/// INVARIANT: a key is written only while its slot is empty or reusable, that is, while no reader can have taken a
/// value from it; a slot becomes reusable only a grace period after it was erased. So a reader that loads the value
/// word first and the key second never pairs a value with another's key.
/// INVARIANT: at least three eighths of the slots are empty, so every probe ends.
///
/// Growing and shrinking build another array beside the published one and publish it with one store; readers of the
/// old one finish there, and it is reclaimed a grace period later.
template <Platform P, typename V>
class RcuTable
{
public:
	/// The right to change a table. One exists per table; keep it in a lock.
	class Writer;

	RcuTable() = default;
	RcuTable(const RcuTable &) = delete;
	RcuTable &operator=(const RcuTable &) = delete;
	/// No reader and no writer may be left.
	~RcuTable() { P::release(array_.load(std::memory_order_relaxed)); }

	/// The value of `key`, or nullptr. It stays valid for as long as the guard is open.
	[[nodiscard]] V *find(const typename P::ReadGuard &guard CNX_LIFETIME_BOUND, std::uint64_t key) const
	{
		static_cast<void>(guard);
		// Pairs with the release store in Writer::publish().
		const Array *const array = array_.load(std::memory_order_acquire);
		if (!array) [[unlikely]]
			return nullptr;
		for (std::size_t i = array->home(key);; i = (i + 1) & array->mask) {
			const Slot &slot = array->slots()[i];
			// Pairs with the release store in Slot::fill(): a live value makes its key visible.
			const std::uintptr_t value = slot.value.load(std::memory_order_acquire);
			if (slot.key.load(std::memory_order_relaxed) == key && !(value & mark)) [[likely]]
				return to_value(value); // nullptr where the slot is empty still
			if (value == empty)
				return nullptr;
		}
	}
	V *find(const typename P::ReadGuard &&, std::uint64_t) const = delete;

private:
	// A live slot holds the address of its value; an erased one the same with the mark, so that recycle() finds the
	// very slot that its caller waited for, however often the key came and went meanwhile.
	static constexpr std::uintptr_t empty = 0;
	static constexpr std::uintptr_t mark = 1;
	static constexpr std::uintptr_t reusable = mark;
	static_assert(alignof(V) > mark, "a value's address must have room for the mark");

	[[nodiscard]] static bool is_live(std::uintptr_t word) { return word != empty && !(word & mark); }

	struct Slot {
		std::atomic<std::uint64_t> key;
		std::atomic<std::uintptr_t> value;

		void fill(std::uint64_t new_key, std::uintptr_t new_value)
		{
			key.store(new_key, std::memory_order_relaxed);
			value.store(new_value, std::memory_order_release);
		}
	};

	struct Array {
		RetireHead retire;
		std::size_t mask;
		unsigned shift;

		[[nodiscard]] std::size_t capacity() const { return mask + 1; }

		/// Fibonacci hashing (Knuth, The Art of Computer Programming 3, 6.4) of both halves folded: ids
		/// that count upwards in val, the common case, fall on distinct slots.
		[[nodiscard]] std::size_t home(std::uint64_t key) const
		{
			return ((key ^ (key >> 32)) * 0x9e3779b97f4a7c15u) >> shift;
		}

		// SAFETY: make() allocates capacity() slots right behind the header and constructs them.
		[[nodiscard]] Slot *slots() { return reinterpret_cast<Slot *>(this + 1); }
		// SAFETY: as above.
		[[nodiscard]] const Slot *slots() const { return reinterpret_cast<const Slot *>(this + 1); }

		[[nodiscard]] static Result<Array *> make(std::size_t capacity)
		{
			if (capacity > std::numeric_limits<std::uint32_t>::max() / 2)
				return std::unexpected(Error::no_memory);
			void *const memory = P::allocate(sizeof(Array) + capacity * sizeof(Slot));
			if (!memory)
				return std::unexpected(Error::no_memory);
			auto *const array = new (memory) Array;
			array->mask = capacity - 1;
			array->shift = 64 - static_cast<unsigned>(std::countr_zero(capacity));
			for (std::size_t i = 0; i < capacity; ++i)
				new (&array->slots()[i]) Slot{{0}, {empty}};
			return array;
		}

		static void reclaim(RetireHead *head)
		{
			// SAFETY: retire is the first member of the standard-layout Array that was retired.
			P::release(reinterpret_cast<Array *>(head));
		}
	};

	static V *to_value(std::uintptr_t word)
	{
		// SAFETY: a word without the mark is the address that insert() was given, or `empty`, which is
		// nullptr's.
		return reinterpret_cast<V *>(word);
	}

	std::atomic<Array *> array_{nullptr};
};

template <Platform P, typename V>
class RcuTable<P, V>::Writer
{
public:
	explicit Writer(RcuTable &table) : table_(table) {}
	Writer(const Writer &) = delete;
	Writer &operator=(const Writer &) = delete;

	/// Number of live keys.
	[[nodiscard]] std::size_t size() const { return live_; }

	/// Publish `value` under `key`. exists: the key is live. no_memory: the table had to grow and could not.
	/// Amortised O(1); may sleep.
	[[nodiscard]] Status insert(std::uint64_t key, V &value)
	{
		if (locate(key))
			return std::unexpected(Error::exists);
		CNX_TRY(make_room());
		// SAFETY: the address is only ever turned back by to_value().
		place(*array(), key, reinterpret_cast<std::uintptr_t>(&value));
		++live_;
		return {};
	}

	/// Unpublish `key`. Readers that have found it may hold it until a grace period has passed; then recycle() it.
	/// no_entry: it is not live.
	[[nodiscard]] Status erase(std::uint64_t key)
	{
		Slot *const slot = locate(key);
		if (!slot)
			return std::unexpected(Error::no_entry);
		slot->value.fetch_or(mark, std::memory_order_relaxed);
		--live_;
		return {};
	}

	/// Let the erased slot of `key`, which held `value`, be used again. A grace period must have passed since
	/// erase(), and `value` must not have been freed. If the array was exchanged meanwhile, the slot is gone
	/// already and stays so.
	void recycle(std::uint64_t key, const V &value)
	{
		if (!array())
			return;
		// SAFETY: the address is compared, never followed.
		const auto erased = reinterpret_cast<std::uintptr_t>(&value) | mark;
		for (std::size_t i = array()->home(key);; i = (i + 1) & array()->mask) {
			Slot &slot = array()->slots()[i];
			const auto word = slot.value.load(std::memory_order_relaxed);
			if (word == empty)
				break;
			if (word == erased) {
				slot.value.store(reusable, std::memory_order_relaxed);
				break;
			}
		}
		shrink();
	}

private:
	static constexpr std::size_t smallest = 16;

	[[nodiscard]] Array *array() const { return table_.array_.load(std::memory_order_relaxed); }

	[[nodiscard]] Slot *locate(std::uint64_t key) const
	{
		if (!array())
			return nullptr;
		for (std::size_t i = array()->home(key);; i = (i + 1) & array()->mask) {
			Slot &slot = array()->slots()[i];
			const auto value = slot.value.load(std::memory_order_relaxed);
			if (value == empty)
				return nullptr;
			if (is_live(value) && slot.key.load(std::memory_order_relaxed) == key)
				return &slot;
		}
	}

	void place(Array &array, std::uint64_t key, std::uintptr_t word)
	{
		for (std::size_t i = array.home(key);; i = (i + 1) & array.mask) {
			Slot &slot = array.slots()[i];
			const auto value = slot.value.load(std::memory_order_relaxed);
			if (value != empty && value != reusable)
				continue;
			used_ += value == empty;
			slot.fill(key, word);
			return;
		}
	}

	/// At most five eighths of the slots are in use after one more insertion.
	[[nodiscard]] Status make_room()
	{
		if (array() && (used_ + 1) * 8 <= array()->capacity() * 5)
			return {};
		// When erased slots, not live ones, filled the array, the same size serves again.
		std::size_t capacity = array() ? array()->capacity() : smallest;
		if ((live_ + 1) * 2 > capacity)
			capacity *= 2;
		return rebuild(capacity);
	}

	void shrink()
	{
		// Wide of the growth threshold, so that a table at the boundary does not go back and forth.
		if (array()->capacity() > smallest && live_ * 8 < array()->capacity())
			static_cast<void>(rebuild(array()->capacity() / 2)); // Without memory it stays as it is.
	}

	[[nodiscard]] Status rebuild(std::size_t capacity)
	{
		Array *const fresh = CNX_TRY(Array::make(capacity));
		Array *const old = array();
		used_ = 0;
		for (std::size_t i = 0; old && i < old->capacity(); ++i) {
			const Slot &slot = old->slots()[i];
			const auto value = slot.value.load(std::memory_order_relaxed);
			if (is_live(value))
				place(*fresh, slot.key.load(std::memory_order_relaxed), value);
		}
		publish(fresh);
		if (old)
			P::retire(&old->retire, Array::reclaim);
		return {};
	}

	void publish(Array *fresh) { table_.array_.store(fresh, std::memory_order_release); }

	RcuTable &table_;
	std::size_t live_ = 0;
	std::size_t used_ = 0; // slots of the published array that are not empty
};

} // namespace cnx

#endif // CNX_CORE_RCU_TABLE_HPP
