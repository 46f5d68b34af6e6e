// SPDX-License-Identifier: GPL-2.0-only
// How the guest that this runs in is timed, which decides how much is measured at a time.
#ifndef CNX_BENCH_KERNEL_MODE_HPP
#define CNX_BENCH_KERNEL_MODE_HPP

#include <x86intrin.h>

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

namespace cnx::bench
{

/// So many steps, each a round of so many repetitions between two looks at the clock.
struct Plan {
	unsigned steps;
	unsigned round;
};

class Mode
{
public:
	Mode(std::string_view name, bool brief) : name_(name), counts_(name == "icount"), brief_(brief) {}

	[[nodiscard]] bool known() const { return counts() || name_ == "uml" || name_ == "kvm"; }
	[[nodiscard]] const std::string &name() const { return name_; }
	[[nodiscard]] const char *unit() const { return counts() ? "instructions" : "nanoseconds"; }

	/// Whether the clock counts the guest's instructions, so that a look at it costs next to nothing and chance has
	/// no part in what it shows.
	[[nodiscard]] bool counts() const { return counts_; }
	/// In user-mode Linux a system call costs many times what it does elsewhere, and would hide what it leads to.
	[[nodiscard]] bool has_true_system_calls() const { return name_ != "uml"; }

	/// Where instructions are counted there are so many steps that the few which meet the tick of the clock do not
	/// make the last thousandth of them. A clock of nanoseconds takes some dozens of them, so it is looked at once
	/// a round, and the round is as long as it may be: `most` says how many repetitions there is room for. Fewer
	/// steps do for what takes long.
	[[nodiscard]] Plan plan(unsigned most, unsigned steps = 400) const
	{
		if (counts())
			return {10000 / share(), 1};
		return {steps / share(), most};
	}

	/// The time in user space, in the unit.
	[[nodiscard]] std::uint64_t now() const
	{
		if (counts())
			return __rdtsc();
		timespec time{};
		::clock_gettime(CLOCK_MONOTONIC, &time);
		return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
		       static_cast<std::uint64_t>(time.tv_nsec);
	}

private:
	[[nodiscard]] unsigned share() const { return brief_ ? 20 : 1; }

	std::string name_;
	bool counts_; // looked at with the clock, so kept
	bool brief_;
};

} // namespace cnx::bench

#endif // CNX_BENCH_KERNEL_MODE_HPP
