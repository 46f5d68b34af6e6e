// SPDX-License-Identifier: GPL-2.0-only
#include "stress/exchange.hpp"

#include <cerrno>

namespace cnx::stress
{
namespace
{

/* How long a reply may take that does not come before the sending call returns. */
constexpr auto lateness = std::chrono::seconds(5);

} // namespace

std::uint64_t counter_sum(client::Client &client, cnx_counter counter)
{
	std::uint64_t sum = 0;
	if (const auto cpus = client.counters())
		for (const auto &cpu : *cpus)
			sum += counter < cpu.value.size() ? cpu.value[counter] : 0;
	return sum;
}

client::Result<std::uint64_t> losses_of(client::Client &client)
{
	const auto losses = client.losses();
	if (!losses)
		return std::unexpected(losses.error());
	std::uint64_t sum = 0;
	for (const auto &loss : *losses)
		sum += loss.lost;
	return sum;
}

std::optional<Asker> Asker::open(Worker &worker, Refusals refusals)
{
	auto client = worker.open();
	if (!client) {
		worker.failed("opening a socket", client.error());
		return std::nullopt;
	}
	return Asker(worker, std::move(*client), refusals);
}

bool Asker::ask(unsigned count, std::size_t size, const std::function<client::Id()> &to)
{
	return send(count, size, to) && take_all();
}

bool Asker::ask(unsigned count, std::size_t size, client::Id id)
{
	return ask(count, size, [id] { return id; });
}

bool Asker::send(unsigned count, std::size_t size, const std::function<client::Id()> &to)
{
	std::vector<std::vector<std::byte>> payloads;
	std::vector<client::MessageView> messages;
	const auto first = asking_.asked();
	for (unsigned i = 0; i < count; ++i) {
		payloads.push_back(asking_.ask(size));
		messages.push_back({to(), static_cast<std::uint32_t>(first + i + 1), 0, 0, payloads.back()});
	}
	const auto sent = client_.send_batch(messages, client::Answer::Errors);
	if (!sent) {
		worker_->failed("sending a datagram", sent.error());
		return good_ = false;
	}
	worker_->did(count);
	return true;
}

bool Asker::take(client::Timeout timeout)
{
	auto event = client_.receive(timeout);
	worker_->beat();
	if (!event) {
		const int code = event.error().code;
		if (code == ETIMEDOUT)
			return false;
		if (code != EINTR) {
			worker_->failed("receiving", event.error());
			good_ = false;
		}
		return good_;
	}
	if (const auto *message = std::get_if<client::Message>(&*event)) {
		good_ &= worker_->holds(asking_.take(*message, message->id));
	} else if (const auto *answer = std::get_if<client::Acknowledgement>(&*event)) {
		/* A callback that could not reply says so, and cnx has counted the reply as lost. */
		if (answer->code == ENODEV && refusals_ == Refusals::expected)
			asking_.refused();
		else if (answer->code != EAGAIN && answer->code != ENOBUFS && answer->code != ENOMEM) {
			worker_->failed("asking an echo", {answer->code, answer->what});
			good_ = false;
		}
	} else {
		++overruns_;
	}
	return good_;
}

bool Asker::take_all()
{
	while (take(client::Timeout::zero()))
		;
	return good_;
}

bool Asker::settle()
{
	const auto deadline = Clock::now() + lateness;
	for (;;) {
		if (!take_all())
			return false;
		const auto lost = losses_of(client_);
		if (!lost) {
			worker_->failed("asking for losses", lost.error());
			return good_ = false;
		}
		auto broken = asking_.settle(*lost, 0);
		if (broken)
			broken = asking_.settle(*lost, worker_->unnamed_losses(client_));
		if (!broken)
			return true;
		if (Clock::now() > deadline)
			return good_ = worker_->holds(std::move(broken));
		static_cast<void>(take(std::chrono::milliseconds(100)));
	}
}

void Asker::tell() const
{
	worker_->count("asked", asking_.asked());
	worker_->count("replies", asking_.replies());
	worker_->count("refused", asking_.refusals());
	worker_->count("lost and counted", asking_.asked() - asking_.refusals() - asking_.replies());
	worker_->count("overruns", overruns_);
}

void ask_until_over(Worker &worker, client::Id id, std::size_t largest, Refusals refusals)
{
	auto asker = Asker::open(worker, refusals);
	auto &stream = worker.stream();
	while (asker && worker.go_on())
		if (!asker->ask(static_cast<unsigned>(stream.between(1, 8)), stream.between(sizeof(Question), largest),
		                id))
			return;
	if (asker && asker->settle())
		asker->tell();
}

} // namespace cnx::stress
