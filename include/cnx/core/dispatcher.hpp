// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_CORE_DISPATCHER_HPP
#define CNX_CORE_DISPATCHER_HPP

#include <cnx/core/annotations.hpp>
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
	[[nodiscard]] static Result<Owned<P, Dispatcher>> create() CNX_EXCLUDES(read_section)
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
	[[gnu::always_inline]] void receive(std::span<const std::byte> bytes, const cnx_sender &sender, Answer &&answer)
	{
		Datagram datagram CNX_WRITTEN_BEFORE_READ = Datagram(bytes);
		while (datagram.next()) {
			if (datagram.type() == netlink_type_noop) [[unlikely]]
				continue;
			const Outcome outcome CNX_WRITTEN_BEFORE_READ = receive_one(datagram.body(), sender);
			if (outcome.counted == CNX_RECEIVED) [[likely]]
				counters_.add(CNX_RECEIVED);
			else
				counters_.add(outcome.counted);
			// One question for both: whether somebody wants to know what became of it.
			if ((datagram.flags() & (netlink_flag_ack | netlink_flag_request)) | observed()) [[unlikely]] {
				if (observed())
					observe(datagram.message(), sender, outcome);
				if (datagram.flags() & netlink_flag_ack ||
				    (datagram.flags() & netlink_flag_request && outcome.status != 0))
					answer(datagram.message(), outcome);
			}
		}
		if (datagram.malformed() != Malformed::none) [[unlikely]]
			refuse(datagram.malformed());
	}

	/// Hand a driver's message to the callback of its id. Any context.
	[[nodiscard]] Outcome dispatch(const cnx_message &message)
	{
		static constexpr cnx_sender driver{};
		Outcome outcome = deliver(message, driver, CNX_DISPATCHED);
		if (outcome.counted == CNX_DROP_WOULD_BLOCK && P::may_sleep()) [[unlikely]]
			outcome = deliver_sleepable(message, driver, CNX_DISPATCHED);
		counters_.add(outcome.counted);
		if (outcome.counted != CNX_DISPATCHED) [[unlikely]]
			observe_drop(outcome.counted);
		return outcome;
	}

private:
	/// Platforms may want to watch messages go by, for tracing; this asks how many watch just now.
	[[nodiscard]] static int observed()
	{
		if constexpr (requires { P::observed(); })
			return P::observed();
		return 0;
	}

	static void observe(const NetlinkMessage &message, const cnx_sender &sender, Outcome outcome)
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

	[[gnu::noinline, gnu::cold]] void refuse(Malformed malformed)
	{
		counters_.add(static_cast<cnx_counter>(malformed));
		observe_drop(static_cast<cnx_counter>(malformed));
	}

	[[nodiscard, gnu::always_inline]] Outcome receive_one(std::span<const std::byte> body, const cnx_sender &sender)
	{
		cnx_message message CNX_WRITTEN_BEFORE_READ;
		const Malformed malformed = parse_message(body, message);
		if (malformed != Malformed::none) [[unlikely]] {
			const Error error = malformed == Malformed::too_large ? Error::too_large : Error::bad_message;
			return {to_errno(error), static_cast<cnx_counter>(malformed)};
		}
		const Outcome outcome CNX_WRITTEN_BEFORE_READ = deliver(message, sender, CNX_RECEIVED);
		// Sockets deliver in process context.
		return outcome.counted != CNX_DROP_WOULD_BLOCK ? outcome
		                                               : deliver_sleepable(message, sender, CNX_RECEIVED);
	}

	/// To an atomic callback. One that is sleepable is not called, and WOULD_BLOCK says so.
	[[nodiscard, gnu::always_inline]] Outcome deliver(const cnx_message &message, const cnx_sender &sender,
	                                                  cnx_counter success)
	{
		const typename P::ReadGuard guard;
		const auto *const callback = registry_.find(guard, message.id);
		if (!callback) [[unlikely]]
			return unknown_id;
		if (!callback->unconditional()) {
			if (callback->kind() != Kind::atomic)
				return would_block;
			if (!admits(*callback, sender, success)) [[unlikely]]
				return not_permitted;
		}
		return call(*callback, message, sender, success);
	}

	/// To a sleepable callback, which is looked up a second time: its call stands in a slot of the caller's stack,
	/// and atomic ones are not to pay for that. By now the id may be somebody else's. The caller may sleep.
	[[nodiscard, gnu::noinline]] Outcome deliver_sleepable(const cnx_message &message, const cnx_sender &sender,
	                                                       cnx_counter success)
	{
		std::optional<typename P::ReadGuard> guard(std::in_place);
		const auto *const callback = registry_.find(*guard, message.id);
		if (!callback) [[unlikely]]
			return unknown_id;
		if (!admits(*callback, sender, success)) [[unlikely]]
			return not_permitted;
		if (callback->kind() == Kind::atomic) [[unlikely]]
			return call(*callback, message, sender, success);
		const typename Registry<P>::Calls::Call running(registry_.calls(), *guard, *callback);
		guard.reset();
		return call(*callback, message, sender, success);
	}

	static constexpr Outcome unknown_id{to_errno(Error::no_callback), CNX_DROP_UNKNOWN_ID};
	static constexpr Outcome not_permitted{to_errno(Error::not_permitted), CNX_DROP_NOT_PERMITTED};
	static constexpr Outcome would_block{to_errno(Error::again), CNX_DROP_WOULD_BLOCK};

	/// A driver in the kernel is trusted already; a socket is not.
	[[nodiscard]] static bool admits(const Callback<P> &callback, const cnx_sender &sender, cnx_counter success)
	{
		if (success != CNX_RECEIVED || callback.capability() == no_capability ||
		    P::permits(sender, callback.capability()))
			return true;
		callback.count(CallbackCounter::refused);
		return false;
	}

	[[nodiscard]] static Outcome call(const Callback<P> &callback, const cnx_message &message,
	                                  const cnx_sender &sender, cnx_counter success)
	{
		callback.count(CallbackCounter::received);
		const int status = callback.call(message, sender);
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
