// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_BENCH_RWLOCK_MAP_HPP
#define CNX_BENCH_RWLOCK_MAP_HPP

#include "../structure.hpp"

#include <mutex>
#include <shared_mutex>
#include <unordered_map>

namespace cnx::bench
{

/// What one would write without a second thought: std::unordered_map under std::shared_mutex. The lock is held while
/// the callback runs, which is what makes removal wait for it.
class RwlockMap
{
public:
	static constexpr const char *name = "rwlock_map";
	struct Thread {
		Thread() {}
	};
	static void pause() {}

	[[nodiscard]] bool add(const Registration &registration)
	{
		const std::unique_lock hold(lock_);
		return callbacks_.try_emplace(key_of(registration.id), registration.function, registration.context)
		    .second;
	}

	[[nodiscard]] bool remove(Id id)
	{
		const std::unique_lock hold(lock_);
		return callbacks_.erase(key_of(id)) == 1;
	}

	[[nodiscard]] int dispatch(const cnx_message &message)
	{
		const std::shared_lock hold(lock_);
		const auto found = callbacks_.find(key_of(message.id));
		if (found == callbacks_.end())
			return -ENODEV;
		found->second.received.count();
		return found->second.function(found->second.context, &message, &driver);
	}

	[[nodiscard]] std::uint64_t received(Id id) { return callbacks_.at(key_of(id)).received.sum(); }

private:
	struct Callback {
		Callback(cnx_callback_fn function, void *context) : function(function), context(context) {}

		cnx_callback_fn function;
		void *context;
		Received received;
	};

	std::shared_mutex lock_;
	std::unordered_map<std::uint64_t, Callback> callbacks_;
};
static_assert(Structure<RwlockMap>);

} // namespace cnx::bench

#endif // CNX_BENCH_RWLOCK_MAP_HPP
