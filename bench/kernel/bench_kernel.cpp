// SPDX-License-Identifier: GPL-2.0-only
// The half of the in-kernel benchmark that runs in user space: it listens, sends, and has the module send. Prints a
// line of JSON for each measurement.
//	bench_kernel icount|uml|kvm [brief]
#include "module.hpp"
#include "procevents.hpp"
#include "traffic.hpp"

namespace
{

using namespace cnx::bench;
using cnx::test::give_up;

class Benchmark
{
public:
	explicit Benchmark(Mode mode) : mode_(std::move(mode)) {}

	void run()
	{
		// User-mode Linux with several CPUs switches interrupts by system calls, which would hide all else.
		// What it has to show is how senders on several CPUs get on with each other.
		const bool for_senders = !mode_.has_true_system_calls() && cpus() > 1;
		for (const std::string bus : {"cnx", "connector"}) {
			receive_beside_others(bus);
			if (for_senders)
				continue;
			receive_all(bus);
			send_all(bus);
			register_callbacks(bus);
			deliver_all(bus);
		}
		if (!for_senders)
			local();
		// User-mode Linux has neither the kernel's process connector nor what cnx's hooks take.
		if (mode_.has_true_system_calls())
			ProcessEvents(mode_).run();
	}

private:
	/// The sizes of datagrams that a bus has.
	static std::vector<unsigned> batches(const std::string &bus)
	{
		return bus == "cnx" ? std::vector{1u, 32u} : std::vector{1u};
	}

	void receive_all(const std::string &bus)
	{
		for (const unsigned callbacks : {1u, 16u, 1000u}) {
			for (const unsigned batch : batches(bus)) {
				if (mode_.has_true_system_calls())
					receive(bus, callbacks, batch);
				else
					receive_in_kernel(bus, callbacks, batch, 1, "");
			}
		}
	}

	[[nodiscard]] static unsigned cpus()
	{
		return static_cast<unsigned>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
	}

	/// One sender, and two at once; with one CPU, two would only wait for each other.
	void receive_beside_others(const std::string &bus)
	{
		for (const unsigned callbacks : {1u, 1000u}) {
			for (unsigned senders = 1; cpus() > 1 && senders <= 2; ++senders)
				receive_in_kernel(bus, callbacks, 1, senders, "/senders:" + std::to_string(senders));
		}
	}

	void send_all(const std::string &bus)
	{
		for (const unsigned listeners : {0u, 1u, 2u, 16u}) {
			for (const unsigned batch : batches(bus))
				send(bus, listeners, batch);
		}
		// cnx's own way to listen, which its client library takes.
		for (const unsigned subscribers : {1u, 2u, 16u}) {
			for (const unsigned batch : batches(bus)) {
				if (bus == "cnx")
					send(bus, subscribers, batch, Listening::subscriber);
			}
		}
	}

	void deliver_all(const std::string &bus)
	{
		for (const unsigned listeners : {1u, 2u, 16u}) {
			for (const unsigned batch : batches(bus))
				deliver(bus, listeners, batch);
		}
	}

	/// Times `repetition` by the plan.
	template <typename Repetition>
	Samples measure(Plan plan, const Repetition &repetition)
	{
		Samples samples;
		for (unsigned step = 0; step < plan.steps; ++step) {
			const std::uint64_t start = mode_.now();
			for (unsigned i = 0; i < plan.round; ++i)
				repetition();
			samples.push_back(mode_.now() - start);
		}
		return samples;
	}

	static std::string receive_name(const std::string &bus, unsigned callbacks, unsigned batch)
	{
		return "receive/" + bus + "/callbacks:" + std::to_string(callbacks) + "/batch:" + std::to_string(batch);
	}

	/// From a system call to the callback.
	void receive(const std::string &bus, unsigned callbacks, unsigned batch)
	{
		const Plan plan = mode_.plan(100);
		module_.command(line("register", bus, callbacks, 1));
		const cnx::test::Socket socket = socket_of(bus);
		const auto all = datagrams(callbacks, batch);
		unsigned long sent = 0;
		const Samples ticks = measure(plan, [&] {
			// A prime is a stride that comes by all of them, and not in the order in which they lie.
			const auto &next = all[sent++ * 7919 % callbacks];
			if (::send(socket.fd(), next.data(), next.size(), 0) < 0)
				give_up("a message could not be sent");
		});
		report(mode_, receive_name(bus, callbacks, batch), ticks, plan.round, batch);
	}

	/// The same from inside the kernel. With several senders, each has a CPU, and the time is that of a message as
	/// its own sender sees it.
	void receive_in_kernel(const std::string &bus, unsigned callbacks, unsigned batch, unsigned senders,
	                       const std::string &suffix)
	{
		const Plan plan = mode_.plan(1000);
		module_.command(line("register", bus, callbacks, 1));
		module_.command(line("receive", bus, protocol_of(bus), senders, plan.steps, plan.round, batch));
		report(mode_, receive_name(bus, callbacks, batch) + suffix, module_.ticks(), plan.round, batch);
	}

	void send(const std::string &bus, unsigned listeners, unsigned batch, Listening listening = Listening::member)
	{
		constexpr unsigned room = 50; // datagrams that wait at a listener until they are taken
		const Plan plan = mode_.plan(listeners == 0 ? 1000 : room);
		module_.command(line("register", bus, 1, 1));
		const auto sockets = listeners_of(bus, listeners, listening);
		const unsigned at_once = std::max(1u, room / plan.round); // steps
		const std::string command = line("send", bus, group, at_once, plan.round, batch);
		const auto send_some = [&] {
			module_.command(command);
			for (const auto &socket : sockets) {
				if (take_all(socket) != at_once * plan.round)
					give_up("a message did not arrive");
			}
			return module_.ticks();
		};
		// The first ones are for the sake of caches, and of whatever learns from them what is needed.
		for (unsigned warm = 0; warm < 60; ++warm)
			send_some();
		Samples ticks;
		while (ticks.size() < plan.steps) {
			const Samples more = send_some();
			ticks.insert(ticks.end(), more.begin(), more.end());
		}
		const std::string kind = listening == Listening::member ? "/listeners:" : "/subscribers:";
		report(mode_, "send/" + bus + kind + std::to_string(listeners) + "/batch:" + std::to_string(batch),
		       ticks, plan.round, batch);
	}

	/// From the kernel to user space: one datagram is asked for, sent, and read by all listeners, before the next
	/// is.
	void deliver(const std::string &bus, unsigned listeners, unsigned batch)
	{
		const Plan plan = mode_.plan(20, 100);
		const auto sockets = listeners_of(bus, listeners);
		const auto take = [&] {
			for (const auto &socket : sockets) {
				if (take_one(socket) != batch)
					give_up("a message did not arrive");
			}
		};
		module_.command(line("send", bus, group, 1, 1, batch));
		take();
		const Samples ticks = measure(plan, [&] {
			module_.command("again");
			take();
		});
		report(mode_,
		       "deliver/" + bus + "/listeners:" + std::to_string(listeners) + "/batch:" + std::to_string(batch),
		       ticks, plan.round, batch);
	}

	void register_callbacks(const std::string &bus)
	{
		const unsigned round = mode_.counts() ? 1 : 10;
		module_.command(line("register", bus, 1000 / round, round));
		report(mode_, "register/" + bus, module_.ticks(), round);
	}

	void local()
	{
		const Plan plan = mode_.plan(1000);
		module_.command(line("local", "cnx", plan.steps, plan.round));
		report(mode_, "local/cnx", module_.ticks(), plan.round);
	}

	Mode mode_;
	Module module_;
};

} // namespace

int main(int count, char **arguments)
{
	const Mode mode(count > 1 ? arguments[1] : "", count > 2 && std::string_view(arguments[2]) == "brief");
	if (!mode.known()) {
		std::fprintf(stderr, "usage: bench_kernel icount|uml|kvm [brief]\n");
		return 2;
	}
	Benchmark(mode).run();
}
