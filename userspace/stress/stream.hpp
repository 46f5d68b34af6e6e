// SPDX-License-Identifier: GPL-2.0-only
/* Random decisions that a seed reproduces. */
#ifndef CNX_STRESS_STREAM_HPP
#define CNX_STRESS_STREAM_HPP

#include <cstdint>
#include <random>
#include <string_view>

namespace cnx::stress
{

/*
 * The decisions of one worker. They depend on the run's seed and on who decides, and not on what other workers do or on
 * how fast the machine is. The standard says to the bit what mt19937_64 gives, so they are the same everywhere.
 */
class Stream
{
public:
	Stream(std::uint64_t seed, std::string_view scenario, unsigned worker)
	{
		/* FNV-1a, so that the name counts. */
		std::uint64_t name = 0xcbf29ce484222325u;
		for (const char letter : scenario)
			name = (name ^ static_cast<unsigned char>(letter)) * 0x100000001b3u;
		std::seed_seq words{low(seed), high(seed), low(name), high(name), std::uint32_t{worker}};
		engine_.seed(words);
	}

	std::uint64_t next() { return engine_(); }

	/* From 0 to `bound` - 1; bound is not 0. Skewed by less than a millionth for bounds below 2^44. */
	std::uint64_t below(std::uint64_t bound) { return next() % bound; }

	/* From `first` to `last`, both included. */
	std::uint64_t between(std::uint64_t first, std::uint64_t last) { return first + below(last - first + 1); }

	/* True once in so many times. */
	bool once_in(std::uint64_t times) { return below(times) == 0; }

private:
	static std::uint32_t low(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
	static std::uint32_t high(std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32); }

	std::mt19937_64 engine_;
};

} // namespace cnx::stress

#endif // CNX_STRESS_STREAM_HPP
