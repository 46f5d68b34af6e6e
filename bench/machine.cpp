// SPDX-License-Identifier: GPL-2.0-only
#include "machine.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sys/utsname.h>

#ifndef CNX_BENCH_FLAGS
#error "CNX_BENCH_FLAGS must be the flags that the benchmark is compiled with"
#endif

namespace cnx::bench
{
namespace
{

std::string first_line(const std::filesystem::path &path)
{
	std::ifstream file(path);
	std::string line;
	std::getline(file, line);
	return line;
}

std::string cpu_model()
{
	std::ifstream file("/proc/cpuinfo");
	for (std::string line; std::getline(file, line);) {
		if (line.starts_with("model name"))
			return line.substr(line.find(':') + 2);
	}
	return "unknown";
}

/// What the kernel does or does not do against each flaw that this processor has.
std::string mitigations()
{
	std::vector<std::string> found;
	std::error_code none;
	for (const auto &entry : std::filesystem::directory_iterator("/sys/devices/system/cpu/vulnerabilities", none)) {
		const std::string state = first_line(entry.path());
		if (!state.empty() && state != "Not affected")
			found.push_back(entry.path().filename().string() + ": " + state);
	}
	std::sort(found.begin(), found.end());
	std::string all;
	for (const std::string &one : found)
		all += (all.empty() ? "" : "; ") + one;
	return all.empty() ? "none needed or none told" : all;
}

std::string kernel()
{
	utsname name{};
	return uname(&name) == 0 ? std::string(name.sysname) + " " + name.release : "unknown";
}

/// "always [madvise] never": the one in brackets is in force.
std::string huge_pages()
{
	const std::string modes = first_line("/sys/kernel/mm/transparent_hugepage/enabled");
	const auto begin = modes.find('[');
	const auto end = modes.find(']');
	if (begin == std::string::npos || end == std::string::npos)
		return "unknown";
	return modes.substr(begin + 1, end - begin - 1) + " (nothing here asks for them)";
}

} // namespace

std::vector<std::pair<std::string, std::string>> machine(const Options &options)
{
	return {{"cpu_model", cpu_model()},   {"mitigations", mitigations()},
	        {"kernel", kernel()},         {"compiler", "g++ " __VERSION__},
	        {"flags", CNX_BENCH_FLAGS},   {"flavour", options.flavour},
	        {"huge_pages", huge_pages()}, {"commit", options.commit},
	        {"interleaved", "yes"},       {"repetitions", std::to_string(options.repetitions)}};
}

} // namespace cnx::bench
