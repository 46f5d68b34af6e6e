// SPDX-License-Identifier: GPL-2.0-only
// How much of the kernel's memory is in use.
#ifndef CNX_GUEST_MEMORY_HPP
#define CNX_GUEST_MEMORY_HPP

#include "ktap.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace cnx::test
{

struct Memory {
	std::map<std::string, long> objects; // by slab cache
	std::map<std::string, long> kib;     // by the name in /proc/meminfo
};

inline void write_to(const std::string &path, const char *text)
{
	std::ofstream(path) << text << std::flush;
}

/// The slab caches that cnx has objects in, and the one that counts network namespaces.
inline bool is_watched(const std::string &name)
{
	return name.starts_with("kmalloc") || name.starts_with("skbuff") || name == "net_namespace";
}

/// Hands on, of each line of a file, the first word and the number behind it; 0 where there is none.
template <typename Visit>
void for_each_number(const char *path, Visit &&visit)
{
	std::ifstream file(path);
	for (std::string line; std::getline(file, line);) {
		std::istringstream fields(line);
		std::string name;
		long number = 0;
		fields >> name >> number;
		visit(name, number);
	}
}

/// After all that is cached on the side, and all that waits for a grace period, has been given back.
inline Memory measure()
{
	Memory memory;
	// What RCU frees comes in waves: freeing one thing may queue the next.
	for (int i = 0; i < 3; ++i) {
		std::this_thread::sleep_for(std::chrono::milliseconds(300));
		write_to("/proc/sys/vm/drop_caches", "3");
	}
	std::vector<std::string> watched;
	for_each_number("/proc/slabinfo", [&](const std::string &name, long) {
		if (is_watched(name))
			watched.push_back(name);
	});
	// The free objects of a slab that a CPU has at hand count as in use: hundreds, where they are small. Shrinking
	// takes the slabs from the CPUs, and a single allocation gives one back, so the least of some counts is what is
	// in use.
	for (int i = 0; i < 5; ++i) {
		for (const auto &name : watched)
			write_to("/sys/kernel/slab/" + name + "/shrink", "1");
		for_each_number("/proc/slabinfo", [&](const std::string &name, long active) {
			if (is_watched(name))
				memory.objects[name] =
				    std::min(active, memory.objects.try_emplace(name, active).first->second);
		});
	}
	for_each_number("/proc/meminfo", [&](const std::string &name, long kib) {
		if (name == "MemAvailable:" || name == "SUnreclaim:" || name == "VmallocUsed:" || name == "Percpu:" ||
		    name == "PageTables:" || name == "MemFree:")
			memory.kib[name.substr(0, name.size() - 1)] = kib;
	});
	// Free pages that a CPU keeps at hand are in none of the sums above.
	for_each_number("/proc/zoneinfo", [&](const std::string &name, long pages) {
		if (name == "count:") {
			memory.kib["MemAvailable"] += pages * 4;
			memory.kib["MemFree"] += pages * 4;
		}
	});
	return memory;
}

/// Whether there is more memory in use each time that `use` has been called, which is thrice at most, and once before:
/// so many objects more of some kind, or so much memory for each CPU. What the rest of the system does meanwhile, and
/// the pool of ready skbs, may add to one of the times as well, but not to each. `look` measures.
template <typename Use, typename Look>
bool keeps_growing(Ktap &ktap, long objects_bound, long percpu_kib_bound, Use &&use, Look &&look)
{
	use();
	Memory before = look();
	bool grown = true;
	for (int round = 0; grown && round < 3; ++round) {
		use();
		const Memory after = look();
		grown = false;
		const auto judge = [&](const std::string &name, long more, long bound) {
			if (more < bound)
				return;
			ktap.note(name + ": " + std::to_string(more) + " more");
			grown = true;
		};
		for (const auto &[name, objects] : after.objects)
			judge(name, objects - before.objects.at(name), objects_bound);
		judge("KiB of memory for each CPU", after.kib.at("Percpu") - before.kib.at("Percpu"), percpu_kib_bound);
		before = after;
	}
	return grown;
}

} // namespace cnx::test

#endif // CNX_GUEST_MEMORY_HPP
