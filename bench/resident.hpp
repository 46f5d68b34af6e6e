// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_BENCH_RESIDENT_HPP
#define CNX_BENCH_RESIDENT_HPP

#include "structure.hpp"
#include "workload.hpp"

#include <benchmark/benchmark.h>

#include <functional>

namespace cnx::bench
{

/// The memory that a process holds more after `fill` than before it, in bytes; `fill` runs in a process of its own,
/// whose heap nobody has used before. Negative: it cannot be told. Only while this process has one thread.
[[nodiscard]] double resident_bytes(const std::function<void()> &fill);

/// What 65,536 registrations take that have been called once each, counters for every CPU and the allocator's own
/// overhead included. For cnx, also what is left without the records of the drivers.
class Resident
{
public:
	static constexpr long registrations = 65536;

	template <Structure S>
	static void measure()
	{
		per_registration<S> =
		    resident_bytes([] {
			    // Left to the end of the process.
			    auto *const thread = new typename S::Thread;
			    auto *const structure = new S;
			    for (std::size_t number = 0; number < std::size_t{registrations}; ++number) {
				    if constexpr (requires { structure->add_unchecked(registration_of(number)); })
					    structure->add_unchecked(registration_of(number));
				    else
					    static_cast<void>(structure->add(registration_of(number)));
			    }
			    // In a list that is walked from its head, only those near it are called, so as to come to
			    // an end.
			    const std::size_t called = requires
			    {
				    structure->add_unchecked(registration_of(0));
			    }
			    ? registrations / 64 : registrations;
			    for (std::size_t number = 0; number < called; ++number) {
				    cnx_message message{};
				    message.id = id_of(number);
				    message.seq = static_cast<std::uint32_t>(number);
				    static_cast<void>(structure->dispatch(message));
			    }
			    benchmark::DoNotOptimize(thread);
		    }) /
		    registrations;
	}

	template <Structure S>
	static void report(benchmark::State &state)
	{
		if (state.range(0) != registrations || per_registration<S> < 0)
			return;
		state.counters["resident_bytes"] = per_registration<S>;
		if constexpr (requires { S::record_bytes; })
			state.counters["bytes_per_registration"] = per_registration<S> - S::record_bytes;
	}

private:
	template <Structure S>
	static inline double per_registration = -1;
};

} // namespace cnx::bench

#endif // CNX_BENCH_RESIDENT_HPP
