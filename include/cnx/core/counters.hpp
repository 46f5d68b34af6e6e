// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_CORE_COUNTERS_HPP
#define CNX_CORE_COUNTERS_HPP

#include <cnx/core/platform.hpp>
#include <cnx/core/result.hpp>

#include <utility>

namespace cnx
{

/// A counter per enumerator of E and per CPU. Adding writes to the calling CPU's cache line alone; reading sums, and
/// what is added meanwhile may or may not be in the sum. Any context.
template <Platform P, typename E, std::size_t N>
class Counters
{
public:
	static constexpr std::size_t size = N;

	[[nodiscard]] static Result<Counters> create()
	{
		const auto memory = P::counters_allocate(N);
		if (!memory)
			return std::unexpected(Error::no_memory);
		return Counters(memory);
	}

	Counters(Counters &&other) noexcept : memory_(std::exchange(other.memory_, {})) {}
	Counters &operator=(Counters &&) = delete;
	~Counters()
	{
		if (memory_)
			P::counters_release(memory_, N);
	}

	void add(E counter, std::uint64_t n = 1) const { P::counter_add(memory_, index(counter), n); }

	[[nodiscard]] std::uint64_t read(E counter, unsigned cpu) const
	{
		return P::counter_read(memory_, index(counter), cpu);
	}

	[[nodiscard]] std::uint64_t sum(E counter) const
	{
		std::uint64_t total = 0;
		for (unsigned cpu = 0; cpu < P::cpu_count(); ++cpu)
			total += read(counter, cpu);
		return total;
	}

private:
	explicit Counters(typename P::Counters memory) : memory_(memory) {}
	static constexpr std::size_t index(E counter) { return static_cast<std::size_t>(counter); }

	// INVARIANT: owns N counters per CPU unless moved from.
	typename P::Counters memory_;
};

} // namespace cnx

#endif // CNX_CORE_COUNTERS_HPP
