// SPDX-License-Identifier: GPL-2.0-only
#include "measure/measurement.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <latch>
#include <thread>

#include <fmt/format.h>

#include "stress/driver.hpp"

namespace cnx::measure
{
namespace
{

using Clock = std::chrono::steady_clock; /* CLOCK_MONOTONIC, which the driver reads too */

constexpr std::uint32_t group = CNX_STRESS_IDX + 3;
constexpr std::uint32_t paced_rate = 1000;
constexpr std::size_t listener_buffer = std::size_t{8} << 20;

std::uint64_t now_ns()
{
	return static_cast<std::uint64_t>(
	    std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count());
}

double since(std::uint64_t begin)
{
	return static_cast<double>(now_ns() - begin) * 1e-9;
}

/* Whether a measurement that began then is to go on. */
bool goes_on(const Bench &bench, std::uint64_t begin)
{
	return since(begin) < bench.time.count() && !bench.interrupted();
}

client::Result<stress::Driver> open_driver(const Bench &bench)
{
	auto client = bench.open({});
	if (!client)
		return std::unexpected(client.error());
	return stress::Driver(std::move(*client));
}

client::Result<Measurement> round_trip(const Bench &bench)
{
	auto client = bench.open({});
	if (!client)
		return std::unexpected(client.error());
	Measurement result;
	bench::Latencies latencies;
	std::array<std::byte, 64> payload{};
	const auto begin = now_ns();
	while (goes_on(bench, begin)) {
		const auto sent = now_ns();
		const auto reply = client->request({stress::echo_id, 0, 0, 0, payload}, std::chrono::seconds(2));
		++result.sent;
		if (reply) {
			latencies.add(now_ns() - sent);
			++result.received;
		} else if (reply.error().code == ETIMEDOUT) {
			++result.lost;
		} else if (reply.error().code != EINTR) {
			return std::unexpected(reply.error());
		}
	}
	result.seconds = since(begin);
	result.latency = percentiles_of(latencies);
	return result;
}

/* The callback has run when a send returns, so that a send's time is the latency of the datagram. */
client::Result<Measurement> to_kernel(const Bench &bench, unsigned batch)
{
	auto driver = open_driver(bench);
	if (!driver)
		return std::unexpected(driver.error());
	auto client = bench.open({});
	if (!client)
		return std::unexpected(client.error());
	const auto before = driver->report(0);
	if (!before)
		return std::unexpected(before.error());
	Measurement result;
	bench::Latencies latencies;
	const std::array<std::byte, 64> payload{};
	const std::vector<client::MessageView> messages(batch, {stress::sink_id, 1, 0, 0, payload});
	const auto begin = now_ns();
	while (goes_on(bench, begin)) {
		const auto start = now_ns();
		if (const auto sent = client->send_batch(messages); !sent)
			return std::unexpected(sent.error());
		latencies.add(now_ns() - start);
		result.sent += batch;
	}
	result.seconds = since(begin);
	const auto after = driver->report(0);
	if (!after)
		return std::unexpected(after.error());
	result.received = std::min<std::uint64_t>(result.sent, after->sunk - before->sunk);
	result.lost = result.sent - result.received;
	result.latency = percentiles_of(latencies);
	return result;
}

/* One listener's share. */
struct Heard {
	std::uint64_t received = 0;
	std::uint64_t lost = 0;
	bench::Latencies latencies;
	client::Error error;
};

/* Receives until nothing more is sent and all that was has been read. */
void listen(client::Client &client, const std::atomic<bool> &over, Heard &heard)
{
	for (;;) {
		const bool last = over;
		auto event = client.receive(last ? client::Timeout::zero() : std::chrono::milliseconds(10));
		if (!event) {
			if (event.error().code == ETIMEDOUT && last)
				break;
			if (event.error().code != ETIMEDOUT && event.error().code != EINTR) {
				heard.error = event.error();
				return;
			}
			continue;
		}
		const auto *message = std::get_if<client::Message>(&*event);
		cnx_stress_message head;
		if (!message || message->id != stress::traffic_id || message->payload.size() < sizeof(head))
			continue;
		std::memcpy(&head, message->payload.data(), sizeof(head));
		++heard.received;
		heard.latencies.add(now_ns() - head.time_ns);
	}
	const auto losses = client.losses();
	if (!losses) {
		heard.error = losses.error();
		return;
	}
	for (const auto &loss : *losses)
		heard.lost += loss.lost;
}

/* A burst of the driver's to clients that read as fast as they can. */
client::Result<Measurement> hear(const Bench &bench, cnx_stress_burst order, std::vector<client::Client> clients)
{
	auto driver = open_driver(bench);
	if (!driver)
		return std::unexpected(driver.error());
	std::atomic<bool> over{false};
	std::vector<Heard> heard(clients.size());
	std::vector<std::jthread> threads;
	threads.reserve(clients.size());
	for (std::size_t i = 0; i < clients.size(); ++i)
		threads.emplace_back([&, i] { listen(clients[i], over, heard[i]); });
	const auto begin = now_ns();
	const auto started = driver->burst(order);
	client::Result<stress::Report> last = started;
	if (started) {
		stress::Job job(*driver, *started);
		while (goes_on(bench, begin)) {
			std::this_thread::sleep_for(std::chrono::milliseconds(10));
			/* Who starts a job has to show that he is still there. */
			[[maybe_unused]] const auto report = job.report();
		}
		last = job.stop();
	}
	Measurement result;
	result.seconds = since(begin);
	over = true;
	threads.clear();
	if (!last)
		return std::unexpected(last.error());
	result.sent = last->sent * clients.size();
	bench::Latencies latencies;
	for (auto &one : heard) {
		if (one.error.code)
			return std::unexpected(one.error);
		result.received += one.received;
		result.lost += one.lost;
		latencies.add(one.latencies);
	}
	result.latency = percentiles_of(latencies);
	return result;
}

client::Result<Measurement> to_user(const Bench &bench, unsigned batch, std::uint32_t rate)
{
	client::Options options;
	options.receive_buffer = listener_buffer;
	auto client = bench.open(options);
	if (!client)
		return std::unexpected(client.error());
	auto order = stress::burst_of(0, 64);
	order.portid = client->portid();
	order.batch = batch;
	order.rate = rate;
	order.flags = CNX_STRESS_LOSSLESS;
	std::vector<client::Client> clients;
	clients.push_back(std::move(*client));
	return hear(bench, order, std::move(clients));
}

client::Result<Measurement> to_listeners(const Bench &bench, unsigned listeners)
{
	client::Options options;
	options.receive_buffer = listener_buffer;
	std::vector<client::Client> clients;
	for (unsigned i = 0; i < listeners; ++i) {
		auto client = bench.open(options);
		if (!client)
			return std::unexpected(client.error());
		if (const auto subscribed = client->subscribe(group); !subscribed)
			return std::unexpected(subscribed.error());
		clients.push_back(std::move(*client));
	}
	auto order = stress::burst_of(0, 64);
	order.group = group;
	return hear(bench, order, std::move(clients));
}

} // namespace

Percentiles percentiles_of(const bench::Latencies &latencies)
{
	return {latencies.quantile(0.5), latencies.quantile(0.99), latencies.quantile(0.999), latencies.largest()};
}

std::vector<MeasurementKind> measurement_kinds()
{
	std::vector<MeasurementKind> kinds{
	    {"round-trip", "round-trip", "a question to a callback and its reply, one at a time", round_trip},
	    {"to-kernel", "to-kernel", "one message after the other to a callback",
	     [](const Bench &bench) { return to_kernel(bench, 1); }},
	    {"to-user", "to-user", "as fast as one program reads, without loss: the latency is that of a full queue",
	     [](const Bench &bench) { return to_user(bench, 1, 0); }},
	    {"to-user", "to-user/paced", fmt::format("{} messages a second to one program", paced_rate),
	     [](const Bench &bench) { return to_user(bench, 1, paced_rate); }},
	};
	for (const unsigned batch : {4, 16, 64})
		kinds.push_back({"batch", fmt::format("to-kernel/batch:{}", batch),
		                 fmt::format("to a callback, {} messages in a datagram, whose latency it is", batch),
		                 [batch](const Bench &bench) { return to_kernel(bench, batch); }});
	for (const unsigned batch : {4, 16, 64})
		kinds.push_back({"batch", fmt::format("to-user/batch:{}", batch),
		                 fmt::format("to one program without loss, {} messages in a datagram", batch),
		                 [batch](const Bench &bench) { return to_user(bench, batch, 0); }});
	for (const unsigned listeners : {1, 2, 4, 8, 16})
		kinds.push_back(
		    {"listeners", fmt::format("listeners:{}", listeners),
		     fmt::format("multicast to {} as fast as the driver sends, with the loss that this brings",
		                 listeners),
		     [listeners](const Bench &bench) { return to_listeners(bench, listeners); }});
	return kinds;
}

} // namespace cnx::measure
