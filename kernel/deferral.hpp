// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_KERNEL_DEFERRAL_HPP
#define CNX_KERNEL_DEFERRAL_HPP

#include "connector.hpp"
#include "deferral.h"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <utility>

namespace cnx::kernel
{

/// Sends where locks sleep and the caller must not: see deferral.h. What can be said without a lock is said at once,
/// such as that nobody listens. A filter is asked at once, too, because what it looks at is the sender's; whom it lets
/// through is written behind the datagram. The rest is done by a thread, as any other send, and counted there.
class Deferral
{
public:
	/// Whether the caller must put off what it sends.
	[[nodiscard]] static bool needed() { return cnx_k_must_defer(); }

	/// What was put off before is sent.
	static void settle() { cnx_k_settle(); }

	/// What these return is in cnx/driver.h at cnx_send() and the others, and so is what they refuse.
	[[nodiscard]] static int send(Connector &connector, const cnx_message &message, const cnx_destination &to)
	{
		Transport &transport = connector.transport();
		// It is refused before any lock.
		if (!Transport::fits(message))
			return transport.send(message, to, false);
		const auto group = transport.resolve(message.id, to);
		if (!group)
			return to_errno(group.error());
		const Shipment shipment{connector, {.id = message.id, .messages = 1}, to, *group};
		if (const int status = sort_out(shipment))
			return status;
		auto skb = take(transport, datagram_room(message.length) + room_to_choose(shipment));
		if (!skb || !skb->append(message))
			return lose(shipment, no_memory);
		return put_off(*std::move(skb), CNX_K_DEFERRED_MESSAGE, shipment);
	}

	[[nodiscard]] static int send(Connector &connector, cnx_batch &batch, const cnx_destination &to)
	{
		Skb skb = Batch::finish(batch);
		if (batch.messages == 0)
			return -ENODATA;
		Transport &transport = connector.transport();
		const auto group = transport.resolve(batch.first, to);
		if (!group)
			return to_errno(group.error());
		const Shipment shipment{
		    connector, {.id = batch.first, .messages = batch.messages}, to, *group, batch.mixed};
		if (const int status = sort_out(shipment))
			return status;
		if (!to.filter)
			return put_off(std::move(skb), CNX_K_DEFERRED_DATAGRAM, shipment);
		auto roomier = take(transport, skb.bytes().size() + room_to_choose(shipment));
		if (!roomier || !roomier->append(skb))
			return lose(shipment, no_memory);
		return put_off(*std::move(roomier), CNX_K_DEFERRED_DATAGRAM, shipment);
	}

	[[nodiscard]] static int send(Listener &listener, const cnx_message &message)
	{
		if (!listener.takes(message))
			return listener.send(message, false);
		auto skb = take(listener.transport_, datagram_room(message.length));
		if (!skb || !skb->append(message))
			return miss(listener, Error::no_memory);
		const cnx_k_deferred what{
		    .from = &listener, .first = message.id, .messages = 1, .kind = CNX_K_DEFERRED_TO_LISTENER};
		return give(*std::move(skb), what) ? 0 : miss(listener, Error::no_space);
	}

	[[nodiscard]] static int answer(Connector &connector, const cnx_sender &sender, const cnx_message &message,
	                                std::uint32_t group)
	{
		if (!Transport::fits(message))
			return connector.answer(sender, message, group);
		auto skb = take(connector.transport(), datagram_room(message.length));
		if (!skb || !skb->append(message))
			return connector.drop_answer(no_memory);
		sock *const asker = cnx_k_sender_socket(sender.skb);
		cnx_k_socket_hold(asker);
		const cnx_k_deferred what{.from = &connector,
		                          .to_asker = asker,
		                          .portid = sender.portid,
		                          .group = group,
		                          .messages = 1,
		                          .kind = CNX_K_DEFERRED_ANSWER};
		if (give(*std::move(skb), what))
			return 0;
		// The sender, whose datagram is being handled, holds it too.
		cnx_k_socket_put(asker);
		return connector.drop_answer(no_room);
	}

	/// What was put off, where locks may be taken.
	static void deliver(Skb &&skb, const cnx_k_deferred &what)
	{
		switch (what.kind) {
		case CNX_K_DEFERRED_TO_LISTENER:
			// SAFETY: send() put the listener there, and settles before the listener ends.
			return deliver(std::move(skb), *static_cast<Listener *>(what.from));
		case CNX_K_DEFERRED_ANSWER:
			static_cast<void>(connector_of(what).answer(Addressee{{what.portid, what.to_asker}, what.group},
			                                            message_in(skb)));
			return cnx_k_socket_put(what.to_asker);
		default:
			return deliver(std::move(skb), connector_of(what), what);
		}
	}

private:
	static constexpr int no_memory = to_errno(Error::no_memory);
	static constexpr int no_room = -ENOBUFS;

	struct Shipment {
		Connector &connector;
		const Cargo cargo;
		const cnx_destination &to;
		const std::uint32_t group;
		const bool mixed = false;
	};

	// SAFETY: put_off() and answer() put the connector there, which settles before it ends.
	[[nodiscard]] static Connector &connector_of(const cnx_k_deferred &what)
	{
		return *static_cast<Connector *>(what.from);
	}

	/// What can be said of it at once: 0 if it is to be sent.
	[[nodiscard]] static int sort_out(const Shipment &shipment)
	{
		const cnx_destination &to = shipment.to;
		// What they ask for is an answer that is not known yet.
		if (to.lossless || to.failed)
			return to_errno(Error::not_supported);
		if (to.filter)
			return 0;
		Transport &transport = shipment.connector.transport();
		Route route(to, shipment.group, false);
		return transport.find_listeners(route)
		           ? 0
		           : transport.unheard(CNX_LOST_NO_LISTENER, shipment.cargo.messages);
	}

	[[nodiscard]] static std::optional<Skb> take(Transport &transport, std::size_t bytes)
	{
		return transport.pool_.take_ready(bytes, transport.dispatcher_.counters());
	}

	/// Bytes of the portids that a filter may let through.
	[[nodiscard]] static std::size_t room_to_choose(const Shipment &shipment)
	{
		if (!shipment.to.filter)
			return 0;
		const Platform::ReadGuard guard;
		const auto asked = shipment.connector.transport().subscriptions_.of_group(guard, shipment.group);
		return static_cast<std::size_t>(std::distance(asked.begin(), asked.end())) * sizeof(std::uint32_t);
	}

	static int miss(Listener &listener, Error why)
	{
		return listener.transport_.miss_to(listener.addressee_, listener.id_, why);
	}

	[[nodiscard]] static int put_off(Skb &&skb, cnx_k_deferred_kind kind, const Shipment &shipment)
	{
		const cnx_destination &to = shipment.to;
		cnx_k_deferred what{.from = &shipment.connector,
		                    .first = shipment.cargo.id,
		                    .portid = to.portid,
		                    .group = shipment.group,
		                    .except = to.except,
		                    .messages = shipment.cargo.messages,
		                    .chosen = 0,
		                    .kind = static_cast<__u8>(kind),
		                    .filtered = to.filter != nullptr,
		                    .mixed = shipment.mixed};
		if (to.filter) {
			const Choice choice = choose(skb.room(), shipment);
			if (choice.chosen == 0 && to.portid == 0)
				return shipment.connector.transport().unheard(
				    choice.asked ? CNX_LOST_FILTERED : CNX_LOST_NO_LISTENER, shipment.cargo.messages);
			what.chosen = choice.chosen;
		}
		return give(std::move(skb), what) ? 0 : lose(shipment, no_room);
	}

	[[nodiscard]] static bool give(Skb &&skb, const cnx_k_deferred &what)
	{
		sk_buff *const given = std::move(skb).release();
		if (cnx_k_defer(given, &what)) [[likely]]
			return true;
		cnx_k_skb_free(given);
		return false;
	}

	struct Choice {
		std::uint16_t chosen = 0;
		bool asked = false;
	};

	/// Asks the filter. Who has subscribed since there was room for all waits for the next message.
	[[nodiscard]] static Choice choose(std::span<std::byte> room, const Shipment &shipment)
	{
		const cnx_destination &to = shipment.to;
		Choice choice;
		const Platform::ReadGuard guard;
		for (const Subscription &s :
		     shipment.connector.transport().subscriptions_.of_group(guard, shipment.group)) {
			if (s.portid == to.portid || s.portid == to.except || room.size() < sizeof(s.portid))
				continue;
			choice.asked = true;
			if (!to.filter(to.filter_context, s.portid))
				continue;
			__builtin_memcpy(room.data(), &s.portid, sizeof(s.portid));
			room = room.subspan(sizeof(s.portid));
			++choice.chosen;
		}
		return choice;
	}

	/// The filter of a send that was put off: whether a portid is among those that were chosen.
	[[nodiscard]] static bool is_chosen(void *context, std::uint32_t portid)
	{
		// SAFETY: the context is what deliver() gave, which outlives the send.
		const auto chosen = *static_cast<const std::span<const std::byte> *>(context);
		for (std::size_t at = 0; at < chosen.size(); at += sizeof(portid)) {
			if (__builtin_memcmp(chosen.subspan(at).data(), &portid, sizeof(portid)) == 0)
				return true;
		}
		return false;
	}

	static int lose(const Shipment &shipment, int status)
	{
		Transport &transport = shipment.connector.transport();
		Route route(shipment.to, shipment.group, false);
		if (!transport.find_listeners(route))
			return transport.unheard(route.filtered ? CNX_LOST_FILTERED : CNX_LOST_NO_LISTENER,
			                         shipment.cargo.messages);
		return transport.starve(shipment.cargo, route, status);
	}

	/// The one message in a datagram that append() has made.
	[[nodiscard]] static cnx_message message_in(const Skb &skb)
	{
		Datagram datagram(skb.bytes());
		cnx_message message{};
		static_cast<void>(datagram.next() && parse_message(datagram.body(), message) == Malformed::none);
		return message;
	}

	static void deliver(Skb &&skb, Listener &listener)
	{
		if (listener.coalescing_.get())
			static_cast<void>(listener.send(message_in(skb), false));
		else
			listener.transport_.send_to(listener.addressee_, std::move(skb),
			                            {.id = listener.id_, .messages = 1});
	}

	static void deliver(Skb &&skb, Connector &connector, const cnx_k_deferred &what)
	{
		std::span<const std::byte> chosen = skb.room().first(what.chosen * sizeof(std::uint32_t));
		cnx_destination to{};
		to.portid = what.portid;
		to.group = what.group;
		to.except = what.except;
		to.filter = what.filtered ? is_chosen : nullptr;
		to.filter_context = &chosen;
		const Cargo cargo{.id = what.first, .messages = what.messages};
		Transport &transport = connector.transport();
		if (what.kind == CNX_K_DEFERRED_MESSAGE && transport.coalescing_.load(std::memory_order_relaxed) != 0)
			return static_cast<void>(transport.send(message_in(skb), to, false));
		// The chosen are needed for longer than the skb is ours.
		const auto holder = what.filtered ? skb.clone(false) : Result<Skb>(std::unexpected(Error::invalid));
		if (what.filtered && !holder)
			return static_cast<void>(lose({connector, cargo, to, what.group, what.mixed}, no_memory));
		static_cast<void>(connector.send(std::move(skb), cargo, what.mixed, to, false));
	}
};

} // namespace cnx::kernel

#endif // CNX_KERNEL_DEFERRAL_HPP
