// SPDX-License-Identifier: GPL-2.0-only
/* Programs that ask callbacks which echo, and account for every question. */
#ifndef CNX_STRESS_EXCHANGE_HPP
#define CNX_STRESS_EXCHANGE_HPP

#include <functional>

#include "stress/run.hpp"

namespace cnx::stress
{

/* The sum of a counter of cnx's over all CPUs; 0 if it cannot be read. */
std::uint64_t counter_sum(client::Client &client, cnx_counter counter);

/* What a client missed, of all callbacks. */
client::Result<std::uint64_t> losses_of(client::Client &client);

/* Whether there may be no callback at times under the id that is asked. */
enum class Refusals { unexpected, expected };

/* One socket and its questions. A mistake that it finds ends the run. */
class Asker
{
public:
	/* Nothing, and the run ends, if there is no client to be had. */
	static std::optional<Asker> open(Worker &worker, Refusals refusals = Refusals::unexpected);

	/* One datagram of `count` questions, each of `size` bytes and to the id that `to` says, and what comes of them
	 * at once. False: the run is to end. */
	bool ask(unsigned count, std::size_t size, const std::function<client::Id()> &to);
	bool ask(unsigned count, std::size_t size, client::Id id);

	/* The same without reading what comes, so that the queue fills. */
	bool send(unsigned count, std::size_t size, const std::function<client::Id()> &to);

	/* Reads what is there. */
	bool take_all();

	/* Whether all adds up, when all that is to come has come. */
	bool settle();

	/* Adds its numbers to the report. */
	void tell() const;

	client::Client &client() { return client_; }
	const Asking &books() const { return asking_; }

private:
	Asker(Worker &worker, client::Client client, Refusals refusals)
	    : worker_(&worker), client_(std::move(client)), refusals_(refusals),
	      asking_(client_.portid(), worker.number())
	{
	}
	/* One event that came within a time. ETIMEDOUT, EINTR and datagrams that were cut are none; false. */
	bool take(client::Timeout timeout);

	Worker *worker_;
	client::Client client_;
	Refusals refusals_;
	Asking asking_;
	std::uint64_t overruns_ = 0;
	bool good_ = true;
};

/* Asks one callback until the run is over, in datagrams of up to 8 questions of up to `largest` bytes, and settles. */
void ask_until_over(Worker &worker, client::Id id, std::size_t largest, Refusals refusals = Refusals::unexpected);

} // namespace cnx::stress

#endif // CNX_STRESS_EXCHANGE_HPP
