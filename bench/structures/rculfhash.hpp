// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_BENCH_RCULFHASH_HPP
#define CNX_BENCH_RCULFHASH_HPP

#include "../structure.hpp"

#include <cnx/replica/mb.hpp>
#include <cnx/replica/memb.hpp>
#include <cnx/replica/memory.hpp>
#include <cnx/replica/platform.hpp>
#include <cnx/replica/qsbr.hpp>

#include <urcu/rculfhash.h>

#include <atomic>
#include <bit>
#include <memory>
#include <mutex>
#include <new>

// liburcu declares one of these for the first flavour that a file includes, and not for a second one.
extern "C" {
extern const struct rcu_flavor_struct urcu_memb_flavor;
extern const struct rcu_flavor_struct urcu_mb_flavor;
extern const struct rcu_flavor_struct urcu_qsbr_flavor;
}

namespace cnx::bench
{

/// What liburcu's hash table is to be told of a flavour.
template <replica::Flavour F>
struct RculfhashFlavour;
template <>
struct RculfhashFlavour<replica::Memb> {
	static const rcu_flavor_struct *get() { return &urcu_memb_flavor; }
};
template <>
struct RculfhashFlavour<replica::Mb> {
	static const rcu_flavor_struct *get() { return &urcu_mb_flavor; }
};
template <>
struct RculfhashFlavour<replica::Qsbr> {
	static const rcu_flavor_struct *get() { return &urcu_qsbr_flavor; }
};

/// liburcu's own hash table, cds_lfht. Link with -lurcu-cds and the library of the flavour.
///
/// It starts with one bucket, and whoever adds a callback too many doubles it. The table's own automatic growth, by a
/// thread of liburcu's, is off, for two reasons. In 0.13.2 it can end for good: that thread may be done before the one
/// that has woken it notes that it is at work, and nobody takes the note back. Of 150 tables of 65536 callbacks this
/// befell two, and one of them kept four buckets. And where it works, it may leave four callbacks to a bucket, with
/// which a lookup takes half as long again.
template <replica::Flavour F>
class Rculfhash
{
	using World = replica::Platform<F>;

public:
	static constexpr const char *name = "rculfhash";
	using Thread = typename World::Thread;
	static void pause() { F::quiescent(); }

	Rculfhash() : table_(cds_lfht_new_flavor(1, 1, most_buckets, 0, RculfhashFlavour<F>::get(), nullptr))
	{
		if (!table_)
			throw std::bad_alloc();
	}
	Rculfhash(const Rculfhash &) = delete;
	Rculfhash &operator=(const Rculfhash &) = delete;

	~Rculfhash()
	{
		const Thread registered;
		{
			const typename World::ReadGuard guard;
			cds_lfht_iter iterator;
			cds_lfht_first(table_, &iterator);
			while (const std::unique_ptr<Callback> left{callback_at(iterator)}) {
				cds_lfht_next(table_, &iterator);
				cds_lfht_del(table_, left.get());
			}
		}
		cds_lfht_destroy(table_, nullptr);
	}

	[[nodiscard]] bool add(const Registration &registration)
	{
		auto callback = std::make_unique<Callback>(registration);
		// Counted before anyone can remove it.
		const unsigned long count = count_.fetch_add(1, std::memory_order_relaxed) + 1;
		{
			const typename World::ReadGuard guard;
			if (cds_lfht_add_unique(table_, hash(callback->key), has_key, &callback->key, callback.get()) !=
			    callback.get()) {
				count_.fetch_sub(1, std::memory_order_relaxed);
				return false;
			}
			static_cast<void>(callback.release());
		}
		if (count > buckets_.load(std::memory_order_relaxed))
			grow();
		return true;
	}

	[[nodiscard]] bool remove(Id id)
	{
		std::unique_ptr<Callback> removed;
		{
			const typename World::ReadGuard guard;
			Callback *const found = find(key_of(id));
			if (cds_lfht_del(table_, found) != 0)
				return false;
			removed.reset(found);
		}
		count_.fetch_sub(1, std::memory_order_relaxed);
		F::synchronize();
		return true;
	}

	[[nodiscard]] int dispatch(const cnx_message &message)
	{
		const typename World::ReadGuard guard;
		const Callback *const callback = find(key_of(message.id));
		if (!callback)
			return -ENODEV;
		callback->received.count();
		return callback->function(callback->context, &message, &driver);
	}

	[[nodiscard]] std::uint64_t received(Id id)
	{
		const typename World::ReadGuard guard;
		return find(key_of(id))->received.sum();
	}

private:
	struct Callback : cds_lfht_node {
		explicit Callback(const Registration &registration)
		    : cds_lfht_node{}, key(key_of(registration.id)), function(registration.function),
		      context(registration.context)
		{
			cds_lfht_node_init(this);
		}

		// As our own callbacks lie, and closer to each other than those of the C++ library would.
		static void *operator new(std::size_t bytes)
		{
			void *const memory = replica::Memory::allocate(bytes);
			return memory ? memory : throw std::bad_alloc();
		}
		static void operator delete(void *memory, std::size_t bytes)
		{
			replica::Memory::release(memory, bytes);
		}

		std::uint64_t key;
		cnx_callback_fn function;
		void *context;
		Received received;
	};

	// With a limit, the buckets are one array, in memory that is reserved for so many. Without, they are one array
	// for each doubling, and a lookup takes longer.
	static constexpr unsigned long most_buckets = 1ul << 24;

	[[nodiscard]] static unsigned long hash(std::uint64_t key) { return spread(key); }

	[[nodiscard]] static Callback *callback_at(cds_lfht_iter &iterator)
	{
		// SAFETY: whatever is in the table was added as a Callback.
		return static_cast<Callback *>(cds_lfht_iter_get_node(&iterator));
	}

	static int has_key(cds_lfht_node *node, const void *key)
	{
		// SAFETY: whatever is in the table was added as a Callback, and find() and add() pass a key.
		return static_cast<const Callback *>(node)->key == *static_cast<const std::uint64_t *>(key);
	}

	/// In a read section.
	[[nodiscard]] Callback *find(std::uint64_t key) const
	{
		cds_lfht_iter iterator;
		cds_lfht_lookup(table_, hash(key), has_key, &key, &iterator);
		return callback_at(iterator);
	}

	void grow()
	{
		const std::lock_guard hold(growing_);
		const unsigned long buckets = std::bit_ceil(count_.load(std::memory_order_relaxed));
		if (buckets <= buckets_.load(std::memory_order_relaxed))
			return;
		cds_lfht_resize(table_, buckets);
		buckets_.store(buckets, std::memory_order_relaxed);
	}

	cds_lfht *table_;
	std::mutex growing_;
	std::atomic<unsigned long> count_{0};
	std::atomic<unsigned long> buckets_{1};
};
static_assert(Structure<Rculfhash<replica::Memb>>);
static_assert(Structure<Rculfhash<replica::Mb>>);
static_assert(Structure<Rculfhash<replica::Qsbr>>);

} // namespace cnx::bench

#endif // CNX_BENCH_RCULFHASH_HPP
