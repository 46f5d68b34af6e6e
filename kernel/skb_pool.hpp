// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_KERNEL_SKB_POOL_HPP
#define CNX_KERNEL_SKB_POOL_HPP

#include "platform.hpp"
#include "skb.hpp"

#include <cnx/core/counters.hpp>
#include <cnx/core/magazines.hpp>

#include <array>
#include <atomic>
#include <optional>
#include <span>
#include <utility>

namespace cnx::kernel
{

/// skbs that are ready before a sender needs them, in magazines for each CPU, so that a send asks no allocator in
/// whatever context it is. Sending consumes an skb for good, so what is taken does not come back: a thread makes new
/// ones, in bulk, once a magazine holds less than it should.
///
/// There is a class of skbs for each power of two that their head may take. The room of a class is less than twice the
/// next smaller one's and an skb's overhead, and what the smaller one has room for is not taken from the larger. So
/// netlink, which copies an skb whose head is mostly unused, finds each of them fit.
///
/// Beside them are skbs without room of their own, which become clones: a message to many listeners needs one skb with
/// its bytes, and one of those for each listener but the last.
class SkbPool
{
public:
	using GlobalCounters = Counters<Platform, cnx_counter, CNX_COUNTERS>;

	/// `depth` skbs for each CPU and class, ready for datagrams of up to `bytes` bytes. Neither 0: no pool. May
	/// sleep. invalid: there is no such depth or size. no_memory. The magazines are empty; see fill().
	[[nodiscard]] static Result<SkbPool> create(unsigned depth, std::size_t bytes)
	{
		SkbPool pool;
		if (depth == 0 || bytes == 0)
			return pool;
		pool.clones_.emplace(CNX_TRY(Ready::create(depth)));
		for (std::size_t head = smallest_head; head <= CNX_K_POOL_LARGEST_HEAD; head *= 2) {
			auto magazines = CNX_TRY(Ready::create(depth));
			pool.classes_[pool.count_++].emplace(cnx_k_skb_room(head), std::move(magazines));
			if (cnx_k_skb_room(head) >= bytes)
				return pool;
		}
		return std::unexpected(Error::invalid);
	}

	SkbPool(SkbPool &&other) noexcept
	    : classes_(std::move(other.classes_)), count_(std::exchange(other.count_, 0)),
	      clones_(std::move(other.clones_))
	{
		other.clones_.reset();
	}
	SkbPool &operator=(SkbPool &&) = delete;
	~SkbPool() { drain_all(); }

	/// An skb with room for `bytes` bytes, a ready one if there is one. Any context; sleeps only if it may.
	/// no_memory.
	[[nodiscard]] Result<Skb> take(std::size_t bytes, bool may_sleep, Skb::Content content,
	                               const GlobalCounters &counters)
	{
		if (auto ready = take_ready(bytes, counters)) [[likely]]
			return *std::move(ready);
		counters.add(CNX_POOL_FALLBACKS);
		return Skb::create(bytes, may_sleep, content);
	}

	/// A ready skb with room for `bytes` bytes, if there is one. Any context.
	[[nodiscard, gnu::always_inline]] std::optional<Skb> take_ready(std::size_t bytes,
	                                                                const GlobalCounters &counters)
	{
		for (auto &each : classes()) {
			if (bytes <= each->room)
				return take_from(each->ready, counters);
		}
		return std::nullopt;
	}

	/// Another skb over the bytes of one. Any context; sleeps only if it may. no_memory.
	[[nodiscard]] Result<Skb> clone(const Skb &skb, bool may_sleep, const GlobalCounters &counters)
	{
		if (clones_) [[likely]] {
			if (auto ready = take_from(*clones_, counters)) [[likely]]
				return skb.clone(*std::move(ready));
		}
		counters.add(CNX_POOL_FALLBACKS);
		return skb.clone(may_sleep);
	}

	/// Room of the largest skbs that can be kept ready.
	[[nodiscard]] static std::size_t largest_room() { return cnx_k_skb_room(CNX_K_POOL_LARGEST_HEAD); }

	/// Fill the magazines of a CPU that is online and stays so meanwhile. Process context. False: there was not
	/// memory for all, and the next taker asks again.
	bool fill(unsigned cpu, const GlobalCounters &counters)
	{
		for (auto &each : classes()) {
			if (!fill(each->ready, cpu, counters,
			          [&each, cpu] { return Skb::create_ready(each->room, cpu); }))
				return false;
		}
		return !clones_ || fill_clones(cpu, counters);
	}

	/// The refill that was asked for begins, so what is taken from now on asks for another.
	void refill_begins() { asked_.store(Level::plenty, std::memory_order_relaxed); }

	/// Free what is ready for a CPU, `most` skbs of each class at most. Returns how many. Process context.
	unsigned drain(unsigned cpu, unsigned most = Ready::deepest)
	{
		unsigned freed = 0;
		each_magazine([&](Ready &ready) {
			freed += ready.drain(
			    cpu, [](sk_buff &skb) { cnx_k_skb_free(&skb); }, most);
		});
		return freed;
	}

	/// How many skbs are ready, on all CPUs. Any context.
	[[nodiscard]] unsigned size()
	{
		unsigned ready = 0;
		each_magazine([&ready](const Ready &magazines) {
			for (unsigned cpu = 0; cpu < Platform::cpu_count(); ++cpu)
				ready += magazines.size(cpu);
		});
		return ready;
	}

private:
	static constexpr std::size_t smallest_head = 512;
	static constexpr std::size_t most_classes = 4;
	static_assert(smallest_head << (most_classes - 1) == CNX_K_POOL_LARGEST_HEAD);

	using Ready = Magazines<Platform, sk_buff>;
	using Level = Ready::Level;

	struct Class {
		Class(std::size_t bytes, Ready &&magazines) : room(bytes), ready(std::move(magazines)) {}

		std::size_t room; // bytes
		Ready ready;
	};

	SkbPool() = default;

	[[nodiscard]] std::span<std::optional<Class>> classes() { return std::span(classes_).first(count_); }

	template <typename Visit>
	void each_magazine(Visit &&visit)
	{
		for (auto &each : classes())
			visit(each->ready);
		if (clones_)
			visit(*clones_);
	}

	[[nodiscard, gnu::always_inline]] std::optional<Skb> take_from(Ready &magazines, const GlobalCounters &counters)
	{
		const auto [skb, level] = magazines.take();
		if (level != Level::plenty) [[unlikely]]
			ask_for_refill(level, magazines);
		if (!skb) [[unlikely]] {
			counters.add(CNX_POOL_MISSES);
			return std::nullopt;
		}
		counters.add(CNX_POOL_HITS);
		return Skb::adopt(skb);
	}

	/// Give a CPU's magazine as many as it wants of what `make` makes. False: no memory.
	template <typename Make>
	[[nodiscard]] static bool fill(Ready &magazines, unsigned cpu, const GlobalCounters &counters, Make &&make)
	{
		for (unsigned missing = magazines.wanting(cpu); missing != 0; --missing) {
			Result<Skb> skb = make();
			if (!skb)
				return false;
			sk_buff *const ready = std::move(*skb).release();
			// Another one has filled it.
			if (!magazines.give(cpu, *ready)) {
				cnx_k_skb_free(ready);
				break;
			}
			counters.add(CNX_POOL_REFILLS);
		}
		return true;
	}

	/// They are clones of something until they are needed, which goes with the last of them.
	[[nodiscard]] bool fill_clones(unsigned cpu, const GlobalCounters &counters)
	{
		if (clones_->wanting(cpu) == 0)
			return true;
		const auto model = Skb::create_ready(0, cpu);
		return model && fill(*clones_, cpu, counters, [&model] { return model->clone_ready(); });
	}

	/// To wake the thread that refills costs a sender as much as all else that it does. So a magazine that is only
	/// low waits for the next tick of the clock to do it. One that ran dry before the thread had come is to hold
	/// more; none is to hold more than that, since what is made ready long before it is used has left the caches.
	[[gnu::noinline]] void ask_for_refill(Level level, Ready &ready)
	{
		if (asked_.load(std::memory_order_relaxed) >= level ||
		    asked_.exchange(level, std::memory_order_relaxed) >= level)
			return;
		if (level == Level::low)
			return cnx_k_pool_refill_soon();
		if (level == Level::dry)
			ready.want_more();
		cnx_k_pool_refill_now();
	}

	void drain_all()
	{
		for (unsigned cpu = 0; cpu < Platform::cpu_count(); ++cpu)
			drain(cpu);
	}

	// Smallest first. INVARIANT: the first count_ of them hold a class.
	std::array<std::optional<Class>, most_classes> classes_;
	std::size_t count_ = 0;
	std::optional<Ready> clones_; // nothing: there is no pool
	// How urgently a refill was asked for that has not begun. Only a hint: one that is asked for twice finds
	// nothing to do.
	std::atomic<Level> asked_{Level::plenty};
};

} // namespace cnx::kernel

#endif // CNX_KERNEL_SKB_POOL_HPP
