// SPDX-License-Identifier: GPL-2.0-only
#include "stress/machine.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace cnx::stress
{
namespace
{

std::optional<std::uint64_t> field(std::string_view text, std::string_view name)
{
	while (!text.empty()) {
		const auto line = text.substr(0, text.find('\n'));
		text.remove_prefix(std::min(text.size(), line.size() + 1));
		if (!line.starts_with(name) || line.substr(name.size(), 1) != ":")
			continue;
		auto rest = line.substr(name.size() + 1);
		rest.remove_prefix(std::min(rest.size(), rest.find_first_not_of(' ')));
		std::uint64_t number = 0;
		const auto [end, wrong] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
		if (wrong != std::errc() || end == rest.data())
			return std::nullopt;
		return number;
	}
	return std::nullopt;
}

std::uint64_t distance(std::uint64_t one, std::uint64_t other)
{
	return one > other ? one - other : other - one;
}

} // namespace

std::optional<Memory> parse_memory(std::string_view text)
{
	const auto total = field(text, "MemTotal");
	const auto available = field(text, "MemAvailable");
	const auto unreclaimable = field(text, "SUnreclaim");
	if (!total || !available || !unreclaimable)
		return std::nullopt;
	return Memory{*total, *available, *unreclaimable};
}

std::optional<Memory> read_memory()
{
	const auto text = read_file("/proc/meminfo");
	return text ? parse_memory(*text) : std::nullopt;
}

MemoryBounds memory_bounds(const Memory &before, unsigned cpus, bool debugged)
{
	const std::uint64_t times = debugged ? 4 : 1;
	return {times * ((8u + 4u * cpus) << 10), times * std::max<std::uint64_t>(48u << 10, before.total / 50)};
}

bool is_debugged()
{
	return ::access("/sys/kernel/debug/kmemleak", F_OK) == 0;
}

std::optional<Broken> compare(const Memory &before, const Memory &after, const MemoryBounds &bounds)
{
	const bool slab = after.unreclaimable > before.unreclaimable + bounds.unreclaimable;
	const bool available = after.available + bounds.available < before.available;
	if (!slab && !available)
		return std::nullopt;
	const auto was = slab ? before.unreclaimable : before.available;
	const auto is = slab ? after.unreclaimable : after.available;
	return Broken{{},
	              "memory is back to where it was",
	              fmt::format("{} within {} KiB of {} KiB", slab ? "SUnreclaim" : "MemAvailable",
	                          slab ? bounds.unreclaimable : bounds.available, was),
	              fmt::format("{} KiB, {} KiB {}", is, distance(is, was), is > was ? "more" : "less")};
}

std::optional<std::string> read_file(const std::string &path)
{
	std::ifstream file(path);
	if (!file)
		return std::nullopt;
	return std::string(std::istreambuf_iterator<char>(file), {});
}

int write_file(const std::string &path, std::string_view text)
{
	const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	/* Files of /proc and /sys take a text in one write, or not at all. */
	const int code = ::write(fd, text.data(), text.size()) < 0 ? errno : 0;
	::close(fd);
	return code;
}

} // namespace cnx::stress
