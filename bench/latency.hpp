// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_BENCH_LATENCY_HPP
#define CNX_BENCH_LATENCY_HPP

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>
#include <vector>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace cnx::bench
{

/// A clock that takes little time to read. Its unit is its own; see nanoseconds_per_tick().
[[nodiscard]] inline std::uint64_t ticks()
{
#if defined(__x86_64__)
	// Waits for what came before it and lets nothing after it begin, so that it times one dispatch and not its
	// neighbours.
	unsigned cpu;
	const std::uint64_t now = __rdtscp(&cpu);
	_mm_lfence();
	return now;
#else
	return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

[[nodiscard]] inline double nanoseconds_per_tick()
{
	static const double ratio = [] {
		using clock = std::chrono::steady_clock;
		const auto start = clock::now();
		const std::uint64_t first = ticks();
		while (clock::now() - start < std::chrono::milliseconds(20))
			;
		const std::uint64_t last = ticks();
		const std::chrono::duration<double, std::nano> elapsed = clock::now() - start;
		return elapsed.count() / static_cast<double>(last - first);
	}();
	return ratio;
}

/// Times, counted in buckets that are at most a sixteenth of their value wide.
class Latencies
{
public:
	void add(std::uint64_t ticks)
	{
		++counts_[index(ticks)];
		++total_;
		largest_ = std::max(largest_, ticks);
	}

	/// All of another's times as well.
	void add(const Latencies &other)
	{
		for (std::size_t i = 0; i < counts_.size(); ++i)
			counts_[i] += other.counts_[i];
		total_ += other.total_;
		largest_ = std::max(largest_, other.largest_);
	}

	/// The time below or at which a share of all times are, in ticks: the upper edge of its bucket.
	[[nodiscard]] std::uint64_t quantile(double share) const
	{
		const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(total_));
		std::uint64_t seen = 0;
		for (std::size_t i = 0; i < counts_.size(); ++i) {
			seen += counts_[i];
			if (seen > wanted)
				return std::min(upper_edge(i), largest_);
		}
		return largest_;
	}

	[[nodiscard]] std::uint64_t largest() const { return largest_; }

private:
	static constexpr unsigned fraction_bits = 4;
	static constexpr std::uint64_t fractions = 1u << fraction_bits;

	[[nodiscard]] static std::size_t index(std::uint64_t value)
	{
		if (value < fractions)
			return value;
		const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - fraction_bits - 1;
		return (shift + 1) * fractions + ((value >> shift) & (fractions - 1));
	}

	[[nodiscard]] static std::uint64_t upper_edge(std::size_t index)
	{
		if (index < fractions)
			return index;
		const auto shift = static_cast<unsigned>(index / fractions - 1);
		return ((fractions + index % fractions + 1) << shift) - 1;
	}

	std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>((64 - fraction_bits + 1) * fractions);
	std::uint64_t total_ = 0;
	std::uint64_t largest_ = 0;
};

} // namespace cnx::bench

#endif // CNX_BENCH_LATENCY_HPP
