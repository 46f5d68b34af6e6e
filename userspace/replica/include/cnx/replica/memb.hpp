// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_REPLICA_MEMB_HPP
#define CNX_REPLICA_MEMB_HPP

#include <cnx/replica/flavour.hpp>

#include <urcu/urcu-memb.h>

// liburcu declares these for the first flavour that a file includes, and not for a second one.
extern "C" {
void urcu_memb_call_rcu(struct rcu_head *head, void (*function)(struct rcu_head *));
void urcu_memb_barrier(void);
}

namespace cnx::replica
{

/// liburcu's memb: a read section costs two stores and no fence, because a grace period makes every running thread
/// execute one by the system call membarrier(2). Link with -lurcu-memb.
struct Memb {
	static constexpr const char *name = "memb";
	static constexpr std::chrono::microseconds interval{1000};

	static void register_thread() { urcu_memb_register_thread(); }
	static void unregister_thread() { urcu_memb_unregister_thread(); }
	static void read_lock() { urcu_memb_read_lock(); }
	static void read_unlock() { urcu_memb_read_unlock(); }
	[[nodiscard]] static bool read_ongoing() { return urcu_memb_read_ongoing() != 0; }
	static void synchronize() { urcu_memb_synchronize_rcu(); }
	static void call(rcu_head *head, void (*function)(rcu_head *)) { urcu_memb_call_rcu(head, function); }
	static void barrier() { urcu_memb_barrier(); }
	static void quiescent() {}
	static void offline() {}
	static void online() {}
};
static_assert(Flavour<Memb>);

} // namespace cnx::replica

#endif // CNX_REPLICA_MEMB_HPP
