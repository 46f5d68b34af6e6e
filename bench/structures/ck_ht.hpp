// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_BENCH_CK_HT_HPP
#define CNX_BENCH_CK_HT_HPP

#include "../structure.hpp"

extern "C" {
#include <ck_pr.h>
// The header of the stack takes a void * for any pointer, which C++ does not.
// SAFETY: it is C, where that conversion is implied; the pointers that it exchanges are all to ck_stack_entry.
#define ck_pr_fas_ptr(target, value) static_cast<ck_stack_entry *>(ck_pr_fas_ptr(target, value))
#include <ck_stack.h>
#undef ck_pr_fas_ptr
#include <ck_epoch.h>
#include <ck_ht.h>
}

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>
#include <sched.h>
#include <utility>

namespace cnx::bench
{

/// Concurrency Kit's hash table, read under its epochs and written under a mutex, with its own hash. Link with -lck.
///
/// Its entries refer to the key in the callback ("byte strings"). Entries that are the key themselves ("direct") are no
/// faster here, and two keys would be reserved.
class CkHt
{
public:
	static constexpr const char *name = "ck_ht";

	/// Registers the calling thread's epoch record. May be nested.
	class Thread
	{
	public:
		Thread()
		{
			if (depth_++ != 0)
				return;
			record_ = ck_epoch_recycle(&epoch(), nullptr);
			if (!record_) {
				// Never freed: an epoch keeps its records, for other threads to recycle.
				record_ = new ck_epoch_record;
				ck_epoch_register(&epoch(), record_, nullptr);
			}
		}
		~Thread()
		{
			if (--depth_ != 0)
				return;
			// What is still deferred would be forgotten with the record.
			ck_epoch_barrier(record_);
			ck_epoch_unregister(std::exchange(record_, nullptr));
		}
		Thread(const Thread &) = delete;
		Thread &operator=(const Thread &) = delete;

	private:
		friend class CkHt;
		static inline thread_local ck_epoch_record *record_ = nullptr;
		static inline thread_local unsigned depth_ = 0;
	};
	static void pause() {}

	CkHt()
	{
		if (!ck_ht_init(&table_, CK_HT_MODE_BYTESTRING, nullptr, &memory_, 8, 0))
			throw std::bad_alloc();
	}
	CkHt(const CkHt &) = delete;
	CkHt &operator=(const CkHt &) = delete;

	~CkHt()
	{
		ck_ht_iterator iterator;
		ck_ht_iterator_init(&iterator);
		for (ck_ht_entry *entry; ck_ht_next(&table_, &iterator, &entry);)
			delete callback_at(*entry);
		ck_ht_destroy(&table_);
	}

	[[nodiscard]] bool add(const Registration &registration)
	{
		auto callback = std::make_unique<Callback>(registration);
		const ck_ht_hash_t hash = hash_of(callback->key);
		ck_ht_entry entry{};
		ck_ht_entry_set(&entry, hash, &callback->key, sizeof(callback->key), callback.get());
		const std::lock_guard hold(writers_);
		if (!ck_ht_put_spmc(&table_, hash, &entry))
			return false;
		static_cast<void>(callback.release());
		return true;
	}

	[[nodiscard]] bool remove(Id id)
	{
		const std::uint64_t key = key_of(id);
		ck_ht_entry entry = wanted(key);
		{
			const std::lock_guard hold(writers_);
			if (!ck_ht_remove_spmc(&table_, hash_of(key), &entry))
				return false;
		}
		const std::unique_ptr<Callback> removed(callback_at(entry));
		// Waits for a grace period, and then frees what this thread's add() has deferred, too. By default it
		// would spin all the while, also where the reader that it waits for has no processor to go on.
		ck_epoch_barrier_wait(
		    Thread::record_, [](ck_epoch *, ck_epoch_record *, void *) { sched_yield(); }, nullptr);
		return true;
	}

	[[nodiscard]] int dispatch(const cnx_message &message)
	{
		const Section section;
		const Callback *const callback = find(key_of(message.id));
		if (!callback)
			return -ENODEV;
		callback->received.count();
		return callback->function(callback->context, &message, &driver);
	}

	[[nodiscard]] std::uint64_t received(Id id)
	{
		const Section section;
		return find(key_of(id))->received.sum();
	}

private:
	struct Callback {
		explicit Callback(const Registration &registration)
		    : key(key_of(registration.id)), function(registration.function), context(registration.context)
		{
		}

		std::uint64_t key;
		cnx_callback_fn function;
		void *context;
		Received received;
	};

	/// While one lives, nothing that the calling thread finds is freed.
	struct Section {
		Section() { ck_epoch_begin(Thread::record_, nullptr); }
		~Section() { ck_epoch_end(Thread::record_, nullptr); }
		Section(const Section &) = delete;
		Section &operator=(const Section &) = delete;
	};

	/// What precedes each array of the table's, to free it by after a grace period.
	struct alignas(std::max_align_t) Deferred {
		ck_epoch_entry entry;
	};

	static ck_epoch &epoch()
	{
		// Never destroyed, like the records that it keeps.
		static ck_epoch *const epoch = [] {
			auto *const fresh = new ck_epoch;
			ck_epoch_init(fresh);
			return fresh;
		}();
		return *epoch;
	}

	[[nodiscard]] static void *allocate(std::size_t bytes)
	{
		void *const memory = std::malloc(sizeof(Deferred) + bytes);
		return memory ? new (memory) Deferred + 1 : nullptr;
	}

	/// `defer`: readers may still be in it.
	static void release(void *memory, std::size_t, bool defer)
	{
		// SAFETY: the memory came from allocate(), which put a Deferred before it.
		Deferred *const deferred = static_cast<Deferred *>(memory) - 1;
		if (!defer)
			return std::free(deferred);
		ck_epoch_call(Thread::record_, &deferred->entry, [](ck_epoch_entry *entry) {
			// SAFETY: the entry is the first member of a standard-layout Deferred, with which the block
			// begins.
			std::free(reinterpret_cast<Deferred *>(entry));
		});
	}

	/// The key must outlive the entry.
	[[nodiscard]] static ck_ht_entry wanted(const std::uint64_t &key)
	{
		ck_ht_entry entry{};
		ck_ht_entry_key_set(&entry, &key, sizeof(key));
		return entry;
	}

	[[nodiscard]] static Callback *callback_at(ck_ht_entry &entry)
	{
		// SAFETY: every value in the table is a Callback.
		return static_cast<Callback *>(ck_ht_entry_value(&entry));
	}

	[[nodiscard]] ck_ht_hash_t hash_of(const std::uint64_t &key)
	{
		ck_ht_hash_t hash;
		ck_ht_hash(&hash, &table_, &key, sizeof(key));
		return hash;
	}

	/// In a Section.
	[[nodiscard]] Callback *find(std::uint64_t key)
	{
		ck_ht_entry entry = wanted(key);
		return ck_ht_get_spmc(&table_, hash_of(key), &entry) ? callback_at(entry) : nullptr;
	}

	static inline ck_malloc memory_{.malloc = allocate, .realloc = nullptr, .free = release};

	std::mutex writers_;
	ck_ht table_;
};
static_assert(Structure<CkHt>);

} // namespace cnx::bench

#endif // CNX_BENCH_CK_HT_HPP
