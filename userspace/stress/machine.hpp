// SPDX-License-Identifier: GPL-2.0-only
/* The memory of the machine, and whether it is back where it was. */
#ifndef CNX_STRESS_MACHINE_HPP
#define CNX_STRESS_MACHINE_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "stress/books.hpp"

namespace cnx::stress
{

/* Of /proc/meminfo, in KiB. */
struct Memory {
	std::uint64_t total = 0;
	std::uint64_t available = 0;
	std::uint64_t unreclaimable = 0; /* SUnreclaim: what the kernel's allocator has handed out for good */
};

/* Nothing if one of the numbers is not in the text. */
std::optional<Memory> parse_memory(std::string_view text);
std::optional<Memory> read_memory();

/*
 * How far memory may be from where it was, in KiB. A leak of one skb for each message of a run exceeds it within
 * seconds; what else the machine does, and magazines that have grown, do not.
 */
struct MemoryBounds {
	std::uint64_t unreclaimable; /* 8 MiB, and 4 MiB for each CPU */
	std::uint64_t available;     /* 48 MiB, or a fiftieth of the memory if that is more */
};
/*
 * `debugged`: the kernel keeps books about every allocation, and what was freed for a while, which takes up to four
 * times as much. It has better ways of its own to tell of leaks.
 */
MemoryBounds memory_bounds(const Memory &before, unsigned cpus, bool debugged);
/* Whether this kernel does, as far as can be seen. */
bool is_debugged();

/* Nothing if memory is back where it was. */
std::optional<Broken> compare(const Memory &before, const Memory &after, const MemoryBounds &bounds);

/* A small file of /proc or /sys, whole; nothing if it cannot be read. */
std::optional<std::string> read_file(const std::string &path);
/* 0 or an errno. */
int write_file(const std::string &path, std::string_view text);

} // namespace cnx::stress

#endif // CNX_STRESS_MACHINE_HPP
