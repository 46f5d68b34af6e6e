// SPDX-License-Identifier: GPL-2.0-only
// What every structure in the benchmark does, and what it is given to do it with.
#ifndef CNX_BENCH_STRUCTURE_HPP
#define CNX_BENCH_STRUCTURE_HPP

#include <cnx/callback.h>
#include <cnx/core/message.hpp>
#include <cnx/replica/counters.hpp>

#include <bit>
#include <cerrno>
#include <concepts>
#include <cstdint>
#include <utility>

namespace cnx::bench
{

/// What a driver registers: whom to call for which id, and with what.
struct Registration {
	Id id;
	cnx_callback_fn function;
	void *context;
};

/// A callback's count of its messages, per CPU: one cell, the same for every structure, so that none has a cheaper one.
class Received
{
public:
	Received() : cells_(replica::CounterMemory::instance().allocate(1)) {}
	Received(Received &&other) noexcept : cells_(std::exchange(other.cells_, {})) {}
	Received &operator=(Received &&other) noexcept
	{
		std::swap(cells_, other.cells_);
		return *this;
	}
	~Received()
	{
		if (cells_)
			replica::CounterMemory::instance().release(cells_, 1);
	}

	void count() const { cells_.add(0, 1); }

	[[nodiscard]] std::uint64_t sum() const
	{
		std::uint64_t sum = 0;
		for (unsigned cpu = 0; cpu < replica::cpu_count(); ++cpu)
			sum += cells_.read(0, cpu);
		return sum;
	}

private:
	replica::CounterMemory::Array cells_;
};

/// A hash for structures that leave it to their users, or whose own puts the ids here into few buckets: one
/// multiplication, as in cnx's table, with the product's upper half, which depends on the whole id, where most
/// structures look first.
[[nodiscard]] constexpr std::uint64_t spread(std::uint64_t key)
{
	return std::rotr(key * std::uint64_t{0xd1b54a329e3779b9u}, 32);
}

/// Who sends the messages of the benchmark: a driver, which needs no right.
inline constexpr cnx_sender driver{};

/// One way to find and call callbacks, used as its own authors advise.
///
/// name		as in the names of the benchmarks.
/// Thread	while one lives, the calling thread may use any object of the structure.
/// add		registers. False if the id is taken or there is no memory.
/// remove	unregisters. When it returns true, the callback is not running and will not run again, and its memory is
///		given back or will be. False if the id is not there.
/// dispatch	finds the callback of the message's id under protection against removal, counts it, and calls it through
///		its pointer with its context. Returns what it returned, or -ENODEV where there is none.
/// received	how often the callback of an id was counted. Nothing else may run meanwhile.
/// pause	between two dispatches of a long series: for what a structure's authors ask its threads to do now and
/// then.
template <typename S>
concept Structure = std::default_initializable<S> && std::default_initializable<typename S::Thread> &&
    requires(S structure, const Registration &registration, Id id, const cnx_message &message)
{
	{
		S::name
		} -> std::convertible_to<const char *>;
	{
		structure.add(registration)
		} -> std::same_as<bool>;
	{
		structure.remove(id)
		} -> std::same_as<bool>;
	{
		structure.dispatch(message)
		} -> std::same_as<int>;
	{
		structure.received(id)
		} -> std::same_as<std::uint64_t>;
	{S::pause()};
};

} // namespace cnx::bench

#endif // CNX_BENCH_STRUCTURE_HPP
