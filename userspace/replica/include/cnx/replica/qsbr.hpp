// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_REPLICA_QSBR_HPP
#define CNX_REPLICA_QSBR_HPP

#include <cnx/replica/flavour.hpp>

#include <urcu/urcu-qsbr.h>

// liburcu declares these for the first flavour that a file includes, and not for a second one.
extern "C" {
void urcu_qsbr_call_rcu(struct rcu_head *head, void (*function)(struct rcu_head *));
void urcu_qsbr_barrier(void);
}

namespace cnx::replica
{

/// liburcu's qsbr: a read section costs nothing that other threads see, and in return every thread has to say now and
/// then, by Thread::quiescent(), that it is in none. A thread that does not holds up every grace period, and so does
/// one that runs a sleepable callback: let one that blocks be Thread::Offline meanwhile. Link with -lurcu-qsbr.
struct Qsbr {
	static constexpr const char *name = "qsbr";
	static constexpr std::chrono::microseconds interval{0};

	static void register_thread() { urcu_qsbr_register_thread(); }
	static void unregister_thread() { urcu_qsbr_unregister_thread(); }
	static void read_lock()
	{
		urcu_qsbr_read_lock();
		++depth_;
	}
	static void read_unlock()
	{
		--depth_;
		urcu_qsbr_read_unlock();
	}
	/// liburcu cannot tell: to it a thread is in a read section from one quiescent state to the next.
	[[nodiscard]] static bool read_ongoing() { return depth_ != 0; }
	static void synchronize() { urcu_qsbr_synchronize_rcu(); }
	static void call(rcu_head *head, void (*function)(rcu_head *)) { urcu_qsbr_call_rcu(head, function); }
	static void barrier() { urcu_qsbr_barrier(); }
	static void quiescent() { urcu_qsbr_quiescent_state(); }
	static void offline() { urcu_qsbr_thread_offline(); }
	static void online() { urcu_qsbr_thread_online(); }

private:
	static inline thread_local unsigned depth_ = 0;
};
static_assert(Flavour<Qsbr>);

} // namespace cnx::replica

#endif // CNX_REPLICA_QSBR_HPP
