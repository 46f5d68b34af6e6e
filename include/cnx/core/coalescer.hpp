// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_CORE_COALESCER_HPP
#define CNX_CORE_COALESCER_HPP

#include <cnx/core/message.hpp>
#include <cnx/core/platform.hpp>
#include <cnx/core/protected.hpp>
#include <cnx/core/result.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

namespace cnx
{

/// When messages that wait for others go: as soon as one of these is reached.
struct CoalescingLimits {
	std::size_t bytes;      // of a datagram
	std::uint32_t messages; // in a datagram
	std::uint64_t delay;    // nanoseconds that the first of them has waited
};

/// Where coalesced messages are sent.
struct CoalescedTo {
	std::uint32_t portid;
	std::uint32_t group;

	friend constexpr bool operator==(const CoalescedTo &, const CoalescedTo &) = default;
};

/// What a coalescer needs of its transport. Every function in any context.
template <typename Buffer>
class CoalescerSink
{
public:
	/// Room for a datagram of `bytes` bytes. no_memory.
	[[nodiscard]] virtual Result<Buffer> allocate(std::size_t bytes) = 0;
	/// Send a datagram of `messages` messages.
	virtual void deliver(Buffer &&datagram, std::uint32_t messages, const CoalescedTo &to) = 0;
	/// Call Coalescer::expire() in so many nanoseconds, and not when it was to be called before.
	virtual void arm(std::uint64_t nanoseconds) = 0;
	/// Nanoseconds, of any origin, that never go back.
	[[nodiscard]] virtual std::uint64_t now() = 0;

protected:
	~CoalescerSink() = default;
};

/// Collects the messages of one callback, for each destination, into datagrams of many, and has them sent when they are
/// full, when they hold enough messages, or when their first message has waited long enough. Messages to a destination
/// leave in the order in which they came.
///
/// A full datagram joins a queue, and one caller at a time takes datagrams from its front and sends them; who comes
/// meanwhile leaves his own there and goes. So no lock is held while anything is sent, an interrupt may come anywhere,
/// and no two datagrams overtake each other.
///
/// Buffer: move-only, with bool append(const cnx_message &).
template <Platform P, typename Buffer>
class Coalescer
{
public:
	/// Destinations whose messages wait at the same time. Those of one more make the oldest go.
	static constexpr std::size_t destinations = 8;
	/// Full datagrams that wait for the one who sends them.
	static constexpr std::size_t queue_depth = 32;

	/// `sink` outlives this.
	Coalescer(CoalescerSink<Buffer> &sink, const CoalescingLimits &limits) : sink_(sink), limits_(limits) {}
	Coalescer(const Coalescer &) = delete;
	Coalescer &operator=(const Coalescer &) = delete;

	/// Add a message. Any context. no_memory: there is no buffer for it. no_space: the queue is full, because
	/// whoever sends it is too slow, or has sent so much that the rest is left to the timer. With an error the
	/// message is not added.
	[[nodiscard]] Status add(const cnx_message &message, const CoalescedTo &to)
	{
		bool full = false;
		const Status added = state_.with([&](State &state) {
			const Status status = put(state, message, to);
			full = state.queued != 0;
			return status;
		});
		// As a rule the message waits, and that is all.
		if (full) [[unlikely]]
			send_queue();
		return added;
	}

	/// The time that arm() gave is over. Any context.
	void expire()
	{
		const std::uint64_t now = sink_.now();
		state_.with([&](State &state) {
			state.armed = false;
			for (Pending &pending : state.pending) {
				// A full queue is being sent, and the rest goes a little later.
				if (pending.buffer && now - pending.since >= limits_.delay &&
				    state.queued < queue_depth)
					close(state, pending);
			}
			arm(state, now);
		});
		send_queue();
	}

	/// Send everything that waits. Nobody adds any more, and expire() will not be called.
	void finish()
	{
		for (bool more = true; more;) {
			more = state_.with([](State &state) {
				bool left = false;
				for (Pending &pending : state.pending) {
					if (!pending.buffer)
						continue;
					if (state.queued < queue_depth)
						close(state, pending);
					else
						left = true;
				}
				return left;
			});
			send_queue();
		}
	}

private:
	/// A datagram that is being filled.
	struct Pending {
		std::optional<Buffer> buffer; // nothing: nothing waits here
		std::size_t bytes = 0;
		std::uint32_t messages = 0;
		std::uint64_t since = 0; // when its first message came
		CoalescedTo to{};
	};

	/// A datagram that is to be sent.
	struct Full {
		std::optional<Buffer> buffer;
		std::uint32_t messages = 0;
		CoalescedTo to{};
	};

	struct State {
		std::array<Pending, destinations> pending;
		std::array<Full, queue_depth> queue; // a ring
		std::size_t first = 0;               // of the queue
		std::size_t queued = 0;
		bool sending = false; // somebody sends from the queue
		bool armed = false;   // expire() will be called in time for all that waits
	};

	[[nodiscard]] Status put(State &state, const cnx_message &message, const CoalescedTo &to)
	{
		const std::size_t room = datagram_room(message.length);
		Pending *pending = find(state, to);
		// What find() finds has its buffer.
		// NOLINTBEGIN(bugprone-unchecked-optional-access)
		if (pending && pending->messages < limits_.messages && pending->bytes + room <= limits_.bytes &&
		    pending->buffer->append(message))
			return added(state, *pending, room);
		// NOLINTEND(bugprone-unchecked-optional-access)
		// Whatever it is that has to go first needs a place in the queue.
		if (!pending)
			pending = &oldest(state);
		if (pending->buffer) {
			if (state.queued == queue_depth)
				return std::unexpected(Error::no_space);
			close(state, *pending);
		}
		auto buffer = CNX_TRY(sink_.allocate(std::max(limits_.bytes, room)));
		if (!buffer.append(message))
			return std::unexpected(Error::no_memory);
		pending->buffer.emplace(std::move(buffer));
		pending->bytes = 0;
		pending->messages = 0;
		pending->to = to;
		pending->since = sink_.now();
		arm(state, pending->since);
		return added(state, *pending, room);
	}

	[[nodiscard]] Status added(State &state, Pending &pending, std::size_t room)
	{
		pending.bytes += room;
		++pending.messages;
		// Where the queue is full, it waits for more, or for its time.
		if (pending.messages >= limits_.messages && state.queued < queue_depth)
			close(state, pending);
		return {};
	}

	[[nodiscard]] static Pending *find(State &state, const CoalescedTo &to)
	{
		for (Pending &pending : state.pending) {
			if (pending.buffer && pending.to == to)
				return &pending;
		}
		return nullptr;
	}

	/// A place where nothing waits, or else the one where the first message has waited longest.
	[[nodiscard]] static Pending &oldest(State &state)
	{
		return *std::min_element(state.pending.begin(), state.pending.end(),
		                         [](const Pending &one, const Pending &other) {
			                         return std::pair(one.buffer.has_value(), one.since) <
			                                std::pair(other.buffer.has_value(), other.since);
		                         });
	}

	/// From where it was filled into the queue, which has a place for it.
	static void close(State &state, Pending &pending)
	{
		Full &full = state.queue[(state.first + state.queued) % queue_depth];
		// It is called for what has a buffer.
		full.buffer.emplace(*std::move(pending.buffer)); // NOLINT(bugprone-unchecked-optional-access)
		pending.buffer.reset();
		full.messages = pending.messages;
		full.to = pending.to;
		++state.queued;
	}

	/// Has expire() called when the first of what waits has waited long enough.
	void arm(State &state, std::uint64_t now)
	{
		if (state.armed)
			return;
		std::optional<std::uint64_t> first;
		for (const Pending &pending : state.pending) {
			if (pending.buffer && (!first || pending.since < *first))
				first = pending.since;
		}
		if (!first)
			return;
		state.armed = true;
		const std::uint64_t waited = now - *first;
		// What is late already waits for the queue to be shorter.
		sink_.arm(waited < limits_.delay ? limits_.delay - waited : limits_.delay / 8 + 1);
	}

	/// Sends what is in the queue, unless somebody does so already.
	void send_queue()
	{
		// Those who come meanwhile may keep the queue from ever being empty, and this caller has other things
		// to do, too: after so many datagrams the next caller goes on, or the timer.
		for (std::size_t sent = 0;; ++sent) {
			Full next;
			const bool found = state_.with([&](State &state) {
				if (sent == 0 && state.sending)
					return false;
				const bool enough = sent == 2 * queue_depth;
				state.sending = state.queued != 0 && !enough;
				if (state.queued != 0 && enough) {
					state.armed = true;
					sink_.arm(1);
				}
				if (!state.sending)
					return false;
				Full &full = state.queue[state.first];
				// What is queued has its buffer.
				// NOLINTNEXTLINE(bugprone-unchecked-optional-access)
				next.buffer.emplace(*std::move(full.buffer));
				full.buffer.reset();
				next.messages = full.messages;
				next.to = full.to;
				state.first = (state.first + 1) % queue_depth;
				--state.queued;
				return true;
			});
			if (!found)
				return;
			// What was found in the queue has been moved here with its buffer.
			// NOLINTNEXTLINE(bugprone-unchecked-optional-access)
			sink_.deliver(*std::move(next.buffer), next.messages, next.to);
		}
	}

	CoalescerSink<Buffer> &sink_;
	const CoalescingLimits limits_;
	Protected<State, typename P::SpinLock> state_;
};

} // namespace cnx

#endif // CNX_CORE_COALESCER_HPP
