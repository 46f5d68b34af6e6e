// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_KERNEL_TRANSPORT_HPP
#define CNX_KERNEL_TRANSPORT_HPP

#include "gaps.hpp"
#include "platform.hpp"
#include "route.hpp"
#include "skb.hpp"
#include "skb_pool.hpp"

#include <cnx/core/coalescer.hpp>
#include <cnx/core/dispatcher.hpp>
#include <cnx/core/losses.hpp>
#include <cnx/core/subscriptions.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <span>

namespace cnx::kernel
{

/// Messages from drivers to the sockets of one network namespace, over netlink: to members of a netlink group by
/// broadcast, to subscribers and to a portid by unicast. Any context, as `may_sleep` says. That a destination names
/// this namespace has been seen to before.
class Transport
{
public:
	Transport(Dispatcher<Platform> &dispatcher, Subscriptions<Platform> &subscriptions, Losses<Platform> &losses,
	          SkbPool &pool)
	    : dispatcher_(dispatcher), subscriptions_(subscriptions), losses_(losses), pool_(pool)
	{
	}

	/// The namespace's kernel socket, and whether no other namespace has one of this protocol. Before the first
	/// send.
	void opened(sock *socket, bool alone)
	{
		socket_ = socket;
		alone_ = alone;
	}

	/// Room for a datagram of `bytes` bytes. no_memory.
	[[nodiscard]] Result<Skb> allocate(std::size_t bytes, bool may_sleep, Skb::Content content)
	{
		return pool_.take(bytes, may_sleep, content, dispatcher_.counters());
	}

	/// One message. What it returns is in cnx/driver.h at cnx_send().
	[[nodiscard]] int send(const cnx_message &message, const cnx_destination &to, bool may_sleep)
	{
		// Most events are nobody's concern, and cost no more than finding that out.
		if (names_group_alone(to) && fits(message) && !subscriptions_.likely(to.group) &&
		    !has_members(to, to.group))
			return unheard(CNX_LOST_NO_LISTENER, 1);
		return send_heard(message, to, may_sleep);
	}

	/// A datagram.
	[[nodiscard]] int send(Skb &&skb, Cargo cargo, const cnx_destination &to, bool may_sleep)
	{
		const auto group = resolve(cargo.id, to);
		if (!group)
			return to_errno(group.error());
		Route route(to, *group, may_sleep);
		if (!find_listeners(route))
			return unheard(route.filtered ? CNX_LOST_FILTERED : CNX_LOST_NO_LISTENER, cargo.messages);
		return fit_and_deliver(std::move(skb), cargo, route);
	}

	/// A datagram of messages that waited for each other, to those who asked for such.
	void send_coalesced(Skb &&skb, const Cargo &cargo, const CoalescedTo &coalesced_to)
	{
		cnx_destination to{};
		to.portid = coalesced_to.portid;
		to.group = coalesced_to.group;
		Route route(to, to.group, false, Audience::batches);
		if (!find_listeners(route))
			static_cast<void>(unheard(CNX_LOST_NO_LISTENER, cargo.messages));
		else
			static_cast<void>(fit_and_deliver(std::move(skb), cargo, route));
	}

	/// One message, which fits, to the listeners that the route has found.
	[[nodiscard, gnu::always_inline]] int send_now(const cnx_message &message, Route &route)
	{
		const Cargo cargo{.id = message.id, .messages = 1};
		auto skb = allocate(datagram_room(message.length), route.may_sleep, Skb::Content::garbage);
		if (!skb || !skb->append(message)) [[unlikely]]
			return starve(cargo, route, to_errno(Error::no_memory));
		return deliver(*std::move(skb), cargo, route);
	}

	/// One message, to the socket that asked for it and asks again if it has no room, so that this is no loss of
	/// its. Nor may it wait here for itself to make room.
	[[nodiscard]] int answer(const Addressee &asker, const cnx_message &message)
	{
		if (!fits(message)) [[unlikely]]
			return to_errno(message.payload ? Error::too_large : Error::invalid);
		Route route(asker, false, Route::lossless);
		return send_now(message, route);
	}

	/// A datagram, in any context.
	void send_to(const Addressee &addressee, Skb &&skb, const Cargo &cargo)
	{
		Route route(addressee, false);
		static_cast<void>(fit_and_deliver(std::move(skb), cargo, route));
	}

	/// A message waits for others.
	void count_waiting() const { dispatcher_.counters().add(CNX_COALESCED); }

	/// A message that could not be made to wait for others.
	int miss_to(const Addressee &addressee, Id id, Error why)
	{
		Route route(addressee, false);
		return starve({.id = id, .messages = 1}, route, status_of(why));
	}

	/// Whether the socket asked for batches of what is sent to it alone. Any context.
	[[nodiscard]] bool wants_batches(std::uint32_t portid) const
	{
		const Platform::ReadGuard guard;
		return wants_batches(guard, portid, 0);
	}

	/// That a message is not too long, and has the payload that its length says.
	[[nodiscard]] static bool fits(const cnx_message &message)
	{
		return message.length <= CNX_MAX_MESSAGE - sizeof(cnx_msg) && (message.payload || !message.length);
	}

	/// There is one more, or one fewer, callback whose messages may wait. Any context.
	void coalescing_begins() { coalescing_.fetch_add(1, std::memory_order_relaxed); }
	void coalescing_ends() { coalescing_.fetch_sub(1, std::memory_order_relaxed); }

private:
	friend class Deferral;

	static constexpr int no_listener = -ESRCH;
	static constexpr int all_filtered = -ENOMSG;
	static constexpr int overrun = -ENOBUFS;
	static constexpr int no_room = -EAGAIN;

	/// Whether a destination names a group, and nothing else that matters where nobody listens.
	[[nodiscard]] static bool names_group_alone(const cnx_destination &to)
	{
		return to.portid == 0 && to.group != 0 && !to.lossless;
	}

	[[nodiscard]] bool has_members(const cnx_destination &to, std::uint32_t group) const
	{
		return !to.filter && netlink_has_listeners(socket_, group) != 0;
	}

	[[nodiscard, gnu::noinline]] int send_heard(const cnx_message &message, const cnx_destination &to,
	                                            bool may_sleep)
	{
		const Cargo cargo{.id = message.id, .messages = 1};
		if (!fits(message)) [[unlikely]]
			return message.payload ? lose(cargo, CNX_LOST_TOO_LARGE, to_errno(Error::too_large))
			                       : to_errno(Error::invalid);
		const auto group = resolve(message.id, to);
		if (!group) [[unlikely]]
			return to_errno(group.error());
		if (coalescing_.load(std::memory_order_relaxed) != 0) [[unlikely]] {
			if (const auto status = coalesce(message, to, *group, may_sleep))
				return *status;
		}
		Route route(to, *group, may_sleep);
		if (!find_listeners(route)) [[unlikely]]
			return unheard(route.filtered ? CNX_LOST_FILTERED : CNX_LOST_NO_LISTENER, 1);
		return send_now(message, route);
	}

	/// The group that a destination means, or 0 for none.
	[[nodiscard]] Result<std::uint32_t> resolve(Id id, const cnx_destination &to) const
	{
		// netlink's broadcast leaves one socket out, and a portid that is served by unicast is that one.
		if (to.portid != 0 && to.except != 0) [[unlikely]]
			return std::unexpected(Error::invalid);
		if (to.lossless && !to.failed && (to.group != 0 || to.portid == 0)) [[unlikely]]
			return std::unexpected(Error::invalid);
		if (to.portid == 0 && to.group == 0) {
			const Platform::ReadGuard guard;
			if (!dispatcher_.registry().find(guard, id)) {
				dispatcher_.counters().add(CNX_LOST_NO_LISTENER);
				return std::unexpected(Error::no_callback);
			}
			// The connector's rule: the group of a callback is its idx.
			return id.idx;
		}
		return to.group;
	}

	/// Whether there is anyone to send to.
	[[nodiscard]] bool find_listeners(Route &route) const
	{
		if (route.group != 0) {
			if (subscriptions_.likely(route.group))
				next_handful(route);
			route.members = route.audience != Audience::batches && has_members(route.to, route.group);
		}
		return !route.subscribers.empty() || route.members || route.to.portid != 0;
	}

	/// The filter runs here, before anything is copied.
	void next_handful(Route &route) const
	{
		const cnx_destination &to = route.to;
		route.subscribers.clear();
		route.last_handful = true;
		const Platform::ReadGuard guard;
		for (const Subscription &s : subscriptions_.of_group(guard, route.group)) {
			if (s.portid <= route.after || s.portid == to.portid || s.portid == to.except ||
			    !route.is_for(s))
				continue;
			if (route.subscribers.full()) {
				route.last_handful = false;
				return;
			}
			route.after = s.portid;
			if (to.filter && !to.filter(to.filter_context, s.portid))
				++route.filtered;
			else
				route.subscribers.add(s);
		}
	}

	/// A datagram of several messages, whose head may be larger than what is in it.
	[[nodiscard]] int fit_and_deliver(Skb &&skb, const Cargo &cargo, Route &route)
	{
		// netlink would trim a sparsely filled head itself, once for every copy and without a word if it
		// cannot. A single message has a head of its size.
		if (!skb.fit(route.may_sleep))
			return starve(cargo, route, to_errno(Error::no_memory));
		return deliver(std::move(skb), cargo, route);
	}

	/// Everyone gets a copy but the last, who gets the skb itself.
	[[nodiscard]] int deliver(Skb &&skb, const Cargo &cargo, Route &route)
	{
		const bool others = route.members || route.to.portid != 0;
		for (;;) {
			const auto subscribers = route.subscribers.all();
			for (std::size_t i = 0; i < subscribers.size(); ++i) {
				const bool last = i + 1 == subscribers.size() && route.last_handful && !others;
				serve(last ? Result<Skb>(std::move(skb)) : clone(skb, route), subscribers[i], cargo,
				      route);
			}
			if (route.last_handful) [[likely]]
				break;
			next_handful(route);
		}
		if (route.to.portid != 0)
			route.unicast = serve(route.members ? clone(skb, route) : Result<Skb>(std::move(skb)),
			                      route.to.portid, cargo, route, route.to.lossless && route.may_sleep);
		if (route.members)
			broadcast(std::move(skb), cargo, route);
		return conclude(cargo, route);
	}

	/// One more of a datagram that is for several sockets.
	[[nodiscard]] Result<Skb> clone(const Skb &skb, const Route &route)
	{
		return pool_.clone(skb, route.may_sleep, dispatcher_.counters());
	}

	/// One copy, to a subscriber.
	void serve(Result<Skb> &&skb, const Handful::Subscriber &subscriber, const Cargo &cargo, Route &route)
	{
		if ((skb && skb->queue_to(subscriber.socket, route.label)) ||
		    queue_after_loss(skb, subscriber, route.label)) [[likely]]
			++route.delivered;
		else if (!cnx_k_socket_is_closed(subscriber.socket)) // what closes misses nothing
			miss(subscriber.portid, skb ? overrun : to_errno(skb.error()), cargo, route);
	}

	/// To a subscriber that has missed something before, has no room now, or is closing. False: it misses this one.
	[[nodiscard, gnu::cold, gnu::noinline]] bool
	queue_after_loss(Result<Skb> &skb, const Handful::Subscriber &subscriber, std::uint32_t group)
	{
		sock *const socket = subscriber.socket;
		if (!skb || cnx_k_socket_is_closed(socket))
			return false;
		if (gaps_.has(socket) || cnx_k_socket_is_to_be_told(socket)) {
			gaps_.add(socket);
			cnx_k_socket_count_drop(socket);
			return false;
		}
		if (skb->queue_to(socket, group, true) ||
		    (has_room(subscriber, group) && skb->queue_to(socket, group, true)))
			return true;
		gaps_.add(socket);
		return false;
	}

	/// Whether a subscriber that had no room a moment ago has some now. If not, netlink sees to it that it is told
	/// that it missed something, as only netlink knows whether it wants to be told. To that end it is sent a
	/// message that says nothing: netlink looks for the socket by its portid, which may be another's by now, and
	/// what is for a subscriber is for nobody else.
	[[nodiscard]] bool has_room(const Handful::Subscriber &subscriber, std::uint32_t group)
	{
		auto nothing = allocate(sizeof(nlmsghdr), false, Skb::Content::garbage);
		return nothing && nothing->append_noop() &&
		       cnx_k_unicast(socket_, (*std::move(nothing)).release(), subscriber.portid, group, false) == 0;
	}

	/// One copy, to whatever socket has the portid.
	int serve(Result<Skb> &&skb, std::uint32_t portid, const Cargo &cargo, Route &route, bool wait = false)
	{
		const int status = skb ? cnx_k_unicast(socket_, (*std::move(skb)).release(), portid, route.label, wait)
		                       : to_errno(skb.error());
		if (status == 0) [[likely]]
			++route.delivered;
		else
			miss(portid, status, cargo, route);
		return status;
	}

	void broadcast(Skb &&skb, const Cargo &cargo, Route &route)
	{
		// netlink leaves one socket out: who was served by unicast already, or else who is to be left out.
		const std::uint32_t except = route.to.portid ? route.to.portid : route.to.except;
		const int status =
		    cnx_k_broadcast(socket_, std::move(skb).release(), except, route.group, route.may_sleep);
		// The group has members, and none of them got it: their queues are full. Where one was left out on
		// purpose it may have been the only one. Where namespaces share a protocol, netlink does not tell whose
		// members they are.
		if (status == 0) [[likely]]
			++route.delivered;
		else if (status != no_listener)
			miss(0, status, cargo, route);
		else if (except == 0 && alone_)
			miss(0, overrun, cargo, route);
	}

	/// A listener did not get a datagram; portid 0 stands for members of the group, whom netlink does not name.
	[[gnu::cold, gnu::noinline]] void miss(std::uint32_t portid, int status, const Cargo &cargo, Route &route)
	{
		if (status == overrun || status == no_room)
			++route.overrun;
		else if (status == to_errno(Error::no_memory))
			++route.no_memory;
		else
			return; // it has gone, or gave up waiting
		if (route.to.failed)
			route.to.failed(route.to.failed_context, portid, status);
		if (!route.to.lossless && portid != 0)
			count_missed(portid, cargo);
	}

	void count_missed(std::uint32_t portid, const Cargo &cargo)
	{
		each_id(cargo, [&](Id id, std::uint32_t messages) {
			if (!losses_.add(portid, id, messages))
				dispatcher_.counters().add(CNX_LOST_UNNAMED, messages);
		});
	}

	/// Hands every id and the number of its messages to `count`; an id may come more than once.
	template <typename Count>
	static void each_id(const Cargo &cargo, Count &&count)
	{
		if (!cargo.manifest) [[likely]]
			return count(cargo.id, cargo.messages);
		Datagram datagram(cargo.manifest->bytes());
		cnx_message message{};
		while (datagram.next() && parse_message(datagram.body(), message) == Malformed::none)
			count(message.id, 1);
	}

	[[nodiscard]] int conclude(const Cargo &cargo, const Route &route)
	{
		if (route.delivered) [[likely]] {
			dispatcher_.counters().add(CNX_SENT, cargo.messages);
			dispatcher_.counters().add(CNX_SENT_DATAGRAMS);
			count(cargo, CallbackCounter::sent);
		}
		int status = 0;
		if (route.delivered == 0 || route.overrun != 0 || route.no_memory != 0) [[unlikely]] {
			const Outcome outcome = judge(route);
			status = outcome.status;
			if (!route.to.lossless)
				lose(cargo, outcome.counted, status);
		}
		if (cnx_k_tracing) [[unlikely]]
			cnx_k_trace_send(cargo.id, route.to.portid, route.group, cargo.messages, status);
		return status;
	}

	/// Of a send that did not reach everyone: what the sender is told, and the counter of the loss.
	[[nodiscard]] static Outcome judge(const Route &route)
	{
		if (route.overrun)
			return {route.unicast != 0 && route.group == 0 ? route.unicast : overrun, CNX_LOST_OVERRUN};
		if (route.no_memory)
			return {to_errno(Error::no_memory), CNX_LOST_NO_MEMORY};
		if (route.unicast != 0)
			return {route.unicast, CNX_LOST_NO_LISTENER};
		return route.filtered ? Outcome{all_filtered, CNX_LOST_FILTERED}
		                      : Outcome{no_listener, CNX_LOST_NO_LISTENER};
	}

	/// Nobody listens, so nothing was allocated and nothing copied, and nobody missed anything.
	[[nodiscard]] int unheard(cnx_counter reason, std::uint32_t messages) const
	{
		dispatcher_.counters().add(reason, messages);
		Platform::observe_drop(reason);
		return reason == CNX_LOST_FILTERED ? all_filtered : no_listener;
	}

	/// A datagram could not be made, or put where it should wait: every listener misses it.
	[[nodiscard, gnu::cold]] int starve(const Cargo &cargo, Route &route, int status)
	{
		for (;;) {
			for (const Handful::Subscriber &subscriber : route.subscribers.all())
				miss(subscriber.portid, status, cargo, route);
			if (route.last_handful)
				break;
			next_handful(route);
		}
		if (route.to.portid != 0)
			miss(route.to.portid, status, cargo, route);
		if (route.members)
			miss(0, status, cargo, route);
		if (route.to.lossless)
			return status;
		return lose(cargo, status == overrun ? CNX_LOST_OVERRUN : CNX_LOST_NO_MEMORY, status);
	}

	/// Lets a message wait for others, for those listeners who want that, and sends it at once to the rest. Returns
	/// nothing where it need not wait for anyone's sake.
	[[nodiscard, gnu::cold]] std::optional<int> coalesce(const cnx_message &message, const cnx_destination &to,
	                                                     std::uint32_t group, bool may_sleep)
	{
		if (to.filter || to.except != 0 || to.lossless || to.failed || (to.portid != 0 && group != 0))
			return std::nullopt;
		Status waits;
		{
			const Platform::ReadGuard guard;
			const auto *const callback = dispatcher_.registry().find(guard, message.id);
			if (!callback || !callback->coalescing() || !wants_batches(guard, to.portid, group))
				return std::nullopt;
			waits = wait_for_others(callback->coalescing(), message, {.portid = to.portid, .group = group});
		}
		int status = 0;
		if (waits) {
			count_waiting();
		} else {
			const Cargo cargo{.id = message.id, .messages = 1};
			Route missing(to, group, may_sleep, Audience::batches);
			static_cast<void>(find_listeners(missing));
			status = starve(cargo, missing, status_of(waits.error()));
		}
		if (to.portid != 0)
			return status;
		Route rest(to, group, may_sleep, Audience::singles);
		if (!find_listeners(rest))
			return status;
		const int sent = send_now(message, rest);
		return status != 0 ? status : sent;
	}

	/// Whether somebody asked for batches of what is sent to a group, or to a portid.
	[[nodiscard]] bool wants_batches(const Platform::ReadGuard &guard, std::uint32_t portid,
	                                 std::uint32_t group) const
	{
		if (!subscriptions_.likely(group))
			return false;
		const auto asked = subscriptions_.of_group(guard, group);
		return std::any_of(asked.begin(), asked.end(), [portid](const Subscription &subscription) {
			return subscription.wants_batches() && (portid == 0 || subscription.portid == portid);
		});
	}

	/// What a sender is told of a message that could not wait.
	[[nodiscard]] static int status_of(Error error) { return error == Error::no_space ? overrun : to_errno(error); }

	/// no_memory; no_space: too many messages wait already.
	[[nodiscard]] static Status wait_for_others(void *coalescing, const cnx_message &message,
	                                            const CoalescedTo &to);

	/// Counts messages that a listener did not get. Returns `status`.
	int lose(const Cargo &cargo, cnx_counter reason, int status) const
	{
		dispatcher_.counters().add(reason, cargo.messages);
		Platform::observe_drop(reason);
		if (reason != CNX_LOST_NO_LISTENER && reason != CNX_LOST_FILTERED)
			count(cargo, CallbackCounter::lost);
		return status;
	}

	/// Adds the messages to a counter of their callbacks.
	void count(const Cargo &cargo, CallbackCounter counter) const
	{
		const Platform::ReadGuard guard;
		each_id(cargo, [&](Id id, std::uint32_t messages) {
			if (const auto *const callback = dispatcher_.registry().find(guard, id))
				callback->count(counter, messages);
		});
	}

	Dispatcher<Platform> &dispatcher_;
	Subscriptions<Platform> &subscriptions_;
	Losses<Platform> &losses_;
	SkbPool &pool_;
	Gaps gaps_;
	sock *socket_ = nullptr;
	bool alone_ = false;
	std::atomic<unsigned> coalescing_{0}; // callbacks whose messages may wait
};

} // namespace cnx::kernel

#endif // CNX_KERNEL_TRANSPORT_HPP
