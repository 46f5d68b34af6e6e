// SPDX-License-Identifier: GPL-2.0-only
#include "stress/books.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace cnx::stress
{
namespace
{

template <class T>
std::optional<T> head_of(std::span<const std::byte> payload)
{
	T head;
	if (payload.size() < sizeof(head))
		return std::nullopt;
	std::memcpy(&head, payload.data(), sizeof(head));
	return head;
}

/* Whether each byte from `begin` on is the low byte of the number and its place. */
bool filled(std::span<const std::byte> payload, std::size_t begin, std::uint64_t number)
{
	for (std::size_t i = begin; i < payload.size(); ++i)
		if (payload[i] != static_cast<std::byte>(number + (i - begin)))
			return false;
	return true;
}

Broken broken(const char *invariant, std::string expected, std::string seen)
{
	return {{}, invariant, std::move(expected), std::move(seen)};
}

Broken spoiled(const client::Message &message)
{
	return broken(whole_payload, "a payload whose bytes follow from its number",
	              fmt::format("other bytes, in a message of {}:{} with seq {} and {} bytes", message.id.idx,
	                          message.id.val, message.seq, message.payload.size()));
}

} // namespace

std::optional<Broken> Listening::take(const client::Message &message)
{
	const auto head = head_of<cnx_stress_message>(message.payload);
	if (!head || message.seq != static_cast<std::uint32_t>(head->number) ||
	    !filled(message.payload, sizeof(*head), head->number))
		return spoiled(message);
	auto &sender = senders_[{head->job, head->thread}];
	const auto last = sender.last();
	if (sender.take(head->number))
		return std::nullopt;
	return broken(order_per_sender,
	              fmt::format("a number above {} from thread {} of job {}", last, head->thread, head->job),
	              fmt::format("{}", head->number));
}

std::uint64_t Listening::received() const
{
	std::uint64_t sum = 0;
	for (const auto &[sender, sequence] : senders_)
		sum += sequence.taken();
	return sum;
}

std::optional<Broken> settle(std::uint64_t sent, std::uint64_t received, std::uint64_t lost, std::uint64_t unnamed)
{
	if (received + lost <= sent && sent - (received + lost) <= unnamed)
		return std::nullopt;
	return broken(all_accounted_for, fmt::format("{} sent", sent),
	              fmt::format("{} received + {} counted lost = {}{}", received, lost, received + lost,
	                          unnamed ? fmt::format(", and at most {} losses without a name", unnamed) : ""));
}

std::vector<std::byte> write_question(const Question &question, std::size_t size)
{
	std::vector<std::byte> payload(std::max(size, sizeof(question)));
	std::memcpy(payload.data(), &question, sizeof(question));
	for (std::size_t i = sizeof(question); i < payload.size(); ++i)
		payload[i] = static_cast<std::byte>(question.number + (i - sizeof(question)));
	return payload;
}

std::vector<std::byte> Asking::ask(std::size_t size)
{
	++asked_;
	return write_question({portid_, worker_, ++number_}, size);
}

std::optional<Broken> Asking::take(const client::Message &message, client::Id id)
{
	const auto question = head_of<Question>(message.payload);
	if (!question || message.id != id || message.ack != 1 ||
	    message.seq != static_cast<std::uint32_t>(question->number) ||
	    !filled(message.payload, sizeof(*question), question->number))
		return spoiled(message);
	if (question->portid != portid_ || question->worker != worker_)
		return broken(right_portid, fmt::format("a reply to portid {}", portid_),
		              fmt::format("one to what portid {} asked", question->portid));
	const auto last = replies_.last();
	if (question->number > number_ || !replies_.take(question->number))
		return broken(order_per_sender, fmt::format("a reply to a question from {} to {}", last + 1, number_),
		              fmt::format("one to question {}", question->number));
	return std::nullopt;
}

std::optional<Broken> Asking::settle(std::uint64_t lost, std::uint64_t unnamed) const
{
	return stress::settle(asked_ - refused_, replies(), lost, unnamed);
}

} // namespace cnx::stress
