// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_KERNEL_COALESCING_HPP
#define CNX_KERNEL_COALESCING_HPP

#include "platform.hpp"
#include "skb.hpp"
#include "skb_pool.hpp"
#include "transport.hpp"

#include <cnx/core/coalescer.hpp>
#include <cnx/core/memory.hpp>
#include <cnx/core/result.hpp>

#include <optional>

namespace cnx::kernel
{

/// The messages of one callback that wait for others: see cnx_registration.coalescing. Its owner is the registration,
/// and senders reach it through the callback, in read sections. Or those to one listener, whose they are then.
class Coalescing final : private CoalescerSink<Skb>
{
public:
	/// Limits that a driver asked for; nothing: none. invalid.
	[[nodiscard]] static Result<std::optional<CoalescingLimits>> check(const cnx_coalescing &asked)
	{
		if (asked.delay_us == 0 && asked.messages == 0 && asked.bytes == 0)
			return std::nullopt;
		if (asked.delay_us == 0 || asked.delay_us > longest_delay || asked.messages > most_messages ||
		    (asked.bytes != 0 && asked.bytes < fewest_bytes) || asked.bytes > CNX_MAX_BATCH)
			return std::unexpected(Error::invalid);
		return CoalescingLimits{.bytes = asked.bytes ? asked.bytes : SkbPool::largest_room(),
		                        .messages = asked.messages ? asked.messages : most_messages,
		                        .delay = std::uint64_t{asked.delay_us} * 1000};
	}

	/// `alone`: the one listener, if it is for one; it must outlive this. May sleep. no_memory.
	[[nodiscard]] static Result<Owned<Platform, Coalescing>>
	create(Transport &transport, Id id, const CoalescingLimits &limits, const Addressee *alone = nullptr)
	{
		return Owned<Platform, Coalescing>::create(transport, id, limits, alone);
	}

	/// For create().
	Coalescing(Transport &transport, Id id, const CoalescingLimits &limits, const Addressee *alone)
	    : transport_(transport), id_(id), alone_(alone), coalescer_(*this, limits)
	{
		cnx_k_timer_init(
		    timer_.get(),
		    // SAFETY: the context is this, which cancels the timer before it ends.
		    [](void *context) { static_cast<Coalescing *>(context)->coalescer_.expire(); }, this);
		if (!alone_)
			transport_.coalescing_begins();
	}
	Coalescing(const Coalescing &) = delete;
	Coalescing &operator=(const Coalescing &) = delete;
	/// Sends what waits. No sender can reach it any more. Not in the timer's own softirq.
	~Coalescing()
	{
		cnx_k_timer_cancel(timer_.get());
		coalescer_.finish();
		if (!alone_)
			transport_.coalescing_ends();
	}

	/// Any context, in the read section in which the callback was found. no_memory, no_space.
	[[nodiscard]] Status add(const cnx_message &message, const CoalescedTo &to)
	{
		return coalescer_.add(message, to);
	}

private:
	static constexpr std::uint32_t longest_delay = 1'000'000; // microseconds
	static constexpr std::uint32_t most_messages = 65535;
	static constexpr std::uint32_t fewest_bytes = 64;

	[[nodiscard]] Result<Skb> allocate(std::size_t bytes) override
	{
		return transport_.allocate(bytes, false, Skb::Content::garbage);
	}

	void deliver(Skb &&datagram, std::uint32_t messages, const CoalescedTo &to) override
	{
		const Cargo cargo{.id = id_, .messages = messages};
		if (alone_)
			transport_.send_to(*alone_, std::move(datagram), cargo);
		else
			transport_.send_coalesced(std::move(datagram), cargo, to);
	}

	void arm(std::uint64_t nanoseconds) override { cnx_k_timer_arm(timer_.get(), nanoseconds); }
	[[nodiscard]] std::uint64_t now() override { return cnx_k_now(); }

	Transport &transport_;
	const Id id_;
	const Addressee *const alone_;
	Embedded<cnx_k_timer, CNX_K_TIMER_BYTES> timer_;
	Coalescer<Platform, Skb> coalescer_;
};

// Transport knows only that it is there: what a message waits in is a sender of messages itself.
inline Status Transport::wait_for_others(void *coalescing, const cnx_message &message, const CoalescedTo &to)
{
	// SAFETY: the registration put a Coalescing there, see Core::add().
	return static_cast<Coalescing *>(coalescing)->add(message, to);
}

} // namespace cnx::kernel

#endif // CNX_KERNEL_COALESCING_HPP
