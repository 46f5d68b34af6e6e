// SPDX-License-Identifier: GPL-2.0-only
// The world of the core's fuzzers: the replica's, with an RCU and CPUs that a fuzzer moves by hand. Nothing in it
// depends on time or on the scheduler, so that an input does the same each time.
#ifndef CNX_FUZZ_WORLD_HPP
#define CNX_FUZZ_WORLD_HPP

#include <cnx/replica/platform.hpp>

#include "fuzz/input.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <utility>
#include <vector>

namespace cnx::fuzz
{

/// RCU of one thread, as early as it may be: what is retired outside of a read section is reclaimed on the spot, and
/// what is retired inside of one when that is closed. So AddressSanitizer sees whoever holds on to it for longer.
struct Alone {
	static constexpr const char *name = "alone";
	static constexpr std::chrono::microseconds interval{0};

	/// What happens while synchronize() waits: what other threads would do.
	static inline std::function<void()> meanwhile;
	static inline unsigned depth = 0;

	static void register_thread() {}
	static void unregister_thread() {}
	static void read_lock() { ++depth; }
	static void read_unlock()
	{
		require(depth != 0);
		if (--depth == 0)
			reclaim();
	}
	[[nodiscard]] static bool read_ongoing() { return depth != 0; }
	static void synchronize()
	{
		// To wait in a read section would be to wait for oneself.
		require(depth == 0);
		if (meanwhile)
			meanwhile();
	}
	static void call(rcu_head *head, void (*function)(rcu_head *))
	{
		defer([=] { function(head); });
	}
	static void defer(std::function<void()> reclaiming)
	{
		retired.push_back(std::move(reclaiming));
		if (depth == 0)
			reclaim();
	}
	static void barrier() { require(retired.empty()); }
	static void quiescent() {}
	static void offline() {}
	static void online() {}

private:
	static inline std::vector<std::function<void()>> retired;

	static void reclaim()
	{
		for (const auto &reclaiming : std::exchange(retired, {}))
			reclaiming();
	}
};
static_assert(replica::Flavour<Alone>);

/// CPUs are moved to by hand, counters are plain arrays whose bounds AddressSanitizer watches, and portids belong to
/// sockets that open and close.
struct P : replica::Platform<Alone> {
	static constexpr unsigned cpus = 3;
	static inline unsigned running_on = 0;
	/// The sockets that are open; a portid's place is its number.
	static inline std::array<Endpoint *, 8> sockets{};
	/// Whether the caller is in a context in which it must not sleep, though in no read section.
	static inline bool interrupted = false;

	/// Called as what it is: the replica's own calls it as liburcu would, which clang's sanitizer takes for an
	/// error.
	static void retire(RetireHead *head, void (*reclaim)(RetireHead *))
	{
		Alone::defer([=] { reclaim(head); });
	}

	[[nodiscard]] static unsigned cpu() { return running_on; }
	[[nodiscard]] static unsigned cpu_count() { return cpus; }
	[[nodiscard]] static bool may_sleep() { return !interrupted && !in_read_section(); }
	[[nodiscard]] static Endpoint *endpoint(const cnx_sender &sender)
	{
		return sender.portid < sockets.size() ? sockets[sender.portid] : nullptr;
	}

	using Counters = std::uint64_t *;

	[[nodiscard]] static Counters counters_allocate(std::size_t n)
	{
		if (replica::Hooks::fail_now())
			return nullptr;
		replica::Hooks::outstanding.fetch_add(1, std::memory_order_relaxed);
		return new std::uint64_t[n * cpus]{};
	}
	static void counters_release(Counters counters, std::size_t)
	{
		replica::Hooks::outstanding.fetch_sub(1, std::memory_order_relaxed);
		delete[] counters;
	}
	static void counter_add(Counters counters, std::size_t index, std::uint64_t n)
	{
		counters[index * cpus + running_on] += n;
	}
	[[nodiscard]] static std::uint64_t counter_read(Counters counters, std::size_t index, unsigned cpu)
	{
		return counters[index * cpus + cpu];
	}
};
static_assert(Platform<P>);

/// The world before an input and after it: nothing is armed, and all that was allocated is given back.
class Fresh
{
public:
	Fresh()
	{
		P::running_on = 0;
		P::interrupted = false;
		P::sockets = {};
		replica::Hooks::allocations_until_failure = -1;
		Alone::meanwhile = nullptr;
	}
	~Fresh()
	{
		Alone::barrier();
		require(replica::Hooks::outstanding == 0 && Alone::depth == 0);
	}
	Fresh(const Fresh &) = delete;
	Fresh &operator=(const Fresh &) = delete;
};

/// While one lives, memory may be short: the input says whether an allocation fails, and which one.
class Shortage
{
public:
	explicit Shortage(Input &input)
	{
		const auto what = input.take<std::uint8_t>();
		armed_ = what >= 0xf0;
		replica::Hooks::allocations_until_failure = armed_ ? what & 0xf : -1;
	}
	~Shortage() { replica::Hooks::allocations_until_failure = -1; }
	Shortage(const Shortage &) = delete;
	Shortage &operator=(const Shortage &) = delete;

	/// Whether an allocation has failed, which alone excuses no_memory.
	[[nodiscard]] bool happened() const { return armed_ && replica::Hooks::allocations_until_failure < 0; }

private:
	bool armed_;
};

} // namespace cnx::fuzz

#endif // CNX_FUZZ_WORLD_HPP
