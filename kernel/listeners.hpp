// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_KERNEL_LISTENERS_HPP
#define CNX_KERNEL_LISTENERS_HPP

#include "coalescing.hpp"
#include "deferral.h"
#include "platform.hpp"
#include "route.hpp"
#include "transport.hpp"

#include <cnx/core/memory.hpp>
#include <cnx/core/protected.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

namespace cnx::kernel
{

class Listeners;

struct Retirable {
	RetireHead retire;
};

/// A socket that a driver serves by itself: see cnx_listener_create(). It holds the socket, which holds the namespace.
class Listener final : private Retirable
{
public:
	/// For Listeners::add().
	Listener(Listeners &home, Transport &transport, const Addressee &addressee, const cnx_listening &listening)
	    : home_(home), transport_(transport), addressee_(addressee), id_(listening.id), closed_(listening.closed),
	      context_(listening.context)
	{
		cnx_k_socket_hold(addressee_.listener.socket);
	}
	Listener(const Listener &) = delete;
	Listener &operator=(const Listener &) = delete;
	/// Sends what waits.
	~Listener()
	{
		coalescing_ = Owned<Platform, Coalescing>::adopt(nullptr);
		cnx_k_socket_put(addressee_.listener.socket);
	}

	/// One message to all of them. What it returns is in cnx/driver.h at cnx_listeners_send().
	[[nodiscard, gnu::always_inline]] static int send(std::span<Listener *const> listeners,
	                                                  const cnx_message &message, bool may_sleep)
	{
		if (listeners.empty() || listeners.size() > Handful::most) [[unlikely]]
			return to_errno(Error::invalid);
		const Listener &first = *listeners.front();
		if (!first.takes(message)) [[unlikely]]
			return to_errno(message.length > CNX_MAX_MESSAGE - sizeof(cnx_msg) ? Error::too_large
			                                                                   : Error::invalid);
		if (listeners.size() == 1 && first.coalescing_.get())
			return listeners.front()->coalesce(message);
		return send_to_several(listeners, message, may_sleep);
	}

private:
	friend class Deferral;
	friend class Listeners;

	[[nodiscard]] bool takes(const cnx_message &message) const
	{
		return Transport::fits(message) && key_of(message.id) == key_of(id_);
	}

	static void reclaim(RetireHead *head)
	{
		// What was put off still goes to it.
		cnx_k_settle();
		// SAFETY: the head is the first member of a standard-layout Retirable, and that the base of a Listener.
		auto *const listener = static_cast<Listener *>(reinterpret_cast<Retirable *>(head));
		static_cast<void>(Owned<Platform, Listener>::adopt(listener));
	}

	/// Whether send() refuses nothing of it by itself.
	[[nodiscard]] static bool are_for(std::span<Listener *const> listeners, const cnx_message &message)
	{
		return !listeners.empty() && listeners.size() <= Handful::most && listeners.front()->takes(message) &&
		       are_alike(listeners);
	}

	/// Whether one skb can be for all of them.
	[[nodiscard]] static bool are_alike(std::span<Listener *const> listeners)
	{
		const Listener &first = *listeners.front();
		return std::all_of(listeners.begin(), listeners.end(), [&first](const Listener *each) {
			return &each->home_ == &first.home_ && key_of(each->id_) == key_of(first.id_) &&
			       each->addressee_.group == first.addressee_.group;
		});
	}

	[[nodiscard, gnu::noinline]] static int send_to_several(std::span<Listener *const> listeners,
	                                                        const cnx_message &message, bool may_sleep)
	{
		if (!are_alike(listeners)) [[unlikely]]
			return to_errno(Error::invalid);
		const Listener &first = *listeners.front();
		Route at_once CNX_WRITTEN_BEFORE_READ(first.addressee_.group, may_sleep);
		int status = 0;
		for (Listener *const each : listeners) {
			if (!each->coalescing_.get())
				at_once.subscribers.add(each->addressee_.listener);
			else if (const int waits = each->coalesce(message); waits != 0) [[unlikely]]
				status = waits;
		}
		if (at_once.subscribers.empty())
			return status;
		const int sent = first.transport_.send_now(message, at_once);
		return status != 0 ? status : sent;
	}

	/// The message waits for others.
	[[nodiscard]] int coalesce(const cnx_message &message)
	{
		const Status waits = coalescing_->add(message, {.portid = addressee_.listener.portid, .group = 0});
		if (!waits) [[unlikely]]
			return transport_.miss_to(addressee_, id_, waits.error());
		transport_.count_waiting();
		return 0;
	}

	Listeners &home_;
	Transport &transport_;
	const Addressee addressee_;
	const Id id_;
	const cnx_closed_fn closed_;
	void *const context_;
	Owned<Platform, Coalescing> coalescing_ = Owned<Platform, Coalescing>::adopt(nullptr);
	// Those of Listeners, under its lock.
	Listener *next_ = nullptr;
	const void *closing_ = nullptr; // the task that closes its socket
};

/// The sockets of one namespace that drivers serve by themselves.
class Listeners
{
public:
	explicit Listeners(Transport &transport) : transport_(transport) {}
	Listeners(const Listeners &) = delete;
	Listeners &operator=(const Listeners &) = delete;

	/// The socket of a sender, whose datagram is being handled. May sleep. invalid: limits that are none.
	/// no_memory.
	[[nodiscard]] Result<Listener *> add(const Handful::Subscriber &socket, const cnx_listening &listening)
	{
		const auto limits = CNX_TRY(Coalescing::check(listening.coalescing));
		auto listener = CNX_TRY((Owned<Platform, Listener>::create(
		    *this, transport_, Addressee{socket, listening.group}, listening)));
		if (limits && transport_.wants_batches(socket.portid))
			listener->coalescing_ =
			    CNX_TRY(Coalescing::create(transport_, listening.id, *limits, &listener->addressee_));
		return state_.with([&](State &state) {
			listener->next_ = std::exchange(state.first, listener.get());
			return std::move(listener).release();
		});
	}

	/// The end of one that no sender finds any more, as cnx_listener_destroy() says. May sleep.
	static void remove(Listener *gone)
	{
		const void *const closing = gone->home_.state_.with([gone](State &state) {
			if (!gone->closing_)
				state.unlink(gone);
			return gone->closing_;
		});
		// Its driver may be about to be told.
		if (closing && closing != Platform::task())
			cnx_k_wait_for_closing();
		Platform::retire(&gone->retire, Listener::reclaim);
	}

	/// A socket has closed: tells those who served it. May sleep.
	void closed(std::uint32_t portid)
	{
		Listener *closing = state_.with([portid](State &state) { return state.take_closed(portid); });
		while (closing) {
			Listener *const gone = std::exchange(closing, closing->next_);
			gone->closed_(gone->context_);
		}
	}

private:
	struct State {
		Listener *first = nullptr;

		void unlink(const Listener *gone)
		{
			Listener **at = &first;
			while (*at != gone)
				at = &(*at)->next_;
			*at = gone->next_;
		}

		/// Another socket may have the portid by now.
		[[nodiscard]] Listener *take_closed(std::uint32_t portid)
		{
			Listener *taken = nullptr;
			for (Listener **at = &first; *at;) {
				Listener *const each = *at;
				const Handful::Subscriber &socket = each->addressee_.listener;
				if (socket.portid != portid || !cnx_k_socket_is_closed(socket.socket)) {
					at = &each->next_;
					continue;
				}
				*at = each->next_;
				each->closing_ = Platform::task();
				each->next_ = std::exchange(taken, each);
			}
			return taken;
		}
	};

	Transport &transport_;
	Protected<State, Platform::Mutex> state_;
};

} // namespace cnx::kernel

#endif // CNX_KERNEL_LISTENERS_HPP
