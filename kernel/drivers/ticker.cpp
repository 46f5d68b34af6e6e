// SPDX-License-Identifier: GPL-2.0-only
// A driver in C++: multicasts a counter to group 33 from softirq context, and tells who asks how far it has come.
#include "ticker.h"

#include <cnx/driver.hpp>

#include <atomic>

namespace
{

using namespace cnx;

constexpr Id ticker_id{0x21, 1};

/// What a listener of the group gets.
struct Tick {
	std::uint64_t number; // from 1 on
	std::uint64_t time;   // nanoseconds since boot
};

class Ticker
{
public:
	static constexpr cnx_kind kind = CNX_KIND_ATOMIC;

	/// Any message is the question for the last tick's number.
	int receive(const cnx_message &message, const cnx_sender &sender)
	{
		if (sender.portid == 0)
			return 0;
		const std::uint64_t number = last_.load(std::memory_order_relaxed);
		cnx_message reply = message;
		reply.ack = message.ack + 1;
		reply.length = sizeof(number);
		reply.payload = &number;
		const cnx_destination to{.net = sender.net, .portid = sender.portid};
		return cnx_send(&reply, &to, CNX_NO_SLEEP);
	}

	void tick(std::uint64_t now, unsigned count)
	{
		const cnx_destination to{.group = ticker_id.idx};
		// That nobody listens is no error for a ticker, and cnx has counted it.
		static_cast<void>(count == 1 ? tick_alone(now, to) : tick_batch(now, count, to));
	}

private:
	Status tick_alone(std::uint64_t now, const cnx_destination &to)
	{
		const Tick tick = next(now);
		return send(ticker_id, sequence(tick), tick, to, CNX_NO_SLEEP);
	}

	Status tick_batch(std::uint64_t now, unsigned count, const cnx_destination &to)
	{
		auto batch = CNX_TRY(MessageBatch::create(count * cnx_batch_room(sizeof(Tick)), CNX_NO_SLEEP));
		for (unsigned i = 0; i < count; ++i) {
			const Tick tick = next(now);
			auto reservation =
			    CNX_TRY(batch.reserve({.id = ticker_id, .seq = sequence(tick), .length = sizeof(Tick)}));
			CNX_TRY(reservation.write(tick));
			CNX_TRY(std::move(reservation).commit());
		}
		return std::move(batch).send(to);
	}

	Tick next(std::uint64_t now) { return {last_.fetch_add(1, std::memory_order_relaxed) + 1, now}; }
	/// A message's seq is its tick's number, cut to what seq holds.
	static std::uint32_t sequence(const Tick &tick) { return static_cast<std::uint32_t>(tick.number); }

	std::atomic<std::uint64_t> last_{0};
};

/// The state of the module: what ticks, and its registration, which ends first.
struct Driver {
	Ticker ticker;
	std::optional<Registration> registration;
};

constinit ModuleState<Driver> driver;

} // namespace

int ticker_start(unsigned int wait_us)
{
	Driver &state = driver.create();
	auto registration = Registration::create(ticker_id, "ticker", state.ticker,
	                                         {.sender = CNX_SENDER_ANYONE,
	                                          .open_to_listeners = true,
	                                          .coalescing = {.delay_us = wait_us, .messages = 0, .bytes = 0}});
	if (!registration) {
		driver.destroy();
		return to_errno(registration.error());
	}
	state.registration.emplace(std::move(*registration));
	return 0;
}

void ticker_stop(void)
{
	driver.destroy();
}

void ticker_tick(__u64 now, unsigned int batch)
{
	driver.get().ticker.tick(now, batch);
}
