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

std::uint16_t netlink_flags(Answer answer)
{
	switch (answer) {
	case Answer::None:
		return 0;
	case Answer::Errors:
		return NLM_F_REQUEST;
	case Answer::Always:
		return NLM_F_REQUEST | NLM_F_ACK;
	}
	return 0;
}

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

} // namespace

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
		if (!datagram) {
			if (datagram.error().code == ENOBUFS)
				return Overrun{++overruns};
			return std::unexpected(datagram.error());
		}
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

void Client::State::keep(Event event)
{
	if (kept.size() < most_kept)
		kept.push_back(std::move(event));
	else if (!std::holds_alternative<Overrun>(kept.back()))
		kept.back() = Overrun{++overruns};
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
	if (group <= CNX_GROUPS) {
		auto joined = state_->transport->join(group);
		/* EINVAL says that this protocol's table ends before the group; a subscription still reaches it. */
		if (joined || joined.error().code != EINVAL)
			return joined;
	}
	return subscribe(group);
}

Result<void> Client::leave(std::uint32_t group)
{
	if (state_->subscribed.contains(group))
		return unsubscribe(group);
	if (group == 0 || group > CNX_GROUPS)
		return std::unexpected(Error{ENOENT, "group " + std::to_string(group) + " was not joined"});
	return state_->transport->leave(group);
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
	if (answer != Answer::Always)
		return batch;

	const Deadline deadline = deadline_after(state_->options.answer_timeout);
	std::vector<bool> answered(messages.size());
	std::size_t missing = messages.size();
	bool overrun = false;
	while (missing) {
		auto event = state_->next(deadline);
		if (!event)
			return std::unexpected(event.error().code == ETIMEDOUT ? no_answer(overrun) : event.error());
		overrun |= std::holds_alternative<Overrun>(*event);
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

	bool overrun = false;
	for (;;) {
		auto event = state_->next(deadline);
		if (!event)
			return std::unexpected(event.error().code == ETIMEDOUT ? no_answer(overrun) : event.error());
		if (auto *reply = std::get_if<Message>(&*event)) {
			if (reply->id == message.id && reply->seq == message.seq && reply->ack == message.ack + 1)
				return std::move(*reply);
		} else if (const auto *answer = std::get_if<Acknowledgement>(&*event)) {
			if (answer->seq == *number && answer->code)
				return std::unexpected(refused(*answer));
		} else {
			overrun = true;
		}
		state_->keep(std::move(*event));
	}
}

Result<Event> Client::receive(Timeout timeout)
{
	if (!state_->kept.empty()) {
		Event event = std::move(state_->kept.front());
		state_->kept.pop_front();
		return event;
	}
	return state_->next(deadline_after(timeout));
}

} // namespace cnx::client
