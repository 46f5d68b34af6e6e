// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_BENCH_LIBCDS_HPP
#define CNX_BENCH_LIBCDS_HPP

#include "../structure.hpp"

// A thread finds what libcds knows of it with one load. By default it asks pthread_getspecific(), twice per lookup.
#define CDS_THREADING_GCC
#include <cds/init.h>
#include <cds/urcu/general_instant.h>
#include <cds/container/feldman_hashmap_rcu.h>

namespace cnx::bench
{

/// libcds's FeldmanHashMap, a tree of arrays, over its RCU general_instant, by which erase() itself waits for the grace
/// period. Link with -lcds.
///
/// Of its maps over RCU this one and SplitListMap grow; this one was the faster. MichaelHashMap has to be told its size
/// beforehand, and SkipListMap took three times as long. Its RCUs differ in the fence of a read section, which
/// signal_buffered spares; but that one takes a signal from the program, does not work with the faster way to find a
/// thread, and beside two busy readers on two processors removed a tenth as many callbacks at most.
class Libcds
{
public:
	static constexpr const char *name = "libcds";

	/// Attaches the calling thread. May be nested.
	class Thread
	{
	public:
		Thread()
		{
			initialize();
			cds::threading::Manager::attachThread();
		}
		~Thread() { cds::threading::Manager::detachThread(); }
		Thread(const Thread &) = delete;
		Thread &operator=(const Thread &) = delete;
	};
	static void pause() {}

	Libcds() { initialize(); }
	Libcds(const Libcds &) = delete;
	Libcds &operator=(const Libcds &) = delete;

	~Libcds()
	{
		const Thread attached;
		callbacks_.clear();
	}

	[[nodiscard]] bool add(const Registration &registration)
	{
		return callbacks_.emplace(key_of(registration.id), registration.function, registration.context);
	}

	[[nodiscard]] bool remove(Id id) { return callbacks_.erase(key_of(id)); }

	[[nodiscard]] int dispatch(const cnx_message &message)
	{
		const Callbacks::rcu_lock section;
		const auto *const found = callbacks_.get(key_of(message.id));
		if (!found)
			return -ENODEV;
		const Callback &callback = found->second;
		callback.received.count();
		return callback.function(callback.context, &message, &driver);
	}

	[[nodiscard]] std::uint64_t received(Id id)
	{
		const Callbacks::rcu_lock section;
		return callbacks_.get(key_of(id))->second.received.sum();
	}

private:
	using Rcu = cds::urcu::gc<cds::urcu::general_instant<>>;

	struct Callback {
		Callback(cnx_callback_fn function, void *context) : function(function), context(context) {}

		cnx_callback_fn function;
		void *context;
		Received received;
	};

	/// Two ids never have the same hash, which is what the map compares.
	struct Hash {
		[[nodiscard]] std::uint64_t operator()(std::uint64_t key) const { return spread(key); }
	};

	struct Traits : cds::container::feldman_hashmap::traits {
		using hash = Hash;
	};

	using Callbacks = cds::container::FeldmanHashMap<Rcu, std::uint64_t, Callback, Traits>;

	// How many bits of the hash choose in the first array, and in each one that hangs from it: the library's
	// defaults. The first array never grows. One of 2^18 elements, which is four times our most callbacks, would
	// save two sevenths of a lookup; but to know how many will come is what no structure here is allowed.
	static constexpr std::size_t first_bits = 8;
	static constexpr std::size_t further_bits = 4;

	static void initialize()
	{
		// Never destroyed: threads may be attached while static objects are being destroyed.
		static const Rcu *const rcu = [] {
			cds::Initialize();
			return new Rcu;
		}();
		static_cast<void>(rcu);
	}

	Callbacks callbacks_{first_bits, further_bits};
};
static_assert(Structure<Libcds>);

} // namespace cnx::bench

#endif // CNX_BENCH_LIBCDS_HPP
