// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_CORE_DISPATCHER_HPP
#define CNX_CORE_DISPATCHER_HPP

#include <cnx/core/registry.hpp>

#include <optional>
#include <span>

namespace cnx
{

/// What became of one message: the errno its sender is told, and the counter that says why.
struct Outcome {
	int status; // 0 or a negative errno
	cnx_counter counted;
};

/// One sentence for an extended acknowledgement; nullptr where there is nothing to explain.
[[nodiscard]] constexpr const char *explain(cnx_counter counted)
{
	switch (counted) {
	case CNX_DROP_TRUNCATED:
		return "the message ends before its connector header does";
	case CNX_DROP_BAD_LENGTH:
		return "a length field contradicts the size of the message";
	case CNX_DROP_TOO_LARGE:
		return "the message is larger than CNX_MAX_MESSAGE";
	case CNX_DROP_UNKNOWN_ID:
		return "no callback is registered under this id";
	case CNX_DROP_NOT_PERMITTED:
		return "the sender lacks the capability that this callback asks for";
	case CNX_DROP_FAILED:
		return "the callback returned an error";
	default:
		return nullptr;
	}
}

/// From bytes, or from a driver, to the callback.
template <Platform P>
class Dispatcher
{
public:
	using GlobalCounters = Counters<P, cnx_counter, CNX_COUNTERS>;

	/// May sleep. no_memory.
	[[nodiscard]] static Result<Owned<P, Dispatcher>> create()
	{
		auto slots = CNX_TRY(Registry<P>::Calls::Slots::create());
		auto counters = CNX_TRY(GlobalCounters::create());
		return Owned<P, Dispatcher>::create(std::move(slots), std::move(counters));
	}

	Dispatcher(typename Registry<P>::Calls::Slots &&slots, GlobalCounters &&counters)
	    : registry_(std::move(slots)), counters_(std::move(counters))
	{
	}

	[[nodiscard]] Registry<P> &registry() { return registry_; }
	[[nodiscard]] const GlobalCounters &counters() const { return counters_; }

	/// Handle every message of a datagram, in order. Process context; may sleep. `answer(message, outcome)` is
	/// called for each message that asked to hear of its outcome. A malformed header ends the datagram: what
	/// came before it has been handled, and the counter of its reason is raised.
	template <typename Answer>
	void receive(std::span<const std::byte> bytes, const cnx_sender &sender, Answer &&answer)
	{
		Datagram datagram(bytes);
		while (const auto message = datagram.next()) {
			if (message->header.type == netlink_type_noop)
				continue;
			const Outcome outcome = receive_one(*message, sender);
			counters_.add(outcome.counted);
			observe(*message, sender, outcome);
			const bool asked = message->header.flags & netlink_flag_ack;
			const bool requested = message->header.flags & netlink_flag_request;
			if (asked || (requested && outcome.status != 0))
				answer(*message, outcome);
		}
		if (const auto malformed = datagram.malformed()) [[unlikely]] {
			counters_.add(static_cast<cnx_counter>(*malformed));
			observe_drop(static_cast<cnx_counter>(*malformed));
		}
	}

	/// Hand a driver's message to the callback of its id. Any context.
	[[nodiscard]] Outcome dispatch(const cnx_message &message)
	{
		static constexpr cnx_sender driver{};
		const Outcome outcome = deliver(message, driver, CNX_DISPATCHED);
		counters_.add(outcome.counted);
		if (outcome.counted != CNX_DISPATCHED) [[unlikely]]
			observe_drop(outcome.counted);
		return outcome;
	}

private:
	/// Platforms may want to watch messages go by, for tracing.
	static void observe(const NetlinkMessage &message, const cnx_sender &sender, const Outcome &outcome)
	{
		if constexpr (requires { P::observe(message, sender, outcome.status, outcome.counted); })
			P::observe(message, sender, outcome.status, outcome.counted);
	}

	/// The same for what is dropped without having been a message from a socket.
	static void observe_drop(cnx_counter reason)
	{
		if constexpr (requires { P::observe_drop(reason); })
			P::observe_drop(reason);
	}

	[[nodiscard]] Outcome receive_one(const NetlinkMessage &netlink, const cnx_sender &sender)
	{
		const ParsedMessage parsed = parse_message(netlink.body);
		if (parsed.malformed) [[unlikely]] {
			const Error error =
			    *parsed.malformed == Malformed::too_large ? Error::too_large : Error::bad_message;
			return {to_errno(error), static_cast<cnx_counter>(*parsed.malformed)};
		}
		return deliver(parsed.message, sender, CNX_RECEIVED);
	}

	[[nodiscard]] Outcome deliver(const cnx_message &message, const cnx_sender &sender, cnx_counter success)
	{
		// Sockets deliver in process context; only a driver can be where sleeping is forbidden. An open guard
		// would forbid it too, so this comes before the guard.
		const bool may_sleep = success == CNX_RECEIVED || P::may_sleep();
		std::optional<typename P::ReadGuard> guard(std::in_place);
		const auto *const callback = registry_.find(*guard, message.id);
		if (!callback) [[unlikely]]
			return {to_errno(Error::no_callback), CNX_DROP_UNKNOWN_ID};
		// A driver in the kernel is trusted already; a socket is not.
		if (success == CNX_RECEIVED && callback->capability() != no_capability &&
		    !P::permits(sender, callback->capability())) {
			callback->count(CallbackCounter::refused);
			return {to_errno(Error::not_permitted), CNX_DROP_NOT_PERMITTED};
		}
		if (callback->kind() == Kind::atomic) {
			callback->count(CallbackCounter::received);
			return finish(*callback, callback->call(message, sender), success);
		}
		if (!may_sleep)
			return {to_errno(Error::again), CNX_DROP_WOULD_BLOCK};
		callback->count(CallbackCounter::received);
		const typename Registry<P>::Calls::Call call(registry_.calls(), *guard, *callback);
		guard.reset();
		return finish(*callback, callback->call(message, sender), success);
	}

	[[nodiscard]] Outcome finish(const Callback<P> &callback, int status, cnx_counter success)
	{
		if (status >= 0) [[likely]]
			return {0, success};
		callback.count(CallbackCounter::failed);
		return {status, CNX_DROP_FAILED};
	}

	Registry<P> registry_;
	GlobalCounters counters_;
};

} // namespace cnx

#endif // CNX_CORE_DISPATCHER_HPP
