// SPDX-License-Identifier: GPL-2.0-only
// The messages that every structure has to dispatch, and the callbacks that get them.
#ifndef CNX_BENCH_WORKLOAD_HPP
#define CNX_BENCH_WORKLOAD_HPP

#include "structure.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cnx::bench
{

/// A few drivers (idx) with many callbacks each (val, counting upwards).
[[nodiscard]] constexpr Id id_of(std::size_t number)
{
	constexpr std::uint32_t drivers = 8;
	const auto i = static_cast<std::uint32_t>(number);
	return {1 + i % drivers, i / drivers};
}

/// What a driver would register under the number's id. The callback returns 0 if it was called for its own id, and
/// -EINVAL otherwise, so that a benchmark cannot be fast by calling the wrong one.
[[nodiscard]] Registration registration_of(std::size_t number);

/// A message for each of the first `callbacks` ids, again and again, each round in another random order, which is
/// another one for each thread. seq is the number of the id. The same for the same arguments, in every run.
class Messages
{
public:
	/// Messages between two looks at the clock; the number of all of them is a multiple of it.
	static constexpr std::size_t batch = 256;

	Messages(std::size_t callbacks, unsigned thread);

	[[nodiscard]] std::span<const cnx_message> all() const { return messages_; }

	/// The next batch, from the first on again after the last.
	[[nodiscard]] std::span<const cnx_message, batch> next()
	{
		const std::span<const cnx_message, batch> next(&messages_[at_], batch);
		at_ += batch;
		if (at_ == messages_.size())
			at_ = 0;
		return next;
	}

private:
	std::vector<cnx_message> messages_;
	std::size_t at_ = 0;
};

/// Keeps the calling thread on one CPU for as long as it lives.
class Pinned
{
public:
	explicit Pinned(unsigned cpu);
	~Pinned();
	Pinned(const Pinned &) = delete;
	Pinned &operator=(const Pinned &) = delete;
};

} // namespace cnx::bench

#endif // CNX_BENCH_WORKLOAD_HPP
