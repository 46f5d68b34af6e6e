// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_REPLICA_MB_HPP
#define CNX_REPLICA_MB_HPP

#include <cnx/replica/flavour.hpp>

#include <urcu/urcu-mb.h>

// liburcu declares these for the first flavour that a file includes, and not for a second one.
extern "C" {
void urcu_mb_call_rcu(struct rcu_head *head, void (*function)(struct rcu_head *));
void urcu_mb_barrier(void);
}

namespace cnx::replica
{

/// liburcu's mb: a full fence at each end of a read section, and nothing asked of the system. Link with -lurcu-mb.
struct Mb {
	static constexpr const char *name = "mb";
	static constexpr std::chrono::microseconds interval{0};

	static void register_thread() { urcu_mb_register_thread(); }
	static void unregister_thread() { urcu_mb_unregister_thread(); }
	static void read_lock() { urcu_mb_read_lock(); }
	static void read_unlock() { urcu_mb_read_unlock(); }
	[[nodiscard]] static bool read_ongoing() { return urcu_mb_read_ongoing() != 0; }
	static void synchronize() { urcu_mb_synchronize_rcu(); }
	static void call(rcu_head *head, void (*function)(rcu_head *)) { urcu_mb_call_rcu(head, function); }
	static void barrier() { urcu_mb_barrier(); }
	static void quiescent() {}
	static void offline() {}
	static void online() {}
};
static_assert(Flavour<Mb>);

} // namespace cnx::replica

#endif // CNX_REPLICA_MB_HPP
