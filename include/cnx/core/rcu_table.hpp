// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_CORE_RCU_TABLE_HPP
#define CNX_CORE_RCU_TABLE_HPP

#include <cnx/core/annotations.hpp>
#include <cnx/core/memory.hpp>
#include <cnx/core/platform.hpp>
#include <cnx/core/result.hpp>

#include <array>
#include <atomic>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

namespace cnx
{

/// A value that knows its own key, which never changes while it is in a table.
template <typename V>
concept Keyed = requires(const V &value)
{
	{
		value.key()
		} -> std::same_as<std::uint64_t>;
};

/// A map from 64-bit keys to borrowed values that know their keys: read under RCU without a store or a loop that a
/// writer could prolong, written by one writer at a time. It owns its buckets and no value.
///
/// A bucket is one cache line: seven values, and a word with a tag for each of them and a count of overflows. A lookup
/// compares all seven tags at once, and follows a value only where the tag agrees, so it takes no branch that depends
/// on where in the bucket a value lies. A key that finds its bucket full goes to the next one, and raises the count of
/// each bucket that it passed by, so that a lookup ends at the first bucket that nobody passed. (Tags: Dean and Lea's
/// and Bronson and Shi's hash tables, "F14", 2019; counted overflow: the same.)
///
/// A slot is free, then announced by a tag, then leaving from erase() until recycle(), then free again:
///
///	free -> announced -> leaving -> free
///
/// INVARIANT: a slot's value is written only while the slot is free, and no reader can hold a word that announces it:
/// it becomes free only a grace period after its tag was taken back. So the value that a reader loads is the one that
/// the tag it has seen announced.
/// INVARIANT: at most four sevenths of all slots are not free.
///
/// Growing and shrinking build another array of buckets beside the published one and publish it with one store;
/// readers of the old one finish there, and it is reclaimed a grace period later.
template <Platform P, Keyed V>
class RcuTable
{
public:
	/// The right to change a table. One exists per table; keep it in a lock.
	class Writer;

	RcuTable() = default;
	RcuTable(const RcuTable &) = delete;
	RcuTable &operator=(const RcuTable &) = delete;

	/// The value of `key`, or nullptr. It stays valid for as long as the guard is open.
	[[nodiscard]] V *find(const typename P::ReadGuard &guard CNX_LIFETIME_BOUND, std::uint64_t key) const
	{
		static_cast<void>(guard);
		// Pairs with the release store in Writer::publish().
		const View view(published_.load(std::memory_order_acquire));
		const Hash hash(key, view);
		const Bucket &home = view[hash.home()];
		const std::uint64_t tags = home.announced_tags();
		if (V *const value = match(home, tags, hash, key)) [[likely]]
			return value;
		return overflows(tags) == 0 ? nullptr : find_further(view, hash, key);
	}
	V *find(const typename P::ReadGuard &&, std::uint64_t) const = delete;

private:
	static constexpr unsigned slots = 7;
	static constexpr unsigned tag_bits = 7;

	// A slot's byte of the tag word. A tag has the highest bit set, the other two states have not.
	static constexpr std::uint64_t free_slot = 0;
	static constexpr std::uint64_t leaving_slot = 1;
	static constexpr std::uint64_t announced = 1u << tag_bits;

	// The eighth byte of a tag word counts the keys that passed the bucket by. At its limit it stays there.
	static constexpr unsigned overflow_shift = 8 * slots;
	static constexpr std::uint64_t overflow_limit = 0xff;
	static constexpr std::uint64_t every_slot = 0x01010101010101u;

	[[nodiscard]] static std::uint64_t overflows(std::uint64_t tags) { return tags >> overflow_shift; }
	[[nodiscard]] static std::uint64_t state(std::uint64_t tags, unsigned slot)
	{
		return tags >> (8 * slot) & 0xff;
	}

	struct alignas(64) Bucket {
		std::atomic<std::uint64_t> tags{0};
		std::array<std::atomic<V *>, slots> values{};

		[[nodiscard]] std::uint64_t word() const { return tags.load(std::memory_order_relaxed); }
		/// Pairs with store(): what a tag announces is there.
		[[nodiscard]] std::uint64_t announced_tags() const { return tags.load(std::memory_order_acquire); }
		[[nodiscard]] V *value(unsigned slot) const { return values[slot].load(std::memory_order_relaxed); }

		/// The value of the first slot of `matches`, of which there is one.
		[[nodiscard]] V *first(std::uint64_t matches) const
		{
			// The highest bit of slot i's byte is bit 8 * i + 7 of the word, and its value lies one byte
			// beyond so many bytes: no arithmetic between the comparison and the load.
			const auto highest_bit = static_cast<unsigned>(std::countr_zero(matches));
			// SAFETY: `matches` has no bit but highest ones of the seven slots' bytes, so this is the
			// address of a member of `values`, which lies eight bytes from the start of the standard-layout
			// bucket.
			CNX_UNSAFE_BUFFERS_BEGIN
			const auto *const at = reinterpret_cast<const std::byte *>(this) + std::size_t{highest_bit} + 1;
			CNX_UNSAFE_BUFFERS_END
			return reinterpret_cast<const std::atomic<V *> *>(at)->load(std::memory_order_relaxed);
		}

		void announce(unsigned slot, V &value, std::uint64_t tag)
		{
			values[slot].store(&value, std::memory_order_relaxed);
			set_state(slot, tag);
		}

		void set_state(unsigned slot, std::uint64_t state)
		{
			const std::uint64_t others = word() & ~(std::uint64_t{0xff} << (8 * slot));
			store(others | state << (8 * slot));
		}

		void pass_by()
		{
			if (overflows(word()) < overflow_limit)
				store(word() + (std::uint64_t{1} << overflow_shift));
		}

		void pass_no_more()
		{
			if (overflows(word()) < overflow_limit)
				store(word() - (std::uint64_t{1} << overflow_shift));
		}

	private:
		/// Pairs with the acquire load in announced_tags(). Every store is a release, whatever it changes: a
		/// reader may see this one first of those that hold a tag, and must see what the tag announces.
		void store(std::uint64_t word) { tags.store(word, std::memory_order_release); }
	};
	static_assert(sizeof(Bucket) == 64 && std::is_standard_layout_v<Bucket>);

	/// An array of buckets as readers see it: its address and its size in one word, which are therefore always
	/// seen together. The low six bits, which an address of cache lines leaves free, say how far to shift a hash.
	/// INVARIANT: the address of size() buckets.
	class View
	{
	public:
		explicit View(std::uintptr_t word) : word_(word) {}
		// SAFETY: the address is only ever turned back by operator[].
		View(Bucket *buckets, std::size_t size)
		    : word_(reinterpret_cast<std::uintptr_t>(buckets) |
		            (64 - tag_bits - static_cast<unsigned>(std::countr_zero(size))))
		{
		}

		[[nodiscard]] std::uintptr_t word() const { return word_; }
		[[nodiscard]] unsigned shift() const { return word_ & shift_mask; }
		[[nodiscard]] std::size_t size() const { return std::size_t{1} << (64 - tag_bits - shift()); }

		[[nodiscard]] Bucket &operator[](std::size_t i) const
		{
			CNX_UNSAFE_BUFFERS_BEGIN
			// SAFETY: the word without the shift is the address that the constructor was given, or its
			// copy, and every index comes from a hash or a counter that is kept below size().
			// NOLINTNEXTLINE(performance-no-int-to-ptr)
			return reinterpret_cast<Bucket *>(word_ & ~shift_mask)[i];
			CNX_UNSAFE_BUFFERS_END
		}

	private:
		static constexpr std::uintptr_t shift_mask = alignof(Bucket) - 1;

		std::uintptr_t word_;
	};

	/// Where a key belongs: the upper bits of its hash say which bucket, those below them are the tag.
	/// Multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4). Any multiplier crowds some ids whose
	/// halves count in step; this one was searched for, see doc/design.md, and the tests keep watch over the
	/// likely ones.
	class Hash
	{
	public:
		static constexpr std::uint64_t multiplier = 0xa0b2f2b0ed976d97u;

		Hash(std::uint64_t key, View view) : bits_(key * multiplier >> view.shift()) {}

		[[nodiscard]] std::size_t home() const { return bits_ >> tag_bits; }
		/// The complement of the hash's bits, which spares matches() an instruction.
		[[nodiscard]] std::uint64_t tag() const { return (~bits_ & (announced - 1)) | announced; }

		/// A set highest bit in the byte of each slot whose tag is this one, and perhaps in that of a slot
		/// whose tag differs in its lowest bit, if one below it agrees: in no other's. A byte of `sameness` is
		/// all ones where the tag agrees, and then an addition of one takes away its highest bit; it has no
		/// highest bit where no tag is. (After Warren, Hacker's Delight, 6-1.)
		[[nodiscard]] std::uint64_t matches(std::uint64_t tags) const
		{
			const std::uint64_t sameness = tags ^ every_slot * (bits_ & (announced - 1));
			return ~(sameness + every_slot) & sameness & every_slot * announced;
		}

	private:
		std::uint64_t bits_;
	};

	/// The owner of an array of buckets.
	class Array
	{
	public:
		/// Not to be called but by Owned, in create().
		explicit Array(View view) : view_(view) {}
		Array(const Array &) = delete;
		Array &operator=(const Array &) = delete;
		~Array() { P::release(&view_[0], view_.size() * sizeof(Bucket)); }

		[[nodiscard]] static Result<Owned<P, Array>> create(std::size_t size) CNX_EXCLUDES(read_section)
		{
			if (size > largest)
				return std::unexpected(Error::no_memory);
			void *const memory = P::allocate(size * sizeof(Bucket));
			if (!memory)
				return std::unexpected(Error::no_memory);
			const View view(new (memory) Bucket[size], size);
			auto array = Owned<P, Array>::create(view);
			if (!array)
				P::release(memory, size * sizeof(Bucket));
			return array;
		}

		[[nodiscard]] View view() const { return view_; }

		/// Reclaims `array` when no reader can be in it any more.
		static void retire(Owned<P, Array> &&array)
		{
			Array *const retired = std::move(array).release();
			P::retire(&retired->retire_, [](RetireHead *head) {
				// SAFETY: retire_ is the first member of the standard-layout Array that was retired.
				static_cast<void>(Owned<P, Array>::adopt(reinterpret_cast<Array *>(head)));
			});
		}

	private:
		static constexpr std::size_t largest = std::size_t{1} << 30;

		RetireHead retire_{};
		View view_;
	};

	/// The value of a key in a bucket whose tags were read before, or nullptr.
	[[nodiscard]] static V *match(const Bucket &bucket, std::uint64_t tags, Hash hash, std::uint64_t key)
	{
		for (auto match = hash.matches(tags); match != 0; match &= match - 1) {
			V *const value = bucket.first(match);
			if (value->key() == key) [[likely]] {
				// An announced slot holds a value; a kernel's compiler is not allowed to conclude that
				// from the load of its key, and would have the caller compare it with nullptr.
				if (!value)
					__builtin_unreachable();
				return value;
			}
		}
		return nullptr;
	}

	/// The rest of a lookup that the home bucket did not answer; it ends because there is one bucket after another
	/// and the last of them is the one before home.
	[[nodiscard, gnu::noinline, gnu::cold]] static V *find_further(View view, Hash hash, std::uint64_t key)
	{
		for (std::size_t i = 1; i < view.size(); ++i) {
			const Bucket &bucket = view[(hash.home() + i) & (view.size() - 1)];
			const std::uint64_t tags = bucket.announced_tags();
			V *const value = match(bucket, tags, hash, key);
			if (value || overflows(tags) == 0)
				return value;
		}
		return nullptr;
	}

	[[nodiscard]] View nothing() { return {&nothing_, 1}; }

	// What readers see while there is no array.
	Bucket nothing_;
	std::atomic<std::uintptr_t> published_{nothing().word()};
};

template <Platform P, Keyed V>
class RcuTable<P, V>::Writer
{
public:
	explicit Writer(RcuTable &table) : table_(table), array_(Owned<P, Array>::adopt(nullptr)) {}
	Writer(const Writer &) = delete;
	Writer &operator=(const Writer &) = delete;
	/// The table's buckets go with its writer. No reader may be left.
	~Writer() { publish(table_.nothing()); }

	/// Number of keys in the table.
	[[nodiscard]] std::size_t size() const { return live_; }

	/// Number of keys that lie beyond their home bucket because they found it full: what makes lookups long. Walks
	/// the whole table.
	[[nodiscard]] std::size_t displaced() const
	{
		std::size_t displaced = 0;
		visit_live([&](const Bucket &bucket, const V &value) {
			const View view = array_->view();
			displaced += &view[Hash(value.key(), view).home()] != &bucket;
		});
		return displaced;
	}

	/// Publish `value` under its key. exists: the key is there. no_memory: the table had to grow and could not.
	/// Amortised O(1); may sleep.
	[[nodiscard]] Status insert(V &value) CNX_EXCLUDES(read_section)
	{
		if (locate(value.key()))
			return std::unexpected(Error::exists);
		CNX_TRY(make_room());
		place(array_->view(), value);
		++live_;
		++used_;
		return {};
	}

	/// Unpublish `key`. Readers that have found it may hold it until a grace period has passed; then recycle() it.
	/// no_entry: it is not there.
	[[nodiscard]] Status erase(std::uint64_t key)
	{
		const auto place = locate(key);
		if (!place)
			return std::unexpected(Error::no_entry);
		place.bucket->set_state(place.slot, leaving_slot);
		--live_;
		return {};
	}

	/// Let the slot that held the erased `value` be used again. A grace period must have passed since erase(), and
	/// `value` must not have been freed. If the array was exchanged meanwhile, the slot is gone already.
	void recycle(const V &value)
	{
		if (!array_.get())
			return;
		const auto place = find_slot(value.key(), [&](const Bucket &bucket, unsigned slot) {
			return state(bucket.word(), slot) == leaving_slot && bucket.value(slot) == &value;
		});
		if (place) {
			probe(array_->view(), value.key(), [&](Bucket &bucket) {
				if (&bucket == place.bucket)
					return false;
				bucket.pass_no_more();
				return true;
			});
			place.bucket->set_state(place.slot, free_slot);
			--used_;
		}
		shrink();
	}

private:
	static constexpr std::size_t smallest = 2; // buckets
	static constexpr std::size_t densest = 4;  // slots a bucket that are not free, on average
	static constexpr std::size_t sparsest = 2; // buckets a key, on average; beyond that the array is halved

	struct Place {
		Bucket *bucket = nullptr;
		unsigned slot = 0;
		explicit operator bool() const { return bucket != nullptr; }
	};

	[[nodiscard]] std::size_t buckets() const { return array_.get() ? array_->view().size() : 0; }

	template <typename Visit>
	void visit_live(Visit &&visit) const
	{
		for (std::size_t at = 0; at < buckets(); ++at) {
			const Bucket &bucket = array_->view()[at];
			for (unsigned slot = 0; slot < slots; ++slot) {
				if (state(bucket.word(), slot) >= announced)
					visit(bucket, *bucket.value(slot));
			}
		}
	}

	/// The buckets where a key may be, from its home on, for as long as `visit(bucket)` returns true.
	template <typename Visit>
	static void probe(View view, std::uint64_t key, Visit &&visit)
	{
		const std::size_t home = Hash(key, view).home();
		for (std::size_t i = 0; i < view.size(); ++i) {
			if (!visit(view[(home + i) & (view.size() - 1)]))
				return;
		}
	}

	/// The first slot from the key's home on that `wanted(bucket, slot)` accepts, if there is one.
	template <typename Wanted>
	[[nodiscard]] Place find_slot(std::uint64_t key, Wanted &&wanted) const
	{
		Place found;
		probe(array_->view(), key, [&](Bucket &bucket) {
			for (unsigned slot = 0; slot < slots && !found; ++slot) {
				if (wanted(static_cast<const Bucket &>(bucket), slot))
					found = {&bucket, slot};
			}
			return !found && overflows(bucket.word()) != 0;
		});
		return found;
	}

	[[nodiscard]] Place locate(std::uint64_t key) const
	{
		if (!array_.get())
			return {};
		const std::uint64_t tag = Hash(key, array_->view()).tag();
		return find_slot(key, [&](const Bucket &bucket, unsigned slot) {
			return state(bucket.word(), slot) == tag && bucket.value(slot)->key() == key;
		});
	}

	/// `view` has a free slot.
	static void place(View view, V &value)
	{
		const std::uint64_t tag = Hash(value.key(), view).tag();
		probe(view, value.key(), [&](Bucket &bucket) {
			for (unsigned slot = 0; slot < slots; ++slot) {
				if (state(bucket.word(), slot) == free_slot) {
					bucket.announce(slot, value, tag);
					return false;
				}
			}
			bucket.pass_by();
			return true;
		});
	}

	[[nodiscard]] Status make_room()
	{
		const std::size_t size = buckets();
		if (used_ < size * densest)
			return {};
		// When slots that are leaving, not live ones, filled the array, the same size serves again.
		return rebuild(size == 0 ? smallest : live_ * 2 < size * densest ? size : size * 2);
	}

	void shrink()
	{
		// Wide of the growth threshold, so that a table at the boundary does not go back and forth. Without
		// memory it stays as it is.
		if (buckets() > smallest && live_ * sparsest < buckets())
			static_cast<void>(rebuild(buckets() / 2));
	}

	[[nodiscard]] Status rebuild(std::size_t size)
	{
		auto fresh = CNX_TRY(Array::create(size));
		visit_live([&](const Bucket &, V &value) { place(fresh->view(), value); });
		used_ = live_;
		publish(fresh->view());
		std::swap(array_, fresh);
		if (fresh.get())
			Array::retire(std::move(fresh));
		return {};
	}

	void publish(View view) { table_.published_.store(view.word(), std::memory_order_release); }

	RcuTable &table_;
	Owned<P, Array> array_; // the published one
	std::size_t live_ = 0;
	std::size_t used_ = 0; // slots of the published array that are not free
};

} // namespace cnx

#endif // CNX_CORE_RCU_TABLE_HPP
