// SPDX-License-Identifier: GPL-2.0-only
// What the replica needs of an RCU. liburcu's flavours satisfy it in memb.hpp, mb.hpp and qsbr.hpp; plain.hpp does
// with nothing but C++ atomics.
#ifndef CNX_REPLICA_FLAVOUR_HPP
#define CNX_REPLICA_FLAVOUR_HPP

// The read side of liburcu is to be inlined, as the kernel's is. Both names ask for it, in older and newer versions.
#ifndef URCU_INLINE_SMALL_FUNCTIONS
#define URCU_INLINE_SMALL_FUNCTIONS
#endif
#ifndef _LGPL_SOURCE
#define _LGPL_SOURCE // NOLINT(bugprone-reserved-identifier): liburcu's name
#endif
#include <urcu/call-rcu.h>

#include <chrono>
#include <concepts>

namespace cnx::replica
{

/// interval		how far apart grace periods should at least begin, for what each of them costs those who read.
/// register_thread	before a thread's first read section; unregister_thread after its last one.
/// read_lock		opens a read section, read_unlock closes it. They nest.
/// read_ongoing		whether the calling thread is in one.
/// synchronize		waits until every read section that was open at its start is closed.
/// call			calls function(head) after such a wait, in another thread.
/// barrier		waits until all that was handed to call() before has been called.
/// quiescent		says that the calling thread is in no read section, where the flavour has to be told.
/// offline		says the same until online(). In between no read section may be opened.
template <typename F>
concept Flavour = requires(rcu_head *head, void (*function)(rcu_head *))
{
	{
		F::name
		} -> std::convertible_to<const char *>;
	{
		F::interval
		} -> std::convertible_to<std::chrono::microseconds>;
	{F::register_thread()};
	{F::unregister_thread()};
	{F::read_lock()};
	{F::read_unlock()};
	{
		F::read_ongoing()
		} -> std::same_as<bool>;
	{F::synchronize()};
	{F::call(head, function)};
	{F::barrier()};
	{F::quiescent()};
	{F::offline()};
	{F::online()};
};

} // namespace cnx::replica

#endif // CNX_REPLICA_FLAVOUR_HPP
