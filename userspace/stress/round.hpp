// SPDX-License-Identifier: GPL-2.0-only
/* One burst of the driver's, and listeners who account for every message of it. */
#ifndef CNX_STRESS_ROUND_HPP
#define CNX_STRESS_ROUND_HPP

#include "stress/run.hpp"

namespace cnx::stress
{

/* How a listener reads. */
enum class Pace {
	at_once,
	slow,    /* a few at a time, with pauses */
	stopped, /* not before the burst has ended */
};

struct ListenerPlan {
	Pace pace = Pace::at_once;
	std::size_t receive_buffer = 0; /* as in client::Options */
};

struct RoundPlan {
	cnx_stress_burst burst; /* to a group, with a count */
	std::vector<ListenerPlan> listeners;
	/* What the driver is to do wrong while it sends; for the self-test. */
	std::optional<cnx_stress_faulty> fault;
};

/*
 * Subscribes the listeners, has the driver send, and compares. It ends early when the run does, and what was sent by
 * then adds up all the same. False: the run is to end.
 */
bool play(Worker &worker, Driver &driver, const RoundPlan &plan);

/* A driver with a client of its own; nothing, and the run ends, if there is none to be had. */
std::optional<Driver> open_driver(Worker &worker);

} // namespace cnx::stress

#endif // CNX_STRESS_ROUND_HPP
