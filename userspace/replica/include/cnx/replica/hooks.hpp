// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_REPLICA_HOOKS_HPP
#define CNX_REPLICA_HOOKS_HPP

#include <cnx/callback.h>

#include <atomic>

namespace cnx::replica
{

/// What tests may change about this world. Left alone, it behaves as the kernel does.
struct Hooks {
	/// So many allocations succeed before one fails; negative: none fails. The one that fails turns it off.
	static inline std::atomic<long> allocations_until_failure{-1};
	/// Allocations, counters included, that were not given back yet.
	static inline std::atomic<long> outstanding{0};
	/// Asked about a sender whose uid is not 0; nullptr: it has no capability.
	static inline std::atomic<bool (*)(const cnx_sender &, int)> grant{nullptr};
	/// Called before each allocation of at least so many bytes; nullptr: not at all. It may block.
	static inline std::atomic<void (*)(std::size_t)> before_allocation{nullptr};
	/// Whether synchronize() returns at once: what a test must notice.
	static inline std::atomic<bool> no_grace_periods{false};

	/// Whether this allocation is the one that must fail.
	[[nodiscard]] static bool fail_now()
	{
		if (allocations_until_failure.load(std::memory_order_relaxed) < 0) [[likely]]
			return false;
		return allocations_until_failure.fetch_sub(1, std::memory_order_relaxed) == 0;
	}
};

} // namespace cnx::replica

#endif // CNX_REPLICA_HOOKS_HPP
