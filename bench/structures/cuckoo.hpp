// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_BENCH_CUCKOO_HPP
#define CNX_BENCH_CUCKOO_HPP

#include "../structure.hpp"

#include <libcuckoo/cuckoohash_map.hh>

namespace cnx::bench
{

/// libcuckoo's cuckoohash_map, of headers alone. A callback runs under the spinlocks of the two buckets in which it may
/// lie, which is what makes removal wait for it, and also every other callback there.
///
/// Its default hash is std::hash, which is the number itself, of which it takes the lower bits: ids that differ in val
/// alone would share a bucket, and the table would double until it gives up. So it is given a hash.
class Cuckoo
{
public:
	static constexpr const char *name = "cuckoo";
	struct Thread {
		Thread() {}
	};
	static void pause() {}

	[[nodiscard]] bool add(const Registration &registration)
	{
		return callbacks_.insert(key_of(registration.id), registration.function, registration.context);
	}

	[[nodiscard]] bool remove(Id id) { return callbacks_.erase(key_of(id)); }

	[[nodiscard]] int dispatch(const cnx_message &message)
	{
		int status = -ENODEV;
		callbacks_.find_fn(key_of(message.id), [&](const Callback &callback) {
			callback.received.count();
			status = callback.function(callback.context, &message, &driver);
		});
		return status;
	}

	[[nodiscard]] std::uint64_t received(Id id)
	{
		std::uint64_t sum = 0;
		callbacks_.find_fn(key_of(id), [&](const Callback &callback) { sum = callback.received.sum(); });
		return sum;
	}

private:
	struct Callback {
		Callback(cnx_callback_fn function, void *context) : function(function), context(context) {}

		cnx_callback_fn function;
		void *context;
		Received received;
	};

	struct Hash {
		[[nodiscard]] std::size_t operator()(std::uint64_t key) const { return spread(key); }
	};

	// There is one lock for each bucket, and this many are enough for few callbacks not to share them; by default
	// there would be so many that even few callbacks were spread over megabytes, and a lookup took half as long
	// again.
	static constexpr std::size_t first_capacity = 1024;

	libcuckoo::cuckoohash_map<std::uint64_t, Callback, Hash> callbacks_{first_capacity};
};
static_assert(Structure<Cuckoo>);

} // namespace cnx::bench

#endif // CNX_BENCH_CUCKOO_HPP
