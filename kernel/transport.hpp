// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_KERNEL_TRANSPORT_HPP
#define CNX_KERNEL_TRANSPORT_HPP

#include "platform.hpp"
#include "skb.hpp"
#include "skb_pool.hpp"

#include <cnx/core/dispatcher.hpp>
#include <cnx/core/subscriptions.hpp>

#include <array>
#include <span>

namespace cnx::kernel
{

/// Messages from drivers to sockets, over netlink: to members of a netlink group by broadcast, to subscribers and
/// to a portid by unicast. Any context, as `may_sleep` says.
class Transport
{
public:
	Transport(Dispatcher<Platform> &dispatcher, Subscriptions<Platform> &subscriptions, SkbPool &pool)
	    : dispatcher_(dispatcher), subscriptions_(subscriptions), pool_(pool)
	{
	}

	/// Room for a datagram of `bytes` bytes. no_memory.
	[[nodiscard]] Result<Skb> allocate(std::size_t bytes, bool may_sleep)
	{
		return pool_.take(bytes, may_sleep, dispatcher_.counters());
	}

	/// One message. What it returns is in cnx/driver.h at cnx_send().
	[[nodiscard]] int send(const cnx_message &message, const cnx_destination &to, bool may_sleep)
	{
		if (message.length && !message.payload)
			return to_errno(Error::invalid);
		if (sizeof(cnx_msg) + message.length > CNX_MAX_MESSAGE)
			return lose(message.id, 1, CNX_LOST_TOO_LARGE, to_errno(Error::too_large));
		const auto route = resolve(message.id, to);
		if (!route)
			return to_errno(route.error());
		// Nobody listens, so nothing is allocated and nothing is copied.
		if (!reachable(*route))
			return lose(message.id, 1, CNX_LOST_NO_LISTENER, no_listener);
		auto skb = allocate(datagram_room(message.length), may_sleep);
		if (!skb)
			return lose(message.id, 1, CNX_LOST_NO_MEMORY, to_errno(skb.error()));
		if (!skb->append(message))
			return lose(message.id, 1, CNX_LOST_NO_MEMORY, to_errno(Error::no_memory));
		return deliver(*std::move(skb), message.id, 1, *route, may_sleep);
	}

	/// A datagram of `messages` messages, the first of which has the id `first`.
	[[nodiscard]] int send(Skb &&skb, Id first, std::uint32_t messages, const cnx_destination &to, bool may_sleep)
	{
		const auto route = resolve(first, to);
		if (!route)
			return to_errno(route.error());
		if (!reachable(*route))
			return lose(first, messages, CNX_LOST_NO_LISTENER, no_listener);
		return deliver(std::move(skb), first, messages, *route, may_sleep);
	}

private:
	static constexpr int no_listener = -ESRCH;
	static constexpr int all_filtered = -ENOMSG;
	static constexpr int overrun = -ENOBUFS;

	/// What became of the copies of a datagram.
	struct Tally {
		unsigned delivered = 0;
		unsigned overrun = 0;
		unsigned filtered = 0;
		unsigned no_memory = 0;
		int unicast = 0; // what the socket at portid came to
	};

	/// The destination with its group looked up where it named neither portid nor group.
	[[nodiscard]] Result<cnx_destination> resolve(Id id, const cnx_destination &to) const
	{
		cnx_destination route = to;
		// netlink's broadcast leaves one socket out, and a portid that is served by unicast is that one.
		if (to.portid != 0 && to.except != 0)
			return std::unexpected(Error::invalid);
		if (to.portid == 0 && to.group == 0) {
			const Platform::ReadGuard guard;
			if (!dispatcher_.registry().find(guard, id)) {
				dispatcher_.counters().add(CNX_LOST_NO_LISTENER);
				return std::unexpected(Error::no_callback);
			}
			// The connector's rule: the group of a callback is its idx.
			route.group = id.idx;
		}
		return route;
	}

	[[nodiscard]] bool reachable(const cnx_destination &to) const
	{
		if (to.portid != 0)
			return true;
		if (!to.filter && cnx_k_group_has_members(to.net, to.group))
			return true;
		const Platform::ReadGuard guard;
		return !subscriptions_.of_group(guard, to.group).empty();
	}

	[[nodiscard]] int deliver(Skb &&skb, Id id, std::uint32_t messages, const cnx_destination &to, bool may_sleep)
	{
		// netlink would trim a sparsely filled head itself, once for every copy and without a word if it
		// cannot.
		if (!skb.fit(may_sleep))
			return lose(id, messages, CNX_LOST_NO_MEMORY, to_errno(Error::no_memory));
		Tally tally;
		const std::uint32_t last = serve_subscribers(skb, to, may_sleep, tally);
		const bool members = to.group != 0 && !to.filter && cnx_k_group_has_members(to.net, to.group);
		if (last != 0 && to.portid == 0 && !members)
			serve(std::move(skb), last, to, tally);
		else if (last != 0)
			serve(skb.clone(may_sleep), last, to, tally);
		if (to.portid != 0) {
			auto copy = members ? skb.clone(may_sleep) : Result<Skb>(std::move(skb));
			tally.unicast =
			    copy ? cnx_k_unicast(to.net, std::move(*copy).release(), to.portid, to.wait && may_sleep)
			         : to_errno(copy.error());
			note(tally, tally.unicast);
		}
		if (members)
			note(tally, broadcast(std::move(skb), to, may_sleep));
		return conclude(id, messages, to, tally);
	}

	static void serve(Result<Skb> &&skb, std::uint32_t portid, const cnx_destination &to, Tally &tally)
	{
		note(tally,
		     skb ? cnx_k_unicast(to.net, (*std::move(skb)).release(), portid, false) : to_errno(skb.error()));
	}

	/// One copy to each subscriber of the group that the filter lets through, but for the last one, who is left to
	/// the caller: where nobody else is to be served, it needs no copy. Returns its portid, or 0 if there is none.
	/// The filter runs before the copy.
	[[nodiscard]] std::uint32_t serve_subscribers(const Skb &skb, const cnx_destination &to, bool may_sleep,
	                                              Tally &tally) const
	{
		std::uint32_t last = 0;
		if (to.group == 0)
			return last;
		// netlink must not be entered with a read section open, which may last too long; so a handful of
		// portids is taken at a time. They are sorted, which makes the last one the place to go on from.
		std::array<std::uint32_t, 16> portids;
		std::uint32_t after = 0;
		for (;;) {
			std::size_t taken = 0;
			{
				const Platform::ReadGuard guard;
				for (const Subscription &s : subscriptions_.of_group(guard, to.group)) {
					if (s.portid <= after)
						continue;
					if (taken == portids.size())
						break;
					after = s.portid;
					if (s.portid == to.portid || s.portid == to.except)
						continue;
					if (to.filter && !to.filter(to.filter_context, s.portid)) {
						++tally.filtered;
						continue;
					}
					portids[taken++] = s.portid;
				}
			}
			for (const std::uint32_t portid : std::span(portids).first(taken)) {
				if (last != 0)
					serve(skb.clone(may_sleep), last, to, tally);
				last = portid;
			}
			if (taken < portids.size())
				return last;
		}
	}

	static int broadcast(Skb &&skb, const cnx_destination &to, bool may_sleep)
	{
		// netlink leaves one socket out: who was served by unicast already, or else who is to be left out.
		const std::uint32_t except = to.portid ? to.portid : to.except;
		const int status = cnx_k_broadcast(to.net, std::move(skb).release(), except, to.group, may_sleep);
		// The group has members, and none of them got it: their queues are full. Where one was left out on
		// purpose it may have been the only one.
		return status == no_listener && except == 0 ? overrun : status;
	}

	static void note(Tally &tally, int status)
	{
		if (status == 0)
			++tally.delivered;
		else if (status == overrun || status == to_errno(Error::again))
			++tally.overrun;
		else if (status == to_errno(Error::no_memory))
			++tally.no_memory;
	}

	[[nodiscard]] int conclude(Id id, std::uint32_t messages, const cnx_destination &to, const Tally &tally)
	{
		if (tally.delivered) {
			dispatcher_.counters().add(CNX_SENT, messages);
			dispatcher_.counters().add(CNX_SENT_DATAGRAMS);
		}
		const Platform::ReadGuard guard;
		const auto *const callback = dispatcher_.registry().find(guard, id);
		if (callback && tally.delivered)
			callback->count(CallbackCounter::sent, messages);
		const auto [status, reason] = judge(to, tally);
		if (reason != CNX_SENT) {
			dispatcher_.counters().add(reason, messages);
			Platform::observe_drop(reason);
			if (callback)
				callback->count(CallbackCounter::lost, messages);
		}
		if (cnx_k_tracing) [[unlikely]]
			cnx_k_trace_send(id, to.portid, to.group, messages, status);
		return status;
	}

	/// What the sender is told, and the counter of the loss; CNX_SENT if there was none.
	[[nodiscard]] static Outcome judge(const cnx_destination &to, const Tally &tally)
	{
		if (tally.overrun)
			return {to.group == 0 ? tally.unicast : overrun, CNX_LOST_OVERRUN};
		if (tally.no_memory)
			return {to_errno(Error::no_memory), CNX_LOST_NO_MEMORY};
		if (tally.delivered)
			return {0, CNX_SENT};
		if (to.portid != 0 && tally.unicast != 0)
			return {tally.unicast, CNX_LOST_NO_LISTENER};
		return tally.filtered ? Outcome{all_filtered, CNX_LOST_FILTERED}
		                      : Outcome{no_listener, CNX_LOST_NO_LISTENER};
	}

	[[nodiscard]] int lose(Id id, std::uint32_t messages, cnx_counter reason, int status) const
	{
		dispatcher_.counters().add(reason, messages);
		Platform::observe_drop(reason);
		const Platform::ReadGuard guard;
		if (const auto *const callback = dispatcher_.registry().find(guard, id))
			callback->count(CallbackCounter::lost, messages);
		return status;
	}

	Dispatcher<Platform> &dispatcher_;
	Subscriptions<Platform> &subscriptions_;
	SkbPool &pool_;
};

} // namespace cnx::kernel

#endif // CNX_KERNEL_TRANSPORT_HPP
