// SPDX-License-Identifier: GPL-2.0-only
#include "stress/round.hpp"

#include <cerrno>
#include <latch>

#include "stress/exchange.hpp"

namespace cnx::stress
{
namespace
{

/* What the listeners of a round and who conducts it tell each other. */
struct Signals {
	explicit Signals(std::size_t listeners) : ready(static_cast<std::ptrdiff_t>(listeners)) {}

	std::latch ready;                   /* counted down by each listener, whether it could subscribe or not */
	std::atomic<bool> over{false};      /* nothing more will be sent */
	std::atomic<std::uint64_t> sent{0}; /* in all; known when it is over */
	std::atomic<bool> unknown{false};   /* how much was sent cannot be told */
	std::atomic<std::uint64_t> received{0}, lost{0}, overruns{0};
};

class Listener
{
public:
	Listener(Worker &worker, Signals &signals, ListenerPlan plan) : worker_(worker), signals_(signals), plan_(plan)
	{
	}

	void run(std::uint32_t group)
	{
		auto client = subscribe(group);
		signals_.ready.count_down();
		if (!client)
			return;
		while (!signals_.over) {
			worker_.beat();
			read(*client);
		}
		while (take(*client, client::Timeout::zero()))
			;
		settle(*client);
	}

private:
	std::optional<client::Client> subscribe(std::uint32_t group)
	{
		client::Options options;
		options.receive_buffer = plan_.receive_buffer;
		auto client = worker_.open(options);
		auto subscribed = client ? client->subscribe(group) : client::Result<void>();
		if (!client || !subscribed) {
			worker_.failed("subscribing", client ? subscribed.error() : client.error());
			return std::nullopt;
		}
		return std::move(*client);
	}

	void read(client::Client &client)
	{
		switch (plan_.pace) {
		case Pace::at_once:
			static_cast<void>(take(client, std::chrono::milliseconds(20)));
			break;
		case Pace::slow:
			for (unsigned i = 0; i < 30 && take(client, client::Timeout::zero()); ++i)
				;
			std::this_thread::sleep_for(std::chrono::milliseconds(worker_.stream().between(1, 10)));
			break;
		case Pace::stopped:
			std::this_thread::sleep_for(std::chrono::milliseconds(5));
			break;
		}
	}

	/* False: nothing came. */
	bool take(client::Client &client, client::Timeout timeout)
	{
		auto event = client.receive(timeout);
		worker_.beat();
		if (!event) {
			if (event.error().code == ETIMEDOUT)
				return false;
			if (event.error().code != EINTR)
				worker_.failed("receiving", event.error());
			return event.error().code == EINTR;
		}
		if (const auto *message = std::get_if<client::Message>(&*event); message && message->id == traffic_id) {
			/* The first mistake ends the run, and says enough. */
			if (good_)
				good_ = worker_.holds(listening_.take(*message));
		} else if (std::holds_alternative<client::Overrun>(*event)) {
			++signals_.overruns;
		}
		return true;
	}

	void settle(client::Client &client)
	{
		if (!good_ || signals_.unknown)
			return;
		const auto lost = losses_of(client);
		if (!lost) {
			worker_.failed("asking for losses", lost.error());
			return;
		}
		const auto received = listening_.received();
		auto broken = stress::settle(signals_.sent, received, *lost, 0);
		if (broken)
			broken = stress::settle(signals_.sent, received, *lost, worker_.unnamed_losses(client));
		worker_.holds(std::move(broken));
		signals_.received += received;
		signals_.lost += *lost;
	}

	Worker &worker_;
	Signals &signals_;
	ListenerPlan plan_;
	Listening listening_;
	bool good_ = true;
};

/* Has the driver send, until it has, or the run is over. How much it sent. */
client::Result<std::uint64_t> conduct(Worker &worker, Driver &driver, const RoundPlan &plan)
{
	const auto started = driver.burst(plan.burst);
	if (!started)
		return std::unexpected(started.error());
	Job job(driver, *started);
	if (plan.fault)
		if (const auto done = driver.fault(job.number(), *plan.fault); !done)
			return std::unexpected(done.error());
	std::uint64_t told = 0;
	while (worker.go_on()) {
		std::this_thread::sleep_for(std::chrono::milliseconds(10));
		const auto report = job.report();
		if (!report)
			return std::unexpected(report.error());
		worker.did(report->sent - told);
		told = report->sent;
		if (report->running == 0)
			break;
	}
	const auto last = job.stop();
	if (!last)
		return std::unexpected(last.error());
	worker.did(last->sent - told);
	return last->sent;
}

} // namespace

std::optional<Driver> open_driver(Worker &worker)
{
	client::Options options;
	options.answer_timeout = std::chrono::seconds(25);
	auto client = worker.open(options);
	if (!client) {
		worker.failed("opening a socket", client.error());
		return std::nullopt;
	}
	return Driver(std::move(*client));
}

bool play(Worker &worker, Driver &driver, const RoundPlan &plan)
{
	Signals signals(plan.listeners.size());
	std::vector<std::jthread> threads;
	bool good = true;
	threads.reserve(plan.listeners.size());
	for (unsigned i = 0; i < plan.listeners.size(); ++i)
		threads.push_back(worker.beside(
		    i + 1, [&, i](Worker &own) { Listener(own, signals, plan.listeners[i]).run(plan.burst.group); }));
	signals.ready.wait();
	const auto sent = conduct(worker, driver, plan);
	if (sent) {
		signals.sent = *sent;
	} else {
		signals.unknown = true;
		worker.failed("having the stress driver send", sent.error());
		good = false;
	}
	signals.over = true;
	threads.clear();
	worker.beat();
	worker.count("rounds");
	worker.count("sent", signals.sent);
	worker.count("received", signals.received);
	worker.count("lost and counted", signals.lost);
	worker.count("overruns", signals.overruns);
	return good;
}

} // namespace cnx::stress
