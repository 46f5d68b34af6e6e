// SPDX-License-Identifier: GPL-2.0-only
// What the core needs from the world it runs in. Two files satisfy it: kernel/platform.hpp and
// userspace/replica/platform.hpp.
#ifndef CNX_CORE_PLATFORM_HPP
#define CNX_CORE_PLATFORM_HPP

#include <cnx/callback.h>

#include <concepts>
#include <cstddef>
#include <cstdint>

namespace cnx
{

/// A socket, as the transport knows it and nobody else.
struct Endpoint;

/// Embedded in what is freed a grace period after it was unpublished. Its world chains it; opaque to the core.
struct alignas(void *) RetireHead {
	std::byte storage[2 * sizeof(void *)];
};

template <typename L>
concept BasicLock = std::default_initializable<L> && requires(L lock)
{
	lock.lock();
	lock.unlock();
};

/// ReadGuard	RAII: an RCU read section is open while one lives. Not copyable, not movable. Any context.
/// Mutex		may sleep. SpinLock: any context, does not sleep while held.
/// WaitQueue	wait_until(predicate) sleeps until it holds; wake() makes every sleeper look again, in any context.
/// allocate	bytes or nullptr, zero-filled, aligned to 64 if they are a multiple of 64; may sleep. release
///		gives them back, and is told how many they were; it takes nullptr, too. allocate_now is the same in
///		any context, and never sleeps.
/// retire	calls reclaim(head) after a grace period, from any context that must not sleep.
/// synchronize	waits for a grace period. flush_retired waits until all that was retired is reclaimed.
/// cpu		a number below cpu_count(), probably that of the caller's CPU.
/// task		an identity of the caller's thread of execution; the same for as long as a callback runs.
/// in_read_section	whether the caller is inside a read section or for another reason must not sleep to wait.
/// permits	whether a sender has a capability, in the user namespace of its network namespace. Does not sleep.
/// endpoint	the socket that a sender sent from, as the transport knows it.
/// is_closed	whether a socket has been closed, and its portid may be another's.
/// may_sleep	whether the caller is in process context with nothing held that forbids sleeping.
/// counter_add	adds to the calling CPU's copy of a per-CPU array of counters, atomically against interrupts.
template <typename P>
concept Platform = requires(RetireHead *head, void (*reclaim)(RetireHead *), void *memory, std::size_t n,
                            typename P::Counters counters, typename P::WaitQueue queue, const cnx_sender &sender,
                            const Endpoint *endpoint)
{
	typename P::ReadGuard;
	requires !std::copy_constructible<typename P::ReadGuard>;
	requires BasicLock<typename P::Mutex>;
	requires BasicLock<typename P::SpinLock>;
	{
		P::allocate(n)
		} -> std::same_as<void *>;
	{
		P::allocate_now(n)
		} -> std::same_as<void *>;
	{P::release(memory, n)};
	{P::retire(head, reclaim)};
	{P::synchronize()};
	{P::flush_retired()};
	{
		P::cpu()
		} -> std::same_as<unsigned>;
	{
		P::cpu_count()
		} -> std::same_as<unsigned>;
	{
		P::task()
		} -> std::same_as<const void *>;
	{
		P::in_read_section()
		} -> std::same_as<bool>;
	{
		P::counters_allocate(n)
		} -> std::same_as<typename P::Counters>;
	{P::counters_release(counters, n)};
	{P::counter_add(counters, n, std::uint64_t{})};
	{
		P::counter_read(counters, n, 0u)
		} -> std::same_as<std::uint64_t>;
	{
		P::permits(sender, 0)
		} -> std::same_as<bool>;
	{
		P::endpoint(sender)
		} -> std::same_as<Endpoint *>;
	{
		P::is_closed(endpoint)
		} -> std::same_as<bool>;
	{
		P::may_sleep()
		} -> std::same_as<bool>;
	{queue.wait_until([] { return true; })};
	{queue.wake()};
};

} // namespace cnx

#endif // CNX_CORE_PLATFORM_HPP
