// SPDX-License-Identifier: GPL-2.0-only
#include "workload.hpp"

#include <algorithm>
#include <numeric>
#include <random>
#include <sched.h>
#include <unistd.h>

namespace cnx::bench
{
namespace
{

static_assert(sizeof(void *) == sizeof(std::uint64_t), "a context has to hold a whole key");

int is_own_message(void *context, const cnx_message *message, const cnx_sender *)
{
	// SAFETY: the context is a number in disguise, see registration_of(), and is only compared.
	return reinterpret_cast<std::uintptr_t>(context) == key_of(message->id) ? 0 : -EINVAL;
}

cpu_set_t all_cpus()
{
	cpu_set_t cpus;
	CPU_ZERO(&cpus);
	for (unsigned cpu = 0; cpu < replica::cpu_count(); ++cpu)
		CPU_SET(cpu, &cpus);
	return cpus;
}

} // namespace

Registration registration_of(std::size_t number)
{
	const Id id = id_of(number);
	// SAFETY: nobody follows this pointer; the callback compares it.
	return {id, is_own_message, reinterpret_cast<void *>(key_of(id))};
}

Messages::Messages(std::size_t callbacks, unsigned thread)
{
	constexpr std::size_t least = 4096;
	std::vector<std::uint32_t> order(callbacks);
	std::iota(order.begin(), order.end(), 0u);
	std::mt19937 random(thread + 1);
	while (messages_.size() < least || messages_.size() % batch != 0) {
		std::shuffle(order.begin(), order.end(), random);
		for (const std::uint32_t number : order) {
			cnx_message message{};
			message.id = id_of(number);
			message.seq = number;
			messages_.push_back(message);
		}
	}
}

Pinned::Pinned(unsigned cpu)
{
	cpu_set_t cpus;
	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	// Where this is not allowed, threads stay wherever the scheduler likes them, and the figures show it.
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

Pinned::~Pinned()
{
	const cpu_set_t cpus = all_cpus();
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

} // namespace cnx::bench
