// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cerrno>
#include <random>
#include <string>
#include <utility>

#include <linux/netlink.h>

#include "client/state.hpp"

namespace cnx::client
{
namespace
{

/* Fits a batch of several largest messages; a larger datagram makes the buffer grow once. */
constexpr std::size_t initial_buffer = std::size_t{256} << 10;
constexpr std::size_t largest_buffer = std::size_t{64} << 20;

/* Events that are set aside at most while an answer is awaited. */
constexpr std::size_t most_kept = 65536;

/* How often a request is sent whose answer was lost. Its chance is good each time, since the queue was just empty. */
constexpr unsigned most_attempts = 16;

std::uint16_t netlink_flags(Answer answer)
{
	switch (answer) {
	case Answer::None:
		return 0;
	case Answer::Errors:
		return NLM_F_REQUEST;
	case Answer::Each:
	case Answer::Always:
		return NLM_F_REQUEST | NLM_F_ACK;
	}
	return 0;
}

} // namespace

Error refused(const Acknowledgement &acknowledgement)
{
	if (acknowledgement.what.empty())
		return failure(acknowledgement.code, "cnx refused the message");
	return failure(acknowledgement.code, acknowledgement.what);
}

Error no_answer(bool overrun)
{
	if (overrun)
		return {ETIMEDOUT,
		        "no answer came in time, and the receive buffer overran meanwhile, so that it may be "
		        "lost: open with a larger receive_buffer"};
	return {ETIMEDOUT, "no answer came in time: wait longer, or ask the driver why it is silent"};
}

Deadline deadline_after(Timeout timeout)
{
	if (timeout < Timeout::zero())
		return std::nullopt;
	/* More than a year is for ever, and would overflow the clock at the extreme. */
	if (timeout > std::chrono::hours(24 * 366))
		return std::nullopt;
	return std::chrono::steady_clock::now() + timeout;
}

Client::State::State(std::unique_ptr<Transport> transport_, const Options &options_)
    : transport(std::move(transport_)), options(options_), buffer(initial_buffer)
{
	/* Exchanges start somewhere else in each client, so that a stale answer is not taken for a fresh one. */
	exchange = std::random_device{}();
}

Result<Event> Client::State::next(Deadline deadline)
{
	for (;;) {
		drain();
		settle();
		if (!ahead.empty()) {
			Held held = std::move(ahead.front());
			ahead.pop_front();
			if (auto *event = std::get_if<Event>(&held))
				return std::move(*event);
			return std::unexpected(std::get<Error>(std::move(held)));
		}
		auto event = read(deadline);
		if (!event && event.error().code == ENOBUFS) {
			overflowed();
			continue;
		}
		if (!event && event.error().code == ETIMEDOUT)
			emptied();
		return event;
	}
}

void Client::State::drain()
{
	while (gap && ahead.size() < most_kept) {
		auto event = read(deadline_after(Timeout::zero()));
		if (event) {
			hold(ahead, std::move(*event));
		} else if (event.error().code == ENOBUFS) {
			overflowed();
		} else if (event.error().code == ETIMEDOUT) {
			emptied();
		} else {
			hold(ahead, std::move(event.error()));
			return;
		}
	}
}

Result<Event> Client::State::read(Deadline deadline)
{
	for (;;) {
		while (const auto item = reader.next()) {
			if (const auto *message = std::get_if<MessageView>(&*item))
				return Message{message->id,  message->seq,
				               message->ack, message->flags,
				               group,        {message->payload.begin(), message->payload.end()}};
			if (const auto *answer = std::get_if<AcknowledgementView>(&*item))
				return Acknowledgement{answer->code, answer->seq, std::string(answer->what)};
			++ignored.malformed;
		}
		reader = DatagramReader();

		if (const std::size_t whole = std::exchange(cut, 0)) {
			if (whole > buffer.size() && whole <= largest_buffer)
				buffer.resize(whole);
			return std::unexpected(Error{EMSGSIZE, "a datagram of " + std::to_string(whole) +
			                                           " bytes was cut: its last messages are lost"});
		}

		const auto datagram = transport->receive(buffer, deadline);
		if (!datagram)
			return std::unexpected(datagram.error());
		/* Any program may send to this socket; only the kernel's word counts. */
		if (datagram->sender != 0) {
			++ignored.foreign;
			continue;
		}
		if (datagram->stored < datagram->length)
			cut = datagram->length;
		group = datagram->group;
		reader = DatagramReader(std::span<const std::byte>(buffer).first(datagram->stored));
	}
}

void Client::State::settle()
{
	if (!std::exchange(unsettled, false))
		return;
	Gap all;
	std::size_t first = ahead.size();
	std::size_t end = ahead.size();
	for (std::size_t at = end; at-- > 0;) {
		if (const auto *place = std::get_if<Gap>(&ahead[at])) {
			all.uncounted |= place->uncounted;
			all.answers |= place->answers;
			first = at;
		}
	}
	if (first == end)
		return;

	/* Asking may append, gaps too. A number covers those as well; else they are left for another time. */
	const auto overrun = measure(all);
	if (!overrun || overrun->missed) {
		end = ahead.size();
		unsettled = false;
	}
	if (overrun)
		ahead[first] = Event(*overrun);
	const auto from = ahead.begin() + static_cast<std::ptrdiff_t>(first);
	const auto to = ahead.begin() + static_cast<std::ptrdiff_t>(end);
	ahead.erase(std::remove_if(from, to, [](const Held &held) { return std::holds_alternative<Gap>(held); }), to);
}

void Client::State::hold(std::deque<Held> &queue, Held item)
{
	if (queue.size() < most_kept) {
		queue.push_back(std::move(item));
		return;
	}
	const auto overrun_in = [](Held &held) {
		auto *event = std::get_if<Event>(&held);
		return event ? std::get_if<Overrun>(event) : nullptr;
	};
	if (!overrun_in(queue.back()))
		queue.emplace_back(std::in_place_type<Event>, std::in_place_type<Overrun>, Overrun{++overruns, 0});
	Overrun &last = *overrun_in(queue.back());

	/* How many more were missed, if that is known. */
	std::optional<std::uint64_t> more = 0;
	if (const auto *dropped = overrun_in(item)) {
		more = dropped->missed;
		last.count = dropped->count;
	} else if (const auto *event = std::get_if<Event>(&item)) {
		more = std::holds_alternative<Message>(*event);
	} else if (std::get<Error>(item).code == EMSGSIZE) {
		more = std::nullopt;
	}
	if (last.missed && more) {
		*last.missed += *more;
		return;
	}
	/* What is known of an unknown number is left for a later one. */
	if (told)
		*told -= last.missed.value_or(0) + more.value_or(0);
	last.missed = std::nullopt;
}

void Client::State::overflowed()
{
	++overflows;
	if (!gap)
		gap.emplace();
	gap->uncounted |= !told || !memberships.empty();
	gap->answers |= answers_due;
}

void Client::State::emptied()
{
	answers_due = false;
	if (!gap)
		return;
	auto *last = ahead.empty() ? nullptr : std::get_if<Gap>(&ahead.back());
	if (last) {
		last->uncounted |= gap->uncounted;
		last->answers |= gap->answers;
	} else if (ahead.size() < most_kept) {
		ahead.emplace_back(*gap);
		unsettled = true;
	} else {
		return; /* It is placed when there is room, where the queue is empty again. */
	}
	gap.reset();
}

std::optional<Overrun> Client::State::measure(const Gap &place)
{
	if (!place.uncounted && told) {
		if (const auto total = count_missed()) {
			/* The numbers may have wrapped, their difference has not. */
			const std::uint64_t missed = *total - *told;
			told = total;
			if (missed)
				return Overrun{++overruns, missed};
			const auto lost_unnamed = count_unnamed();
			if (lost_unnamed && *lost_unnamed == unnamed)
				return place.answers ? std::optional(Overrun{++overruns, 0}) : std::nullopt;
			unnamed = lost_unnamed.value_or(unnamed);
		}
	}
	return Overrun{++overruns, std::nullopt};
}

std::optional<std::uint64_t> Client::State::count_missed()
{
	const auto all = losses(transport->portid(), deadline_after(Timeout::zero()));
	if (!all)
		return std::nullopt;
	std::uint64_t sum = 0;
	for (const Loss &loss : *all)
		sum += loss.lost;
	return sum;
}

std::optional<std::uint64_t> Client::State::count_unnamed()
{
	const auto cpus = counters(deadline_after(Timeout::zero()));
	if (!cpus)
		return std::nullopt;
	std::uint64_t sum = 0;
	for (const Counters &counters : *cpus)
		if (counters.value.size() > CNX_LOST_UNNAMED)
			sum += counters.value[CNX_LOST_UNNAMED];
	return sum;
}

void Client::State::begin_counting()
{
	if (told)
		return;
	const auto missed = count_missed();
	const auto lost_unnamed = missed ? count_unnamed() : std::nullopt;
	if (!lost_unnamed)
		return;
	told = missed;
	unnamed = *lost_unnamed;
}

Result<Message> Client::State::ask(MessageView message, Deadline deadline, bool *repeated)
{
	for (unsigned attempt = 0; attempt < most_attempts; ++attempt) {
		if (repeated)
			*repeated = attempt != 0;
		do
			message.seq = exchange++;
		while (message.seq == 0);
		const auto number = transmit(std::span(&message, 1), Answer::Errors);
		if (!number)
			return std::unexpected(number.error());

		/* Behind an overflow netlink drops the answer without another word. */
		for (bool full = gap.has_value();;) {
			auto event = read(full ? deadline_after(Timeout::zero()) : deadline);
			if (event) {
				auto *reply = std::get_if<Message>(&*event);
				if (reply && reply->id == message.id && reply->seq == message.seq &&
				    reply->ack == message.ack + 1)
					return std::move(*reply);
				const auto *answer = std::get_if<Acknowledgement>(&*event);
				if (answer && answer->seq == *number && answer->code)
					return std::unexpected(refused(*answer));
				hold(ahead, std::move(*event));
				/* Somebody sends as fast as this reads. */
				if (full && ahead.size() >= most_kept)
					return std::unexpected(no_answer(true));
			} else if (event.error().code == ENOBUFS) {
				overflowed();
				/* The second time, all that was queued the first time has been read. */
				if (std::exchange(full, true))
					break;
			} else if (event.error().code == ETIMEDOUT) {
				emptied();
				if (!full)
					return std::unexpected(no_answer(false));
				break;
			} else if (event.error().code == EMSGSIZE || event.error().code == EINTR) {
				/* Both are for whoever receives: to stop here would leave the answer behind. */
				hold(ahead, std::move(event.error()));
			} else {
				return std::unexpected(event.error());
			}
		}
	}
	return std::unexpected(no_answer(true));
}

Result<std::uint32_t> Client::State::transmit(std::span<const MessageView> messages, Answer answer)
{
	const std::uint32_t first = netlink_seq;
	outgoing.clear();
	for (const MessageView &message : messages) {
		if (!append_message(outgoing, message, netlink_flags(answer),
		                    first + static_cast<std::uint32_t>(&message - messages.data()),
		                    transport->portid()))
			return std::unexpected(
			    Error{EMSGSIZE, "a payload of " + std::to_string(message.payload.size()) +
			                        " bytes is more than a message carries: send at "
			                        "most " +
			                        std::to_string(CNX_MAX_MESSAGE - sizeof(cnx_msg)) + " bytes at once"});
	}
	if (const auto sent = transport->transmit(outgoing); !sent)
		return std::unexpected(sent.error());
	netlink_seq += static_cast<std::uint32_t>(messages.size());
	return first;
}

Client::Client(std::unique_ptr<Transport> transport, const Options &options)
    : state_(std::make_unique<State>(std::move(transport), options))
{
	/* Without it the messages come one by one, which is no failure. */
	if (options.batches) [[maybe_unused]]
		const auto subscribed = subscribe(0);
}

Client::Client(Client &&other) noexcept = default;
Client &Client::operator=(Client &&other) noexcept = default;
Client::~Client() = default;

Result<Client> Client::open(const Options &options)
{
	auto transport = open_socket(options);
	if (!transport)
		return std::unexpected(transport.error());
	return Client(std::move(*transport), options);
}

int Client::fd() const
{
	return state_->transport->fd();
}

std::uint32_t Client::portid() const
{
	return state_->transport->portid();
}

const Ignored &Client::ignored() const
{
	return state_->ignored;
}

Result<void> Client::join(std::uint32_t group)
{
	if (group == 0)
		return std::unexpected(Error{EINVAL, "group 0 is nobody's: groups are numbered from 1"});
	if (state_->memberships.contains(group))
		return std::unexpected(Error{EEXIST, "group " + std::to_string(group) + " was joined already"});
	auto joined = subscribe(group);
	if (joined || group > CNX_GROUPS || (joined.error().code != EOPNOTSUPP && joined.error().code != ENOSPC))
		return joined;
	joined = state_->transport->join(group);
	if (joined)
		state_->memberships.insert(group);
	return joined;
}

Result<void> Client::leave(std::uint32_t group)
{
	/* Group 0 is subscribed for Options::batches, and was not joined. */
	if (group != 0 && state_->subscribed.contains(group))
		return unsubscribe(group);
	if (!state_->memberships.contains(group))
		return std::unexpected(Error{ENOENT, "group " + std::to_string(group) + " was not joined"});
	auto left = state_->transport->leave(group);
	if (left)
		state_->memberships.erase(group);
	return left;
}

Result<std::uint32_t> Client::send(const MessageView &message, Answer answer)
{
	const auto batch = send_batch(std::span(&message, 1), answer);
	if (!batch)
		return std::unexpected(batch.error());
	if (!batch->refused.empty())
		return std::unexpected(refused(batch->refused.front()));
	return batch->first;
}

Result<Client::Batch> Client::send_batch(std::span<const MessageView> messages, Answer answer)
{
	if (messages.empty())
		return Batch{state_->netlink_seq, {}};
	const auto first = state_->transmit(messages, answer);
	if (!first)
		return std::unexpected(first.error());
	Batch batch{*first, {}};
	state_->answers_due |= answer == Answer::Errors || answer == Answer::Each;
	if (answer != Answer::Always)
		return batch;

	const Deadline deadline = deadline_after(state_->options.answer_timeout);
	std::vector<bool> answered(messages.size());
	std::size_t missing = messages.size();
	const std::uint64_t overflows = state_->overflows;
	while (missing) {
		auto event = state_->next(deadline);
		if (!event)
			return std::unexpected(event.error().code == ETIMEDOUT
			                           ? no_answer(state_->overflows != overflows)
			                           : event.error());
		auto *answer_to = std::get_if<Acknowledgement>(&*event);
		/* Unsigned, so that numbers below the first are far beyond the last. */
		const std::uint32_t index = answer_to ? answer_to->seq - *first : UINT32_MAX;
		if (index >= messages.size() || answered[index]) {
			state_->keep(std::move(*event));
			continue;
		}
		answered[index] = true;
		--missing;
		if (answer_to->code)
			batch.refused.push_back(std::move(*answer_to));
	}
	return batch;
}

Result<Message> Client::request(MessageView message, Timeout timeout)
{
	/* The counter wraps past 0, which asks for a fresh number. */
	while (message.seq == 0)
		message.seq = state_->exchange++;
	const Deadline deadline = deadline_after(timeout);
	const auto number = state_->transmit(std::span(&message, 1), Answer::Errors);
	if (!number)
		return std::unexpected(number.error());

	const std::uint64_t overflows = state_->overflows;
	for (;;) {
		auto event = state_->next(deadline);
		if (!event)
			return std::unexpected(event.error().code == ETIMEDOUT
			                           ? no_answer(state_->overflows != overflows)
			                           : event.error());
		if (auto *reply = std::get_if<Message>(&*event)) {
			if (reply->id == message.id && reply->seq == message.seq && reply->ack == message.ack + 1)
				return std::move(*reply);
		} else if (const auto *answer = std::get_if<Acknowledgement>(&*event)) {
			if (answer->seq == *number && answer->code)
				return std::unexpected(refused(*answer));
		}
		state_->keep(std::move(*event));
	}
}

Result<Event> Client::receive(Timeout timeout)
{
	if (!state_->kept.empty()) {
		/* Only events are kept. */
		Event event = std::get<Event>(std::move(state_->kept.front()));
		state_->kept.pop_front();
		return event;
	}
	return state_->next(deadline_after(timeout));
}

} // namespace cnx::client
