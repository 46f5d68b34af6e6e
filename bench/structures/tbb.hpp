// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_BENCH_TBB_HPP
#define CNX_BENCH_TBB_HPP

#include "../structure.hpp"

#include <tbb/concurrent_hash_map.h>

namespace cnx::bench
{

/// oneTBB's concurrent_hash_map. The accessor through which a callback was found is a lock on it that readers share; it
/// is held while the callback runs, and erase() waits for it. Link with -ltbb.
///
/// Its default hash is std::hash, which is the number itself, of which it takes the lower bits: ids that differ in val
/// alone would all be in one bucket. So it is given a hash.
class Tbb
{
public:
	static constexpr const char *name = "tbb";
	struct Thread {
		Thread() {}
	};
	static void pause() {}

	[[nodiscard]] bool add(const Registration &registration)
	{
		return callbacks_.emplace(key_of(registration.id),
		                          Callback(registration.function, registration.context));
	}

	[[nodiscard]] bool remove(Id id) { return callbacks_.erase(key_of(id)); }

	[[nodiscard]] int dispatch(const cnx_message &message)
	{
		Callbacks::const_accessor found;
		if (!callbacks_.find(found, key_of(message.id)))
			return -ENODEV;
		const Callback &callback = found->second;
		callback.received.count();
		return callback.function(callback.context, &message, &driver);
	}

	[[nodiscard]] std::uint64_t received(Id id)
	{
		Callbacks::const_accessor found;
		return callbacks_.find(found, key_of(id)) ? found->second.received.sum() : 0;
	}

private:
	struct Callback {
		Callback(cnx_callback_fn function, void *context) : function(function), context(context) {}

		cnx_callback_fn function;
		void *context;
		Received received;
	};

	struct Comparison {
		[[nodiscard]] std::size_t hash(std::uint64_t key) const { return spread(key); }
		[[nodiscard]] bool equal(std::uint64_t one, std::uint64_t other) const { return one == other; }
	};

	using Callbacks = tbb::concurrent_hash_map<std::uint64_t, Callback, Comparison>;

	Callbacks callbacks_;
};
static_assert(Structure<Tbb>);

} // namespace cnx::bench

#endif // CNX_BENCH_TBB_HPP
