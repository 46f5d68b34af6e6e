// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_KERNEL_CONNECTOR_HPP
#define CNX_KERNEL_CONNECTOR_HPP

#include "batch.hpp"
#include "coalescing.hpp"
#include "deferral.h"
#include "listeners.hpp"
#include "platform.hpp"
#include "skb_pool.hpp"
#include "transport.hpp"

#include <cnx/core/control.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <span>
#include <string_view>

namespace cnx::kernel
{

using Entry = Callback<Platform>;

/// One network namespace's cnx: its callbacks, its listeners, its counts and its control. Namespaces have ready skbs in
/// common, and nothing else.
class Connector
{
public:
	using Facts = Control<Platform>::Facts;

	/// May sleep. no_memory.
	[[nodiscard]] static Result<Owned<Platform, Connector>> create(std::string_view version, SkbPool &pool)
	{
		Facts facts{};
		std::copy_n(version.begin(), std::min(version.size(), facts.version.size() - 1), facts.version.begin());
		auto slots = CNX_TRY(Registry<Platform>::Calls::Slots::create());
		auto counters = CNX_TRY(Dispatcher<Platform>::GlobalCounters::create());
		auto connector =
		    CNX_TRY((Owned<Platform, Connector>::create(std::move(slots), std::move(counters), facts, pool)));
		CNX_TRY(connector->register_control());
		return connector;
	}

	/// For create().
	Connector(Registry<Platform>::Calls::Slots &&slots, Dispatcher<Platform>::GlobalCounters &&counters,
	          const Facts &facts, SkbPool &pool)
	    : dispatcher_(std::move(slots), std::move(counters)), control_(dispatcher_, subscriptions_, losses_, facts),
	      transport_(dispatcher_, subscriptions_, losses_, pool), listeners_(transport_)
	{
	}
	Connector(const Connector &) = delete;
	Connector &operator=(const Connector &) = delete;

	void opened(sock *socket, std::uint32_t protocol, std::uint32_t groups, bool alone)
	{
		control_.opened(protocol, groups);
		transport_.opened(socket, alone);
	}

	[[nodiscard]] Dispatcher<Platform> &dispatcher() { return dispatcher_; }
	[[nodiscard]] Registry<Platform> &registry() { return dispatcher_.registry(); }
	[[nodiscard]] Transport &transport() { return transport_; }
	[[nodiscard]] Listeners &listeners() { return listeners_; }

	/// Register a callback here. May sleep. exists, no_memory.
	[[nodiscard]] Result<Entry *> add(CallbackSpec spec, const std::optional<CoalescingLimits> &limits)
	    CNX_EXCLUDES(read_section)
	{
		auto coalescing = Owned<Platform, Coalescing>::adopt(nullptr);
		if (limits) {
			coalescing = CNX_TRY(Coalescing::create(transport_, spec.id, *limits));
			spec.coalescing = coalescing.get();
		}
		Entry *const entry = CNX_TRY(registry().add(spec));
		// What finish() ends.
		static_cast<void>(std::move(coalescing).release());
		announce(Control<Platform>::event(CNX_EVENT_REGISTERED, *entry));
		return entry;
	}

	/// The second half of an entry's removal, as in Registry::finish().
	void finish(Entry *entry) CNX_EXCLUDES(read_section)
	{
		registry().finish(std::span(&entry, 1), [this](const Entry &gone) {
			// No sender finds it any more; its end sends what waits.
			// SAFETY: add() put a Coalescing there, or nothing.
			static_cast<void>(
			    Owned<Platform, Coalescing>::adopt(static_cast<Coalescing *>(gone.coalescing())));
			announce(Control<Platform>::event(CNX_EVENT_UNREGISTERED, gone));
		});
	}

	/// Ends the batch, which has an skb.
	[[nodiscard]] int send(cnx_batch &batch, const cnx_destination &to)
	{
		Skb skb = Batch::finish(batch);
		if (batch.messages == 0)
			return -ENODATA;
		return send(std::move(skb), {batch.first, batch.messages}, batch.mixed, to,
		            batch.context == CNX_MAY_SLEEP);
	}

	/// A datagram; `mixed`: of messages of several ids.
	[[nodiscard]] int send(Skb &&skb, const Cargo &cargo, bool mixed, const cnx_destination &to, bool may_sleep)
	{
		if (!mixed)
			return transport_.send(std::move(skb), cargo, to, may_sleep);
		// Without memory for it, all of the messages count as the first one's.
		const auto manifest = skb.clone(may_sleep);
		return transport_.send(std::move(skb), {cargo.id, cargo.messages, manifest ? &*manifest : nullptr}, to,
		                       may_sleep);
	}

	/// To the socket that a message came from. What it returns is in cnx/driver.h at cnx_answer().
	[[nodiscard]] int answer(const cnx_sender &sender, const cnx_message &answer, std::uint32_t group)
	{
		return this->answer(Addressee{{sender.portid, cnx_k_sender_socket(sender.skb)}, group}, answer);
	}

	/// To a socket that the caller holds.
	[[nodiscard]] int answer(const Addressee &asker, const cnx_message &answer)
	{
		const int status = transport_.answer(asker, answer);
		return status == 0 ? 0 : drop_answer(status);
	}

	/// Counts an answer that does not arrive. Returns `status`.
	int drop_answer(int status) const
	{
		dispatcher_.counters().add(CNX_DROP_ANSWER);
		Platform::observe_drop(CNX_DROP_ANSWER);
		return status;
	}

	void socket_closed(std::uint32_t portid) CNX_EXCLUDES(read_section)
	{
		// Most sockets had no subscription.
		static_cast<void>(subscriptions_.remove_all(portid));
		losses_.forget(portid);
		listeners_.closed(portid);
	}

	[[gnu::always_inline]] void receive(std::span<const std::byte> bytes, const cnx_sender &sender)
	{
		dispatcher_.receive(bytes, sender, [&](const NetlinkMessage &message, Outcome outcome) {
			acknowledge(message.start, outcome, sender);
		});
	}

private:
	/// A reply fits an skb of two pages with its overhead; longer listings go on by cursor.
	static constexpr std::size_t reply_room = 7 * 1024;

	[[gnu::noinline]] void acknowledge(const std::byte *message, Outcome outcome, const cnx_sender &sender)
	{
		dispatcher_.counters().add(CNX_ACKNOWLEDGED);
		cnx_k_answer(sender.skb, message, outcome.status, explain(outcome.counted));
	}

	[[nodiscard]] Status register_control()
	{
		CallbackSpec spec{.id = control_id,
		                  .kind = Kind::sleepable,
		                  .capability = no_capability, // each request is judged by itself
		                  .open_to_listeners = false,
		                  .function = on_control,
		                  .context = this,
		                  .name = {"cnx_control"}};
		CNX_TRY(registry().add(spec));
		return {};
	}

	static int on_control(void *context, const cnx_message *message, const cnx_sender *sender)
	{
		// SAFETY: the context is what register_control() gave, and the registry ends before the connector does.
		return static_cast<Connector *>(context)->control(*message, *sender);
	}

	[[nodiscard]] int control(const cnx_message &request, const cnx_sender &sender)
	{
		// What is told of losses and counts is to be about all that was sent before.
		cnx_k_settle();
		struct Buffer {
			std::array<std::byte, reply_room> bytes;
		};
		auto buffer = Owned<Platform, Buffer>::create();
		if (!buffer)
			return to_errno(buffer.error());
		const auto used = control_.answer(request, sender, (*buffer)->bytes);
		if (!used)
			return to_errno(used.error());
		// A driver may ask too, and has no socket to answer to.
		if (sender.portid == 0)
			return 0;
		const cnx_message reply{.id = control_id,
		                        .seq = request.seq,
		                        .ack = request.ack + 1,
		                        .flags = 0,
		                        .length = static_cast<std::uint16_t>(*used),
		                        .payload = (*buffer)->bytes.data()};
		return answer(sender, reply, 0);
	}

	void announce(const cnx_event &event)
	{
		const cnx_message message{.id = control_id,
		                          .seq = events_.fetch_add(1, std::memory_order_relaxed) + 1,
		                          .ack = 0,
		                          .flags = 0,
		                          .length = sizeof(event),
		                          .payload = &event};
		cnx_destination to{};
		to.group = CNX_CONTROL_IDX;
		{
			const Platform::ReadGuard guard;
			if (subscriptions_.of_group(guard, CNX_CONTROL_IDX).empty())
				return;
		}
		// A subscriber that cannot take the event is told by its own socket (ENOBUFS), and it is counted.
		static_cast<void>(transport_.send(message, to, true));
	}

	friend class Core;

	Dispatcher<Platform> dispatcher_;
	Subscriptions<Platform> subscriptions_;
	Losses<Platform> losses_;
	Control<Platform> control_;
	Transport transport_;
	Listeners listeners_;
	std::atomic<std::uint32_t> events_{0};
	// The core's: the list of connectors, under its lock, and how many removals of entries are under way here.
	Connector *next_ = nullptr;
	std::atomic<unsigned> removals_{0};
};

} // namespace cnx::kernel

#endif // CNX_KERNEL_CONNECTOR_HPP
