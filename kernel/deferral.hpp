// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_KERNEL_DEFERRAL_HPP
#define CNX_KERNEL_DEFERRAL_HPP

#include "connector.hpp"
#include "deferral.h"
#include "notes.hpp"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <utility>

namespace cnx::kernel
{

/// Sends where locks sleep and the caller must not: see deferral.h. What can be said without a lock is said at once,
/// such as that nobody listens. A filter is asked at once, too, because what it looks at is the sender's. The rest is
/// done by a thread, as any other send, and counted there.
///
/// A short message waits in the note itself, and so do as many messages as there are notes. One that is longer waits in
/// a ready skb, and one with a filter, too: whom that lets through is written behind the datagram.
class Deferral
{
public:
	/// Whether the caller must put off what it sends.
	[[nodiscard]] static bool needed() { return cnx_k_must_defer(); }

	/// What was put off before is sent.
	static void settle() { cnx_k_settle(); }

	explicit Deferral(Notes &notes) : notes_(notes) {}

	/// What these return is in cnx/driver.h at cnx_send() and the others, and so is what they refuse.
	[[nodiscard]] int send(Connector &connector, const cnx_message &message, const cnx_destination &to)
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
		const auto note = note_of(message, transport, room_to_choose(shipment));
		if (!note)
			return lose(shipment, Transport::status_of(note.error()));
		address(**note, CNX_K_DEFERRED_MESSAGE, shipment);
		return choose_and_defer(**note, shipment);
	}

	[[nodiscard]] int send(Connector &connector, cnx_batch &batch, const cnx_destination &to)
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
		cnx_k_note *const note = notes_.take();
		if (!note)
			return lose(shipment, no_room);
		if (to.filter) {
			auto roomier = take(transport, skb.bytes().size() + room_to_choose(shipment));
			if (!roomier || !roomier->append(skb)) {
				notes_.give(*note);
				return lose(shipment, no_memory);
			}
			skb.swap(*roomier);
		}
		address(*note, CNX_K_DEFERRED_DATAGRAM, shipment);
		note->skb = std::move(skb).release();
		return choose_and_defer(*note, shipment);
	}

	[[nodiscard]] int send(std::span<Listener *const> listeners, const cnx_message &message)
	{
		// It is refused before any lock.
		if (!Listener::are_for(listeners, message))
			return Listener::send(listeners, message, false);
		int status = 0;
		for (Listener *const each : listeners) {
			if (const int waits = put_off(*each, message); waits != 0)
				status = waits;
		}
		return status;
	}

	[[nodiscard]] int answer(Connector &connector, const cnx_sender &sender, const cnx_message &message,
	                         std::uint32_t group)
	{
		if (!Transport::fits(message))
			return connector.answer(sender, message, group);
		const auto note = note_of(message, connector.transport());
		if (!note)
			return connector.drop_answer(Transport::status_of(note.error()));
		(*note)->kind = CNX_K_DEFERRED_ANSWER;
		(*note)->from = &connector;
		(*note)->portid = sender.portid;
		(*note)->group = group;
		(*note)->to_asker = cnx_k_sender_socket(sender.skb);
		cnx_k_socket_hold((*note)->to_asker);
		cnx_k_defer(*note);
		return 0;
	}

	/// What was put off, where locks may be taken. The note is free then.
	static void deliver(cnx_k_note &note)
	{
		std::optional<Skb> skb;
		if (note.skb)
			skb.emplace(Skb::adopt(std::exchange(note.skb, nullptr)));
		switch (note.kind) {
		case CNX_K_DEFERRED_TO_LISTENER: {
			// SAFETY: put_off() put the listener there, which settles before it ends.
			Listener *const listener = static_cast<Listener *>(note.from);
			static_cast<void>(Listener::send(std::span(&listener, 1), message_of(note, skb), false));
			return;
		}
		case CNX_K_DEFERRED_ANSWER:
			static_cast<void>(connector_of(note).answer(Addressee{{note.portid, note.to_asker}, note.group},
			                                            message_of(note, skb)));
			cnx_k_socket_put(note.to_asker);
			return;
		default:
			deliver(note, skb);
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

	/// A note of a message, for which `more` bytes are wanted behind its datagram. no_space: too many wait.
	/// no_memory: there is no ready skb.
	[[nodiscard]] Result<cnx_k_note *> note_of(const cnx_message &message, Transport &transport,
	                                           std::size_t more = 0)
	{
		cnx_k_note *const note = notes_.take();
		if (!note)
			return std::unexpected(Error::no_space);
		if (fill(*note, message, transport, more))
			return note;
		notes_.give(*note);
		return std::unexpected(Error::no_memory);
	}

	/// A message that is for the listener.
	[[nodiscard]] int put_off(Listener &listener, const cnx_message &message)
	{
		const auto note = note_of(message, listener.transport_);
		if (!note)
			return listener.transport_.miss_to(listener.addressee_, listener.id_, note.error());
		(*note)->kind = CNX_K_DEFERRED_TO_LISTENER;
		(*note)->from = &listener;
		cnx_k_defer(*note);
		return 0;
	}

	// SAFETY: address() and answer() put the connector there, which settles before it ends.
	[[nodiscard]] static Connector &connector_of(const cnx_k_note &note)
	{
		return *static_cast<Connector *>(note.from);
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

	static void address(cnx_k_note &note, cnx_k_deferred_kind kind, const Shipment &shipment)
	{
		note.kind = static_cast<__u8>(kind);
		note.from = &shipment.connector;
		note.first = shipment.cargo.id;
		note.messages = shipment.cargo.messages;
		note.mixed = shipment.mixed;
		note.portid = shipment.to.portid;
		note.group = shipment.group;
		note.except = shipment.to.except;
		note.filtered = shipment.to.filter != nullptr;
		note.chosen = 0;
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

	[[nodiscard]] static std::optional<Skb> take(Transport &transport, std::size_t bytes)
	{
		return transport.pool_.take_ready(bytes, transport.dispatcher_.counters());
	}

	/// Puts the message into the note, or into a ready skb if it is long, or more room is wanted. False: there is
	/// none.
	[[nodiscard]] static bool fill(cnx_k_note &note, const cnx_message &message, Transport &transport,
	                               std::size_t more)
	{
		if (message.length <= sizeof(note.payload) && more == 0) [[likely]] {
			note.message = message;
			if (message.length)
				__builtin_memcpy(note.payload, message.payload, message.length);
			return true;
		}
		auto skb = take(transport, datagram_room(message.length) + more);
		if (!skb || !skb->append(message))
			return false;
		note.skb = std::move(*skb).release();
		return true;
	}

	/// Asks the filter, if there is one, and lets the note wait.
	[[nodiscard]] int choose_and_defer(cnx_k_note &note, const Shipment &shipment)
	{
		if (shipment.to.filter && note.skb) {
			Skb skb = Skb::adopt(std::exchange(note.skb, nullptr));
			const Choice choice = choose(skb.room(), shipment);
			if (choice.chosen == 0 && shipment.to.portid == 0)
				return unheard(note, choice.asked, shipment);
			note.chosen = choice.chosen;
			note.skb = std::move(skb).release();
		} else if (shipment.to.filter && shipment.to.portid == 0) {
			return unheard(note, false, shipment);
		}
		cnx_k_defer(&note);
		return 0;
	}

	[[nodiscard]] int unheard(cnx_k_note &note, bool filtered, const Shipment &shipment)
	{
		notes_.give(note);
		return shipment.connector.transport().unheard(filtered ? CNX_LOST_FILTERED : CNX_LOST_NO_LISTENER,
		                                              shipment.cargo.messages);
	}

	struct Choice {
		std::uint16_t chosen = 0;
		bool asked = false;
	};

	/// Who has subscribed since there was room for all waits for the next message.
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

	/// Counts what could not be put off.
	static int lose(const Shipment &shipment, int status)
	{
		Transport &transport = shipment.connector.transport();
		Route route(shipment.to, shipment.group, false);
		if (!transport.find_listeners(route))
			return transport.unheard(route.filtered ? CNX_LOST_FILTERED : CNX_LOST_NO_LISTENER,
			                         shipment.cargo.messages);
		return transport.starve(shipment.cargo, route, status);
	}

	/// The message that fill() was given.
	[[nodiscard]] static cnx_message message_of(const cnx_k_note &note, const std::optional<Skb> &skb)
	{
		cnx_message message{};
		if (!skb) {
			message = note.message;
			message.payload = note.payload;
			return message;
		}
		Datagram datagram(skb->bytes());
		static_cast<void>(datagram.next() && parse_message(datagram.body(), message) == Malformed::none);
		return message;
	}

	static void deliver(const cnx_k_note &note, std::optional<Skb> &skb)
	{
		std::span<const std::byte> chosen;
		if (skb)
			chosen = skb->room().first(note.chosen * sizeof(std::uint32_t));
		cnx_destination to{};
		to.portid = note.portid;
		to.group = note.group;
		to.except = note.except;
		to.filter = note.filtered ? is_chosen : nullptr;
		to.filter_context = &chosen;
		Connector &connector = connector_of(note);
		if (note.kind == CNX_K_DEFERRED_MESSAGE)
			return static_cast<void>(connector.transport().send(message_of(note, skb), to, false));
		const Cargo cargo{.id = note.first, .messages = note.messages};
		// The chosen are needed for longer than the skb is ours.
		const auto holder = note.filtered ? skb->clone(false) : Result<Skb>(std::unexpected(Error::invalid));
		if (note.filtered && !holder)
			return static_cast<void>(lose({connector, cargo, to, note.group, note.mixed}, no_memory));
		static_cast<void>(connector.send(*std::move(skb), cargo, note.mixed, to, false));
	}

	Notes &notes_;
};

} // namespace cnx::kernel

#endif // CNX_KERNEL_DEFERRAL_HPP
