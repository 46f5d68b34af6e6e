// SPDX-License-Identifier: GPL-2.0-only
// What a process event costs the process that it is about, with listeners of the kernel's process connector and of
// cnx's.
#ifndef CNX_BENCH_KERNEL_PROCEVENTS_HPP
#define CNX_BENCH_KERNEL_PROCEVENTS_HPP

#include "report.hpp"
#include "traffic.hpp"

#include <cnx/procevents.h>

#include <sys/prctl.h>

namespace cnx::bench
{

/// The event is that a process names itself, the cheapest system call that is one. What is reported is what a call
/// takes more than where nobody listens and cnx's driver is not loaded.
class ProcessEvents
{
public:
	explicit ProcessEvents(Mode mode) : mode_(std::move(mode)) {}

	void run()
	{
		idle_ = median(measure({}, 1));
		report(mode_, "procevents/nobody", {static_cast<std::uint64_t>(idle_)}, 1);
		for (const unsigned listeners : {1u, 2u, 16u})
			with_listeners("connector", listeners, CNX_PROC_ALL, false);
		if (test::load_module("cnx_procevents") != 0)
			test::give_up("cnx_procevents could not be loaded");
		with_listeners("cnx", 0, CNX_PROC_ALL, false);
		with_listeners("cnx", 1, CNX_PROC_ALL & ~CNX_PROC_COMM, false);
		for (const unsigned listeners : {1u, 2u, 16u}) {
			with_listeners("cnx", listeners, CNX_PROC_ALL, false);
			with_listeners("cnx", listeners, CNX_PROC_ALL, true);
		}
		if (!test::eventually([] { return test::unload_module("cnx_procevents") == 0; }))
			test::give_up("cnx_procevents could not be unloaded");
	}

private:
	static constexpr unsigned room = 50; // events that wait at a listener until they are taken
	/// Enough for a step to meet with several of the datagrams that events wait for each other in.
	static constexpr unsigned batched_round = 200;
	static constexpr unsigned batch = 32; // as it is called; that many and a few more are in a datagram

	static test::Socket listener(const std::string &bus, std::uint32_t events, bool batches)
	{
		test::Socket socket = listener_of(bus, Listening::member, CNX_PROC_IDX);
		if (batches && test::ask(socket, CNX_CONTROL_SUBSCRIBE, {0, 0}, CNX_SUBSCRIBE_BATCHES).error)
			test::give_up("batches could not be asked for");
		// The kernel of Debian 12 knows the short request alone.
		const std::uint32_t request[] = {CNX_PROC_LISTEN, events};
		say(socket, bus == "connector" ? std::span(request).first(1) : std::span(request));
		return socket;
	}

	static void say(const test::Socket &socket, std::span<const std::uint32_t> request)
	{
		test::Bytes payload(request.size_bytes());
		std::memcpy(payload.data(), request.data(), payload.size());
		if (socket.send(test::one({CNX_PROC_IDX, CNX_PROC_VAL}, 1, payload)) != 0)
			test::give_up("a request to listen could not be sent");
	}

	Samples measure(const std::vector<test::Socket> &sockets, unsigned round, unsigned expected = 0)
	{
		const Plan plan = mode_.plan(room);
		const unsigned repetitions = mode_.counts() ? round : std::max(round, plan.round);
		const unsigned at_once = std::max(1u, room / repetitions); // steps
		Samples samples;
		// The first ones are for the sake of caches, and of whatever learns from them what is needed.
		for (unsigned warm = 0; warm < 20 || samples.size() < plan.steps / round; ++warm) {
			for (unsigned step = 0; step < at_once; ++step) {
				const std::uint64_t start = mode_.now();
				for (unsigned i = 0; i < repetitions; ++i)
					::prctl(PR_SET_NAME, "named");
				if (const std::uint64_t took = mode_.now() - start; warm >= 20)
					samples.push_back(took);
			}
			for (const test::Socket &socket : sockets) {
				if (take_all(socket) < expected)
					test::give_up("an event did not arrive");
			}
		}
		return samples;
	}

	void with_listeners(const std::string &bus, unsigned count, std::uint32_t events, bool batches)
	{
		std::vector<test::Socket> sockets;
		for (unsigned i = 0; i < count; ++i)
			sockets.push_back(listener(bus, events, batches));
		for (const test::Socket &socket : sockets)
			take_all(socket);
		const bool excluded = !(events & CNX_PROC_COMM);
		const unsigned round = batches ? batched_round : 1;
		Samples samples = measure(sockets, round, excluded || count == 0 ? 0 : batches ? 1 : room);
		// A look at the clock may vary by more than what is left.
		for (std::uint64_t &sample : samples)
			sample -= std::min(sample - 1, static_cast<std::uint64_t>(idle_ * round));
		report(mode_,
		       "procevents/" + bus + (excluded ? "/excluding:" : "/listeners:") + std::to_string(count) +
		           "/batch:" + std::to_string(batches ? batch : 1),
		       std::move(samples), round);
		// The kernel's connector counts those who listen, and forgets none by itself.
		const std::uint32_t ignore = CNX_PROC_IGNORE;
		for (const test::Socket &socket : sockets)
			say(socket, {&ignore, 1});
	}

	static double median(Samples samples)
	{
		std::sort(samples.begin(), samples.end());
		return static_cast<double>(samples[samples.size() / 2]);
	}

	Mode mode_;
	double idle_ = 0; // a system call's cost
};

} // namespace cnx::bench

#endif // CNX_BENCH_KERNEL_PROCEVENTS_HPP
